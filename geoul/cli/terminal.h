// What the command line shows while it works: on standard error, and lines that redraw themselves only on a terminal.
#pragma once

#include <string>

#include "geoul/runtime/jobs.h"

namespace geoul::cli {

class Terminal {
 public:
  explicit Terminal(bool quiet);  // quiet: errors only
  ~Terminal();

  void say(const std::string& line);
  void progress(double fraction, const std::string& what);
  void status(const runtime::ClockStatus& status);
  void clear();  // the line that redraws itself

  // Prints findings of at least this weight, or an error, one line each.
  void print(const Diagnostics& diagnostics, Severity least = Severity::kInfo);
  void print(const Error& error);

  runtime::JobOutput output();

 private:
  void draw(const std::string& line);

  bool quiet_, is_terminal_, drawn_ = false;
};

}  // namespace geoul::cli
