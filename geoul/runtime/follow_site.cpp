#include "geoul/runtime/follow_site.h"

#include "geoul/core/unix_time.h"
#include "geoul/runtime/files.h"
#include "geoul/runtime/links.h"
#include "geoul/runtime/live.h"
#include "geoul/runtime/live_mirror.h"
#include "geoul/runtime/serve.h"

namespace geoul::runtime {
namespace {

Result<std::vector<std::unique_ptr<link::Link>>> make_links(const Site& site, const Bindings& bindings) {
  std::vector<std::unique_ptr<link::Link>> out;
  for (const LinkSpec& spec : site.links) {
    LiveMirror::Asked asked = LiveMirror::asked_of(spec, bindings);
    Result<std::unique_ptr<link::Link>> link =
        make_link(spec, std::move(asked.names), unix_now, std::move(asked.units));
    if (!link) {
      const std::string where = site.file + ":" + std::to_string(spec.line) + ": link '" + spec.id + "': ";
      return Error{link.error().code, where + link.error().message};
    }
    out.push_back(std::move(link).value());
  }
  return out;
}

Result<void> write_report(const LiveMirror& mirror, const std::filesystem::path& folder) {
  const Report report = mirror.report();
  const Result<void> text = write_file(folder / "report.txt", to_text(report));
  if (!text) return text.error();
  return write_file(folder / "report.json", to_json(report));
}

}  // namespace

Result<RunResult> follow_site(const Site& site, const Twin& twin, const RunOptions& options, const JobOutput& output,
                              std::vector<std::optional<CurrentModel>> currents, Diagnostics& diagnostics) {
  std::optional<Bindings> bindings = bind(site, twin, Feed::kLive, diagnostics);
  if (!bindings) return diagnostics.to_error();
  Result<std::vector<std::unique_ptr<link::Link>>> links = make_links(site, *bindings);
  if (!links) return links.error();
  SteadyClock clock;
  Result<std::unique_ptr<Server>> server =
      start_server({options.host.empty() ? site.host : options.host, options.port.value_or(site.port), options.studio,
                    options.access});
  if (!server) return server.error();
  LiveMirrorOptions mirror_options;
  mirror_options.now = unix_now;
  mirror_options.currents = std::move(currents);
  LiveMirror mirror(twin, site, std::move(*bindings), std::move(*links), std::move(mirror_options));
  const Result<TwinServe> serve = twin_serve(site.serve, options.serve_opcua, options.serve_ros);
  if (!serve) return serve.error();
  Result<std::unique_ptr<TwinServer>> twin_server = start_twin_server(*serve, twin, &site, mirror, **server);
  if (!twin_server) return twin_server.error();
  Publisher publisher(twin, mirror, server->get(), {});
  RunResult result;
  if (options.write) {
    const Result<std::filesystem::path> folder = make_run_folder(options.out, site.record_folder, site.name);
    if (!folder) return folder.error();
    result.folder = folder->string();
    const Result<void> recording = publisher.start_recording(*folder / (site.name + ".mcap"));
    if (!recording) return recording.error();
  }
  if (output.say) {
    for (const LinkSpec& spec : site.links) output.say("follows   " + spec.id + ": " + spec.url);
    if (!result.folder.empty()) output.say("records   " + result.folder + "/" + site.name + ".mcap");
    say_where_to_look(**server, options.studio, output.say);
  }
  for (const Finding& finding : diagnostics.findings()) publisher.publish_log(log::Level::kWarning, to_string(finding));
  LiveOptions live;
  live.stop = options.stop;
  live.on_status = output.status;
  live.on_words = output.say;
  live.twin_server = twin_server->get();
  run_live(mirror, publisher, server->get(), clock, live);
  result.report = mirror.report();
  if (result.folder.empty()) return result;
  Result<void> done =
      publisher.recording_error() ? Result<void>(*publisher.recording_error()) : publisher.stop_recording();
  if (done) done = write_report(mirror, result.folder);
  if (!done) return done.error();
  if (output.say) output.say("recording and report are complete: " + result.folder);
  return result;
}

}  // namespace geoul::runtime
