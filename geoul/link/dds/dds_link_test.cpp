// The link and the publisher against Fast DDS (fast_dds_peer_test.cpp), over loopback.
#include "geoul/link/dds/dds_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "geoul/link/csv_source.h"
#include "geoul/link/dds/dds_test_tools.h"
#include "geoul/link/dds/ros_node.h"
#include "geoul/link/dds/ros_publisher.h"
#include "geoul/link/dds/test_peer.h"
#include "geoul/link/test_peers.h"

namespace geoul::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// "JointState" -> "sensor_msgs/msg/JointState".
const std::map<std::string, std::string> kTypes = {
    {"JointState", "sensor_msgs/msg/JointState"},
    {"Imu", "sensor_msgs/msg/Imu"},
    {"TFMessage", "tf2_msgs/msg/TFMessage"},
    {"Clock", "rosgraph_msgs/msg/Clock"},
    {"PointCloud2", "sensor_msgs/msg/PointCloud2"},
    {"Image", "sensor_msgs/msg/Image"},
    {"WrenchStamped", "geometry_msgs/msg/WrenchStamped"},
    {"JointTrajectory", "trajectory_msgs/msg/JointTrajectory"},
    {"Float64MultiArray", "std_msgs/msg/Float64MultiArray"},
};

class FastDds : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = TestPeer::path_of("fast_dds_peer");
    if (path_.empty()) GTEST_SKIP() << "Fast DDS is not installed: tools/setup test, then configure again";
  }
  std::vector<std::string> command(const std::string& words, int lease_ms = 10'000) const {
    std::vector<std::string> out{path_, std::to_string(test_domain()), std::to_string(lease_ms)};
    std::string word;
    for (const char c : words + " ") {
      if (c != ' ') {
        word += c;
      } else if (!word.empty()) {
        out.push_back(std::move(word));
        word.clear();
      }
    }
    return out;
  }
  static DdsLinkOptions link_options(std::vector<std::string> signals) {
    return {.link = {.id = "ros", .signals = std::move(signals)}, .dds = test_options()};
  }
  static std::vector<Update> taken(Link& link) {
    std::vector<Update> updates;
    link.take(updates);
    return updates;
  }

  std::string path_;
};

// Messages of the peer's output between "message" lines.
std::vector<std::vector<std::string>> messages_of(const std::vector<std::string>& lines) {
  std::vector<std::vector<std::string>> messages;
  for (const std::string& line : lines) {
    if (line.starts_with("message "))
      messages.emplace_back();
    else if (line.starts_with("/") && !messages.empty())
      messages.back().push_back(line);
  }
  return messages;
}

TEST_F(FastDds, EveryTypeComesFieldByField) {
  for (const auto& [name, type] : kTypes) {
    SCOPED_TRACE(name);
    auto node = RosNode::open(test_options());
    ASSERT_TRUE(node) << node.error().message;
    const auto reader = (*node)->create_reader("in_" + name, type, {.depth = 100}, nullptr);
    ASSERT_TRUE(reader);
    TestPeer peer(command("send " + name + " rt/in_" + name + " count=20 seed=7 bytes=300000 hold"));
    ASSERT_FALSE(peer.until("matched").empty());
    ASSERT_TRUE(eventually([&] {  // both sides: what is sent before is not for this reader
      dds_subscription_matched_status_t status{};
      dds_get_subscription_matched_status(reader->entity, &status);
      return status.current_count == 1;
    }));
    peer.write("go\n");
    const auto sent = messages_of(peer.until("sent"));
    ASSERT_EQ(sent.size(), 20u);
    std::vector<std::vector<std::string>> received;
    EXPECT_TRUE(eventually([&] {
      take_raw(reader->entity, [&](std::string_view message, const dds_sample_info_t&) {
        received.push_back(dump_message(type, message));
      });
      return received.size() >= sent.size();
    }));
    ASSERT_EQ(received.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) ASSERT_EQ(received[i], sent[i]) << i;
  }
}

constexpr int kMessages = 5;  // as many as the writers of sensor data keep

// As plain structs through the publisher: what decode() reads from random bytes is published, and printed by the peer.
template <class M>
void expect_arrives(const std::string& name, const std::vector<std::string>& peer_command) {
  SCOPED_TRACE(name);
  const std::string topic = "out_" + name, type = kTypes.at(name);
  auto publisher = RosPublisher::open({.dds = test_options(), .reliable_sensors = true});
  ASSERT_TRUE(publisher) << publisher.error().message;
  ASSERT_TRUE((*publisher)->advertise(topic, type));
  TestPeer peer(peer_command);
  ASSERT_TRUE(eventually([&] { return (*publisher)->readers(topic) == 1; }));
  ASSERT_FALSE(peer.until("match").empty());
  RandomMessage random(common_ros_types(), 3, 300'000);
  std::vector<std::vector<std::string>> sent;
  for (int i = 0; i < kMessages; ++i) {
    const std::string bytes = random.make(*common_ros_types().find(type));
    M message;
    ASSERT_TRUE(decode(bytes, message));
    ASSERT_TRUE((*publisher)->publish(topic, message));
    sent.push_back(dump_message(type, bytes));
  }
  const auto received = messages_of(peer.until("done"));
  ASSERT_EQ(received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) ASSERT_EQ(received[i], sent[i]) << i;
}

TEST_F(FastDds, EveryTypeLeavesFieldByField) {
  const auto peer = [this](const std::string& name) {
    return command("receive " + name + " rt/out_" + name + " count=" + std::to_string(kMessages));
  };
  expect_arrives<RosJointState>("JointState", peer("JointState"));
  expect_arrives<RosImu>("Imu", peer("Imu"));
  expect_arrives<RosTransforms>("TFMessage", peer("TFMessage"));
  expect_arrives<RosClock>("Clock", peer("Clock"));
  expect_arrives<RosPointCloud>("PointCloud2", peer("PointCloud2"));
  expect_arrives<RosImage>("Image", peer("Image"));
  expect_arrives<RosWrench>("WrenchStamped", peer("WrenchStamped"));
  expect_arrives<RosJointTrajectory>("JointTrajectory", peer("JointTrajectory"));
  expect_arrives<RosFloat64Array>("Float64MultiArray", peer("Float64MultiArray"));
}

TEST_F(FastDds, SignalsOfARobotComeWithTheirStamps) {
  auto link = make_dds_link(link_options(
      {"arm/joint_states/position/joint_2", "arm/joint_states/effort/joint_0", "arm/joint_states/position/joint_9"}));
  link->start();
  TestPeer peer(command("send JointState rt/arm/joint_states joints=6 now count=10 quiet"));
  ASSERT_FALSE(peer.until("sent").empty());
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] { return link->take(updates), updates.size() >= 20; }));
  ASSERT_EQ(updates.size(), 20u);
  for (std::size_t i = 0; i < 20; i += 2) {
    EXPECT_EQ(updates[i].signal, 0u);
    EXPECT_EQ(number_of(updates[i].value), static_cast<double>(i / 2) + 0.25);
    EXPECT_EQ(number_of(updates[i + 1].value), -1.25);
    EXPECT_EQ(updates[i].quality, Quality::kGood);
    EXPECT_LE(updates[i].source_time, updates[i].receive_time);
    EXPECT_LT((updates[i].receive_time - updates[i].source_time).seconds(), 2);
  }
  const auto names_the_missing = [&] { return link->health().problem.find("position/joint_9") != std::string::npos; };
  EXPECT_TRUE(eventually(names_the_missing)) << link->health().problem;
  EXPECT_EQ(link->health().state, LinkState::kLive);
  EXPECT_EQ(link->health().peer, "dds://" + std::to_string(test_domain()) + "@loopback");
}

TEST_F(FastDds, AThousandMessagesASecondComeWithoutLoss) {
  constexpr std::size_t kCount = 5000;
  auto link = make_dds_link(link_options({"joint_states/position/joint_0"}));
  link->start();
  TestPeer peer(command("send JointState rt/joint_states joints=6 now quiet period_us=1000 count=5000"));
  ASSERT_FALSE(peer.until("sent", seconds(30)).empty());
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] { return link->take(updates), updates.size() >= kCount; }));
  ASSERT_EQ(updates.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(number_of(updates[i].value), static_cast<double>(i));
  EXPECT_EQ(link->health().lost, 0u);
  EXPECT_EQ(link->health().reordered, 0u);
  EXPECT_TRUE(link->health().has_clock);
}

TEST_F(FastDds, AThousandMessagesASecondLeaveWithoutLoss) {
  constexpr int kCount = 5000;
  auto publisher = RosPublisher::open({.dds = test_options()});
  ASSERT_TRUE(publisher);
  ASSERT_TRUE((*publisher)->advertise("joint_states", "sensor_msgs/msg/JointState"));
  TestPeer peer(command("receive JointState rt/joint_states quiet count=5000"));
  ASSERT_FALSE(peer.until("match").empty());
  ASSERT_TRUE(eventually([&] { return (*publisher)->readers("joint_states") == 1; }));
  RosJointState message;
  for (int j = 0; j < 6; ++j) message.name.push_back("joint_" + std::to_string(j));
  message.position.assign(6, 0.5);
  auto next = std::chrono::steady_clock::now();
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE((*publisher)->publish("joint_states", message));
    std::this_thread::sleep_until(next += milliseconds(1));
  }
  ASSERT_FALSE(peer.until("done").empty());
  const auto rest = peer.finish();
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back(), "received 5000");
}

TEST_F(FastDds, WhoComesLateGetsTheStaticTransforms) {
  TestPeer peer(command("send TFMessage rt/tf_static transient_local early seed=5"));
  const auto sent = messages_of(peer.until("sent"));
  ASSERT_EQ(sent.size(), 1u);
  const auto value = [&](const std::string& path) {
    const auto at =
        std::find_if(sent[0].begin(), sent[0].end(), [&](const auto& l) { return l.starts_with(path + "\t"); });
    return at == sent[0].end() ? std::string() : at->substr(path.size() + 1);
  };
  const std::string parent = value("/transforms/0/header/frame_id"), child = value("/transforms/0/child_frame_id");
  ASSERT_FALSE(value("/transforms/0/transform/rotation/w").empty());
  auto link = make_dds_link(link_options(
      {"tf_static/" + parent + "/" + child + "/translation/x", "tf_static/" + parent + "/" + child + "/rotation/w"}));
  link->start();
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] { return link->take(updates), updates.size() >= 2; })) << link->health().problem;
  EXPECT_EQ(number_of(updates[0].value), std::stod(value("/transforms/0/transform/translation/x")));
  EXPECT_EQ(number_of(updates[1].value), std::stod(value("/transforms/0/transform/rotation/w")));
}

TEST_F(FastDds, WhoComesLateGetsOurStaticTransforms) {
  auto publisher = RosPublisher::open({.dds = test_options()});
  ASSERT_TRUE(publisher);
  RosTransforms transforms;
  transforms.transforms.push_back({.header = {.stamp = {}, .frame_id = "world"}, .child_frame_id = "base"});
  transforms.transforms[0].translation = {1, 2, 3};
  ASSERT_TRUE((*publisher)->publish("tf_static", transforms));
  transforms.transforms[0].translation = {4, 5, 6};  // the newest counts
  ASSERT_TRUE((*publisher)->publish("tf_static", transforms));
  TestPeer peer(command("receive TFMessage rt/tf_static transient_local count=1"));
  const auto received = messages_of(peer.until("done"));
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0], dump_message("tf2_msgs/msg/TFMessage", encode(transforms)));
}

TEST_F(FastDds, SignalsTurnBadWithinTheLeaseOfAWriterThatDies) {
  constexpr int kLease_ms = 1500;
  auto link = make_dds_link(link_options({"joint_states/position/joint_0", "other/position/joint_0"}));
  link->start();
  TestPeer other(command("send JointState rt/other joints=1 quiet count=5"));
  auto peer = std::make_unique<TestPeer>(command("send JointState rt/joint_states joints=6 quiet count=5", kLease_ms));
  ASSERT_FALSE(peer->until("sent").empty());
  ASSERT_FALSE(other.until("sent").empty());
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] { return link->take(updates), updates.size() >= 10; }));
  for (const Update& update : updates) ASSERT_EQ(update.quality, Quality::kGood);
  updates.clear();
  peer->kill();
  const auto killed = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return link->take(updates), !updates.empty(); }));
  const auto after = std::chrono::steady_clock::now() - killed;
  EXPECT_LT(after, milliseconds(kLease_ms + 1000));
  ASSERT_EQ(updates.size(), 1u);  // the other writer's signal stays good
  EXPECT_EQ(updates[0].signal, 0u);
  EXPECT_EQ(updates[0].quality, Quality::kBad);
  EXPECT_EQ(number_of(updates[0].value), 4);
  EXPECT_EQ(link->health().state, LinkState::kLive);
  EXPECT_TRUE(
      eventually([&] { return link->health().problem.find("joint_states/position/joint_0") != std::string::npos; }));
  other.finish();  // says farewell: at once
  updates.clear();
  ASSERT_TRUE(eventually([&] { return link->take(updates), !updates.empty(); }));
  EXPECT_EQ(updates[0].signal, 1u);
  EXPECT_TRUE(eventually([&] { return link->health().state == LinkState::kWaiting; }));

  peer = std::make_unique<TestPeer>(command("send JointState rt/joint_states joints=6 quiet count=5"));
  updates.clear();
  ASSERT_TRUE(eventually([&] { return link->take(updates), updates.size() >= 5; }));
  EXPECT_EQ(updates.back().quality, Quality::kGood);
  EXPECT_EQ(updates.back().signal, 0u);
  EXPECT_TRUE(eventually([&] { return link->health().state == LinkState::kLive; }));
  EXPECT_EQ(link->health().reconnects, 1u);
}

TEST_F(FastDds, BestEffortWritersAreHeard) {
  auto link = make_dds_link(link_options({"imu/linear_acceleration/x"}));
  link->start();
  TestPeer peer(command("send Imu rt/imu best_effort quiet count=50"));
  ASSERT_FALSE(peer.until("sent").empty());
  std::vector<Update> updates;
  EXPECT_TRUE(eventually([&] { return link->take(updates), updates.size() >= 50; })) << updates.size();
}

TEST_F(FastDds, CommandsArriveAndAreAcknowledged) {
  auto link = make_dds_link(link_options({}));
  EXPECT_EQ(link->write("speed/data", 1.0).error().code, ErrorCode::kUnavailable);
  link->start();
  TestPeer speed(command("receive Float64 rt/speed")), mode(command("receive Int32 rt/mode")),
      lamp(command("receive Bool rt/lamp")), word(command("receive String rt/word")),
      quick(command("receive Float64 rt/quick best_effort")), move(command("receive JointTrajectory rt/move"));
  const auto write = [&](const std::string& name, const Value& value) {
    Result<std::uint64_t> ticket = link->write(name, value);
    (void)eventually([&] {
      if (ticket || ticket.error().code != ErrorCode::kUnavailable) return true;
      ticket = link->write(name, value);
      return static_cast<bool>(ticket);
    });
    return ticket;
  };
  std::vector<WriteOutcome> outcomes;
  const std::pair<std::string, Value> commands[] = {
      {"speed/data", 0.125}, {"mode/data", std::int64_t{-7}}, {"lamp/data", true}, {"word/data", std::string("go")}};
  for (const auto& [name, value] : commands) ASSERT_TRUE(write(name, value)) << name;
  ASSERT_TRUE(eventually([&] { return link->take_outcomes(outcomes), outcomes.size() == 4; }));
  for (const WriteOutcome& outcome : outcomes) EXPECT_TRUE(outcome.done) << outcome.message;
  EXPECT_EQ(speed.until("/data").back(), "/data\t0.125");
  EXPECT_EQ(mode.until("/data").back(), "/data\t-7");
  EXPECT_EQ(lamp.until("/data").back(), "/data\ttrue");
  EXPECT_EQ(word.until("/data").back(), "/data\tgo");
  EXPECT_EQ(write("mode/data", 0.5).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(write("mode/data", std::int64_t{1} << 40).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(write("quick/data", 1.0).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(write("move/data", 1.0).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(link->write("nobody/data", 1.0).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(link->write("speed/rate", 1.0).error().code, ErrorCode::kUnsupported);
  speed.kill();  // within its lease it counts as there, and acknowledges nothing
  const auto lost = link->write("speed/data", 2.0);
  ASSERT_TRUE(lost);
  outcomes.clear();
  ASSERT_TRUE(eventually([&] { return link->take_outcomes(outcomes), outcomes.size() == 1; }));
  EXPECT_EQ(outcomes[0].ticket, *lost);
  EXPECT_FALSE(outcomes[0].done);
}

TEST_F(FastDds, ATrajectoryComesAsACommand) {
  auto publisher = RosPublisher::open({.dds = test_options()});
  ASSERT_TRUE(publisher);
  ASSERT_TRUE((*publisher)->listen_trajectories("controller/joint_trajectory"));
  ASSERT_TRUE((*publisher)->listen_arrays("controller/commands"));
  EXPECT_FALSE((*publisher)->listen_arrays("controller/commands"));
  TestPeer peer(command("send JointTrajectory rt/controller/joint_trajectory count=3 seed=11 hold"));
  TestPeer arrays(command("send Float64MultiArray rt/controller/commands count=2 seed=12 hold"));
  for (TestPeer* sender : {&peer, &arrays}) ASSERT_FALSE(sender->until("matched").empty());
  ASSERT_TRUE(eventually([&] {
    return (*publisher)->writers("controller/joint_trajectory") == 1 &&
           (*publisher)->writers("controller/commands") == 1;
  }));
  for (TestPeer* sender : {&peer, &arrays}) sender->write("go\n");
  const auto sent = messages_of(peer.until("sent"));
  ASSERT_FALSE(arrays.until("sent").empty());
  std::vector<RosCommand> commands;
  ASSERT_TRUE(eventually([&] { return (*publisher)->take_commands(commands), commands.size() >= 5; }));
  std::size_t trajectories = 0;
  for (const RosCommand& c : commands) {
    if (c.topic == "controller/commands") continue;
    EXPECT_EQ(dump_message("trajectory_msgs/msg/JointTrajectory", encode(c.trajectory)), sent.at(trajectories++));
  }
  EXPECT_EQ(trajectories, 3u);
  EXPECT_EQ((*publisher)->broken_commands(), 0u);
}

TEST_F(FastDds, BrowseListsWhatTheMessagesHave) {
  TestPeer joints(command("send JointState rt/joint_states joints=2 quiet count=10000"));
  TestPeer imu(command("send Imu rt/imu quiet early count=1 best_effort"));
  TestPeer foreign(command("send Foreign rt/foreign early"));
  TestPeer speed(command("receive Float64 rt/speed"));
  ASSERT_FALSE(imu.until("sent").empty());
  ASSERT_FALSE(foreign.until("sent").empty());
  ASSERT_FALSE(speed.until("ready").empty());
  auto link = make_dds_link(link_options({}));
  const auto offered = link->browse(Duration::from_seconds(4));
  ASSERT_TRUE(offered);
  const auto find = [&](const std::string& name) {
    const auto at = std::find_if(offered->begin(), offered->end(), [&](const auto& s) { return s.name == name; });
    return at == offered->end() ? OfferedSignal{} : *at;
  };
  EXPECT_EQ(find("joint_states/position/joint_1").type, ValueType::kDouble);
  EXPECT_EQ(find("joint_states/effort/joint_0").value, "-1.25");
  EXPECT_FALSE(find("joint_states/effort/joint_0").can_write);
  EXPECT_EQ(find("imu/linear_acceleration/z").unit, "m/s^2");
  EXPECT_EQ(find("imu/linear_acceleration/z").value, "");
  EXPECT_TRUE(find("speed/data").can_write);
}

// The node of the publisher as ROS 2 sees it: by the ids that Fast DDS itself has of its writers.
TEST_F(FastDds, TheGraphNamesTheNodeAndItsWriters) {
  DdsOptions options = test_options();
  options.node_name = "twin";
  options.node_namespace = "/cell";
  auto publisher = RosPublisher::open({.dds = options});
  ASSERT_TRUE(publisher);
  ASSERT_TRUE((*publisher)->advertise("clock", "rosgraph_msgs/msg/Clock"));
  TestPeer clock(command("receive Clock rt/clock"));
  const auto match = clock.until("match ");
  ASSERT_FALSE(match.empty());
  std::uint64_t hash = 14695981039346656037u;
  for (std::size_t i = 6; i < 38; i += 2) {
    hash = (hash ^ std::stoul(match.back().substr(i, 2), nullptr, 16)) * 1099511628211u;
  }
  char gid[60];
  std::snprintf(gid, sizeof gid, "bytes 16 %016" PRIx64, hash);
  TestPeer graph(command("receive ParticipantEntitiesInfo ros_discovery_info transient_local count=1"));
  const auto seen = messages_of(graph.until("done"));
  ASSERT_EQ(seen.size(), 1u);
  const std::vector<std::string> expected = {"/node_entities_info_seq/0/node_namespace\t/cell",
                                             "/node_entities_info_seq/0/node_name\ttwin",
                                             std::string("/node_entities_info_seq/0/writer_gid_seq/0/data\t") + gid};
  ASSERT_EQ(seen[0].size(), 4u);
  EXPECT_EQ(std::vector<std::string>(seen[0].begin() + 1, seen[0].end()), expected);
}

TEST_F(FastDds, ATypeThatGeoulDoesNotKnowIsNamed) {
  auto link = make_dds_link(link_options({"foreign/secret"}));
  link->start();
  EXPECT_TRUE(eventually([&] { return link->health().problem.find("'foreign/secret'") != std::string::npos; }));
  TestPeer foreign(command("send Foreign rt/foreign early"));
  EXPECT_TRUE(eventually([&] { return link->health().problem.find("house_msgs/msg/Foreign") != std::string::npos; }))
      << link->health().problem;
  EXPECT_EQ(link->health().state, LinkState::kConnecting);
}

// geoul_plant as a robot: what Fast DDS reads is what the recording holds, from when the two have met.
TEST_F(FastDds, ARecordingIsARobotToRos) {
  TestPeer reader(command("receive JointState rt/ur/joint_states"));
  ASSERT_FALSE(reader.until("ready").empty());
  TestPeer plant({GEOUL_PLANT, "ros", "--domain", std::to_string(test_domain()), "--topic", "ur/joint_states",
                  "--wait-for-reader", "--joints", "pan,lift,elbow,wrist_1,wrist_2,wrist_3",
                  GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv"});
  ASSERT_FALSE(plant.until("played", seconds(30)).empty());
  const auto received = messages_of(reader.finish());
  ASSERT_GE(received.size(), 15u);
  CsvOptions csv{.time_column = "timestamp", .columns = {"actual_q_0", "actual_q_5", "actual_qd_2"}};
  Diagnostics diagnostics;
  const auto recording = read_csv(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv", csv, diagnostics);
  ASSERT_TRUE(recording);
  ASSERT_LE(received.size(), recording->rows());
  const std::size_t missed = recording->rows() - received.size();
  for (std::size_t row = 0; row < received.size(); ++row) {
    const auto value = [&](const std::string& path) {
      const auto at = std::find_if(received[row].begin(), received[row].end(),
                                   [&](const std::string& line) { return line.starts_with(path + "\t"); });
      return at == received[row].end() ? std::string() : at->substr(path.size() + 1);
    };
    EXPECT_EQ(value("/name/2"), "elbow");
    EXPECT_EQ(std::stod(value("/position/0")), recording->value(missed + row, 0));
    EXPECT_EQ(std::stod(value("/position/5")), recording->value(missed + row, 1));
    EXPECT_EQ(std::stod(value("/velocity/2")), recording->value(missed + row, 2));
  }
}

TEST(DdsLink, ReadsAPublisherOfTheSameProcess) {
  auto publisher = RosPublisher::open({.dds = test_options()});
  ASSERT_TRUE(publisher);
  auto link = make_dds_link({.link = {.id = "ros", .signals = {"wrench/wrench/force/z"}}, .dds = test_options()});
  link->start();
  ASSERT_TRUE((*publisher)->advertise("wrench", "geometry_msgs/msg/WrenchStamped"));
  ASSERT_TRUE(eventually([&] { return (*publisher)->readers("wrench") == 1; }));
  RosWrench wrench;
  wrench.header.stamp = Time{1'700'000'000'000'000'001};
  wrench.force = {1, 2, -9.5};
  ASSERT_TRUE((*publisher)->publish("wrench", wrench));
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] { return link->take(updates), !updates.empty(); }));
  EXPECT_EQ(number_of(updates[0].value), -9.5);
  EXPECT_EQ(updates[0].source_time, wrench.header.stamp);
  EXPECT_EQ((*publisher)->publish("wrench", RosImu()).error().code, ErrorCode::kBadInput);
  // a message that breaks its type is told, and delivers nothing
  ASSERT_TRUE(
      (*publisher)
          ->publish_bytes("wrench", "geometry_msgs/msg/WrenchStamped", std::string_view("\0\1\0\0\0\0\0\0", 8)));
  EXPECT_TRUE(eventually([&] { return link->health().problem.find("cut-off") != std::string::npos; }))
      << link->health().problem;
  link->stop();
  EXPECT_EQ(link->health().state, LinkState::kStopped);
  updates.clear();
  link->take(updates);
  for (const Update& update : updates) EXPECT_EQ(update.quality, Quality::kBad);
}

TEST(DdsLink, WrongOptionsAreToldByName) {
  const auto problem = [](DdsOptions options) {
    auto node = RosNode::open(options);
    return node ? std::string() : node.error().message;
  };
  DdsOptions options = test_options();
  options.domain = 233;
  EXPECT_NE(problem(options).find("233"), std::string::npos);
  options = test_options();
  options.peers = {"a\"/><b"};
  EXPECT_NE(problem(options).find("peer"), std::string::npos);
  options = test_options();
  options.loopback_only = false;
  options.interface = "no such";
  EXPECT_NE(problem(options).find("interface"), std::string::npos);
  options = test_options();
  options.lease = Duration{1000};
  EXPECT_NE(problem(options).find("lease"), std::string::npos);
  auto open = RosNode::open(test_options());
  ASSERT_TRUE(open);
  options = test_options();
  options.lease = Duration::from_seconds(3);
  EXPECT_NE(problem(options).find("other settings"), std::string::npos);
  ::setenv("ROS_DOMAIN_ID", "many", 1);
  options = test_options();
  options.domain = -1;
  EXPECT_NE(problem(options).find("ROS_DOMAIN_ID=many"), std::string::npos);
  ::unsetenv("ROS_DOMAIN_ID");
}

}  // namespace
}  // namespace geoul::link
