// The past of a live site against what was live, by the hash of every bit of the state, with everything that a plant
// does wrong: loss, lateness, outages, clocks that jump, other types. And what a broken disk may do: never stop the
// twin, never lose what was acknowledged, always be said.
#include "geoul/runtime/live_history.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "geoul/core/random.h"
#include "geoul/core/unix_time.h"
#include "geoul/dynamics/snapshot.h"
#include "geoul/link/csv_link.h"
#include "geoul/runtime/live_cell.h"
#include "geoul/runtime/server/eventually.h"

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;

struct Lived {
  Time time;
  std::uint64_t hash = 0;
};

class Recorded : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_live_history_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Small, so that there are many of everything.
  LiveHistoryOptions options(const Cell& cell) const {
    LiveHistoryOptions out;
    out.folder = folder_.string();
    out.name = "cell", out.source = "site.yaml";
    LiveSetup setup;
    setup.fingerprint =
        fingerprint_of(*cell.twin, cell.live->bindings(), row_maker_options(cell.site, cell.live->bindings()));
    out.setup = to_json(setup);
    for (const LinkSpec& spec : cell.site.links) out.links.push_back(spec.id);
    out.snapshot_every = {1'000'000'000};
    out.segment_span = {7'000'000'000};
    out.recorder.journal_bytes = 1 << 20;
    return out;
  }
  std::unique_ptr<LiveHistory> begin(const LiveHistoryOptions& options) {
    Diagnostics diagnostics;
    auto out = LiveHistory::start(options, diagnostics);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? std::move(*out) : nullptr;
  }
  std::unique_ptr<LivePast> past(const Cell& cell, std::int64_t run = 0) {
    Diagnostics diagnostics;
    auto out = LivePast::open(folder_.string(), {}, *cell.twin, cell.live->bindings(),
                              row_maker_options(cell.site, cell.live->bindings()), run, diagnostics);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
    return out ? std::move(*out) : nullptr;
  }
  // The hash of the state that a past row makes.
  class Eye {
   public:
    explicit Eye(const Cell& cell) : evaluator_(*cell.twin, cell.site, cell.live->bindings()) {}
    std::uint64_t hash(const MadeRow& made) {
      evaluator_.evaluate(made.row.time, made.row.values, made.accelerations, measures_);
      return dynamics::hash_state(evaluator_.snapshot().state);
    }

   private:
    RowEvaluator evaluator_;
    RowMeasures measures_;
  };
  static Lived shown(const Cell& cell) {
    const scene::State& state = cell.live->snapshot().state;
    return {state.time, dynamics::hash_state(state)};
  }
  static void take_in(Cell& cell, std::vector<Lived>& lived) {
    while (cell.live->step()) lived.push_back(shown(cell));
  }
  // Random instants, then every row in order.
  void compare(const Cell& cell, LivePast& past, const std::vector<Lived>& lived, int instants) {
    Eye eye(cell);
    Random random(9);
    const std::int64_t begin = lived.front().time.ns, length = lived.back().time.ns - begin + 1;
    for (int i = 0; i < instants; ++i) {
      const Time t{begin + random.integer(length)};
      const Result<void> done = past.seek(t);
      ASSERT_TRUE(done) << done.error().message;
      const auto after =
          std::upper_bound(lived.begin(), lived.end(), t, [](Time at, const Lived& one) { return at < one.time; });
      const Lived& wanted = *(after - 1);
      ASSERT_EQ(past.row().row.time, wanted.time) << i;
      ASSERT_EQ(eye.hash(past.row()), wanted.hash) << i;
    }
    ASSERT_TRUE(past.seek(lived.front().time));
    for (std::size_t i = 0; i < lived.size(); ++i) {
      ASSERT_EQ(past.row().row.time, lived[i].time) << i;
      ASSERT_EQ(eye.hash(past.row()), lived[i].hash) << i;
      const Result<bool> more = past.step();
      ASSERT_TRUE(more) << more.error().message;
      ASSERT_EQ(*more, i + 1 < lived.size()) << i;
    }
  }

  fs::path folder_;
};

// A plant at its worst. k counts the rows of the recording.
class BadPlant {
 public:
  explicit BadPlant(Cell& cell) : cell_(cell) {}
  void deliver(std::size_t k) {
    if (k % 700 == 500) go_away();
    if (k % 700 > 500 && k % 700 < 560) return wait(40);
    if (k % 700 == 560) cell_.link->intake.set_live();
    if (k == 900) set_clock({-7'200'000'000'000});
    if (k == 1500) set_clock({3'000'000'000});
    std::vector<link::Intake::Item> items = cell_.row(k);
    for (link::Intake::Item& item : items) {
      *item.source_time = *item.source_time + shift_;
      if (random_.integer(200) == 0) item.quality = link::Quality::kUncertain;
      if (random_.integer(300) == 0) item.quality = link::Quality::kBad;
      if (random_.integer(400) == 0) item.value = std::string("not a number");
      if (random_.integer(400) == 0) item.value = random_.integer(2) == 0;
      if (random_.integer(400) == 0) item.value = random_.integer(1000);
    }
    wait(38 + random_.integer(5));
    if (random_.integer(20) == 0) return;  // lost
    if (random_.integer(10) == 0) std::reverse(items.begin(), items.end());
    if (random_.integer(15) == 0) items.resize(1 + static_cast<std::size_t>(random_.integer(5)));
    if (random_.integer(25) == 0) return held_.push_back(std::move(items));  // late
    cell_.link->intake.deliver(std::move(items));
    if (!held_.empty() && random_.integer(3) == 0) {
      cell_.link->intake.deliver(std::move(held_.front()));
      held_.erase(held_.begin());
    }
    if (random_.integer(30) == 0) {  // twice, and old
      std::vector<link::Intake::Item> again = cell_.row(k < 10 ? 0 : k - 10);
      for (link::Intake::Item& item : again) *item.source_time = *item.source_time + shift_;
      cell_.link->intake.deliver(std::move(again));
    }
  }

 private:
  void set_clock(Duration shift) {
    shift_ = shift;
    held_.clear();
  }
  void wait(std::int64_t ms) { cell_.clock = cell_.clock + Duration{ms * 1'000'000}; }
  void go_away() {
    cell_.link->intake.set_waiting("the plant is gone; is it running?", cell_.clock);
    cell_.link->intake.mark_all_bad();
  }

  Cell& cell_;
  Random random_{5};
  Duration shift_{};
  std::vector<std::vector<link::Intake::Item>> held_;
};

TEST_F(Recorded, AnyInstantOfABadPlantHasTheBitsOfTheLiveRun) {
  Cell cell;
  auto history = begin(options(cell));
  cell.live->record(history.get());
  std::vector<Lived> lived{shown(cell)};
  BadPlant plant(cell);
  for (std::size_t k = 0; k < 2500; ++k) {
    plant.deliver(k);
    take_in(cell, lived);
    if (k % 3 == 0) {  // patience ends
      cell.clock = cell.clock + Duration{21'000'000};
      take_in(cell, lived);
    }
  }
  cell.live->settle();
  ASSERT_TRUE(history->finish());
  EXPECT_GT(lived.size(), 1500u);
  const LiveHistoryFigures figures = history->figures();
  EXPECT_EQ(figures.lost, 0u);
  EXPECT_GT(figures.durable, 60'000u);
  auto then = past(cell);
  ASSERT_TRUE(then);
  EXPECT_EQ(then->begin(), lived.front().time);
  compare(cell, *then, lived, 3000);
  const auto events = then->events(1000);
  ASSERT_TRUE(events);
  std::map<std::string, int> named;
  for (const history::EntryRow& row : *events) ++named[row.name];
  EXPECT_GE(named["clock-jump"], 2);  // rows that were held back long look like one too
  EXPECT_EQ(named["link-lost"], 3);
  EXPECT_EQ(named["link-live"], 4);
  // whatever the plant's clock says; patience makes ours run faster here than the rows' 40 ms
  EXPECT_LT(std::abs((lived.back().time - cell.clock).seconds()), 10);
}

TEST_F(Recorded, RunsThatAreLongGoOnInAnotherOneWithoutAGap) {
  Cell cell;
  LiveHistoryOptions settings = options(cell);
  settings.run_length = {1};  // with each snapshot
  settings.snapshot_every = {4'000'000'000};
  auto history = begin(settings);
  cell.live->record(history.get());
  std::vector<Lived> lived{shown(cell)};
  for (std::size_t k = 0; k < 600; ++k) {
    cell.deliver(k);
    take_in(cell, lived);
  }
  cell.live->settle();
  ASSERT_TRUE(history->finish());
  EXPECT_EQ(history->figures().lost, 0u);
  EXPECT_GE(history->run(), 5);
  auto then = past(cell);
  compare(cell, *then, lived, 300);
}

TEST_F(Recorded, TheTwinShowsWhatMemoryNoLongerHoldsAndEarlierRuns) {
  std::vector<Lived> lived;
  {
    Cell cell;
    auto history = begin(options(cell));
    cell.live->record(history.get());
    for (std::size_t k = 0; k < 300; ++k) {
      cell.deliver(k);
      take_in(cell, lived);
    }
    cell.live->settle();
    ASSERT_TRUE(history->finish());
  }
  const std::size_t first = lived.size();
  Cell cell;
  cell.clock = lived.back().time + Duration{60'000'000'000};
  LiveMirrorOptions small;
  small.memory = 60'000;
  cell.make_live(small);
  auto history = begin(options(cell));
  cell.live->record(history.get());
  cell.live->remember(past(cell));
  for (std::size_t k = 0; k < 1000; ++k) {
    cell.deliver(k);
    take_in(cell, lived);
  }
  EXPECT_EQ(cell.live->begin().ns / 1'000'000'000, lived.front().time.ns / 1'000'000'000);
  // segments are closed by the recorder's threads
  const auto shows = [&](const Lived& wanted) {
    cell.live->seek(wanted.time);
    return shown(cell).time == wanted.time && shown(cell).hash == wanted.hash;
  };
  EXPECT_TRUE(shows(lived[10]));
  EXPECT_TRUE(shows(lived[first - 1]));
  EXPECT_TRUE(eventually([&] { return shows(lived[first + 300]); }));
  EXPECT_FALSE(cell.live->is_following());
  EXPECT_TRUE(shows(lived.back()));
  // from the disk into memory, row by row
  ASSERT_TRUE(eventually([&] { return shows(lived[first + 700]); }));
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    const auto k = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(first + 700)));
    ASSERT_TRUE(shows(lived[k])) << k;
  }
  ASSERT_TRUE(shows(lived[first + 500]));
  std::size_t at = first + 500;
  while (at + 1 < lived.size()) {
    const Time next = cell.live->next_time();
    ASSERT_TRUE(cell.live->step()) << at;
    ASSERT_EQ(shown(cell).time, next);
    while (at + 1 < lived.size() && lived[at].time < next) ++at;  // what is in no closed segment is leapt over
    ASSERT_EQ(lived[at].time, next);
    ASSERT_EQ(shown(cell).hash, lived[at].hash);
  }
  cell.live->follow(true);
  EXPECT_EQ(shown(cell).time, lived.back().time);
  cell.live->settle();
  ASSERT_TRUE(history->finish());
  cell.live->record(nullptr);
}

TEST_F(Recorded, ADiskThatBreaksIsSaidCountedAndComesBack) {
  Cell cell;
  LiveHistoryOptions settings = options(cell);
  settings.retry_first = settings.retry_longest = {50'000'000};
  auto history = begin(settings);
  cell.live->record(history.get());
  std::vector<Lived> lived{shown(cell)};
  std::size_t k = 0;
  const auto go_on = [&](std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) cell.deliver(k++), take_in(cell, lived);
  };
  go_on(100);
  const auto durable = [&] { return history->figures().durable; };
  const std::uint64_t first = 100 * cell.columns.size();
  ASSERT_TRUE(eventually([&] { return durable() >= first; }));
  // segments cannot be written: their folder is a file
  fs::rename(folder_ / "segments", folder_ / "aside");
  std::ofstream(folder_ / "segments") << "no folder";
  ASSERT_TRUE(eventually([&] { return go_on(20), !history->figures().recording; }));
  const std::uint64_t lost = history->figures().lost;
  ASSERT_TRUE(eventually([&] { return go_on(1), history->figures().lost > lost + 1000; }));
  EXPECT_EQ(lived.size(), k + 1);  // the twin went on
  fs::remove(folder_ / "segments");
  fs::rename(folder_ / "aside", folder_ / "segments");
  ASSERT_TRUE(eventually([&] { return go_on(1), history->figures().recording; }));
  const std::uint64_t before = durable();
  ASSERT_TRUE(eventually([&] { return go_on(1), durable() > before + 1000; }));
  cell.live->settle();
  ASSERT_TRUE(history->finish());
  std::string said;
  for (const PlayerWords& words : cell.live->take_words()) said += words.text + "\n";
  EXPECT_NE(said.find("segments"), std::string::npos) << said;
  EXPECT_NE(said.find("free the disk, or check that it is there"), std::string::npos) << said;
  EXPECT_NE(said.find("recording again, run"), std::string::npos) << said;
  EXPECT_NE(said.find("were not recorded (rtde "), std::string::npos) << said;
  // every update is on the disk or counted
  EXPECT_GE(history->figures().durable + history->figures().lost, k * cell.columns.size());
  auto then = past(cell);
  Eye eye(cell);
  ASSERT_TRUE(then->seek(lived.front().time));
  std::size_t found = 0;
  for (std::size_t i = 0; i < lived.size(); ++i) {
    if (then->row().row.time != lived[i].time) continue;
    ++found;
    ASSERT_EQ(eye.hash(then->row()), lived[i].hash);
    if (!then->step().value()) break;
  }
  EXPECT_GE(found, 100u);
  EXPECT_LT(found, lived.size());
  bool told = false;
  for (const history::EntryRow& row : then->events(1000).value()) told = told || row.name == "not-recorded";
  EXPECT_TRUE(told);
}

TEST_F(Recorded, ADiskThatIsTooSlowNeverStopsTheTwin) {
  Cell cell;
  LiveHistoryOptions settings = options(cell);
  settings.queue_bytes = 20'000;  // two rows of this cell, about
  auto history = begin(settings);
  cell.live->record(history.get());
  std::vector<Lived> lived{shown(cell)};
  std::size_t rows = 0;
  for (; history->figures().lost == 0 && rows < 20'000; ++rows) {
    cell.deliver(rows);
    take_in(cell, lived);
  }
  EXPECT_GT(history->figures().lost, 0u);
  ASSERT_TRUE(eventually([&] {
    cell.deliver(rows++);
    take_in(cell, lived);
    return history->run() > 1;  // after the gap, from another snapshot
  }));
  cell.live->settle();
  ASSERT_TRUE(history->finish());
  EXPECT_EQ(lived.size(), rows + 1);
  std::string said;
  for (const PlayerWords& words : cell.live->take_words()) said += words.text + "\n";
  EXPECT_NE(said.find("the disk is slower than the plant"), std::string::npos) << said;
}

TEST_F(Recorded, ARealLinkInItsOwnThreadIsFollowedBitForBit) {
  Cell cell({}, true);
  std::vector<std::unique_ptr<link::Link>> links;
  link::CsvLinkOptions csv;
  csv.link = {.id = "rtde", .signals = LiveMirror::asked_of(cell.site.links[0], cell.live->bindings()).names};
  csv.files = cell.site.sources.front().files;
  csv.speed = 60, csv.loop = true;
  links.push_back(link::make_csv_link(std::move(csv)));
  LiveMirrorOptions by_wall_clock;
  by_wall_clock.now = unix_now;
  cell.make_live(by_wall_clock, std::move(links));
  auto history = begin(options(cell));
  cell.live->record(history.get());
  std::vector<Lived> lived{shown(cell)};
  ASSERT_TRUE(eventually([&] { return take_in(cell, lived), lived.size() > 1000; }));
  cell.live->settle();
  lived.push_back(shown(cell));
  ASSERT_TRUE(history->finish());
  auto then = past(cell);
  Eye eye(cell);
  Random random(4);
  for (int i = 0; i < 1000; ++i) {
    const Lived& wanted = lived[static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(lived.size())))];
    ASSERT_TRUE(then->seek(wanted.time));
    ASSERT_EQ(then->row().row.time, wanted.time);
    ASSERT_EQ(eye.hash(then->row()), wanted.hash);
  }
}

TEST_F(Recorded, OtherBindingsAreNotReplayed) {
  Cell cell;
  auto history = begin(options(cell));
  cell.live->record(history.get());
  for (std::size_t k = 0; k < 50; ++k) cell.deliver(k), cell.live->step();
  cell.live->settle();
  ASSERT_TRUE(history->finish());
  Cell other([](Site& site) { site.joints.pop_back(); });
  auto then = past(other);
  ASSERT_TRUE(then);
  EXPECT_TRUE(then->empty());
  EXPECT_EQ(then->other_runs(), 1u);
  Diagnostics diagnostics;
  const auto refused = LivePast::open(folder_.string(), {}, *other.twin, other.live->bindings(),
                                      row_maker_options(other.site, other.live->bindings()), 1, diagnostics);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("other bindings"), std::string::npos);
}

TEST(LiveInputs, AreReadAsTheyWereWrittenAndBadOnesAreRefused) {
  Cell cell;
  const Bindings& bindings = cell.live->bindings();
  const auto make = [&] {
    return RowMaker(bindings, row_maker_options(cell.site, bindings), start_values(*cell.twin, bindings), Time{});
  };
  RowMaker lived = make(), read = make();
  LiveInputWriter writer;
  Random random(2);
  for (int i = 0; i < 5000; ++i) {
    link::Update update;
    update.signal = static_cast<std::uint32_t>(random.integer(static_cast<std::int64_t>(bindings.columns.size())));
    update.quality = static_cast<link::Quality>(random.integer(3));
    update.source_time = {i * 5'000'000LL - random.integer(20'000'000)};
    update.receive_time = {i * 5'000'000LL};
    switch (random.integer(4)) {
      case 0: update.value = random.normal(); break;
      case 1: update.value = random.integer(1 << 20); break;
      case 2: update.value = random.integer(2) == 1; break;
      default: update.value = std::string(static_cast<std::size_t>(random.integer(50)), 'x');
    }
    lived.update(0, update), writer.update(0, update);
    if (random.integer(50) == 0) lived.close_row(), writer.close_row();
    if (random.integer(100) == 0) lived.set_anchor(0, std::nullopt), writer.anchor(0, std::nullopt);
    if (random.integer(100) == 0) lived.set_anchor(0, Duration{i}), writer.anchor(0, Duration{i});
    while (lived.take()) continue;
  }
  const std::string bytes = writer.take();
  LiveInputReader reader(bytes);
  while (reader.next(read)) {
    while (read.take()) continue;
  }
  ASSERT_TRUE(reader.ok());
  std::string one, other;
  lived.save(one), read.save(other);
  EXPECT_EQ(one, other);
  EXPECT_GT(lived.rows(), 100u);
  // Bytes that are none: no input is made of them, and none is read beyond the end.
  const auto refused = [&](std::string bad) {
    RowMaker maker = make();
    LiveInputReader it(bad);
    while (it.next(maker)) continue;
    return !it.ok();
  };
  EXPECT_TRUE(refused("\x80"));                          // no such flag
  EXPECT_TRUE(refused("\x0f"));                          // no such event
  EXPECT_TRUE(refused("\x1c"));                          // an event with an update's flags
  EXPECT_TRUE(refused("\x10"));                          // the next signal of none
  EXPECT_TRUE(refused(std::string("\x0c\x01\x00", 3)));  // an anchor cut off
  EXPECT_TRUE(refused(std::string("\x0d\x07\x00", 3)));  // a link that does not exist
  EXPECT_TRUE(refused(std::string("\x00\x00\x00\xff\xff\x00\x00", 7) + std::string(24, '\0')));  // a signal
  std::size_t cut = 0;
  for (std::size_t size = 1; size < 200; ++size) cut += refused(bytes.substr(0, size)) ? 1 : 0;
  EXPECT_GT(cut, 150u);
  RowMaker maker = make();
  for (std::size_t size = 0; size < one.size(); size += 7) EXPECT_FALSE(maker.restore(one.substr(0, size)));
  EXPECT_FALSE(maker.restore(one + "x"));
  EXPECT_TRUE(maker.restore(one));
}

TEST(LiveSetups, AreReadAsTheyWereWrittenAndBadOnesAreRefused) {
  const LiveSetup setup{"a/site.yaml", "site: x\n# \"quoted\"\n", "b.usda", "ab", {"rtde=csv:x.csv"}, "0.1", "ff"};
  const Result<LiveSetup> again = parse_live_setup(to_json(setup));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(setup));
  for (const char* bad : {"", "{}", "[]", "3", "{\"kind\": \"simulation\"}", "{\"kind\": \"live\"}",
                          "{\"kind\": \"live\", \"links\": 3}"})
    EXPECT_FALSE(parse_live_setup(bad)) << bad;
}

}  // namespace
}  // namespace geoul::runtime
