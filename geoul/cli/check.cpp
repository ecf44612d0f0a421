// The command "check": the doctor of scene files.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "geoul/cli/commands.h"
#include "geoul/cli/findings.h"
#include "geoul/cli/terminal.h"
#include "geoul/runtime/check.h"
#include "geoul/runtime/jobs.h"

namespace geoul::cli {
namespace {

struct Arguments {
  std::vector<std::string> files, ignore, only;
  std::string mend;
  bool json = false, strict = false, all = false;
  int threads = 0;
  double dt = 1e-3;
  std::string integrator = "implicit";
  runtime::ReadOptions read;
};

struct Outcome {
  bool ok = true;        // no errors, and with --strict no warnings
  bool missing = false;  // a file that was named is not there

  void add(const runtime::CheckedFile& file, bool strict) {
    ok = ok && file.ok && !(strict && file.count(Severity::kWarning) > 0);
    for (const runtime::CheckedFinding& f : file.findings) {
      missing =
          missing || (f.finding.code == "not-found" && f.finding.where.file == file.file && f.finding.where.line == 0);
    }
  }
  int exit_code() const { return missing ? kBadUsage : ok ? kDone : kShort; }
};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int mend(const Arguments& a, const runtime::CheckOptions& options, Terminal& terminal) {
  if (a.files.size() != 1 || std::filesystem::is_directory(a.files[0])) {
    terminal.print(Error{ErrorCode::kBadInput, "--mend takes one file; name it"});
    return kBadUsage;
  }
  Diagnostics diagnostics;
  const runtime::Codes only(a.only.begin(), a.only.end());
  const auto mended = runtime::mend_file(a.files[0], a.mend, only, options, diagnostics);
  if (!mended) {
    diagnostics.ok() ? terminal.print(mended.error()) : terminal.print(diagnostics, Severity::kError);
    return mended.error().code == ErrorCode::kInternal ? kDefect : kBadUsage;
  }
  Outcome outcome;
  if (mended->after) outcome.add(*mended->after, a.strict);
  if (a.json) {
    print(runtime::to_json({}, {}, &*mended));
    return outcome.exit_code();
  }
  const Style style = output_style(a.all);
  print(report(*mended, style));
  if (mended->after) {
    print(report(*mended->after, style));
  } else {
    terminal.say("nothing to mend: " + a.mend + " was not written");
  }
  return outcome.exit_code();
}

int check(const Arguments& a, const runtime::CheckOptions& options, Terminal& terminal) {
  std::vector<runtime::CheckedFile> files;
  std::vector<std::string> parts;
  Outcome outcome;
  const Style style = output_style(a.all);
  for (std::size_t i = 0; i < a.files.size(); ++i) {
    const std::string& file = a.files[i];
    if (!std::filesystem::is_directory(file)) {
      terminal.progress(static_cast<double>(i) / static_cast<double>(a.files.size()), file);
      files.push_back(runtime::check_file(file, options));
      outcome.add(files.back(), a.strict);
      terminal.clear();
      if (!a.json) print((i > 0 ? "\n" : "") + report(files.back(), style));
      continue;
    }
    const auto folder = runtime::check_folder(
        file, options, [&](double fraction, const std::string& what) { terminal.progress(fraction, what); });
    if (!folder) {
      terminal.print(folder.error());
      return kBadUsage;
    }
    for (const runtime::CheckedFile& each : folder->files) outcome.add(each, a.strict);
    terminal.clear();
    if (!a.json) print((i > 0 ? "\n" : "") + report(*folder, file, style));
    files.insert(files.end(), folder->files.begin(), folder->files.end());
    parts.insert(parts.end(), folder->parts.begin(), folder->parts.end());
  }
  if (a.json) print(runtime::to_json(files, parts));
  return outcome.exit_code();
}

}  // namespace

Command add_check(CLI::App& app) {
  const auto a = std::make_shared<Arguments>();
  CLI::App& command =
      *app.add_subcommand("check", "the doctor: what is wrong with scene files, why, and how to mend it");
  command.add_option("FILE", a->files, "scene files, site files with their recordings, or folders of scene files")
      ->required();
  command.add_option("--mend", a->mend, "write a mended copy (.usda, .usdz, .urdf, .sdf, .xml) and list each change");
  command.add_option("--only", a->only, "mend these codes only; needed for those that are a guess")->delimiter(',');
  command.add_option("--ignore", a->ignore, "leave out these codes")->delimiter(',');
  command.add_flag("--strict", a->strict, "warnings count as errors for the exit code");
  command.add_flag("--all", a->all, "list every finding, not the first of each code");
  command.add_flag("--json", a->json, "print the findings as JSON");
  command.add_option("--dt", a->dt, "step for which trouble is foretold, in seconds (0.001)")
      ->check(CLI::PositiveNumber);
  command.add_option("--integrator", a->integrator, "the same: implicit, euler, rk4 or symplectic (implicit)");
  add_read_options(command, a->read);
  command.add_option("--threads", a->threads, "how many work on a folder; 0: one a core (0)")
      ->check(CLI::NonNegativeNumber);
  command.footer(
      "Examples:\n"
      "  geoul check robot.urdf\n"
      "  geoul check models/ --strict\n"
      "  geoul check robot.urdf --mend mended.usda\n"
      "  geoul check part.stl --mend part.usda --only mesh-millimetres\n"
      "  geoul check scenarios/ur3e_cell/site.yaml --json\n"
      "  geoul check arm.urdf.xacro --xacro-arg hand:=true --srdf arm.srdf --hulls 16\n"
      "Exit codes: 0 no errors, 1 errors (with --strict warnings too), 2 bad usage, or no such file.");
  return [a] {
    Terminal terminal(a->json);
    const Result<dynamics::StepOptions> step = runtime::step_options(a->dt, a->integrator);
    if (!step) {
      terminal.print(step.error());
      return int{kBadUsage};
    }
    if (a->mend.empty() && !a->only.empty()) {
      terminal.print(Error{ErrorCode::kBadInput, "--only says what to mend; give --mend OUT too"});
      return int{kBadUsage};
    }
    const runtime::CheckOptions options{*step, {a->ignore.begin(), a->ignore.end()}, a->read, a->threads};
    return a->mend.empty() ? check(*a, options, terminal) : mend(*a, options, terminal);
  };
}

}  // namespace geoul::cli
