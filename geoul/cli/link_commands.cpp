// The commands "link" and "site": what a plant offers, and a first site file from it.
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <iostream>
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

std::string plain_print(std::string print) {
  std::erase_if(print, [](char c) { return c == ':' || c == ' '; });
  for (char& c : print) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return print;
}

// Whether the person at the terminal says yes. Nobody is there: no.
bool ask_yes(const std::string& question) {
  if (isatty(STDIN_FILENO) == 0) return false;
  std::fprintf(stderr, "%s [yes/no] ", question.c_str());
  std::string answer;
  return std::getline(std::cin, answer) && answer == "yes";
}

int trust(const runtime::ProbeOptions& options, const std::string& fingerprint) {
  Terminal terminal(false);
  const auto fail = [&](const Error& error) {
    terminal.print(error);
    return int{kBadUsage};
  };
  const auto found = runtime::look_at_certificate(options);
  if (!found) return fail(found.error());
  if (!*found) {
    terminal.say(options.url + ": its certificate is trusted already");
    return kDone;
  }
  const runtime::StrangeCertificate& certificate = **found;
  terminal.say("certificate " + certificate.description);
  terminal.say("SHA-1       " + certificate.thumbprint);
  if (!fingerprint.empty() && plain_print(fingerprint) != plain_print(certificate.thumbprint)) {
    return fail({ErrorCode::kBadInput,
                 "the certificate is not the one of --fingerprint: somebody may stand between; "
                 "nothing was trusted"});
  }
  if (fingerprint.empty() && !ask_yes("Does the plant show the same? Trust it?")) {
    return fail({ErrorCode::kBadInput,
                 "nothing was trusted; where nobody can answer, give --fingerprint with what the "
                 "plant shows"});
  }
  const Result<std::string> file = runtime::trust_certificate(certificate.thumbprint);
  if (!file) return fail(file.error());
  terminal.say("trusted: " + *file);
  return kDone;
}

void add_trust(CLI::App& group, runtime::ProbeOptions& options, std::string& fingerprint) {
  CLI::App& command = *group.add_subcommand("trust", "trust the certificate of an OPC UA server, after a look at it");
  command.add_option("URL", options.url, "the server: opc.tcp://192.168.0.30:4840")->required();
  add_plant_options(command, options);
  command.add_option("--fingerprint", fingerprint, "trust it without a question, if this is its SHA-1 fingerprint");
  command.footer(
      "Examples:\n"
      "  geoul link trust opc.tcp://192.168.0.30:4840\n"
      "  geoul link trust opc.tcp://cell:4840 --fingerprint 9c:1e:...:07\n"
      "Exit codes: 0 trusted, 2 bad usage, nothing answers, or not trusted.");
}

Command add_link(CLI::App& app) {
  struct Arguments {
    runtime::ProbeOptions options, trusted;
    std::string fingerprint;
    bool json = false;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& group = *app.add_subcommand("link", "live plants: what they offer, and whom to trust");
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
  add_trust(group, a->trusted, a->fingerprint);
  return [a] {
    if (!a->trusted.url.empty()) return trust(a->trusted, a->fingerprint);
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
