// geoul_plant rtde: a recording as a robot of Universal Robots, for any client of RTDE.
#include <signal.h>

#include <cstdio>
#include <memory>

#include "geoul/link/rtde/rtde_server.h"
#include "scenarios/plant/plant.h"

namespace geoul::plant {
namespace {

struct RtdePlant {
  std::vector<std::string> files;
  link::RtdeServerOptions server;
  bool rows = false;
};

int run(const RtdePlant& plant) {
  Diagnostics diagnostics;
  auto columns = link::read_rtde_columns(plant.files, diagnostics);
  if (!columns) {
    std::fprintf(stderr, "%s\n", diagnostics.text().c_str());
    return 2;
  }
  // before the server's thread is made, which would take them otherwise
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  link::RtdeServerOptions options = plant.server;
  options.play = plant.rows ? link::RtdePlay::kRows : link::RtdePlay::kHold;
  const std::size_t rows = columns->time.size(), variables = columns->variables.size();
  const auto server = link::RtdeServer::start(std::move(*columns), options);
  if (!server) {
    std::fprintf(stderr, "error: %s\n", server.error().message.c_str());
    return 2;
  }
  std::printf("a robot at rtde://%s:%d plays %zu rows of %zu variables\n", options.address.c_str(), (*server)->port(),
              rows, variables);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  std::printf("sent %llu packages\n", static_cast<unsigned long long>((*server)->sent()));
  return 0;
}

}  // namespace

Protocol add_rtde(CLI::App& app) {
  const auto plant = std::make_shared<RtdePlant>();
  CLI::App& rtde =
      *app.add_subcommand("rtde", "a robot of Universal Robots that plays a recording until it is stopped");
  rtde.add_option("files", plant->files, "recordings in CSV with the column names of RTDE, as one stream")->required();
  rtde.add_option("--address", plant->server.address, "address to listen on")->capture_default_str();
  rtde.add_option("--port", plant->server.port, "port to listen on, 0 for a free one")->capture_default_str();
  rtde.add_option("--cycle", plant->server.cycle, "packages a second of the controller")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 1000.0));
  rtde.add_flag("--rows", plant->rows, "one package a row of the recording, at its own times, in place of the cycle");
  rtde.add_option("--speed", plant->server.speed, "recorded seconds a second")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  rtde.add_flag("--loop", plant->server.loop, "from the start again; otherwise the last row stays");
  rtde.add_flag("--wait", plant->server.wait, "the first row comes when the first client starts");
  return [plant] { return run(*plant); };
}

}  // namespace geoul::plant
