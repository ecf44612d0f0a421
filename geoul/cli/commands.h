// The commands of geoul: each adds itself to the parser and, when it was asked for, runs and returns the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <functional>

#include "geoul/runtime/jobs.h"

namespace geoul::cli {

enum ExitCode {
  kDone = 0,      // done, and every bound kept
  kShort = 1,     // the check ran, and something is short of its bound, or a file has errors
  kBadUsage = 2,  // bad input or usage: nothing was written
  kDefect = 3,    // a defect of geoul
};

// Set by Ctrl-C.
extern std::atomic<bool> stop_requested;

using Command = std::function<int()>;
Command add_run(CLI::App& app);
Command add_simulate(CLI::App& app);
Command add_check(CLI::App& app);
Command add_convert(CLI::App& app);
Command add_identify(CLI::App& app);
Command add_link(CLI::App& app);
Command add_site(CLI::App& app);
Command add_history(CLI::App& app);
Command add_user(CLI::App& app);
Command add_anomalies(CLI::App& app);
Command add_what_if(CLI::App& app);

// Options of how scene files are read: --hulls, --xacro-arg, --srdf.
void add_read_options(CLI::App& command, runtime::ReadOptions& options);

}  // namespace geoul::cli
