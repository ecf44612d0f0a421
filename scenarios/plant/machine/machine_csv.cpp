// geoul_plant machine --fast: the machine without a clock, into a file of RTDE's column names.
#include <chrono>
#include <cstdio>
#include <memory>

#include "scenarios/plant/machine/serve.h"

namespace geoul::plant {

int write_csv(Machine machine, const MachineWays& ways) {
  const auto close = [](std::FILE* file) { return file == stdout ? std::fflush(file) : std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> out(
      ways.output == "-" ? stdout : std::fopen(ways.output.c_str(), "wb"), close);
  if (!out) {
    std::fprintf(stderr, "error: %s cannot be written\n", ways.output.c_str());
    return 2;
  }
  std::string line;
  for (const std::string& column : machine_columns()) line += (line.empty() ? "" : ",") + column;
  std::fprintf(out.get(), "%s\n", line.c_str());
  const auto start = std::chrono::steady_clock::now();
  const auto every = std::llround(1 / (ways.rate * kControlPeriod.seconds()));
  for (std::int64_t k = 0; machine.time() < ways.duration; ++k) {
    if (const auto moved = machine.cycle(); !moved) {
      std::fprintf(stderr, "error: %s\n", moved.error().message.c_str());
      return 2;
    }
    if (k % every != 0) continue;
    line.clear();
    char number[32];
    for (const double value : machine.row()) {
      std::snprintf(number, sizeof number, "%s%.17g", line.empty() ? "" : ",", value);
      line += number;
    }
    line += '\n';
    if (std::fwrite(line.data(), 1, line.size(), out.get()) != line.size()) {
      std::fprintf(stderr, "error: %s cannot be written any more\n", ways.output.c_str());
      return 2;
    }
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  const MachineTruth& truth = machine.truth();
  std::fprintf(stderr, "%.1f s of the machine in %.2f s; at most %d contacts; %s%s\n", machine.time(), spent.count(),
               truth.contacts, machine.controller().is_protected() ? "stopped: " : "no protective stop at the end",
               machine.controller().is_protected() ? machine.controller().reason().c_str() : "");
  return 0;
}

}  // namespace geoul::plant
