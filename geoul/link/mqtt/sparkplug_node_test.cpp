// The edge node, and the plant of demos, against a real broker and a link.
#include "geoul/link/mqtt/sparkplug_node.h"

#include <gtest/gtest.h>

#include "geoul/link/mqtt/test_listener.h"

namespace geoul::link {
namespace {

TEST(SparkplugNode, WhatItMeasuresWhileTheBrokerIsAwayComesLaterAsUncertain) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  // The node waits for its host: else it might be back first, and send its store to nobody.
  SparkplugNodeOptions node_options = node_of(broker);
  node_options.primary_host = "geoul";
  const auto node = std::move(SparkplugNode::make(node_options)).value();
  node->start();
  MqttOptions options = options_of(broker);
  options.host_id = "geoul";
  Listener twin(kSignals, options);
  ASSERT_TRUE(twin.gets_value(1, 0.5));
  broker.kill();
  ASSERT_TRUE(eventually([&] { return node->health().state != LinkState::kLive; }));
  const Time begin = now();
  for (int i = 0; i < 100; ++i) node->publish(begin + Duration{i * 10'000'000}, {{1, 10.0 + i}});
  EXPECT_EQ(node->health().waiting, 100u);
  twin.link->take(twin.updates);
  twin.updates.clear();
  ASSERT_TRUE(broker.start()) << broker.log();
  ASSERT_TRUE(node->flush(Duration{20'000'000'000})) << node->health().problem;
  std::vector<Time> times;
  ASSERT_TRUE(eventually([&] {
    twin.link->take(twin.updates);
    times.clear();
    for (const Update& u : twin.updates) {
      if (u.signal == 1 && u.quality == Quality::kUncertain) times.push_back(u.source_time);
    }
    return times.size() >= 100;
  })) << times.size();
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(times[times.size() - 100 + i], begin + Duration{static_cast<std::int64_t>(i) * 10'000'000});
  }
  EXPECT_EQ(node->health().historical, 100u);
  EXPECT_EQ(node->health().dropped, 0u);
  node->publish(begin + Duration{2'000'000'000}, {{1, -1.0}});
  EXPECT_TRUE(twin.gets_value(1, -1.0));
  EXPECT_EQ(twin.link->health().clock_jumps, 0u);
}

TEST(SparkplugNode, DropsTheOldestRowsBeyondItsCapacityAndCountsThem) {
  TestBroker broker;  // not started
  SparkplugNodeOptions options = node_of(broker);
  options.capacity = 10;
  const auto node = std::move(SparkplugNode::make(options)).value();
  node->start();
  for (int i = 0; i < 50; ++i) node->publish(now(), {{0, std::string("x")}, {1, 1.0 * i}});
  EXPECT_EQ(node->health().waiting, 10u);
  EXPECT_EQ(node->health().dropped, 90u);
  EXPECT_FALSE(node->flush(Duration{1'000'000}));
  EXPECT_TRUE(eventually([&] { return node->health().problem.find("nothing listens there") != std::string::npos; }));
  Listener twin(kSignals, options_of(broker));
  ASSERT_TRUE(broker.start()) << broker.log();
  ASSERT_TRUE(node->flush(Duration{20'000'000'000}));
  EXPECT_TRUE(twin.gets(1, [](const Update& u) { return u.value == Value(49.0); }));
  EXPECT_EQ(node->health().sent, 10u);
}

TEST(SparkplugNode, RefusesOptionsThatAreWrong) {
  TestBroker broker;
  const auto problem = [&](const std::function<void(SparkplugNodeOptions&)>& change) {
    SparkplugNodeOptions options = node_of(broker);
    change(options);
    const auto made = SparkplugNode::make(options);
    return made ? std::string("none") : made.error().message;
  };
  EXPECT_EQ(problem([](auto&) {}), "none");
  EXPECT_NE(problem([](auto& o) { o.group = "a/b"; }).find("group 'a/b' holds '/'"), std::string::npos);
  EXPECT_NE(problem([](auto& o) { o.node = ""; }).find("node '' is empty"), std::string::npos);
  EXPECT_NE(problem([](auto& o) { o.metrics[1].device = "+"; }).find("device '+'"), std::string::npos);
  EXPECT_NE(problem([](auto& o) { o.metrics.push_back(o.metrics[1]); }).find("'robot/q/0' stands twice"),
            std::string::npos);
  EXPECT_NE(problem([](auto& o) { o.metrics[2].value = 0.5; }).find("Int32, which cannot hold 0.5"), std::string::npos);
  EXPECT_NE(problem([](auto& o) { o.connection.url = "x"; }).find("write mqtt://"), std::string::npos);
}

// The plant of demos, as a process of its own, played to the end.
TEST(GeoulPlant, PlaysARecordedRobotOverSparkplugAndPlainTopics) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  const std::string file = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv";
  const std::filesystem::path log = broker.folder() / "plant";
  Listener twin({"plant/cell/robot/actual_q_5", "plant/cell/robot/timestamp"}, options_of(broker));
  Listener plain({"plant/cell/robot#/actual_q_5", "plant/cell/robot#/timestamp"}, options_of(broker, MqttMode::kPlain));
  ASSERT_TRUE(twin.is(LinkState::kLive) && plain.is(LinkState::kLive));
  ASSERT_EQ(run_program({GEOUL_PLANT, "mqtt", "--url", broker.url(), "--speed", "20", file}, log), 0) << text_of(log);
  ASSERT_EQ(run_program({GEOUL_PLANT, "mqtt", "--url", broker.url(), "--speed", "20", "--plain", file}, log), 0)
      << text_of(log);
  const std::string told = text_of(log);
  EXPECT_NE(told.find("left out: column '_id'"), std::string::npos) << told;
  // Both say how many rows: the same.
  const std::size_t at = told.find("played ");
  ASSERT_NE(at, std::string::npos) << told;
  const std::size_t rows = std::stoul(told.substr(at + 7));
  EXPECT_GT(rows, 20u);
  EXPECT_NE(told.find("played " + std::to_string(rows) + " rows on plant/cell/robot"), std::string::npos) << told;
  ASSERT_TRUE(twin.gets_quality(0, Quality::kBad)) << "its death";
  ASSERT_TRUE(eventually([&] {
    plain.link->take(plain.updates);
    return plain.updates.size() >= 2 * rows;
  }));
  EXPECT_EQ(plain.updates.size(), 2 * rows);
  EXPECT_EQ(twin.link->health().lost, 0u);
  std::vector<double> sparkplug_values, plain_values;
  for (const Update& u : twin.updates) {
    if (u.signal == 1 && u.quality == Quality::kGood) sparkplug_values.push_back(number_of(u.value));
  }
  for (const Update& u : plain.updates) {
    if (u.signal == 0) plain_values.push_back(number_of(u.value));
  }
  EXPECT_GE(sparkplug_values.size(), rows);
  EXPECT_EQ(plain_values.size(), rows);
}

TEST(GeoulPlant, WhenItIsKilledItsWillMakesSignalsBadAndItMayComeBack) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  const std::vector<std::string> command = {
      GEOUL_PLANT, "mqtt", "--url", broker.url(), "--loop", GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv"};
  const std::filesystem::path log = broker.folder() / "plant";
  Listener twin({"plant/cell/robot/actual_q_5"}, options_of(broker));
  TestProcess plant(command, log);
  EXPECT_TRUE(twin.gets_quality(0, Quality::kGood)) << text_of(log);
  plant.kill();
  EXPECT_TRUE(twin.gets_quality(0, Quality::kBad));
  EXPECT_EQ(twin.link->health().state, LinkState::kLive) << "the broker is there";
  plant = TestProcess(command, log);
  EXPECT_TRUE(twin.gets_quality(0, Quality::kGood)) << text_of(log);
  plant.kill(2);  // Ctrl-C: it says its death
  EXPECT_TRUE(twin.gets_quality(0, Quality::kBad));
  EXPECT_NE(text_of(log).find("played "), std::string::npos);
  EXPECT_EQ(twin.link->health().lost, 0u);
}

}  // namespace
}  // namespace geoul::link
