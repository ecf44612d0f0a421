#include "geoul/cli/commands.h"

#include <cstdio>
#include <memory>

#include "geoul/cli/terminal.h"
#include "geoul/runtime/jobs.h"

namespace geoul::cli {
namespace {

// One line for each thing that is wrong: errors in the user's files, or what else went wrong. Warnings wait until
// they are all that is left to say.
int fail(Terminal& terminal, const Diagnostics& diagnostics, const Error& error) {
  diagnostics.ok() ? terminal.print(error) : terminal.print(diagnostics, Severity::kError);
  return error.code == ErrorCode::kInternal ? kDefect : kBadUsage;
}

void print_report(const runtime::Report& report, bool json) {
  std::fputs((json ? runtime::to_json(report) : runtime::to_text(report)).c_str(), stdout);
  std::fflush(stdout);
}

template <class Options>
void add_server_options(CLI::App& command, Options& options) {
  command.add_option("--port", options.port, "port of the studio and the live protocol; 0 takes any free one (8765)");
  command.add_option("--host", options.host,
                     "address to listen on; 0.0.0.0 opens it to the network, to users of 'geoul user' (127.0.0.1)");
  command.add_option("--name", options.access.names, "a further name that this machine is reached by");
  command.add_option("--access", options.access.folder, "folder of users and certificate (~/.local/state/geoul)");
  command.add_option("--serve-opcua", options.serve_opcua,
                     "serve the twin by OPC UA (Robotics, OPC 40010): PORT, or ADDRESS:PORT for the network");
  command.add_option("--serve-ros", options.serve_ros,
                     "serve the twin as a node of ROS 2: DOMAIN, or DOMAIN@INTERFACE for the network");
  command.add_option("--studio", options.studio,
                     "folder of the built studio (GEOUL_STUDIO, or studio/dist of the source)");
}

}  // namespace

std::atomic<bool> stop_requested{false};

void add_read_options(CLI::App& command, runtime::ReadOptions& options) {
  command
      .add_option("--hulls", options.max_hulls,
                  "what meshes touch with: 0 their surface, 1 their hull, N up to N convex parts (as the file says)")
      ->check(CLI::Range(0, 256));
  command.add_option("--xacro-arg", options.xacro_arguments, "argument of a .xacro file; may be given again")
      ->type_name("NAME:=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--srdf", options.srdf, "SRDF file of a .urdf or .xacro file (the one beside it)")
      ->check(CLI::ExistingFile);
}

Command add_run(CLI::App& app) {
  struct Arguments {
    runtime::RunOptions options;
    bool no_record = false, json = false;
    std::uint64_t keep = 20ull << 30;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& command =
      *app.add_subcommand("run", "a site's twin in the browser: over its recordings, or following its live plant");
  command.add_option("SITE", a->options.site, "site file (.yaml)")->required();
  command.add_flag("--live", a->options.live,
                   "follow the site's links, not its recordings; so is a site that has links only");
  command.add_option("--link", a->options.links, "other words for a link: ID=URL[,key=value...]; follows it");
  command.add_flag("--check", a->options.check,
                   "headless, as fast as possible, once; prints the report; exit code 1 where a bound is missed");
  command.add_option("--scene", a->options.scene, "another scene file than the site's own");
  add_server_options(command, a->options);
  command.add_option("--out", a->options.out, "folder for recording, report and plots (recordings/<site>-<time>)");
  command.add_option("--speed", a->options.speed, "times real time, 0.001 to 1000 (1)")
      ->check(CLI::Range(0.001, 1000.0));
  command.add_flag("--no-record", a->no_record, "write neither recording nor report");
  command.add_option("--history", a->options.history,
                     "with --live: folder of a history of all updates, instead of the recording: any instant can be "
                     "looked at again, see 'geoul history'");
  command.add_option("--catalogue", a->options.catalogue,
                     "of the history: a connection to PostgreSQL, postgresql://... (a file in the folder)");
  command.add_option("--keep-bytes", a->keep, "of the history: the oldest goes beyond this; 0 keeps all (20GiB)")
      ->transform(CLI::AsSizeValue(false));
  command.add_flag("--json", a->json, "print the report as JSON");
  command.footer(
      "Examples:\n"
      "  geoul run scenarios/ur3e_cell/site.yaml\n"
      "  geoul run scenarios/ur3e_cell/site.yaml --port 8080 --speed 0.5\n"
      "  geoul run scenarios/ur3e_cell/site.yaml --live\n"
      "  geoul run scenarios/ur3e_cell/site.yaml --live --serve-opcua 4840 --serve-ros 0\n"
      "  geoul run scenarios/ur3e_cell/site.yaml --live --history recordings/cell --keep-bytes 50GiB\n"
      "  geoul run scenarios/ur3e_cell/site.yaml --check --json --no-record\n"
      "  geoul run scenarios/ur3e_cell/site.yaml --check --scene scenarios/ur3e_cell/calibrated.usda\n"
      "Exit codes: 0 done, 1 a bound is missed (--check), 2 bad input or usage, 3 a defect of geoul.");
  return [a] {
    Terminal terminal(false);
    Diagnostics diagnostics;
    a->options.write = !a->no_record;
    a->options.keep_bytes = a->keep > 0 ? std::optional(a->keep) : std::nullopt;
    a->options.live = a->options.live || !a->options.links.empty();
    a->options.stop = &stop_requested;
    const Result<runtime::RunResult> result = runtime::run_site(a->options, terminal.output(), diagnostics);
    if (!result) return fail(terminal, diagnostics, result.error());
    terminal.print(diagnostics);
    if (!a->options.check && !a->json) return int{kDone};
    print_report(result->report, a->json);
    if (!a->options.check) return int{kDone};
    if (stop_requested) {
      terminal.say("stopped before the end: the report is not complete");
      return int{kShort};
    }
    const std::size_t missed = result->report.missed();
    terminal.say((missed == 0 ? "all bounds kept" : std::to_string(missed) + " bounds missed") +
                 (result->folder.empty() ? "" : "; recording, report and plots in " + result->folder));
    return int{missed == 0 ? kDone : kShort};
  };
}

Command add_simulate(CLI::App& app) {
  struct Arguments {
    runtime::SimulateOptions options;
    bool json = false;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("sim", "simulate a scene: live in the browser, or headless");
  command.add_option("SCENE", a->options.scene, "scene file (.usda, .urdf, .sdf, MJCF .xml, .stl, .obj, .dae)")
      ->required();
  add_read_options(command, a->options.read);
  command.add_option("--seconds", a->options.seconds, "how long; 0 goes on for ever (0; headless 10)")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--dt", a->options.dt, "step in seconds (0.001)")->check(CLI::PositiveNumber);
  command.add_option("--integrator", a->options.integrator, "implicit, euler, rk4 or symplectic (implicit)");
  command.add_option("--record", a->options.record, "record into this MCAP file");
  command.add_option("--history", a->options.history,
                     "folder of a history: snapshots and inputs, for 'geoul history show --time'");
  command.add_option("--catalogue", a->options.catalogue,
                     "of the history: a connection to PostgreSQL, postgresql://... (a file in the folder)");
  add_server_options(command, a->options);
  command.add_flag("--headless", a->options.headless, "as fast as possible, without a server");
  command.add_flag("--json", a->json, "print the report as JSON");
  command.footer(
      "Examples:\n"
      "  geoul sim scenarios/ur3e_cell/cell.usda\n"
      "  geoul sim robot.urdf --headless --seconds 5 --dt 0.0005 --integrator symplectic\n"
      "  geoul sim robot.urdf --headless --record fall.mcap --json\n"
      "  geoul sim robot.urdf --history recordings/robot\n"
      "  geoul sim arm.urdf.xacro --xacro-arg hand:=true --srdf arm.srdf --hulls 16\n"
      "Exit codes: 0 done, 2 bad input or usage, 3 a defect of geoul.");
  return [a] {
    Terminal terminal(false);
    Diagnostics diagnostics;
    a->options.stop = &stop_requested;
    runtime::JobOutput output = terminal.output();
    const Result<runtime::Report> report = runtime::simulate(a->options, output, diagnostics);
    if (!report) return fail(terminal, diagnostics, report.error());
    terminal.print(diagnostics);
    print_report(*report, a->json);
    return int{kDone};
  };
}

Command add_convert(CLI::App& app) {
  struct Arguments {
    std::string in, out;
    runtime::ReadOptions read;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App& command = *app.add_subcommand("convert", "read any scene and write it in another format");
  command.add_option("IN", a->in, "scene file (.usda, .usdc, .usdz, .urdf, .sdf, MJCF .xml, meshes)")->required();
  command
      .add_option("OUT", a->out,
                  "file to write (.usda, .usdz, .urdf, .sdf, MJCF .xml, .glb, .gltf); meshes go beside it")
      ->required();
  add_read_options(command, a->read);
  command.footer(
      "Examples:\n"
      "  geoul convert robot.urdf robot.usda\n"
      "  geoul convert arm.urdf.xacro arm.usda --xacro-arg hand:=true --hulls 16\n"
      "  geoul convert robot.urdf robot.usdz\n"
      "  geoul convert world.sdf world.xml\n"
      "  geoul convert scenarios/ur3e_cell/cell.usda flat.usda\n"
      "Exit codes: 0 done, 2 bad input or usage.");
  return [a] {
    Terminal terminal(false);
    Diagnostics diagnostics;
    const Result<std::string> written = runtime::convert(a->in, a->read, a->out, diagnostics);
    if (!written) return fail(terminal, diagnostics, written.error());
    terminal.print(diagnostics);
    terminal.say(a->out + ": " + *written);
    return int{kDone};
  };
}

}  // namespace geoul::cli
