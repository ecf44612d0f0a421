#include "geoul/link/mqtt/sparkplug_host.h"

#include <gtest/gtest.h>

namespace geoul::link {
namespace {

constexpr Duration kMs{1'000'000};

SparkplugMetric metric(std::string_view name, SparkplugType type, const Value& value, std::uint64_t alias = 0) {
  SparkplugMetric m;
  m.name = name;
  m.type = type;
  m.value = to_wire(value, type).value();
  if (alias > 0) m.alias = alias;
  return m;
}
SparkplugMetric by_alias(std::uint64_t alias, const Value& value, SparkplugType type = SparkplugType::kDouble) {
  SparkplugMetric m = metric({}, type, value, alias);
  m.type = SparkplugType::kUnknown;  // data may leave it out
  return m;
}

struct Fixture {
  Time clock{1'700'000'000'000'000'000};
  Intake intake;
  SparkplugHost host;
  std::vector<Update> updates;
  explicit Fixture(std::vector<std::string> signals, SparkplugHostOptions options = {},
                   std::vector<ExpectedUnit> units = {})
      : intake(
            {.id = "plant", .signals = std::move(signals), .units = std::move(units), .now = [this] { return clock; }}),
        host(intake, options) {}

  void send(const std::string& topic, std::vector<SparkplugMetric> metrics, std::optional<std::uint64_t> seq = {}) {
    SparkplugPayload payload;
    payload.timestamp = ms_of(clock);
    payload.metrics = std::move(metrics);
    payload.seq = seq;
    std::string bytes;
    encode(payload, bytes);
    host.message("spBv1.0/g/" + topic, bytes);
  }
  void node_birth(std::uint64_t bd_seq = 0) {
    send("NBIRTH/n",
         {metric("bdSeq", SparkplugType::kInt64, static_cast<std::int64_t>(bd_seq)),
          metric("Node Control/Rebirth", SparkplugType::kBoolean, false),
          metric("speed", SparkplugType::kDouble, 1.0, 1), metric("count", SparkplugType::kInt32, std::int64_t{5}, 2)},
         0);
  }
  void device_birth(std::uint64_t seq = 1) {
    send("DBIRTH/n/d", {metric("q/0", SparkplugType::kDouble, 0.25, 3)}, seq);
  }
  const std::vector<Update>& take() {
    updates.clear();
    intake.take(updates);
    return updates;
  }
  std::size_t rebirths_asked() {
    std::size_t count = 0;
    for (const auto& out : host.take_outgoing()) count += out.topic == "spBv1.0/g/NCMD/n";
    return count;
  }
};

TEST(SparkplugTopic, ReadsAndWritesEveryForm) {
  for (const char* text :
       {"spBv1.0/g/NBIRTH/n", "spBv1.0/g/NDEATH/n", "spBv1.0/g/NDATA/n", "spBv1.0/g/NCMD/n", "spBv1.0/g/DBIRTH/n/d",
        "spBv1.0/g/DDEATH/n/d", "spBv1.0/g/DDATA/n/d", "spBv1.0/g/DCMD/n/d", "spBv1.0/STATE/host"}) {
    const auto topic = parse_sparkplug_topic(text);
    ASSERT_TRUE(topic) << text;
    EXPECT_EQ(to_topic(*topic), text);
  }
  for (const char* text : {"", "spBv1.0", "spBv1.0/g/NBIRTH", "spBv1.0/g/NBIRTH/n/d", "spBv1.0/g/DDATA/n",
                           "spBv1.0/g/XDATA/n", "spAv1.0/g/NDATA/n", "spBv1.0//NDATA/n", "spBv1.0/g/NDATA/",
                           "spBv1.0/g/DDATA/n/d/e", "spBv1.0/STATE/a/b", "spBv1.0/+/NDATA/n", "spBv1.0/STATE/"}) {
    EXPECT_FALSE(parse_sparkplug_topic(text)) << text;
  }
}

TEST(SparkplugNames, NeedThreePartsWithoutWildcards) {
  EXPECT_EQ(parse_signal_name("g/n/a/b/c").value().node, "n");
  for (const char* name : {"", "g", "g/n", "g/n/", "/n/m", "g//m", "g/+/m", "#/n/m"}) {
    EXPECT_FALSE(parse_signal_name(name)) << name;
  }
}

TEST(SparkplugHost, AsksForBirthsAndDeliversTheirValuesThenDataByAlias) {
  Fixture f({"g/n/speed", "g/n/d/q/0", "g/n/count"});
  EXPECT_EQ(f.host.filters(), std::vector<std::string>{"spBv1.0/g/+/n/#"});
  f.host.connected();
  EXPECT_EQ(f.rebirths_asked(), 1u);
  EXPECT_FALSE(f.host.all_born());
  f.node_birth();
  f.device_birth();
  EXPECT_TRUE(f.host.all_born());
  ASSERT_EQ(f.take().size(), 3u);
  EXPECT_EQ(f.updates[1].value, Value(std::int64_t{5}));
  EXPECT_EQ(f.updates[1].signal, 2u);
  SparkplugMetric data = by_alias(3, 0.5);
  data.timestamp = ms_of(f.clock) - 7;
  f.send("DDATA/n/d", {data}, 2);
  ASSERT_EQ(f.take().size(), 1u);
  EXPECT_EQ(f.updates[0].signal, 1u);
  EXPECT_EQ(f.updates[0].value, Value(0.5));
  EXPECT_EQ(f.updates[0].quality, Quality::kGood);
  EXPECT_EQ(f.updates[0].source_time, f.clock - kMs * 7);
  EXPECT_EQ(f.host.malformed(), 0u);
}

TEST(SparkplugHost, DeathsMakeBadWhatDied) {
  Fixture f({"g/n/speed", "g/n/d/q/0"});
  f.node_birth(3);
  f.device_birth();
  f.take();
  f.send("DDEATH/n/d", {}, 2);
  ASSERT_EQ(f.take().size(), 1u);
  EXPECT_EQ(f.updates[0].signal, 1u);
  EXPECT_EQ(f.updates[0].quality, Quality::kBad);
  EXPECT_EQ(f.updates[0].value, Value(0.25));
  f.device_birth(3);
  EXPECT_EQ(f.take().at(0).quality, Quality::kGood);
  f.send("NDEATH/n", {metric("bdSeq", SparkplugType::kInt64, std::int64_t{2})});
  EXPECT_TRUE(f.take().empty()) << "the death of an earlier session";
  f.send("NDEATH/n", {metric("bdSeq", SparkplugType::kInt64, std::int64_t{3})});
  ASSERT_EQ(f.take().size(), 2u);
  EXPECT_EQ(f.updates[0].quality, Quality::kBad);
  EXPECT_EQ(f.updates[1].quality, Quality::kBad);
  f.send("NDATA/n", {by_alias(1, 2.0)}, 4);
  EXPECT_TRUE(f.take().empty());
  EXPECT_EQ(f.rebirths_asked(), 1u);
}

TEST(SparkplugHost, AGapEndsInARebirthAfterTheReorderTimeout) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  f.send("NDATA/n", {by_alias(1, 2.0)}, 1);
  f.send("NDATA/n", {by_alias(1, 3.0)}, 4);
  EXPECT_EQ(f.take().size(), 3u) << "the newest is delivered at once";
  f.clock = f.clock + kMs * 400;
  f.host.tick();
  EXPECT_EQ(f.rebirths_asked(), 0u);
  EXPECT_EQ(f.intake.health().lost, 0u);
  f.clock = f.clock + kMs * 101;
  f.host.tick();
  EXPECT_EQ(f.intake.health().lost, 2u);
  EXPECT_EQ(f.rebirths_asked(), 1u);
  EXPECT_NE(f.intake.health().problem.find("2 messages are lost"), std::string::npos);
  f.host.tick();
  EXPECT_EQ(f.rebirths_asked(), 0u);
}

TEST(SparkplugHost, WhatComesLateWithinTheTimeoutIsUncertainAndNothingIsLost) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  f.send("NDATA/n", {by_alias(1, 2.0)}, 1);
  f.send("NDATA/n", {by_alias(1, 4.0)}, 3);
  f.send("NDATA/n", {by_alias(1, 3.0)}, 2);
  f.send("NDATA/n", {by_alias(1, 3.0)}, 2);  // again
  ASSERT_EQ(f.take().size(), 4u);
  EXPECT_EQ(f.updates[3].quality, Quality::kUncertain);
  f.clock = f.clock + kMs * 1000;
  f.host.tick();
  EXPECT_EQ(f.rebirths_asked(), 0u);
  EXPECT_EQ(f.intake.health().lost, 0u);
  EXPECT_EQ(f.intake.health().duplicated, 1u);
}

TEST(SparkplugHost, SequenceNumbersWrapAt256) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  for (std::uint64_t i = 1; i < 1000; ++i) f.send("NDATA/n", {by_alias(1, 2.0)}, i % 256);
  f.clock = f.clock + kMs * 1000;
  f.host.tick();
  EXPECT_EQ(f.take().size(), 1000u);
  EXPECT_EQ(f.rebirths_asked(), 0u);
}

TEST(SparkplugHost, ALongGapIsAGapAndNoRepetition) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  f.send("NDATA/n", {by_alias(1, 2.0)}, 201);
  EXPECT_EQ(f.take().size(), 2u);
  f.clock = f.clock + kMs * 501;
  f.host.tick();
  EXPECT_EQ(f.intake.health().lost, 200u);
  EXPECT_EQ(f.intake.health().duplicated, 0u);
}

TEST(SparkplugHost, UnknownAliasesAndSilentBirthsAskForARebirthButNotTooOften) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  f.send("NDATA/n", {by_alias(99, 2.0)}, 1);
  f.send("NDATA/n", {by_alias(99, 2.0)}, 2);
  EXPECT_EQ(f.rebirths_asked(), 1u);
  f.clock = f.clock + kMs * 5001;
  f.send("NDATA/n", {by_alias(99, 2.0)}, 3);
  EXPECT_EQ(f.rebirths_asked(), 1u);
  f.send("DDATA/n/unborn", {by_alias(1, 2.0)}, 4);
  EXPECT_EQ(f.rebirths_asked(), 0u);
}

TEST(SparkplugHost, HistoricalNullAndJudgedValuesHaveTheirQuality) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  f.take();
  SparkplugMetric old = by_alias(1, 7.0);
  old.is_historical = true;
  old.timestamp = ms_of(f.clock) - 3'600'000;
  SparkplugMetric null;
  null.alias = 1;
  null.is_null = true;
  SparkplugMetric stale = by_alias(1, 8.0), wrong = by_alias(1, 9.0);
  stale.properties.push_back({"Quality", SparkplugType::kInt32, false, {WireValue::Kind::kInt, 500, 0, {}}});
  wrong.properties.push_back({"Quality", SparkplugType::kInt32, false, {WireValue::Kind::kInt, 0, 0, {}}});
  f.send("NDATA/n", {old, null, stale, wrong}, 1);
  ASSERT_EQ(f.take().size(), 4u);
  EXPECT_EQ(f.updates[0].quality, Quality::kUncertain);
  EXPECT_EQ(f.updates[0].source_time, f.clock - kMs * 3'600'000);
  EXPECT_EQ(f.updates[1].quality, Quality::kBad);
  EXPECT_EQ(f.updates[1].value, Value(1.0)) << "the newest one, not the historical";
  EXPECT_EQ(f.updates[2].quality, Quality::kUncertain);
  EXPECT_EQ(f.updates[3].quality, Quality::kBad);
  EXPECT_EQ(f.intake.health().clock_jumps, 0u);
}

TEST(SparkplugHost, SkipsWhatIsNoSignalAndCountsIt) {
  Fixture f({"g/n/speed", "g/n/table"});
  SparkplugMetric table;
  table.name = "table";
  table.alias = 2;
  table.type = static_cast<SparkplugType>(16);
  f.send("NBIRTH/n", {metric("speed", SparkplugType::kDouble, 1.0, 1), table}, 0);
  EXPECT_EQ(f.take().size(), 1u);
  EXPECT_EQ(f.host.skipped(), 1u);
  f.clock = f.clock + kMs * 2001;
  f.host.tick();
  EXPECT_EQ(f.intake.health().problem,
            "node g/n: 'table' is a DataSet, which is no signal; ask for a metric that is one value");
  EXPECT_EQ(f.host.malformed(), 0u);
}

TEST(SparkplugHost, AValueOfAnotherTypeThanBornIsNamed) {
  Fixture f({"g/n/speed"});
  f.node_birth();
  f.take();
  f.send("NDATA/n", {metric("speed", SparkplugType::kString, std::string("fast"))}, 1);
  EXPECT_TRUE(f.take().empty());
  EXPECT_EQ(f.host.malformed(), 1u);
  EXPECT_NE(f.intake.health().problem.find("'speed' is a Double by its birth"), std::string::npos);
  f.host.message("spBv1.0/g/NDATA/n", "\xff\xff");
  EXPECT_NE(f.intake.health().problem.find("no Sparkplug payload: cut-off"), std::string::npos);
}

TEST(SparkplugHost, ARebirthKeepsSignalsAndLetsGoOfWhatItNoLongerHas) {
  Fixture f({"g/n/speed", "g/n/count"});
  f.node_birth();
  f.take();
  f.send("NBIRTH/n",
         {metric("bdSeq", SparkplugType::kInt64, std::int64_t{0}), metric("speed", SparkplugType::kDouble, 2.0, 7)}, 0);
  ASSERT_EQ(f.take().size(), 2u);
  EXPECT_EQ(f.updates[0].signal, 1u);
  EXPECT_EQ(f.updates[0].quality, Quality::kBad);
  f.send("NDATA/n", {by_alias(7, 3.0)}, 1);
  EXPECT_EQ(f.take().at(0).value, Value(3.0));
}

TEST(SparkplugHost, AnotherSessionKillsTheDevicesOfTheLast) {
  Fixture f({"g/n/d/q/0"});
  f.node_birth(0);
  f.device_birth();
  f.take();
  f.node_birth(0);  // born anew in the same session: its devices follow
  EXPECT_TRUE(f.take().empty());
  f.node_birth(1);
  ASSERT_EQ(f.take().size(), 1u);
  EXPECT_EQ(f.updates[0].quality, Quality::kBad);
}

TEST(SparkplugHost, ADevicesMetricComesBeforeANodesOfTheSameName) {
  Fixture f({"g/n/d/q/0"});
  f.send("NBIRTH/n", {metric("d/q/0", SparkplugType::kDouble, 9.0, 1)}, 0);
  EXPECT_EQ(f.take().at(0).value, Value(9.0));
  f.device_birth();
  EXPECT_EQ(f.take().at(0).value, Value(0.25));
  f.send("NDATA/n", {by_alias(1, 8.0)}, 2);
  EXPECT_TRUE(f.take().empty());
}

TEST(SparkplugHost, TellsOfSilentNodesAndOfNamesThatNobodyOffers) {
  Fixture f({"g/n/sped"});
  f.host.connected();
  f.clock = f.clock + kMs * 5001;
  f.host.tick();
  EXPECT_NE(f.intake.health().problem.find("node g/n is silent"), std::string::npos);
  f.node_birth();
  EXPECT_EQ(f.intake.health().problem, "");
  f.clock = f.clock + kMs * 2001;
  f.host.tick();
  EXPECT_EQ(f.intake.health().problem, "node g/n offers no 'sped'; did you mean 'g/n/speed'?");
}

TEST(SparkplugHost, ACommandHasTheMetricsTypeAndIsDoneWhenItsValueReturns) {
  Fixture f({"g/n/count", "g/n/d/q/0"});
  EXPECT_EQ(f.host.command("g/n/count", std::int64_t{6}, 1).error().code, ErrorCode::kUnavailable);
  f.node_birth();
  f.device_birth();
  EXPECT_EQ(f.host.command("g/n/nothing", 1.0, 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(f.host.command("g/n/count", 1e12, 1).error().code, ErrorCode::kBadInput);
  const auto out = f.host.command("g/n/count", std::int64_t{6}, 1);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->topic, "spBv1.0/g/NCMD/n");
  SparkplugPayload payload;
  ASSERT_TRUE(decode(out->payload, payload));
  ASSERT_EQ(payload.metrics.size(), 1u);
  EXPECT_EQ(payload.metrics[0].alias, 2u);
  EXPECT_EQ(payload.metrics[0].name, "");
  EXPECT_EQ(payload.metrics[0].value.integer, 6u);
  EXPECT_FALSE(payload.seq);
  const auto to_device = f.host.command("g/n/d/q/0", 0.75, 2);
  ASSERT_TRUE(to_device);
  EXPECT_EQ(to_device->topic, "spBv1.0/g/DCMD/n/d");
  std::vector<WriteOutcome> outcomes;
  f.send("NDATA/n", {by_alias(2, std::int64_t{5}, SparkplugType::kInt32)}, 2);
  f.intake.take_outcomes(outcomes);
  EXPECT_TRUE(outcomes.empty());
  f.send("NDATA/n", {by_alias(2, std::int64_t{6}, SparkplugType::kInt32)}, 3);
  f.intake.take_outcomes(outcomes);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_TRUE(outcomes[0].done);
  EXPECT_EQ(outcomes[0].ticket, 1u);
  f.clock = f.clock + kMs * 5001;
  f.host.tick();
  f.intake.take_outcomes(outcomes);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_FALSE(outcomes[1].done);
  EXPECT_NE(outcomes[1].message.find("sent, but the node did not return 0.75"), std::string::npos);
  // A node that reports changes only is silent where it has the value already.
  ASSERT_TRUE(f.host.command("g/n/count", std::int64_t{6}, 3));
  f.clock = f.clock + kMs * 5001;
  f.host.tick();
  f.intake.take_outcomes(outcomes);
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_TRUE(outcomes[2].done);
}

TEST(SparkplugHost, AUnitOfABirthThatDoesNotFitMakesItsSignalBadUntilTheNextBirth) {
  Fixture f({"g/n/speed"}, {}, {{*parse_unit("m/s"), "m/s", false}});
  const auto birth = [&](std::string_view unit) {
    SparkplugMetric speed = metric("speed", SparkplugType::kDouble, 1.5, 1);
    speed.properties.push_back({"engUnit", SparkplugType::kString, false, {WireValue::Kind::kString, 0, 0, unit}});
    f.send("NBIRTH/n", {metric("bdSeq", SparkplugType::kInt64, std::int64_t{0}), speed}, 0);
  };
  birth("mm/s");
  f.send("NDATA/n", {by_alias(1, 2.0)}, 1);
  for (const Update& update : f.take()) EXPECT_EQ(update.quality, Quality::kBad);
  EXPECT_FALSE(f.updates.empty());
  EXPECT_NE(f.intake.health().problem.find("'g/n/speed' comes in mm/s"), std::string::npos);
  birth("m/s");
  EXPECT_EQ(f.take().back().quality, Quality::kGood);
  EXPECT_EQ(f.intake.health().problem, "");
}

TEST(SparkplugHost, BrowsingLearnsNodesThatNoSignalNames) {
  Fixture f({}, {.learn_all = true});
  f.send("NDATA/n", {by_alias(1, 1.0)}, 7);
  EXPECT_EQ(f.rebirths_asked(), 1u);
  SparkplugMetric speed = metric("speed", SparkplugType::kFloat, 1.5, 1);
  speed.properties.push_back({"engUnit", SparkplugType::kString, false, {WireValue::Kind::kString, 0, 0, "m/s"}});
  speed.properties.push_back({"readOnly", SparkplugType::kBoolean, false, {WireValue::Kind::kBoolean, 1, 0, {}}});
  f.send("NBIRTH/n", {metric("bdSeq", SparkplugType::kInt64, std::int64_t{0}), speed}, 0);
  f.device_birth();
  const auto offered = f.host.offered();
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].name, "g/n/speed");
  EXPECT_EQ(offered[0].unit, "m/s");
  EXPECT_EQ(offered[0].value, "1.5");
  EXPECT_FALSE(offered[0].can_write);
  EXPECT_EQ(offered[1].name, "g/n/d/q/0");
  EXPECT_TRUE(offered[1].can_write);
}

}  // namespace
}  // namespace geoul::link
