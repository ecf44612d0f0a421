#include "geoul/cli/terminal.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "geoul/runtime/report.h"

namespace geoul::cli {

Terminal::Terminal(bool quiet) : quiet_(quiet), is_terminal_(isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() { clear(); }

void Terminal::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void Terminal::draw(const std::string& line) {
  if (quiet_ || !is_terminal_) return;
  std::fprintf(stderr, "\r\033[K%.110s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Terminal::say(const std::string& line) {
  if (quiet_) return;
  clear();
  std::fprintf(stderr, "%s\n", line.c_str());
}

void Terminal::progress(double fraction, const std::string& what) {
  constexpr int kWidth = 28;
  const int full = static_cast<int>(std::lround(kWidth * fraction));
  draw("[" + std::string(static_cast<std::size_t>(full), '=') +
       std::string(static_cast<std::size_t>(kWidth - full), ' ') + "] " + std::to_string(std::lround(100 * fraction)) +
       " %  " + what);
}

void Terminal::status(const runtime::ClockStatus& status) {
  const char* mode = status.mode == runtime::ClockMode::kPaused     ? "paused"
                     : status.mode == runtime::ClockMode::kRealTime ? "running"
                                                                    : "free run";
  std::string line = status.source + "  " + runtime::short_number((status.now - status.begin).seconds()) + " s";
  if (status.has_end) line += " of " + runtime::short_number((status.end - status.begin).seconds()) + " s";
  line += "  " + std::string(mode) + "  x " + runtime::short_number(status.real_time_factor) + "  " +
          runtime::short_number(status.steps_per_second) + " steps/s   (Ctrl-C ends)";
  draw(line);
}

void Terminal::print(const Diagnostics& diagnostics, Severity least) {
  clear();
  for (const Finding& finding : diagnostics.findings()) {
    if (finding.severity < (quiet_ ? Severity::kError : least)) continue;
    std::fprintf(stderr, "%s\n", to_string(finding).c_str());
  }
}

void Terminal::print(const Error& error) {
  clear();
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
}

runtime::JobOutput Terminal::output() {
  return {[this](const std::string& line) { say(line); },
          [this](double fraction, const std::string& what) { progress(fraction, what); },
          [this](const runtime::ClockStatus& state) { status(state); }};
}

}  // namespace geoul::cli
