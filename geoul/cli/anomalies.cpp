// The command "anomalies": what the signals of a recording do that they never did before.
#include <cstddef>
#include <cstdio>
#include <memory>

#include "geoul/cli/commands.h"
#include "geoul/cli/terminal.h"
#include "geoul/runtime/anomalies.h"

namespace geoul::cli {
namespace {

// The first findings, and how many more there are: a plant's recording can lack a value in every row.
void print_some(Terminal& terminal, const Diagnostics& diagnostics) {
  constexpr std::size_t kShown = 5;
  Diagnostics shown;
  for (const Finding& finding : diagnostics.findings()) {
    if (shown.findings().size() < kShown) shown.add(finding);
  }
  terminal.print(shown, Severity::kWarning);
  if (const std::size_t all = diagnostics.findings().size(); all > kShown) {
    terminal.say("and " + std::to_string(all - kShown) + (all == Diagnostics::kMaxFindings ? " or more" : "") +
                 " further findings");
  }
}

}  // namespace

Command add_anomalies(CLI::App& app) {
  struct Arguments {
    runtime::AnomaliesOptions options;
    bool json = false;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("anomalies", "find what the signals of a recording never did before");
  command.add_option("FILE", a->options.file, "recording in CSV: a header row, the time and signals")->required();
  command.add_option("--column", a->options.columns, "a signal to watch; may be given more than once (all)")
      ->allow_extra_args(false);
  command.add_option("--time-column", a->options.time_column,
                     "the column that holds the time (timestamp, time, t, ...)");
  command.add_option("--time-unit", a->options.time_unit, "seconds of one unit of a time in numbers (1)");
  command.add_option("--sensitivity", a->options.sensitivity, "above 1 tells more, below 1 less (1)");
  command.add_flag("--skip-bad-rows", a->options.skip_bad_rows, "leave out rows that cannot be read, with a warning");
  command.add_option("--plot", a->options.plot, "write a picture (.svg)");
  command.add_flag("--json", a->json, "print them as JSON");
  command.footer(
      "Each line: when, score (0.5 to 1), signal, what was seen, what was expected, and why it is strange.\n"
      "Every row is judged by those before it alone.\n"
      "Examples:\n"
      "  geoul anomalies recording.csv\n"
      "  geoul anomalies press.csv --column pressure --time-unit 0.001 --plot press.svg\n"
      "Exit codes: 0 nothing strange, 1 anomalies were found, 2 bad input or usage.");
  return [a] {
    Terminal terminal(a->json);
    Diagnostics diagnostics;
    const Result<runtime::AnomaliesAnswer> answer = runtime::find_anomalies(a->options, diagnostics);
    print_some(terminal, diagnostics);
    if (!answer) {
      if (diagnostics.ok()) terminal.print(answer.error());
      return int{kBadUsage};
    }
    std::fputs((a->json ? answer->json : answer->text).c_str(), stdout);
    if (!a->options.plot.empty()) terminal.say("wrote " + a->options.plot);
    return int{answer->anomalies.empty() ? kDone : kShort};
  };
}

}  // namespace geoul::cli
