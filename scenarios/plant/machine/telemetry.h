// Telemetry: rows of a living machine on their way: each is sent some time after it was measured, none before an
// earlier one, as TCP keeps them. The machine's time is the time since start.
#pragma once

#include <deque>
#include <vector>

#include "scenarios/plant/machine/machine.h"

namespace geoul::plant {

class Telemetry {
 public:
  Telemetry(Machine machine, const TransportTruth& transport, std::uint64_t seed);

  struct Row {
    double due = 0;  // [s] when it is sent
    std::vector<double> values;
  };
  // When something is to be done next [s]: a period begun, or a row sent.
  double due() const;
  // Does it: the row to be sent, or none where the machine moved on. Errors: those of Machine::cycle.
  Result<std::optional<Row>> next();

  Machine& machine() { return machine_; }

 private:
  Machine machine_;
  TransportTruth transport_;
  Random random_;
  std::deque<Row> rows_;
};

}  // namespace geoul::plant
