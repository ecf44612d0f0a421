// The command "identify": masses, friction and rotor inertias of a machine from a recording of its motion.
#include <cstdio>
#include <memory>

#include "geoul/cli/commands.h"
#include "geoul/cli/terminal.h"
#include "geoul/runtime/identify_job.h"

namespace geoul::cli {

Command add_identify(CLI::App& app) {
  struct Arguments {
    runtime::IdentifyOptions options;
    bool json = false;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand(
      "identify", "masses, friction and rotor inertias of a machine from a recording of its motion");
  runtime::IdentifyOptions& o = a->options;
  command.add_option("SCENE", o.scene, "scene file (.usda, .urdf, .sdf, MJCF .xml): joints, and masses to start from")
      ->required();
  command.add_option("RECORDING", o.recording, "positions and torques over time: .csv, or .mcap of geoul")->required();
  command.add_option("--joints", o.joints, "joints that were recorded (all that the recording names)")->delimiter(',');
  command.add_option("--time", o.time_column, "column of times in seconds (time)");
  command.add_option("--position", o.position,
                     "columns of positions [rad]: {} is the joint's name, {0} or {1} its number ({}.position)");
  command.add_option("--velocity", o.velocity, "of velocities [rad/s]; none: differentiated ({}.velocity)");
  command.add_option("--torque", o.torque, "of torques at the joint [N.m] ({}.torque)");
  command
      .add_option("--period", o.period, "the machine's own sampling period in seconds (the recording's median step)")
      ->check(CLI::PositiveNumber);
  command.add_flag("--clock-from-motion", o.clock_from_motion,
                   "time stamps are those of a reader beside the machine: count periods by positions and velocities");
  command.add_option("--level", o.level, "probability of the intervals (0.95)")->check(CLI::Range(0.5, 0.999));
  command.add_option("--out", o.out, "write the scene with what was found (.usda, .urdf, .sdf, .xml)");
  command.add_option("--report", o.report, "write a page with tables and plots (.html), or plots alone (.svg)");
  add_read_options(command, o.read);
  command.add_flag("--json", a->json, "print the report as JSON");
  command.footer(
      "Examples:\n"
      "  geoul identify arm.urdf run.csv --out identified.usda --report identified.html\n"
      "  geoul identify arm.urdf run.csv --position q{0} --velocity dq{0} --torque tau{0} --time t\n"
      "  geoul identify arm.usda recordings/run.mcap --joints shoulder,elbow --level 0.99\n"
      "Exit codes: 0 done, 2 bad input or usage, 3 a defect of geoul.");
  return [a] {
    Terminal terminal(false);
    Diagnostics diagnostics;
    const Result<runtime::Report> report = runtime::identify_machine(a->options, terminal.output(), diagnostics);
    if (!report) {
      diagnostics.ok() ? terminal.print(report.error()) : terminal.print(diagnostics, Severity::kError);
      return report.error().code == ErrorCode::kInternal ? int{kDefect} : int{kBadUsage};
    }
    terminal.print(diagnostics);
    std::fputs((a->json ? runtime::to_json(*report) : runtime::to_text(*report)).c_str(), stdout);
    return int{kDone};
  };
}

}  // namespace geoul::cli
