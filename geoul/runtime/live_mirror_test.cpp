// The live twin against the mirror of the same recording: a link that delivers what the files hold must give the same
// states. What links do wrong (lateness, silence, clocks, units) is done here through a link whose deliveries the test
// decides; real servers are behind the tests of each protocol.
#include "geoul/runtime/live_mirror.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "geoul/runtime/live_cell.h"
#include "geoul/runtime/loop.h"

namespace geoul::runtime {
namespace {

TEST(LiveMirror, GivesTheStatesOfTheRecordingThatItIsSent) {
  Cell cell;
  const std::size_t rows = std::min<std::size_t>(300, cell.mirror->stream().rows());
  std::optional<Duration> shift;
  for (std::size_t k = 0; k < rows; ++k) {
    cell.deliver(k);
    ASSERT_TRUE(cell.live->step());
    ASSERT_FALSE(cell.live->step());
    const Snapshot &live = cell.live->snapshot(), &recorded = cell.mirror->snapshot();
    ASSERT_EQ(live.state.q, recorded.state.q) << k;
    ASSERT_EQ(live.state.v, recorded.state.v) << k;
    for (std::size_t b = 0; b < live.state.X_WB.size(); ++b) {
      ASSERT_EQ(live.state.X_WB[b].p, recorded.state.X_WB[b].p) << k;
    }
    // our axis is the plant's own spacing, moved
    const Duration between = live.state.time - recorded.state.time;
    if (!shift) shift = between;
    ASSERT_LE(std::abs((between - *shift).ns), 20'000'000) << k;
    cell.mirror->step();
  }
  EXPECT_EQ(cell.live->rows(), rows);
  EXPECT_EQ(cell.live->links().at(0).stale.size(), 0u);
  for (const ReportLine& line : cell.live->report().lines) {
    if (line.name.starts_with("fixed-joint")) {
      EXPECT_TRUE(line.ok) << line.name;
    }
    if (line.name == "rows with stale signals") {
      EXPECT_EQ(line.value, 0);
    }
  }
}

TEST(LiveMirror, PlaysThePastWhileThePlantGoesOn) {
  Cell cell;
  FakeClock wall;
  Loop loop(*cell.live, wall, {});
  std::size_t steps = 0, received = 0;
  const auto turn = [&] {
    wall.advance({40'000'000});
    return loop.turn([&] { ++steps; }, [&] { ++received; });
  };
  for (std::size_t k = 0; k < 100; ++k) {
    cell.deliver(k);
    turn();
  }
  EXPECT_EQ(steps, 100u);
  EXPECT_TRUE(loop.status().is_following);
  const Time middle = cell.live->begin() + Duration{(cell.live->end() - cell.live->begin()).ns / 2};
  ASSERT_TRUE(loop.apply(SetMode{ClockMode::kPaused}));
  ASSERT_TRUE(loop.apply(Seek{middle}));
  EXPECT_FALSE(loop.status().is_following);
  const std::vector<double> q_then = cell.live->snapshot().state.q;
  for (std::size_t k = 100; k < 150; ++k) {
    cell.deliver(k);
    turn();
  }
  EXPECT_EQ(received, 50u);  // taken in beside
  EXPECT_EQ(cell.live->snapshot().state.q, q_then);
  EXPECT_LE(cell.live->snapshot().state.time, middle);
  EXPECT_EQ(cell.live->newest().state.time, cell.live->end());
  EXPECT_NE(cell.live->newest().state.q, q_then);
  // the states of the past are the recording's
  cell.mirror->seek(cell.mirror->begin() + (cell.live->snapshot().state.time - cell.live->begin()) +
                    Duration{5'000'000});
  EXPECT_EQ(cell.mirror->snapshot().state.q, q_then);
  // beyond the end is live again
  ASSERT_TRUE(loop.apply(Seek{cell.live->end() + Duration{1'000'000'000}}));
  EXPECT_TRUE(loop.status().is_following);
  cell.deliver(150);
  turn();
  EXPECT_EQ(cell.live->snapshot().state.time, cell.live->end());
  EXPECT_EQ(cell.live->rows(), 151u);
}

TEST(LiveMirror, APausedPastCatchesUpAndFollows) {
  Cell cell;
  FakeClock wall;
  Loop loop(*cell.live, wall, {});
  for (std::size_t k = 0; k < 50; ++k) {
    cell.deliver(k);
    wall.advance({40'000'000});
    loop.turn([] {});
  }
  ASSERT_TRUE(loop.apply(Seek{cell.live->end() - Duration{400'000'000}}));
  ASSERT_TRUE(loop.apply(SetMode{ClockMode::kRealTime}));
  for (int i = 0; i < 20; ++i) {
    wall.advance({40'000'000});
    loop.turn([] {});
  }
  EXPECT_TRUE(loop.status().is_following);
}

TEST(LiveMirror, HoldsJointsAndNamesSignalsWhenThePlantIsGone) {
  Cell cell;
  for (std::size_t k = 0; k < 10; ++k) {
    cell.deliver(k);
    cell.live->step();
  }
  const std::vector<double> q = cell.live->snapshot().state.q;
  cell.live->take_words();
  cell.link->intake.set_waiting("the broker closed the connection; is it running?", cell.clock);
  cell.link->intake.mark_all_bad();
  cell.clock = cell.clock + Duration{1'000'000'000};
  cell.live->step();
  EXPECT_EQ(cell.live->snapshot().state.q, q);
  const LinkStatus status = cell.live->links().at(0);
  EXPECT_EQ(status.stale.size(), cell.columns.size());
  EXPECT_EQ(status.health.state, link::LinkState::kWaiting);
  const std::vector<PlayerWords> words = cell.live->take_words();
  ASSERT_EQ(words.size(), 1u);
  EXPECT_EQ(words[0].text, "link rtde: the broker closed the connection; is it running?");
  EXPECT_TRUE(cell.live->take_words().empty());
}

TEST(LiveMirror, LivesThroughAClockThatGoesBack) {
  Cell cell;
  for (std::size_t k = 0; k < 20; ++k) {
    cell.deliver(k);
    cell.live->step();
  }
  const Time before = cell.live->end();
  for (std::size_t k = 20; k < 40; ++k) {
    std::vector<link::Intake::Item> items = cell.row(k);
    for (auto& item : items) item.source_time = *item.source_time - Duration{7'200'000'000'000};
    cell.clock = cell.clock + Duration{40'000'000};
    cell.link->intake.deliver(items);
    cell.live->step();
  }
  EXPECT_EQ(cell.live->rows(), 40u);
  EXPECT_NEAR((cell.live->end() - before).seconds(), 20 * 0.04, 0.05);
  bool said = false;
  for (const PlayerWords& words : cell.live->take_words())
    said = said || words.text.find("went back") != std::string::npos;
  EXPECT_TRUE(said);
}

TEST(LiveMirror, LivesThroughAClockThatLeapsAheadAndComesBack) {
  Cell cell;
  const auto go_on = [&](std::size_t from, std::size_t to, Duration shift) {
    for (std::size_t k = from; k < to; ++k) {
      std::vector<link::Intake::Item> items = cell.row(k);
      for (auto& item : items) item.source_time = *item.source_time + shift;
      cell.clock = cell.clock + Duration{40'000'000};
      cell.link->intake.deliver(items);
      cell.live->step();
      EXPECT_LT(std::abs((cell.live->end() - cell.clock).seconds()), 0.05) << k;
    }
  };
  go_on(0, 20, {});
  go_on(20, 40, {7'200'000'000'000});
  go_on(40, 60, {});
  EXPECT_EQ(cell.live->rows(), 60u);
  std::string said;
  for (const PlayerWords& words : cell.live->take_words()) said += words.text + "\n";
  EXPECT_NE(said.find("went ahead"), std::string::npos) << said;
  EXPECT_NE(said.find("went back"), std::string::npos) << said;
}

// Servers that send changes only begin with values that may be hours old.
TEST(LiveMirror, AFirstValueThatIsOldDoesNotMoveTheAxis) {
  Cell cell;
  std::vector<link::Intake::Item> items = cell.row(0);
  items.front().source_time = *items.front().source_time - Duration{10'800'000'000'000};
  cell.link->intake.deliver(std::move(items));
  for (std::size_t k = 1; k < 10; ++k) {
    cell.deliver(k);
    while (cell.live->step()) continue;
    EXPECT_LT(std::abs((cell.live->end() - cell.clock).seconds()), 0.05) << k;
  }
  EXPECT_GE(cell.live->rows(), 9u);
}

TEST(LiveMirror, ConvertsUnitsAndRefusesThoseThatDoNotFit) {
  Cell cell([](Site& site) {
    SignalEntry entry;
    entry.column = "actual_q_0";
    entry.name = "J1";
    entry.unit = link::parse_unit("deg").value();
    site.links[0].signals = {entry};
  });
  const auto j1 = std::find_if(cell.columns.begin(), cell.columns.end(), [](const auto& c) { return c.name == "J1"; });
  ASSERT_NE(j1, cell.columns.end());
  std::vector<link::Intake::Item> items = cell.row(0);
  items[static_cast<std::size_t>(j1 - cell.columns.begin())].value = 90.0;
  cell.link->intake.deliver(items);
  ASSERT_TRUE(cell.live->step());
  EXPECT_DOUBLE_EQ(cell.live->snapshot().state.q[0], std::numbers::pi / 2);

  Site wrong = cell.site;
  wrong.links[0].signals[0].unit = link::parse_unit("mm").value();
  Diagnostics diagnostics;
  EXPECT_FALSE(bind(wrong, *cell.twin, Feed::kLive, diagnostics));
  EXPECT_TRUE(diagnostics.has("unit-does-not-fit")) << diagnostics.text();
}

TEST(LiveMirror, DerivesVelocitiesThatNobodyMeasures) {
  Cell cell([](Site& site) {
    for (JointBinding& joint : site.joints) joint.velocity.reset();
    site.sources.front().period = {};
  });
  for (std::size_t k = 0; k < 50; ++k) {
    cell.deliver(k);
    cell.live->step();
  }
  const auto& stream = cell.mirror->stream();
  const double expected = (stream.value(49, 0) - stream.value(48, 0)) / (stream.time[49] - stream.time[48]).seconds();
  EXPECT_NEAR(cell.live->snapshot().state.v[0], expected, 1e-9);
  // the recording's own derivative looks both ways
  cell.mirror->seek(stream.time[25]);
  EXPECT_NEAR(cell.mirror->snapshot().state.v[0],
              (stream.value(26, 0) - stream.value(24, 0)) / (stream.time[26] - stream.time[24]).seconds(), 1e-6);
}

TEST(LiveMirror, ForgetsTheOldestRowsBeyondItsMemory) {
  Cell cell;
  LiveMirrorOptions options;
  options.now = [&cell] { return cell.clock; };
  options.memory = 200'000;
  Diagnostics diagnostics;
  Bindings bindings = bind(cell.site, *cell.twin, Feed::kLive, diagnostics).value();
  std::vector<std::unique_ptr<link::Link>> links;
  links.push_back(std::make_unique<ToldLink>(link::LinkOptions{
      .id = "rtde", .signals = LiveMirror::asked_of(cell.site.links[0], bindings).names, .now = options.now}));
  cell.link = static_cast<ToldLink*>(links.back().get());
  LiveMirror live(*cell.twin, cell.site, std::move(bindings), std::move(links), options);
  Time first;
  for (std::size_t k = 0; k < 1200; ++k) {
    cell.deliver(k % cell.mirror->stream().rows());
    if (!live.step()) continue;
    if (k == 0) first = live.begin();
  }
  EXPECT_GT(live.begin(), first);
  EXPECT_GT(live.rows(), 200u);
  live.seek(first);
  EXPECT_EQ(live.snapshot().state.time, live.begin());
}

TEST(LiveMirror, SensorsAndParametersAreSignalsOfTheirOwn) {
  Cell cell(
      [](Site& site) {
        const SignalName q{"rtde", "actual_q_1", 0}, current{"rtde", "actual_current_2", 0};
        site.sensors = {
            {"encoder", q, ScenePath{"/Cell/UR3e/Joints/shoulder_lift", 0}, SensorBinding::Measures::kPosition, 0},
            {"motor", current, std::nullopt, SensorBinding::Measures::kItself, 0}};
        site.parameters = {{"payload", {"rtde", "payload_mass", 0}, 0}};
        site.links[0].signals = {{"payload_mass", "", "g", *link::parse_unit("g"), 0}};
      },
      false);
  std::vector<link::Intake::Item> items;
  for (std::uint32_t c = 0; c < cell.columns.size(); ++c)
    items.push_back({c, cell.columns[c].column == "payload_mass" ? 1500.0 : 0.25, link::Quality::kGood, cell.clock});
  cell.link->intake.deliver(std::move(items));
  ASSERT_TRUE(cell.live->step());
  const auto value = [&](const std::string& name) {
    const std::vector<link::SignalInfo>& names = cell.live->signals();
    const auto at = std::find_if(names.begin(), names.end(), [&](const link::SignalInfo& s) { return s.name == name; });
    EXPECT_NE(at, names.end()) << name;
    return at == names.end() ? SignalValue()
                             : cell.live->snapshot().signals[static_cast<std::size_t>(at - names.begin())];
  };
  EXPECT_EQ(value("sensor/encoder").measured, 0.25);
  EXPECT_EQ(value("sensor/encoder").predicted, 0.25);
  EXPECT_EQ(value("sensor/motor").measured, 0.25);
  EXPECT_TRUE(std::isnan(value("sensor/motor").predicted));
  EXPECT_EQ(value("parameter/payload").measured, 1.5);  // kg
}

// Rows by themselves: one column that moves a joint, its velocity, and one that is only looked at.
struct Rows {
  Bindings bindings;
  LiveRows rows;
  static Bindings make(const std::string& third) {
    Bindings out;
    out.columns = {{"l", "p", "p", {}}, {"l", "v", "v", {}}, {third, "i", "i", {}}};
    BoundJoint joint;
    joint.position = 0;
    joint.velocity = 1;
    joint.current = 2;
    out.joints = {joint};
    return out;
  }
  static LiveRowOptions options() {
    LiveRowOptions out;
    out.tolerance = {2'000'000};
    out.stale_after.assign(3, Duration{100'000'000});
    return out;
  }
  explicit Rows(const std::string& third_link = "l")
      : bindings(make(third_link)), rows(bindings, options(), {0.5, 0, std::numeric_limits<double>::quiet_NaN()}) {}
  void add(std::size_t column, double value, std::int64_t ms, link::Quality quality = link::Quality::kGood) {
    rows.add(column, value, quality, Time{ms * 1'000'000}, Time{ms * 1'000'000});
  }
  std::optional<LiveRow> take(std::int64_t ms) { return rows.take(Time{ms * 1'000'000}); }
};

TEST(LiveRows, ARowIsDoneWhenAllColumnsCame) {
  Rows r;
  r.add(0, 1, 1000);
  r.add(1, 2, 1001);  // within the tolerance
  EXPECT_FALSE(r.take(1001));
  r.add(2, 3, 1000);
  const std::optional<LiveRow> row = r.take(1001);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->time, Time{1'000'000'000});
  EXPECT_EQ(row->values, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(row->stale, 0u);
}

TEST(LiveRows, ALaterUpdateOrPatienceEndsARow) {
  Rows r;
  r.add(0, 1, 1000);
  r.add(0, 1.5, 1010);
  std::optional<LiveRow> row = r.take(1010);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->values[0], 1);
  EXPECT_EQ(row->values[1], 0);             // never came: stands still
  EXPECT_TRUE(std::isnan(row->values[2]));  // never came: not known
  EXPECT_EQ(row->stale, 2u);
  EXPECT_FALSE(r.take(1015));
  row = r.take(1020);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->values[0], 1.5);
}

TEST(LiveRows, LateAndOldUpdatesMakeNoRow) {
  Rows r;
  for (std::size_t c = 0; c < 3; ++c) r.add(c, 1, 1000);
  ASSERT_TRUE(r.take(1000));
  r.add(0, 7, 990);
  EXPECT_EQ(r.rows.late(), 1u);
  EXPECT_FALSE(r.take(2000));
}

TEST(LiveRows, NoRowWaitsForALinkThatMovesNothing) {
  Rows r("elsewhere");
  r.add(2, 7, 990);  // makes no row
  EXPECT_FALSE(r.rows.is_open());
  r.add(0, 1, 1000);
  ASSERT_TRUE(r.rows.due());
  EXPECT_GT(*r.rows.due(), Time{1'000'000'000});
  r.add(2, 8, 1500);  // however much later, it ends none
  EXPECT_FALSE(r.take(1000));
  r.add(1, 2, 1000);
  const std::optional<LiveRow> row = r.take(1000);  // and the row does not wait for it
  ASSERT_TRUE(row);
  EXPECT_EQ(row->values, (std::vector<double>{1, 2, 8}));
  EXPECT_FALSE(r.rows.due());
}

TEST(LiveRows, StaleAndBadColumnsAreNotUsed) {
  Rows r;
  for (std::size_t c = 0; c < 3; ++c) r.add(c, 4, 1000);
  ASSERT_TRUE(r.take(1000));
  r.add(1, 5, 1200);
  const std::optional<LiveRow> row = r.take(1300);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->values[0], 4);  // a joint stays where it was seen last
  EXPECT_EQ(row->values[1], 5);
  EXPECT_TRUE(std::isnan(row->values[2]));
  EXPECT_EQ(r.rows.stale(Time{1'200'000'000}), (std::vector<std::size_t>{0, 2}));
  r.add(1, 5, 1201, link::Quality::kBad);
  EXPECT_EQ(r.rows.stale(Time{1'201'000'000}).size(), 3u);
}

}  // namespace
}  // namespace geoul::runtime
