// What the command line shows while it works: on standard error, and lines that redraw themselves only on a terminal.
#pragma once

#include <string>
#include <vector>

#include "geoul/runtime/jobs.h"

namespace geoul::cli {

class Terminal {
 public:
  explicit Terminal(bool quiet);  // quiet: errors only
  ~Terminal();

  void say(const std::string& line);
  void progress(double fraction, const std::string& what);
  void status(const runtime::ClockStatus& status);
  // The status and a line for each figure; those beyond their bound are marked.
  void table(const runtime::ClockStatus& status, const std::vector<runtime::ReportLine>& figures);
  void clear();  // what redraws itself

  // Prints findings of at least this weight, or an error, one line each.
  void print(const Diagnostics& diagnostics, Severity least = Severity::kInfo);
  void print(const Error& error);

  runtime::JobOutput output();

 private:
  void draw(const std::vector<std::string>& lines);

  bool quiet_, is_terminal_;
  std::size_t drawn_ = 0;  // lines
};

}  // namespace geoul::cli
