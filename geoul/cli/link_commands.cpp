// The commands "link" and "site": what a plant offers, and a first site file from it.
#include <cstdio>
#include <memory>

#include "geoul/cli/commands.h"
#include "geoul/cli/findings.h"
#include "geoul/cli/terminal.h"
#include "geoul/runtime/jobs.h"

namespace geoul::cli {
namespace {

void add_plant_options(CLI::App& command, runtime::ProbeOptions& options) {
  command.add_option("--set", options.settings, "a key of the link as in a site file: --set frequency_hz=500");
  command.add_option("--patience", options.patience, "how long to wait for answers, in seconds (5)")
      ->check(CLI::Range(0.1, 600.0));
}

void print_table(const std::vector<link::OfferedSignal>& offered) {
  std::size_t name = 6, unit = 4;
  for (const link::OfferedSignal& s : offered) {
    name = std::max(name, s.name.size());
    unit = std::max(unit, s.unit.size());
  }
  std::printf("%-*s  %-7s  %-*s  %-5s  %s\n", static_cast<int>(name), "signal", "type", static_cast<int>(unit), "unit",
              "write", "value");
  for (const link::OfferedSignal& s : offered) {
    const std::string words = s.description.empty() ? s.value : s.value + "  " + s.description;
    std::printf("%-*s  %-7s  %-*s  %-5s  %s\n", static_cast<int>(name), s.name.c_str(), link::to_string(s.type).c_str(),
                static_cast<int>(unit), s.unit.c_str(), s.can_write ? "yes" : "", words.c_str());
  }
}

}  // namespace

Command add_link(CLI::App& app) {
  struct Arguments {
    runtime::ProbeOptions options;
    bool json = false;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& group = *app.add_subcommand("link", "live plants: what they offer");
  group.require_subcommand(1);
  CLI::App& command = *group.add_subcommand("probe", "list the signals that a plant offers");
  command.add_option("URL", a->options.url, "the plant, as in a site file: rtde://192.168.0.10")->required();
  add_plant_options(command, a->options);
  command.add_flag("--json", a->json, "print them as JSON");
  command.footer(
      "Examples:\n"
      "  geoul link probe rtde://192.168.0.10\n"
      "  geoul link probe csv:recording.csv --set time_column=t\n"
      "Exit codes: 0 done, 2 bad usage, or nothing answers.");
  return [a] {
    Terminal terminal(a->json);
    const Result<std::vector<link::OfferedSignal>> offered = runtime::probe_link(a->options);
    if (!offered) {
      terminal.print(offered.error());
      return int{kBadUsage};
    }
    if (a->json) {
      std::printf("%s\n", runtime::to_json(*offered).c_str());
    } else {
      print_table(*offered);
    }
    terminal.say(std::to_string(offered->size()) + (offered->size() == 1 ? " signal" : " signals"));
    return int{kDone};
  };
}

Command add_site(CLI::App& app) {
  const auto a = std::make_shared<runtime::SiteInitOptions>();
  CLI::App& group = *app.add_subcommand("site", "site files: a first draft from a scene and a plant");
  group.require_subcommand(1);
  CLI::App& command = *group.add_subcommand("init", "write a commented site file from a scene and what a plant offers");
  command.add_option("SCENE", a->scene, "scene file (.usda, .urdf, .sdf, MJCF .xml)")->required();
  command.add_option("URL", a->plant.url, "the plant: rtde://192.168.0.10")->required();
  command.add_option("--out", a->out, "site file to write (site.yaml)");
  command.add_flag("--force", a->force, "replace a file that is there");
  add_plant_options(command, a->plant);
  command.footer(
      "Examples:\n"
      "  geoul site init robot.urdf rtde://192.168.0.10\n"
      "Exit codes: 0 done, 2 bad input or usage, or nothing answers: nothing was written.");
  return [a] {
    Terminal terminal(false);
    Diagnostics diagnostics;
    const Result<std::string> words = runtime::init_site(*a, diagnostics);
    terminal.print(diagnostics, words ? Severity::kWarning : Severity::kError);
    if (!words) {
      if (diagnostics.ok()) terminal.print(words.error());
      return int{kBadUsage};
    }
    terminal.say("wrote " + a->out + ": " + *words);
    return int{kDone};
  };
}

}  // namespace geoul::cli
