// geoul: the command line. Parses arguments, calls runtime's jobs, prints what they say.
#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "geoul/cli/commands.h"
#include "geoul/runtime/jobs.h"

namespace {

// A second Ctrl-C ends at once.
void on_signal(int signal) {
  geoul::cli::stop_requested = true;
  std::signal(signal, SIG_DFL);
}

int run(int argc, char** argv) {
  using namespace geoul;
  CLI::App app("Geoul: exact digital twins of real robots and plants.", "geoul");
  app.set_version_flag("--version", "geoul " + std::string(runtime::version()), "print the version");
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  geoul run scenarios/ur3e_cell/site.yaml\n"
      "  geoul sim robot.urdf --headless --seconds 5\n"
      "  geoul check robot.urdf\n"
      "'geoul COMMAND --help' tells more.\n"
      "Exit codes: 0 done, 1 a check ran and something is short, 2 bad input or usage, 3 a defect of geoul.");
  const std::vector<std::pair<std::string, cli::Command>> commands = {
      {"run", cli::add_run(app)},         {"sim", cli::add_simulate(app)},      {"check", cli::add_check(app)},
      {"convert", cli::add_convert(app)}, {"site", cli::add_site(app)},         {"link", cli::add_link(app)},
      {"history", cli::add_history(app)}, {"identify", cli::add_identify(app)}, {"anomalies", cli::add_anomalies(app)},
      {"user", cli::add_user(app)},       {"whatif", cli::add_what_if(app)}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "error: %s; see 'geoul --help'\n", e.what());
    return cli::kBadUsage;
  }
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  for (const auto& [name, command] : commands) {
    if (app.got_subcommand(name)) return command();
  }
  return cli::kBadUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: this is a defect of geoul, please report it: %s\n", e.what());
    return geoul::cli::kDefect;
  }
}
