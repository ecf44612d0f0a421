// The command "whatif": a scene's futures under questions in words.
#include "geoul/runtime/what_if.h"

#include <cstdio>
#include <memory>

#include "geoul/cli/commands.h"
#include "geoul/cli/terminal.h"

namespace geoul::cli {

Command add_what_if(CLI::App& app) {
  struct Arguments {
    runtime::WhatIfOptions options;
    bool json = false;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("whatif", "a scene's futures under questions in words: scored and ranked");
  command.add_option("SCENE", a->options.scene, "scene file (.usda, .urdf, .sdf, MJCF .xml)")->required();
  command.add_option("QUESTION", a->options.questions, "\"payload 3 kg\", \"joint 3 friction doubles\", ...");
  add_read_options(command, a->options.read);
  command.add_option("--from", a->options.from, "JOINT=ANGLE: where a joint starts; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--to", a->options.to, "JOINT=ANGLE: where a joint is to go; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--seconds", a->options.seconds, "how far to look (5)");
  command.add_option("--speed", a->options.speed, "share of the joints' velocity limits (0.5)");
  command.add_option("--clearance", a->options.clearance, "least distance to keep in metres (0.01)");
  command.add_option("--draws", a->options.draws, "worlds of an action and a condition (32)");
  command.add_flag("--certain", a->options.certain, "one world, without the twin's own doubt");
  command.add_option("--seed", a->options.seed, "of the draws (1)");
  command.add_option("--threads", a->options.threads, "0: one a core (0); the answer is the same")
      ->check(CLI::Range(0, 256));
  command.add_option("--plots", a->options.plots, "folder for plots (SVG)");
  command.add_flag("--json", a->json, "print the answer as JSON");
  command.footer(
      "Examples:\n"
      "  geoul whatif scenarios/ur3e_cell/cell.usda \"payload 3 kg\" \"friction shoulder_lift 10 N.m\"\n"
      "  geoul whatif cell.usda \"payload 1 to 3 kg\" --to elbow=30deg --to shoulder_pan=0.5 --plots plots\n"
      "  geoul whatif line.usda \"conveyor 20 % faster\" --json\n"
      "A sentence that is not understood is answered with what can be asked.\n"
      "Exit codes: 0 done, 1 every action of a condition is rejected, 2 bad input or usage, 3 a defect of geoul.");
  return [a] {
    Terminal terminal(a->json);
    Diagnostics diagnostics;
    const Result<runtime::WhatIfAnswer> answer = runtime::what_if(a->options, terminal.output(), diagnostics);
    terminal.clear();
    if (!answer) {
      diagnostics.ok() ? terminal.print(answer.error()) : terminal.print(diagnostics, Severity::kError);
      return answer.error().code == ErrorCode::kInternal ? int{kDefect} : int{kBadUsage};
    }
    std::fputs(((a->json ? runtime::to_json(*answer) : runtime::to_text(*answer)) + (a->json ? "\n" : "")).c_str(),
               stdout);
    int kept = 0;
    bool all = true;
    for (std::size_t i = 0; i < answer->rows.size(); ++i) {
      kept += answer->rows[i].rejected ? 0 : 1;
      if (i + 1 < answer->rows.size() && answer->rows[i + 1].condition == answer->rows[i].condition) continue;
      all = all && kept > 0;
      kept = 0;
    }
    return int{all ? kDone : kShort};
  };
}

}  // namespace geoul::cli
