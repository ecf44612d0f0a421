// geoul_plant machine --protocol rtde: commands come in registers, answers go out in registers.
//   input_int_register_24   number of the command; it is taken when this changes, so write it last
//   input_int_register_25   what is asked for: CommandKind
//   input_double_register_24 to _29   arguments
//   output_int_register_24, _25   number and code of the newest answer;  _26 RunState;  _27 step of the program
//   output_double_register_24     speed that was commanded
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "scenarios/plant/machine/serve.h"

namespace geoul::plant {
namespace {

class RtdeMachine : public link::RtdeRobot {
 public:
  explicit RtdeMachine(Telemetry telemetry) : telemetry_(std::move(telemetry)) {}

  Duration due() const override { return Duration::from_seconds(telemetry_.due()); }

  std::optional<Time> next(const link::RtdeController& inputs, std::span<double> row) override {
    take_commands(inputs);
    const auto event = telemetry_.next();
    if (!event) {
      if (problem_.empty()) ::kill(::getpid(), SIGTERM);
      problem_ = event.error().message;
      return std::nullopt;
    }
    log_.watch(telemetry_.machine());
    if (!*event) return std::nullopt;
    const std::vector<double>& values = (*event)->values;
    std::copy(values.begin() + 1, values.end(), row.begin());
    return Time::from_seconds(values.front());
  }

  const std::string& problem() const { return problem_; }

 private:
  void take_commands(const link::RtdeController& inputs) {
    const auto read = [&](const std::string& name) { return inputs.values()[inputs.output(name)->first]; };
    // the slider shows as target_speed_fraction, over what the machine told itself
    const double slider = read("target_speed_fraction");
    if (slider != slider_) telemetry_.machine().set_slider(slider_ = slider);
    Command command{static_cast<std::int64_t>(read("input_int_register_24")),
                    static_cast<std::int32_t>(read("input_int_register_25")),
                    {}};
    if (command.number == number_) return;
    number_ = command.number;
    if (number_ == 0) return;
    for (std::size_t i = 0; i < command.arguments.size(); ++i)
      command.arguments[i] = read("input_double_register_" + std::to_string(24 + i));
    log_.tell(telemetry_.machine().take(command));
  }

  Telemetry telemetry_;
  Log log_;
  std::int64_t number_ = 0;
  double slider_ = 1;
  std::string problem_;
};

// The variables of the machine's rows, and what they begin with.
link::RtdeColumns columns_of(const Machine& machine) {
  link::RtdeColumns columns;
  for (const MachineVariable& variable : machine_variables()) {
    if (std::string_view(variable.name) == "timestamp") continue;
    columns.variables.push_back(*link::find_output(variable.name));
    columns.width += variable.width;
  }
  columns.time = {Time::from_seconds(machine.row().front())};
  columns.values.assign(machine.row().begin() + 1, machine.row().end());
  return columns;
}

}  // namespace

int serve_rtde(Telemetry telemetry, const MachineWays& ways) {
  // before the server's thread is made, which would take them otherwise
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  link::RtdeColumns columns = columns_of(telemetry.machine());
  RtdeMachine robot(std::move(telemetry));
  link::RtdeServerOptions options;
  options.address = ways.address;
  options.port = ways.port;
  options.cycle = 1 / kControlPeriod.seconds();
  options.robot = &robot;
  auto server = link::RtdeServer::start(std::move(columns), options);
  if (!server) {
    std::fprintf(stderr, "error: %s\n", server.error().message.c_str());
    return 2;
  }
  std::printf("a machine at rtde://%s:%d\n", ways.address.c_str(), (*server)->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  const std::uint64_t sent = (*server)->sent();
  server->reset();  // ends its thread, which the robot belongs to
  if (!robot.problem().empty()) {
    std::fprintf(stderr, "error: %s\n", robot.problem().c_str());
    return 2;
  }
  std::printf("sent %llu packages\n", static_cast<unsigned long long>(sent));
  return 0;
}

}  // namespace geoul::plant
