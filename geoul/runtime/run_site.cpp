// The job "run": a site's recordings through its twin, live or as a check.
#include <cmath>
#include <memory>

#include "geoul/runtime/files.h"
#include "geoul/runtime/follow_site.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/links.h"
#include "geoul/runtime/live.h"
#include "geoul/runtime/mirror.h"
#include "geoul/runtime/serve.h"
#include "geoul/runtime/svg_plot.h"

namespace geoul::runtime {
namespace {

// Everything a run needs from its files.
struct Loaded {
  Site site;
  Twin twin;
  std::unique_ptr<Mirror> mirror;  // refers to the two above
};

std::unique_ptr<Loaded> load(const RunOptions& options, const JobOutput& output, Diagnostics& diagnostics) {
  if (output.progress) output.progress(0, "site file");
  std::optional<Site> site = read_site(options.site, diagnostics);
  if (!site) return nullptr;
  if (!options.scene.empty()) site->scene = options.scene;
  for (const std::string& words : options.links) {
    if (const std::optional<Error> wrong = replace_link(*site, words)) {
      diagnostics.error({site->file, 0, "--link"}, "bad-value", wrong->message);
      return nullptr;
    }
  }
  if (output.progress) output.progress(0.1, "scene");
  std::optional<Twin> twin = load_twin(site->scene, diagnostics);
  if (!twin) return nullptr;
  return std::make_unique<Loaded>(Loaded{std::move(*site), std::move(*twin), nullptr});
}

// The site's recordings, evaluated once; false where anything in them is an error.
bool load_recordings(Loaded& out, const JobOutput& output, Diagnostics& diagnostics) {
  const auto progress = [&](double fraction, const std::string& what) {
    if (output.progress) output.progress(fraction, what);
  };
  std::optional<Bindings> bindings = bind(out.site, out.twin, Feed::kRecording, diagnostics);
  if (!bindings) return false;
  progress(0.5, "recordings");
  std::optional<Stream> stream = load_stream(out.site.sources.front(), *bindings, diagnostics);
  if (!stream) return false;
  progress(0.8, "first pass");
  out.mirror = std::make_unique<Mirror>(out.twin, out.site, std::move(*bindings), std::move(*stream));
  progress(1, "ready");
  return true;
}

// Torque residuals of every joint over time.
Plot residual_plot(const Loaded& job) {
  const Mirror& mirror = *job.mirror;
  const Stream& stream = mirror.stream();
  Plot plot;
  plot.title = job.site.name + ": torque residuals";
  plot.subtitle = "predicted by inverse dynamics minus the controller's target_moment, joint by joint";
  plot.x_label = "time since the first row [s]";
  for (const Time t : stream.time) plot.x.push_back((t - stream.time.front()).seconds());
  for (std::size_t k = 0; k < stream.files(); ++k) plot.sections.emplace_back(plot.x[stream.begin[k]], stream.names[k]);
  for (std::size_t j = 0; j < mirror.bindings().joints.size(); ++j) {
    const BoundJoint& joint = mirror.bindings().joints[j];
    if (joint.reference_torque < 0) continue;
    PlotPanel panel{joint.label, "N.m", {{"along the measured motion", {}}, {"along the reference motion", {}}}};
    for (const RowMeasures& row : mirror.measures()) {
      panel.series[0].y.push_back(row.joints[j].along_measured - row.joints[j].torque);
      panel.series[1].y.push_back(row.joints[j].along_reference - row.joints[j].torque);
    }
    plot.panels.push_back(std::move(panel));
  }
  return plot;
}

// Torques themselves: the controller's, the twin's, and what the measured currents say.
Plot torque_plot(const Loaded& job) {
  const Mirror& mirror = *job.mirror;
  Plot plot = residual_plot(job);
  plot.title = job.site.name + ": joint torques";
  plot.subtitle =
      "the controller's target_moment, the twin along the measured motion, and torque from the measured current";
  std::size_t panel = 0;
  for (std::size_t j = 0; j < mirror.bindings().joints.size(); ++j) {
    if (mirror.bindings().joints[j].reference_torque < 0) continue;
    std::vector<PlotSeries> series = {{"target_moment", {}}, {"twin", {}}, {"from current", {}}};
    const std::optional<CurrentModel>& motor = mirror.currents()[j];
    for (const RowMeasures& row : mirror.measures()) {
      const RowMeasures::JointRow& r = row.joints[j];
      series[0].y.push_back(r.torque);
      series[1].y.push_back(r.along_measured);
      const bool moves = std::abs(r.velocity) > job.site.judge.moving_above;
      series[2].y.push_back(motor && moves ? r.along_measured +
                                                 (r.current - predict_current(*motor, r.along_measured, r.velocity)) *
                                                     motor->torque_constant()
                                           : kNoBound);
    }
    plot.panels[panel++].series = std::move(series);
  }
  return plot;
}

Result<void> write_report(const Loaded& job, const std::filesystem::path& folder) {
  const Report report = job.mirror->report();
  std::vector<std::pair<std::string, std::string>> files = {{"report.txt", to_text(report)},
                                                            {"report.json", to_json(report)}};
  const Plot residuals = residual_plot(job);
  if (!residuals.panels.empty()) {
    files.emplace_back("torque_residuals.svg", to_svg(residuals));
    files.emplace_back("torques.svg", to_svg(torque_plot(job)));
  }
  for (const auto& [name, content] : files) {
    const Result<void> written = write_file(folder / name, content);
    if (!written) return written.error();
  }
  return {};
}

void say_what_is_played(const Loaded& job, const RunOptions& options, const Server* server, const std::string& folder,
                        const JobOutput& output) {
  if (!output.say) return;
  const Stream& stream = job.mirror->stream();
  std::string names;
  for (const std::string& name : stream.names) names += (names.empty() ? "" : ", ") + name;
  output.say("plays     " + names + ": " + std::to_string(stream.rows()) + " rows, " +
             short_number((stream.time.back() - stream.time.front()).seconds()) + " s, through " + job.site.scene);
  if (!folder.empty()) output.say("records   " + folder + "/" + job.site.name + ".mcap");
  if (server) say_where_to_look(*server, options.studio, output.say);
}

}  // namespace

Result<RunResult> run_site(const RunOptions& options, const JobOutput& output, Diagnostics& diagnostics) {
  const std::unique_ptr<Loaded> job = load(options, output, diagnostics);
  if (!job) return diagnostics.to_error();
  const bool live = options.live || job->site.sources.empty();
  if (live && options.check) {
    return Error{ErrorCode::kBadInput, "a live plant has no end to be checked at: --check needs recordings"};
  }
  if (!live && !options.history.empty()) {
    return Error{ErrorCode::kBadInput, "a history is of a live site: give --live too, or leave --history out"};
  }
  if (live && job->site.links.empty()) {
    return Error{ErrorCode::kBadInput, job->site.file + ": there is no link to follow; list one under links"};
  }
  if (!job->site.sources.empty() && !load_recordings(*job, output, diagnostics)) return diagnostics.to_error();
  if (live) {
    std::vector<std::optional<CurrentModel>> currents;
    if (job->mirror) currents = job->mirror->currents();
    return follow_site(job->site, job->twin, options, output, std::move(currents), diagnostics);
  }
  SteadyClock clock;
  Mirror& mirror = *job->mirror;
  mirror.measure_speed(clock);

  std::unique_ptr<Server> server;
  if (!options.check) {
    Result<std::unique_ptr<Server>> started =
        start_server({options.host.empty() ? job->site.host : options.host, options.port.value_or(job->site.port),
                      options.studio, options.access});
    if (!started) return started.error();
    server = std::move(started).value();
  }
  const Result<TwinServe> serve = twin_serve(job->site.serve, options.serve_opcua, options.serve_ros);
  if (!serve) return serve.error();
  std::unique_ptr<TwinServer> twin_server;
  if (server) {
    auto started = start_twin_server(*serve, job->twin, &job->site, mirror, *server);
    if (!started) return started.error();
    twin_server = std::move(started).value();
  }
  Publisher publisher(job->twin, mirror, server.get(), {});
  RunResult result;
  if (options.write) {
    const Result<std::filesystem::path> folder = make_run_folder(options.out, job->site.record_folder, job->site.name);
    if (!folder) return folder.error();
    result.folder = folder->string();
    const Result<void> recording = publisher.start_recording(*folder / (job->site.name + ".mcap"));
    if (!recording) return recording.error();
  }
  say_what_is_played(*job, options, server.get(), result.folder, output);

  LiveOptions run;
  run.stop = options.stop;
  run.on_status = output.status;
  run.on_words = output.say;
  run.twin_server = twin_server.get();
  run.loop.mode = options.check ? ClockMode::kFreeRun : ClockMode::kRealTime;
  run.loop.speed = options.speed;
  run.loop.at_end = options.check ? AtEnd::kStop : AtEnd::kRepeat;
  // The first time through ends the recording and writes the report.
  std::optional<Error> failed;
  bool complete = false;
  const auto finish = [&] {
    if (complete || result.folder.empty()) return;
    complete = true;
    Result<void> done =
        publisher.recording_error() ? Result<void>(*publisher.recording_error()) : publisher.stop_recording();
    if (done) done = write_report(*job, result.folder);
    if (!done) failed = done.error();
    const bool whole = mirror.report_version() == static_cast<int>(mirror.stream().files());
    const std::string words =
        !done   ? done.error().message
        : whole ? "recording and report are complete: " + result.folder
                : "ended early: the recording is closed, the report holds what was played: " + result.folder;
    publisher.publish_log(done ? log::Level::kInfo : log::Level::kError, words);
    if (output.say && !options.check) output.say(words);
  };
  run.on_end = [&] {
    finish();
    return failed.has_value();
  };
  for (const Finding& finding : diagnostics.findings()) publisher.publish_log(log::Level::kWarning, to_string(finding));
  run_live(mirror, publisher, server.get(), clock, run);
  finish();
  if (failed) return *failed;
  result.report = mirror.report();
  return result;
}

}  // namespace geoul::runtime
