// The command "history": what was recorded, any instant of it, and whether it is whole.
#include <cstdio>
#include <memory>

#include "geoul/cli/commands.h"
#include "geoul/cli/terminal.h"
#include "geoul/runtime/history_jobs.h"

namespace geoul::cli {
namespace {

struct Arguments {
  runtime::HistoryPlace place;
  bool json = false;
  runtime::ShowOptions show;
  runtime::ExportOptions out;
  runtime::PruneOptions prune;
  std::string head;
};
using Shared = std::shared_ptr<Arguments>;
using Job = std::function<Result<runtime::HistoryAnswer>(const runtime::JobOutput&, Diagnostics&)>;

int answer(const Arguments& a, const Job& job) {
  Terminal terminal(false);
  Diagnostics diagnostics;
  const Result<runtime::HistoryAnswer> done = job(terminal.output(), diagnostics);
  terminal.clear();
  if (!done) {
    diagnostics.ok() ? terminal.print(done.error()) : terminal.print(diagnostics, Severity::kError);
    return done.error().code == ErrorCode::kInternal ? kDefect : kBadUsage;
  }
  terminal.print(diagnostics);
  std::fputs((a.json ? done->json : done->text).c_str(), stdout);
  std::fflush(stdout);
  return done->ok && diagnostics.ok() ? kDone : kShort;
}

CLI::App& add(CLI::App& history, const Shared& a, const char* name, const char* what) {
  CLI::App& command = *history.add_subcommand(name, what);
  command.add_option("FOLDER", a->place.folder, "folder of the history")->required();
  command.add_option("--catalogue", a->place.catalogue,
                     "connection to PostgreSQL, postgresql://... or host=... (a file in the folder)");
  command.add_flag("--json", a->json, "print the answer as JSON");
  return command;
}

void add_show(CLI::App& command, const Shared& a) {
  command.add_option("--run", a->show.run, "number of the run (the newest)")->check(CLI::PositiveNumber);
  command.add_option("--time", a->show.time,
                     "second of the run's clock (of a live site: UNIX): the full state at that instant, bit for bit");
  command.add_option("--scene", a->show.scene, "scene file, where the run's own has moved");
}

void add_export(CLI::App& command, const Shared& a) {
  command.add_option("OUT", a->out.out, "MCAP file to write")->required();
  command.add_option("--run", a->out.run, "number of the run (the newest)")->check(CLI::PositiveNumber);
  command.add_option("--topic", a->out.topics, "topics, one or more (all)");
  command.add_option("--begin", a->out.begin, "first second of the run's clock")->check(CLI::NonNegativeNumber);
  command.add_option("--end", a->out.end, "second at which it ends, exclusive")->check(CLI::NonNegativeNumber);
}

void add_prune(CLI::App& command, const Shared& a) {
  command.add_option("--keep-runs", a->prune.keep_runs, "keeps the newest runs, so many");
  command.add_option("--keep-bytes", a->prune.keep_bytes, "deletes the oldest segments until the others fit")
      ->transform(CLI::AsSizeValue(false));
  command.add_option("--keep-days", a->prune.keep_days, "deletes segments that are older");
  command.add_flag("--dry-run", a->prune.dry_run, "only says what would go");
}

}  // namespace

Command add_history(CLI::App& app) {
  const auto a = std::make_shared<Arguments>();
  CLI::App& history =
      *app.add_subcommand("history", "what was recorded: list, show any instant, export, verify, prune");
  history.require_subcommand(1);
  history.footer(
      "Examples:\n"
      "  geoul sim robot.urdf --headless --history recordings/robot\n"
      "  geoul history ls recordings/robot\n"
      "  geoul history show recordings/robot --run 1 --time 3.25 --json\n"
      "  geoul history verify recordings/robot\n"
      "Exit codes: 0 done, 1 something is damaged, 2 bad input or usage, 3 a defect of geoul.");
  const CLI::App& ls = add(history, a, "ls", "the runs, with their lengths, segments and sizes");
  CLI::App& show = add(history, a, "show", "one run, or the full state at an instant of it");
  add_show(show, a);
  show.footer(
      "Examples:\n"
      "  geoul history show recordings/robot\n"
      "  geoul history show recordings/robot --run 2 --time 12.5\n"
      "Exit codes: 0 done, 2 bad input or usage.");
  CLI::App& out = add(history, a, "export", "a run, or a part of it, as one MCAP file");
  add_export(out, a);
  out.footer(
      "Examples:\n"
      "  geoul history export recordings/robot run.mcap --run 1\n"
      "  geoul history export recordings/robot part.mcap --begin 10 --end 20 --topic geoul/input\n"
      "Exit codes: 0 done, 1 something is damaged (the rest is written), 2 bad input or usage.");
  CLI::App& verify = add(history, a, "verify", "reads everything: segments, catalogue, audit trail");
  verify.add_option("--head", a->head, "head of the audit trail that was kept elsewhere: tells a cut of its end");
  verify.footer(
      "Examples:\n"
      "  geoul history verify recordings/robot\n"
      "  geoul history verify recordings/robot --head 12:9f86d081884c7d65... --json\n"
      "Exit codes: 0 all is whole, 1 something is damaged or was changed, 2 bad input or usage.");
  CLI::App& prune = add(history, a, "prune", "deletes old segments; the audit trail says so, and always stays");
  add_prune(prune, a);
  prune.footer(
      "Examples:\n"
      "  geoul history prune recordings/robot --keep-runs 10 --dry-run\n"
      "  geoul history prune recordings/robot --keep-bytes 20GiB --keep-days 90\n"
      "Exit codes: 0 done, 2 bad input or usage.");
  return [a, ls = &ls, show = &show, out = &out, verify = &verify] {
    a->show.place = a->out.place = a->prune.place = a->place;
    return answer(*a, [&](const runtime::JobOutput& output, Diagnostics& diagnostics) {
      if (ls->parsed()) return runtime::list_history(a->place, diagnostics);
      if (show->parsed()) return runtime::show_history(a->show, diagnostics);
      if (out->parsed()) return runtime::export_history(a->out, output, diagnostics);
      if (verify->parsed()) return runtime::verify_history(a->place, a->head, output, diagnostics);
      return runtime::prune_history(a->prune, diagnostics);
    });
  };
}

}  // namespace geoul::cli
