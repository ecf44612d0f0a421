// geoul_plant machine: its words.
#include <cstdio>
#include <fstream>
#include <memory>

#include "scenarios/plant/machine/serve.h"
#include "scenarios/plant/plant.h"

namespace geoul::plant {
namespace {

struct MachineWords {
  MachineOptions machine;
  MachineWays ways;
  std::vector<std::string> faults;
  std::string truth;
  double step_us = 250;
  bool ideal = false, idle = false, fast = false, no_contact = false;
};

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 2;
}

bool write_truth(const MachineWords& words) {
  if (words.truth.empty()) return true;
  std::ofstream out(words.truth, std::ios::binary);
  out << "{\"seed\":" << words.machine.seed << ",\n\"hidden\":" << to_json(words.machine.hidden)
      << ",\n\"faults\":" << to_json(words.machine.faults) << "}\n";
  return static_cast<bool>(out.flush());
}

int run(MachineWords words) {
  for (const std::string& text : words.faults) {
    const auto fault = read_fault(text);
    if (!fault) return fail(fault.error().message);
    words.machine.faults.push_back(*fault);
  }
  const double every = 1 / (words.ways.rate * kControlPeriod.seconds());
  if (!(every >= 1) || std::abs(every - std::round(every)) > 1e-9) return fail("the rate must divide 500, as 125 does");
  if (words.ideal) words.machine.nominal = frictionless_joints();
  words.machine.hidden = words.ideal ? ideal(words.machine.nominal) : draw(words.machine.seed, words.machine.nominal);
  words.machine.step = Duration::from_seconds(words.step_us * 1e-6);
  words.machine.runs = !words.idle;
  words.machine.contact = !words.no_contact;
  Diagnostics diagnostics;
  auto machine = Machine::make(words.machine, diagnostics);
  if (!machine) return fail(machine.error().message);
  if (!write_truth(words)) return fail(words.truth + " cannot be written");
  if (words.fast) return write_csv(std::move(*machine), words.ways);
  Telemetry telemetry(std::move(*machine), words.machine.hidden.transport, words.machine.seed);
  if (words.ways.protocol == "rtde") return serve_rtde(std::move(telemetry), words.ways);
  if (words.ways.connection.url.empty()) return fail("--protocol mqtt needs --url, as in mqtt://127.0.0.1:1883");
  return serve_mqtt(std::move(telemetry), words.ways, words.machine.hidden.clock);
}

void add_ways(CLI::App& app, MachineWords& words) {
  MachineWays& ways = words.ways;
  app.add_option("--protocol", ways.protocol, "how it is spoken with")
      ->check(CLI::IsMember({"rtde", "mqtt"}))
      ->capture_default_str();
  app.add_option("--address", ways.address, "rtde: address to listen on")->capture_default_str();
  app.add_option("--port", ways.port, "rtde: port to listen on, 0 for a free one")->capture_default_str();
  app.add_option("--url", ways.connection.url, "mqtt: mqtt://host:1883 or mqtts://host:8883");
  app.add_option("--user", ways.connection.user, "mqtt: user name");
  app.add_option("--password", ways.connection.password, "mqtt: password")->envname("GEOUL_PLANT_PASSWORD");
  app.add_option("--ca", ways.connection.ca_file, "mqtt: who signed the broker's certificate (PEM)");
  app.add_option("--group", ways.group, "mqtt: Sparkplug group")->capture_default_str();
  app.add_option("--node", ways.node, "mqtt: Sparkplug edge node")->capture_default_str();
  app.add_option("--device", ways.device, "mqtt: Sparkplug device")->capture_default_str();
  app.add_option("--rate", ways.rate, "rows a second by mqtt and in files; divides 500")->capture_default_str();
  app.add_flag("--fast", words.fast, "no protocol and no clock: rows into a file");
  app.add_option("--duration", ways.duration, "seconds of it")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--output", ways.output, "the file, CSV with the names of RTDE; - for standard output")
      ->capture_default_str();
}

}  // namespace

void Log::tell(const Answer& answer) {
  std::printf("command %lld: %s\n", static_cast<long long>(answer.number), answer.words.c_str());
  std::fflush(stdout);
}

void Log::watch(const Machine& machine) {
  const Controller& controller = machine.controller();
  if (controller.is_protected() && !was_protected_) {
    std::printf("protective stop at %.3f s: %s\n", machine.row_time(), controller.reason().c_str());
    std::fflush(stdout);
  }
  was_protected_ = controller.is_protected();
}

Protocol add_machine(CLI::App& app) {
  const auto words = std::make_shared<MachineWords>();
  words->machine.scene = "scenarios/ur3e_cell/cell.usda";
  CLI::App& machine = *app.add_subcommand("machine", "a machine that lives: simulated with hidden parameters");
  machine.add_option("--scene", words->machine.scene, "scene file with one arm of six joints")->capture_default_str();
  machine.add_option("--seed", words->machine.seed, "of its hidden parameters and its noise")->capture_default_str();
  machine.add_option("--fault", words->faults, "KIND@TIME[:JOINT][:SIZE], any number of them; see below");
  machine.add_option("--truth", words->truth, "file for what is hidden (JSON), for tests");
  machine.add_flag("--ideal", words->ideal, "as its maker draws it: no friction, noise, delay or error");
  machine.add_flag("--idle", words->idle, "waits for the command to run");
  machine.add_flag("--no-contact", words->no_contact, "shapes of the scene do not touch");
  machine.add_option("--step-us", words->step_us, "microseconds of one step of its physics; divides 2000")
      ->capture_default_str()
      ->check(CLI::Range(10.0, 2000.0));
  add_ways(machine, *words);
  machine.footer("Faults, SIZE with a default of its own:\n" + fault_help());
  return [words] { return run(*words); };
}

}  // namespace geoul::plant
