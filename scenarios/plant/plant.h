// What the protocols of geoul_plant share: rows of recordings and their pace. A protocol is a source of its own, with a
// function that declares its options, named in main.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::plant {

struct PlayOptions {
  std::vector<std::string> files;  // CSV, played one after the other
  std::string time_column = "timestamp";
  double time_unit = 1;              // [s] of one unit of the time column
  std::vector<std::string> columns;  // empty: all that hold numbers alone
  double speed = 1;                  // recorded seconds a second
  double longest_gap = 1;            // [s] longer pauses, as between files, are cut to it
  bool loop = false;                 // from the start again, until it is stopped
};
void add_play_options(CLI::App& app, PlayOptions& options);

// Value of column c in row r: values[r * columns.size() + c].
struct Rows {
  std::vector<std::string> columns;
  std::vector<Duration> pause;  // (nrow) before each row, at speed 1
  std::vector<double> values;   // (nrow x ncolumn)

  std::size_t count() const { return pause.size(); }
  std::span<const double> row(std::size_t r) const {
    return std::span(values).subspan(r * columns.size(), columns.size());
  }
};
// Columns that are not numbers throughout are left out, and named on standard error.
Result<Rows> read_rows(const PlayOptions& options);

// From now on SIGINT and SIGTERM only tell the process to end. play() calls it.
void end_on_signals();
bool is_told_to_end();

// Calls `emit` for each row when its time has come, with that time on this machine's clock, until all rows are played,
// emit returns false, or the process is told to end (SIGINT, SIGTERM). Returns how many were played.
std::size_t play(const Rows& rows, const PlayOptions& options,
                 const std::function<bool(std::span<const double>, Time)>& emit);

// Each declares its options, and returns what runs when it is chosen; that returns the exit code.
using Protocol = std::function<int()>;
Protocol add_mqtt(CLI::App& app);
Protocol add_ros(CLI::App& app);
Protocol add_rtde(CLI::App& app);
Protocol add_machine(CLI::App& app);

}  // namespace geoul::plant
