#include "geoul/runtime/follow_site.h"

#include <algorithm>
#include <mutex>

#include "geoul/core/unix_time.h"
#include "geoul/history/posix_file.h"
#include "geoul/runtime/files.h"
#include "geoul/runtime/links.h"
#include "geoul/runtime/live.h"
#include "geoul/runtime/live_mirror.h"
#include "geoul/runtime/oversight/desk.h"
#include "geoul/runtime/serve.h"
#include "geoul/runtime/time_machine.h"

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

constexpr std::uint64_t kMostSiteBytes = 1u << 20;

// Who signed in and who was refused, from the server's threads to the loop.
class AccessWords {
 public:
  struct Word {
    Time time;
    std::string what, name, address;
  };
  void add(Time time, const std::string& what, const std::string& name, const std::string& address) {
    constexpr std::size_t kMost = 1000;
    const std::lock_guard guard(mutex_);
    if (words_.size() < kMost) words_.push_back({time, what, name, address});
  }
  std::vector<Word> take() {
    const std::lock_guard guard(mutex_);
    return std::exchange(words_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Word> words_;
};

void note_access(AccessWords& access, LiveMirror& mirror, LiveHistory& history) {
  for (const AccessWords::Word& word : access.take()) {
    const std::string name = word.name.empty() ? "somebody" : word.name;
    if (word.what == "signed-in" || word.what == "signed-out" || word.what == "token-accepted") {
      history.act(word.time, name, word.what, word.address);
      mirror.note({word.time, 0, "access", word.what, name + " from " + word.address});
    } else if (word.what == "sign-in-refused" || word.what == "token-refused") {
      mirror.note({word.time, 1, "access", word.what, name + " from " + word.address});
    }
  }
}

Result<std::unique_ptr<LiveHistory>> start_history(const Site& site, const Twin& twin, const RunOptions& options,
                                                   const JobOutput& output, LiveMirror& mirror,
                                                   Diagnostics& diagnostics) {
  LiveSetup setup;
  setup.site_file = site.file, setup.scene = site.scene, setup.links = options.links;
  const Result<std::string> text = history::read_file(site.file, kMostSiteBytes);
  if (!text) return text.error();
  setup.site_text = *text;
  if (const Result<std::string> hash = file_sha256(site.scene)) setup.scene_sha256 = *hash;
  setup.version = std::string(version());
  setup.fingerprint = fingerprint_of(twin, mirror.bindings(), row_maker_options(site, mirror.bindings()));
  LiveHistoryOptions recording;
  recording.folder = options.history, recording.catalogue = options.catalogue;
  recording.name = site.name, recording.source = site.file, recording.setup = to_json(setup);
  recording.most_bytes = options.keep_bytes;
  for (const LinkSpec& spec : site.links) recording.links.push_back(spec.id);
  Result<std::unique_ptr<LiveHistory>> history = LiveHistory::start(std::move(recording), diagnostics);
  if (!history) return history.error();
  Result<std::unique_ptr<LivePast>> past = LivePast::open(options.history, options.catalogue, twin, mirror.bindings(),
                                                          row_maker_options(site, mirror.bindings()), 0, diagnostics);
  if (!past) return past.error();
  if (output.say) {
    output.say("history   " + options.history + ", run " + std::to_string((*history)->run()) +
               ((*past)->other_runs() > 0 ? "; " + std::to_string((*past)->other_runs()) +
                                                " earlier ones have other bindings, and are not on the time line"
                                          : ""));
  }
  mirror.remember(std::move(*past));
  mirror.record(history->get());
  return history;
}

// A mark on the time line; in the history an alarm with its states, known by its place, and who has seen it in the
// audit trail.
void note_alarm(const oversight::Alarm& alarm, LiveMirror& mirror, LiveHistory* history) {
  using oversight::AlarmState;
  const Time time = alarm.cleared.value_or(alarm.detected);
  if (history) {
    const auto change = alarm.state == AlarmState::kRaised         ? LiveHistory::AlarmChange::kRaised
                        : alarm.state == AlarmState::kAcknowledged ? LiveHistory::AlarmChange::kAcknowledged
                                                                   : LiveHistory::AlarmChange::kCleared;
    history->alarm(change, {time, 1, "watch", alarm.place, alarm.text, {}}, alarm.acknowledged_by);
  }
  const bool is_new = alarm.state == AlarmState::kRaised;
  const std::string front = is_new ? "" : alarm.state == AlarmState::kCleared ? "over: " : "seen: ";
  mirror.note({time, is_new ? 1 : 0, "watch", "alarm", front + alarm.text});
}

}  // namespace

Result<RunResult> follow_site(const Site& site, const Twin& twin, const RunOptions& options, const JobOutput& output,
                              std::vector<std::optional<CurrentModel>> currents, Diagnostics& diagnostics) {
  std::optional<Bindings> bindings = bind(site, twin, Feed::kLive, diagnostics);
  if (!bindings) return diagnostics.to_error();
  Result<std::vector<std::unique_ptr<link::Link>>> links = make_links(site, *bindings);
  if (!links) return links.error();
  SteadyClock clock;
  AccessWords access;
  ServeOptions here{options.host.empty() ? site.host : options.host,
                    options.port.value_or(site.port),
                    options.studio,
                    options.access,
                    {}};
  if (!options.history.empty()) {
    here.on_access = [&access](Time time, const std::string& what, const std::string& name,
                               const std::string& address) { access.add(time, what, name, address); };
  }
  Result<std::unique_ptr<Server>> server = start_server(here);
  if (!server) return server.error();
  LiveMirrorOptions mirror_options;
  mirror_options.now = unix_now;
  mirror_options.currents = std::move(currents);
  std::optional<oversight::Oversight> oversight;  // its bindings are the mirror's
  mirror_options.on_row = [&oversight](const scene::State& state, const RowMeasures& measures) {
    if (oversight) oversight->observe(state, measures);
  };
  LiveMirror mirror(twin, site, std::move(*bindings), std::move(*links), std::move(mirror_options));
  const Result<TwinServe> serve = twin_serve(site.serve, options.serve_opcua, options.serve_ros);
  if (!serve) return serve.error();
  Result<std::unique_ptr<TwinServer>> twin_server = start_twin_server(*serve, twin, &site, mirror, **server);
  if (!twin_server) return twin_server.error();
  std::unique_ptr<LiveHistory> history;
  if (!options.history.empty()) {
    Result<std::unique_ptr<LiveHistory>> started = start_history(site, twin, options, output, mirror, diagnostics);
    if (!started) return started.error();
    history = std::move(*started);
  }
  Publisher publisher(twin, mirror, server->get(), {});
  RunResult result;
  // A history replaces the recording: a live site goes on for ever, and one file would grow with it.
  const bool records = options.write && (!history || !options.out.empty());
  if (records) {
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
  for (const Finding& finding : diagnostics.findings()) {
    publisher.publish_log(log::Level::kWarning, to_string(finding));
    if (history)
      mirror.note({unix_now(), finding.severity == Severity::kInfo ? 0 : 1, "site", finding.code, to_string(finding)});
  }
  LiveOptions live;
  live.stop = options.stop;
  live.on_status = output.status;
  live.on_words = output.say;
  live.twin_server = twin_server->get();
  oversight::OversightOptions judgement;
  judgement.on_alarm = [&](const oversight::Alarm& alarm) { note_alarm(alarm, mirror, history.get()); };
  oversight.emplace(twin, mirror.bindings(), std::move(judgement));
  oversight::Desk desk(*oversight, publisher, server->get());
  live.on_call = [&](const ServiceCall& call) { return desk.answer(call, unix_now()); };
  live.on_turn = [&] {
    if (history) note_access(access, mirror, *history);
    desk.publish(unix_now(), [&](const PlayerWords& words) {
      if (output.say) output.say(words.text);
    });
  };
  run_live(mirror, publisher, server->get(), clock, live);
  oversight.reset();
  mirror.settle([&] { publisher.record_newest(); });
  if (history) {
    if (const Result<void> finished = history->finish(); !finished && output.say) output.say(finished.error().message);
  }
  for (const PlayerWords& words : mirror.take_words()) {
    if (output.say) output.say(words.text);
  }
  result.report = mirror.report();
  mirror.record(nullptr);
  if (result.folder.empty()) return result;
  Result<void> done =
      publisher.recording_error() ? Result<void>(*publisher.recording_error()) : publisher.stop_recording();
  if (done) done = write_report(mirror, result.folder);
  if (!done) return done.error();
  if (output.say) output.say("recording and report are complete: " + result.folder);
  return result;
}

}  // namespace geoul::runtime
