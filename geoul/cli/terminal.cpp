#include "geoul/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "geoul/runtime/report.h"

namespace geoul::cli {

Terminal::Terminal(bool quiet) : quiet_(quiet), is_terminal_(isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() { clear(); }

void Terminal::clear() {
  if (drawn_ > 1) std::fprintf(stderr, "\033[%zuA", drawn_ - 1);
  if (drawn_ > 0) std::fputs("\r\033[J", stderr);
  drawn_ = 0;
}

void Terminal::draw(const std::vector<std::string>& lines) {
  if (quiet_ || !is_terminal_) return;
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  const std::size_t width = known ? size.ws_col - 1u : 79u;  // a line that wraps could not be drawn over
  std::string out;
  for (const std::string& line : lines) out += (out.empty() ? "" : "\n") + line.substr(0, width);
  clear();
  std::fputs(out.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = lines.size();
}

void Terminal::say(const std::string& line) {
  if (quiet_) return;
  clear();
  std::fprintf(stderr, "%s\n", line.c_str());
}

void Terminal::progress(double fraction, const std::string& what) {
  constexpr int kWidth = 28;
  const int full = static_cast<int>(std::lround(kWidth * fraction));
  draw({"[" + std::string(static_cast<std::size_t>(full), '=') +
        std::string(static_cast<std::size_t>(kWidth - full), ' ') + "] " + std::to_string(std::lround(100 * fraction)) +
        " %  " + what});
}

namespace {

std::string status_line(const runtime::ClockStatus& status) {
  const char* mode = status.mode == runtime::ClockMode::kPaused     ? "paused"
                     : status.mode == runtime::ClockMode::kRealTime ? "running"
                                                                    : "free run";
  std::string line = status.source + "  " + runtime::short_number((status.now - status.begin).seconds()) + " s";
  if (status.has_end) line += " of " + runtime::short_number((status.end - status.begin).seconds()) + " s";
  return line + "  " + mode + "  x " + runtime::short_number(status.real_time_factor) + "  " +
         runtime::short_number(status.steps_per_second) + " steps/s   (Ctrl-C ends)";
}

std::string cell(const std::string& text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

}  // namespace

void Terminal::status(const runtime::ClockStatus& status) { draw({status_line(status)}); }

void Terminal::table(const runtime::ClockStatus& status, const std::vector<runtime::ReportLine>& figures) {
  std::vector<std::string> lines = {status_line(status)};
  for (const runtime::ReportLine& f : figures) {
    std::string line =
        (f.ok ? "    " : "  ! ") + cell(f.name, 18) + cell(runtime::short_number(f.value), 10) + " " + cell(f.unit, 7);
    if (!std::isnan(f.bound)) line += " <= " + cell(runtime::short_number(f.bound), 9);
    if (!f.note.empty()) line += " " + f.note;
    lines.push_back(line);
  }
  draw(lines);
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
          [this](const runtime::ClockStatus& state) { status(state); },
          [this](const runtime::ClockStatus& state, const std::vector<runtime::ReportLine>& figures) {
            table(state, figures);
          }};
}

}  // namespace geoul::cli
