// geoul_plant: plays recordings as a plant would send them, over a real protocol, as a process of its own; or is a
// machine that lives, takes commands and has its faults. For tests and demos of the live link: what connects to it
// cannot tell that nobody is there.
//   geoul_plant PROTOCOL [options] FILE.csv...
//   geoul_plant machine --protocol rtde|mqtt --scene FILE [options]
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "scenarios/plant/plant.h"

int main(int argc, char** argv) {
  using namespace geoul;
  CLI::App app("Plays recordings (CSV) as a plant would send them, or is a machine that lives.", "geoul_plant");
  app.require_subcommand(1);
  app.footer("Exit codes: 0 all was played or it was told to end, 2 bad input, usage or connection.");
  const std::vector<std::pair<const char*, plant::Protocol>> protocols = {{"machine", plant::add_machine(app)},
                                                                          {"mqtt", plant::add_mqtt(app)},
                                                                          {"ros", plant::add_ros(app)},
                                                                          {"rtde", plant::add_rtde(app)}};
  try {
    app.parse(argc, argv);
    for (const auto& [name, run] : protocols) {
      if (app.got_subcommand(name)) return run();
    }
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "error: %s; see 'geoul_plant --help'\n", e.what());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
  }
  return 2;
}
