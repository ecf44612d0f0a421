// A live site with history: 100 signals a millisecond from one link and an asset at 1 kHz from another, for S seconds
// (20), recorded to the disk (TMPDIR or /tmp) while the twin follows; then 10,000 random instants against what was
// live.
//   live_history_figures [S]
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "bench/figure.h"
#include "geoul/core/random.h"
#include "geoul/core/unix_time.h"
#include "geoul/dynamics/snapshot.h"
#include "geoul/link/intake_link.h"
#include "geoul/runtime/live_mirror.h"
#include "scenarios/mechanics.h"

using namespace geoul;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSignals = 1000;  // of the plant
constexpr std::size_t kPerTick = 105;   // updates of it a millisecond
constexpr Duration kTick{1'000'000};

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

// Delivers `count` of its signals each millisecond, in turn.
class TickingLink : public link::ThreadLink {
 public:
  TickingLink(link::LinkOptions options, std::size_t count) : ThreadLink(std::move(options)), count_(count) {}
  ~TickingLink() override { stop(); }
  Result<std::uint64_t> write(const std::string&, const link::Value&) override {
    return Error{ErrorCode::kUnsupported, "nothing is written"};
  }
  Result<std::vector<link::OfferedSignal>> browse(Duration) override { return std::vector<link::OfferedSignal>(); }

 private:
  void run() override {
    intake_.set_live();
    const std::size_t signals = intake_.options().signals.size();
    std::size_t next = 0;
    const Time begin = unix_now();
    for (std::int64_t tick = 0; !stopping_; ++tick) {
      const Time due = begin + kTick * tick;
      while (unix_now() < due && !stopping_) std::this_thread::sleep_for(std::chrono::microseconds(200));
      std::vector<link::Intake::Item> items;
      for (std::size_t i = 0; i < count_; ++i, next = (next + 1) % signals) {
        const double value = std::sin(1e-3 * static_cast<double>(tick) + static_cast<double>(next));
        items.push_back({static_cast<std::uint32_t>(next), value, link::Quality::kGood, due});
      }
      intake_.deliver(std::move(items));
    }
  }
  std::size_t count_;
};

struct LiveSite {
  runtime::Twin twin;
  runtime::Site site;
  runtime::Bindings bindings;

  LiveSite() : twin(make()) {
    site.name = "bench", site.file = "bench.yaml";
    for (const char* id : {"asset", "plant"}) {
      runtime::LinkSpec spec;
      spec.id = id, spec.url = "csv:none.csv", spec.period = kTick;
      site.links.push_back(spec);
    }
    for (const scene::JointId id : twin.moving) {
      runtime::BoundJoint joint;
      joint.joint = id, joint.label = runtime::label_of(twin.scene.joints[id.index()].path);
      joint.q = twin.model.layout.joints[id.index()].q, joint.v = twin.model.layout.joints[id.index()].v;
      joint.position = static_cast<int>(bindings.columns.size());
      bindings.columns.push_back({"asset", joint.label, joint.label, {}});
      bindings.joints.push_back(joint);
    }
    for (std::size_t i = 0; i < kSignals; ++i) {
      const std::string name = "s" + std::to_string(i);
      bindings.columns.push_back({"plant", name, name, {}});
    }
    for (runtime::BoundJoint& joint : bindings.joints) {
      joint.velocity = static_cast<int>(bindings.width());
      bindings.derived.push_back({joint.position});
    }
  }
  static runtime::Twin make() {
    Diagnostics diagnostics;
    return *runtime::make_twin(scenarios::arm7(), diagnostics);
  }
};

struct Lived {
  Time time;
  std::uint64_t hash;
};

// What was live: time and hash of every state, of `length` seconds.
std::vector<Lived> live(const LiveSite& it, const std::string& folder, double length) {
  std::vector<std::unique_ptr<link::Link>> links;
  for (const runtime::LinkSpec& spec : it.site.links) {
    link::LinkOptions options{.id = spec.id, .signals = runtime::LiveMirror::asked_of(spec, it.bindings).names};
    const std::size_t count = spec.id == "asset" ? options.signals.size() : kPerTick;
    links.push_back(std::make_unique<TickingLink>(std::move(options), count));
  }
  runtime::LiveMirrorOptions options;
  options.now = unix_now;
  runtime::LiveMirror mirror(it.twin, it.site, it.bindings, std::move(links), std::move(options));
  runtime::LiveHistoryOptions recording;
  recording.folder = folder, recording.name = "bench";
  for (const runtime::LinkSpec& spec : it.site.links) recording.links.push_back(spec.id);
  runtime::LiveSetup setup;
  setup.fingerprint = runtime::fingerprint_of(it.twin, it.bindings, row_maker_options(it.site, it.bindings));
  recording.setup = to_json(setup);
  Diagnostics diagnostics;
  auto history = runtime::LiveHistory::start(std::move(recording), diagnostics);
  if (!history) return std::fprintf(stderr, "%s\n", history.error().message.c_str()), std::vector<Lived>();
  mirror.record(history->get());
  std::vector<Lived> out;
  const double begin = seconds();
  double slowest = 0;  // turn of the loop
  while (seconds() - begin < length) {
    const double turn = seconds();
    while (mirror.receive()) out.push_back({mirror.newest().state.time, dynamics::hash_state(mirror.newest().state)});
    slowest = std::max(slowest, seconds() - turn);
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  const runtime::LiveHistoryFigures figures = (*history)->figures();
  const double rate = static_cast<double>(figures.durable) / (seconds() - begin);
  double dropped = 0;
  for (const runtime::LinkStatus& status : mirror.links()) dropped += static_cast<double>(status.health.dropped);
  bench::at_least("history/live/updates on the disk", rate, "1/s", 100'000);
  bench::at_most("history/live/updates not recorded", static_cast<double>(figures.lost), "", 0);
  bench::at_most("history/live/updates dropped by the links", dropped, "", 0);
  bench::report("history/live/states", static_cast<double>(out.size()) / (seconds() - begin), "1/s");
  bench::report("history/live/from arrival to the disk, p99", 1e3 * figures.delay_p99.seconds(), "ms");
  bench::report("history/live/from arrival to the disk, worst", 1e3 * figures.delay_worst.seconds(), "ms");
  bench::report("history/live/longest turn of the loop", 1e3 * slowest, "ms");
  mirror.record(nullptr);
  if (!(*history)->finish()) out.clear();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const double length = argc > 1 ? std::atof(argv[1]) : 20;
  const fs::path folder = fs::temp_directory_path() / ("geoul_live_history_figures_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  const LiveSite it;
  const std::vector<Lived> lived = live(it, folder.string(), length);
  Diagnostics diagnostics;
  auto past = runtime::LivePast::open(folder.string(), {}, it.twin, it.bindings,
                                      row_maker_options(it.site, it.bindings), 0, diagnostics);
  if (!past || lived.empty()) return 1;
  runtime::RowEvaluator evaluator(it.twin, it.site, it.bindings);
  runtime::RowMeasures measures;
  std::vector<double> wall, cpu;
  double wrong = 0;
  Random random(6);
  const Time end = std::min(lived.back().time, (*past)->end());
  for (int i = 0; i < 10'000; ++i) {
    const Time t = lived.front().time + Duration{random.integer((end - lived.front().time).ns + 1)};
    const double begin = seconds(), begin_cpu = bench::thread_clock();
    const bool found = static_cast<bool>((*past)->seek(t));
    const runtime::MadeRow& made = (*past)->row();
    evaluator.evaluate(made.row.time, made.row.values, made.accelerations, measures);
    cpu.push_back(1e-6 * (bench::thread_clock() - begin_cpu));
    wall.push_back(1e3 * (seconds() - begin));
    const auto after =
        std::upper_bound(lived.begin(), lived.end(), t, [](Time at, const Lived& one) { return at < one.time; });
    wrong += !found || dynamics::hash_state(evaluator.snapshot().state) != (after - 1)->hash;
  }
  std::uintmax_t size = 0;
  for (const auto& entry : fs::directory_iterator(folder / "segments")) size += entry.file_size();
  bench::at_most("history/live/10,000 instants with other bits", wrong, "", 0);
  bench::at_most("history/live/seek p99", percentile(wall, 0.99), "ms", 50);
  bench::report("history/live/seek p99, CPU time", percentile(cpu, 0.99), "ms");
  bench::report("history/live/seek median, CPU time", percentile(cpu, 0.5), "ms");
  bench::report("history/live/room for an update", static_cast<double>(size) / (length * 1e3 * (kPerTick + 7)),
                "bytes");
  fs::remove_all(folder);
  return 0;
}
