// Ways in which geoul_plant machine tells of its machine. Each returns the exit code.
#pragma once

#include <string>

#include "geoul/link/mqtt/mqtt_client.h"
#include "geoul/link/rtde/rtde_server.h"
#include "scenarios/plant/machine/telemetry.h"

namespace geoul::plant {

struct MachineWays {
  std::string protocol = "rtde";
  std::string address = "127.0.0.1";
  std::uint16_t port = 30004;       // rtde
  link::MqttConnection connection;  // mqtt
  std::string group = "Geoul", node = "ur3e_cell", device = "robot";
  double rate = 125;         // [1/s] of rows by mqtt and csv; divides 500
  double duration = 60;      // [s] of csv
  std::string output = "-";  // of csv; "-": standard output
};

// Says on standard output what became of commands, and why a machine stopped by itself.
class Log {
 public:
  void tell(const Answer& answer);
  void watch(const Machine& machine);  // after each period

 private:
  bool was_protected_ = false;
};

int serve_rtde(Telemetry telemetry, const MachineWays& ways);
int serve_mqtt(Telemetry telemetry, const MachineWays& ways, const ClockTruth& clock);
// As fast as it can, without a clock: rows of RTDE's names in CSV.
int write_csv(Machine machine, const MachineWays& ways);

}  // namespace geoul::plant
