// The link against a real broker (mosquitto), with foreign publishers and edge nodes of ours. Each test has a broker of
// its own. Waiting is for what must come, never for a time to pass; nothing is judged by how long it took.
#include "geoul/link/mqtt/mqtt_link.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "geoul/link/mqtt/host_state.h"
#include "geoul/link/mqtt/test_listener.h"

namespace geoul::link {
namespace {

class BothVersions : public testing::TestWithParam<MqttVersion> {};
INSTANTIATE_TEST_SUITE_P(Mqtt, BothVersions, testing::Values(MqttVersion::k311, MqttVersion::k5),
                         [](const auto& which) { return which.param == MqttVersion::k5 ? "v5" : "v311"; });

TEST_P(BothVersions, ASparkplugNodeIsHeardAndObeysAndDies) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  Listener twin(kSignals, options_of(broker, MqttMode::kSparkplug, GetParam()));
  ASSERT_TRUE(twin.is(LinkState::kLive)) << twin.link->health().problem;
  SparkplugNodeOptions options = node_of(broker, GetParam());
  options.on_write = [](std::size_t index, const Value& value) { return index == 2 && number_of(value) < 10; };
  const auto node = std::move(SparkplugNode::make(options)).value();
  node->start();
  EXPECT_TRUE(twin.gets_value(0, std::string("idle")));
  EXPECT_TRUE(twin.gets_value(1, 0.5));
  EXPECT_TRUE(twin.gets_value(2, std::int64_t{3}));
  const Time when{1'700'000'000'123'000'000};
  node->publish(when, {{0, std::string("run")}, {1, 0.75}});
  EXPECT_TRUE(twin.gets_value(0, std::string("run")));
  EXPECT_TRUE(twin.gets(1, [&](const Update& u) { return u.value == Value(0.75) && u.source_time == when; }));

  const auto ticket = twin.link->write(kSignals[2], std::int64_t{7});
  ASSERT_TRUE(ticket) << ticket.error().message;
  const WriteOutcome* outcome = twin.outcome(*ticket);
  ASSERT_NE(outcome, nullptr);
  EXPECT_TRUE(outcome->done) << outcome->message;
  EXPECT_TRUE(twin.gets_value(2, std::int64_t{7}));
  EXPECT_EQ(twin.link->write(kSignals[1], 1.0).error().code, ErrorCode::kUnsupported);

  node->stop();
  for (std::uint32_t s = 0; s < 3; ++s) EXPECT_TRUE(twin.gets_quality(s, Quality::kBad));
  EXPECT_EQ(twin.link->health().lost, 0u);
  twin.link->stop();
  EXPECT_EQ(twin.link->health().state, LinkState::kStopped);
}

TEST_P(BothVersions, PlainTopicsAreHeardAndWritten) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  Listener twin({"line/speed", "line/robot#/joints/1", "line/echo"}, options_of(broker, MqttMode::kPlain, GetParam()));
  ASSERT_TRUE(twin.is(LinkState::kLive)) << twin.link->health().problem;
  ASSERT_TRUE(broker.publish("line/speed", "1.25"));
  ASSERT_TRUE(broker.publish("line/robot", R"({"joints": [0, 0.5], "mode": "run"})"));
  EXPECT_TRUE(twin.gets_value(0, 1.25));
  EXPECT_TRUE(twin.gets_value(1, 0.5));
  const auto ticket = twin.link->write("line/echo", std::int64_t{42});
  ASSERT_TRUE(ticket) << ticket.error().message;
  EXPECT_TRUE(twin.gets_value(2, std::int64_t{42}));
  const WriteOutcome* outcome = twin.outcome(*ticket);
  ASSERT_NE(outcome, nullptr);
  EXPECT_TRUE(outcome->done);
  EXPECT_NE(outcome->message.find("taken by the broker (PUBACK); plain MQTT does not tell what the plant did"),
            std::string::npos);
}

TEST(MqttLink, ABrokerThatIsKilledMakesSignalsBadAndComesBack) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  const auto node = std::move(SparkplugNode::make(node_of(broker))).value();
  node->start();
  Listener twin(kSignals, options_of(broker));
  ASSERT_TRUE(twin.gets_value(1, 0.5)) << "the node was born before: it is asked to be born anew";
  broker.kill();
  for (std::uint32_t s = 0; s < 3; ++s) EXPECT_TRUE(twin.gets_quality(s, Quality::kBad));
  EXPECT_TRUE(eventually([&] {
    const LinkHealth health = twin.link->health();
    return health.state == LinkState::kWaiting && health.problem.find("nothing listens there") != std::string::npos;
  })) << twin.link->health().problem;
  EXPECT_EQ(twin.link->write(kSignals[2], std::int64_t{7}).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(broker.start()) << broker.log();
  EXPECT_TRUE(twin.gets_value(1, 0.5));
  const LinkHealth health = twin.link->health();
  EXPECT_EQ(health.state, LinkState::kLive);
  EXPECT_EQ(health.reconnects, 1u);
  EXPECT_EQ(health.problem, "");
}

TEST(MqttLink, AMessageThatIsLostLeadsToARebirth) {
  TestBroker broker({.lines = {"log_type all"}});
  ASSERT_TRUE(broker.start()) << broker.log();
  MqttOptions options = options_of(broker);
  options.sparkplug.reorder_timeout = Duration{50'000'000};
  options.sparkplug.rebirth_pause = Duration{0};
  // A foreign publisher without a will: it sends our bytes with a hole in their numbers.
  Listener twin({"plant/raw/speed"}, options);
  ASSERT_TRUE(twin.is(LinkState::kLive));
  const auto bytes = [](double value, std::uint64_t seq, bool birth) {
    SparkplugPayload payload;
    payload.timestamp = 1'700'000'000'000;
    payload.seq = seq;
    SparkplugMetric metric;
    if (birth) metric.name = "speed";
    metric.alias = 1;
    metric.type = SparkplugType::kDouble;
    metric.value = to_wire(value, SparkplugType::kDouble).value();
    payload.metrics.push_back(metric);
    std::string out;
    encode(payload, out);
    return out;
  };
  const std::string heard = (broker.folder() / "heard").string();
  TestProcess ear({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-t",
                   "spBv1.0/plant/NCMD/raw", "-F", "%x"},
                  heard);
  ASSERT_TRUE(broker.publish("spBv1.0/plant/NBIRTH/raw", bytes(1, 0, true)));
  ASSERT_TRUE(twin.gets_value(0, 1.0));
  ASSERT_TRUE(eventually([&] { return broker.log().find("spBv1.0/plant/NCMD/raw (QoS 0)") != std::string::npos; }));
  ASSERT_TRUE(broker.publish("spBv1.0/plant/NDATA/raw", bytes(2, 1, false)));
  ASSERT_TRUE(broker.publish("spBv1.0/plant/NDATA/raw", bytes(5, 4, false)));
  EXPECT_TRUE(twin.gets_value(0, 5.0));
  EXPECT_TRUE(eventually([&] { return twin.link->health().lost == 2; }));
  EXPECT_NE(twin.link->health().problem.find("2 messages are lost; it is asked for its births again"),
            std::string::npos);
  // "Node Control/Rebirth" in hexadecimal, heard by a foreign subscriber
  EXPECT_TRUE(eventually([&] {
    return text_of(heard).find("4e6f646520436f6e74726f6c2f52656269727468") != std::string::npos;
  })) << text_of(heard);
}

TEST(MqttLink, AHostApplicationSaysWhenItIsThereAndNodesWaitForIt) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  SparkplugNodeOptions node_options = node_of(broker);
  node_options.primary_host = "geoul";
  const auto node = std::move(SparkplugNode::make(node_options)).value();
  node->start();
  node->publish(Time{1'700'000'000'000'000'000}, {{1, 0.25}});
  ASSERT_TRUE(eventually([&] { return node->health().problem.find("waits for the host") != std::string::npos; }));
  EXPECT_EQ(node->health().births, 0u);
  MqttOptions options = options_of(broker);
  options.host_id = "geoul";
  Listener twin(kSignals, options);
  EXPECT_TRUE(twin.gets(1, [](const Update& u) { return u.value == Value(0.25); })) << node->health().problem;
  const std::string kept = (broker.folder() / "kept").string();
  const std::vector<std::string> ask = {"mosquitto_sub",
                                        "-h",
                                        "127.0.0.1",
                                        "-p",
                                        std::to_string(broker.port()),
                                        "-t",
                                        "spBv1.0/STATE/geoul",
                                        "-C",
                                        "1",
                                        "-W",
                                        "10"};
  EXPECT_EQ(run_program(ask, kept), 0);
  const auto online = parse_host_state(text_of(kept).substr(0, text_of(kept).find('\n')));
  ASSERT_TRUE(online) << text_of(kept);
  EXPECT_TRUE(online->online);
  // Somebody's late will says that it is gone: the host contradicts.
  const std::string wrong = host_state_payload({false, online->timestamp});
  ASSERT_TRUE(broker.publish("spBv1.0/STATE/geoul", wrong, {"-r", "-q", "1"}));
  EXPECT_TRUE(eventually([&] {
    const std::string seen = (broker.folder() / "seen").string();
    std::filesystem::remove(seen);
    return run_program(ask, seen) == 0 && text_of(seen).find("true") != std::string::npos;
  }));
  twin.link->stop();
  EXPECT_TRUE(eventually([&] { return node->health().state != LinkState::kLive; }));
  const std::string after = (broker.folder() / "after").string();
  EXPECT_EQ(run_program(ask, after), 0);
  EXPECT_NE(text_of(after).find("\"online\":false"), std::string::npos) << text_of(after);
}

TEST(MqttLink, AFloodIsDroppedAndCountedAndBlocksNobody) {
  // By default mosquitto itself drops what a subscriber does not read in time.
  TestBroker broker({.lines = {"max_queued_messages 0", "max_queued_bytes 0"}});
  ASSERT_TRUE(broker.start()) << broker.log();
  const auto node = std::move(SparkplugNode::make(node_of(broker))).value();
  node->start();
  constexpr std::size_t kCapacity = 100;
  Listener twin(kSignals, options_of(broker), kCapacity);
  ASSERT_TRUE(eventually([&] { return twin.link->health().updates >= 3; }));
  const std::uint64_t before = twin.link->health().updates;
  constexpr int kRows = 100 * static_cast<int>(kCapacity);  // a hundred times what the loop takes
  for (int i = 0; i < kRows; ++i) node->publish(Time{1'700'000'000'000'000'000 + i}, {{1, 1.0 * i}});
  ASSERT_TRUE(node->flush(Duration{60'000'000'000})) << node->health().problem;
  ASSERT_TRUE(eventually([&] {
    const LinkHealth health = twin.link->health();
    return health.updates + health.lost >= before + kRows;
  })) << twin.link->health().updates;
  twin.link->take(twin.updates);
  EXPECT_EQ(twin.updates.size(), kCapacity);
  EXPECT_EQ(twin.updates.back().value, Value(kRows - 1.0));
  const LinkHealth health = twin.link->health();
  EXPECT_EQ(health.dropped, health.updates - kCapacity);
  EXPECT_EQ(health.lost, 0u);
  EXPECT_EQ(node->health().dropped, 0u);
  EXPECT_EQ(health.state, LinkState::kLive);
}

TEST(MqttLink, BrowsingListsWhatNodesAndTopicsOffer) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  const auto node = std::move(SparkplugNode::make(node_of(broker))).value();
  node->start();
  ASSERT_TRUE(eventually([&] { return node->health().state == LinkState::kLive; }));
  const auto link =
      std::move(make_mqtt_link({.id = "plant", .signals = {"plant/cell/any"}}, options_of(broker))).value();
  const auto offered = link->browse(Duration{1'500'000'000});
  ASSERT_TRUE(offered) << offered.error().message;
  ASSERT_EQ(offered->size(), 3u);
  EXPECT_EQ((*offered)[0].name, "plant/cell/mode");
  EXPECT_EQ((*offered)[0].value, "idle");
  EXPECT_EQ((*offered)[1].name, "plant/cell/robot/q/0");
  EXPECT_EQ((*offered)[1].unit, "rad");
  EXPECT_FALSE((*offered)[1].can_write);
  EXPECT_EQ((*offered)[2].type, ValueType::kInteger);
  EXPECT_TRUE((*offered)[2].can_write);
  EXPECT_EQ(node->health().rebirths, 1u);

  ASSERT_TRUE(broker.publish("line/robot", R"({"q": [1.5]})", {"-r"}));
  const auto plain = std::move(make_mqtt_link({.id = "line"}, options_of(broker, MqttMode::kPlain))).value();
  const auto topics = plain->browse(Duration{500'000'000});
  ASSERT_TRUE(topics) << topics.error().message;
  ASSERT_EQ(topics->size(), 1u);
  EXPECT_EQ((*topics)[0].name, "line/robot#/q/0");
  EXPECT_EQ((*topics)[0].value, "1.5");
}

TEST(MqttLink, ANodeThatOnlyListensKnowsItsOptions) {
  TestBroker broker;
  MqttOptions options = options_of(broker);
  const auto problem = [&](std::vector<std::string> signals) {
    const auto made = make_mqtt_link({.id = "plant", .signals = std::move(signals)}, options);
    return made ? std::string("none") : made.error().message;
  };
  EXPECT_NE(problem({"plant/cell"}).find("group/node/metric"), std::string::npos);
  options.host_id = "a/b";
  EXPECT_NE(problem({}).find("host_id 'a/b'"), std::string::npos);
  options.host_id = "";
  options.connection.url = "http://broker";
  EXPECT_NE(problem({}).find("write mqtt://host:1883"), std::string::npos);
  options.connection.url = "mqtt://me:secret@broker";
  EXPECT_EQ(problem({}).find("secret"), std::string::npos);
  options.connection.url = "mqtt://broker:99999";
  EXPECT_NE(problem({}).find("no port"), std::string::npos);
  options.connection = {.url = "mqtts://broker", .certificate_file = "a.pem"};
  EXPECT_NE(problem({}).find("belong together"), std::string::npos);
  options.connection = {.url = "mqtts://broker", .ca_file = "/nowhere/ca.pem"};
  EXPECT_NE(problem({}).find("cannot read /nowhere/ca.pem"), std::string::npos);
  options.connection = {.url = "mqtt://broker", .ca_file = "/nowhere/ca.pem"};
  EXPECT_NE(problem({}).find("write mqtts://"), std::string::npos);
  options.connection = {.url = "mqtt://[::1]:1884"};
  EXPECT_EQ(problem({}), "none");
  options.mode = MqttMode::kPlain;
  EXPECT_NE(problem({"line/#"}).find("wildcard"), std::string::npos);
}

TEST(MqttLink, StopsThoughTheBrokerIsSilent) {
  TestBroker broker;
  ASSERT_TRUE(broker.start()) << broker.log();
  MqttOptions options = options_of(broker);
  options.host_id = "geoul";
  options.connection.patience = Duration{600'000'000'000};  // beyond the time limit of the test
  Listener twin(kSignals, options);
  SparkplugNodeOptions node_options = node_of(broker);
  node_options.connection.patience = options.connection.patience;
  const auto node = std::move(SparkplugNode::make(node_options)).value();
  node->start();
  ASSERT_TRUE(twin.gets_value(1, 0.5));
  broker.freeze();
  const auto begin = std::chrono::steady_clock::now();
  twin.link->stop();
  // the one promise of a link that is a time: two seconds, whatever the peer does
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(twin.link->health().state, LinkState::kStopped);
  node->stop();
  EXPECT_EQ(node->health().state, LinkState::kStopped);
}

TEST(MqttLink, StopsWhileItConnects) {
  // A port that refuses, and an address that no network routes (RFC 5737).
  for (const char* url : {"mqtt://127.0.0.1:1", "mqtt://192.0.2.1:1883"}) {
    MqttOptions options;
    options.connection.url = url;
    options.connection.patience = Duration{600'000'000'000};  // beyond the time limit of the test
    Listener twin({"plant/cell/x"}, options);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    twin.link->stop();
    EXPECT_EQ(twin.link->health().state, LinkState::kStopped);
  }
}

}  // namespace
}  // namespace geoul::link
