// Types, names and bytes of ROS 2 messages without a network: closed forms, the rules of names, and bad files.
#include "geoul/link/dds/ros_types.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "geoul/link/dds/command_writer.h"
#include "geoul/link/dds/dds_test_tools.h"
#include "geoul/link/dds/ros_messages.h"

namespace geoul::link {
namespace {

namespace fs = std::filesystem;
const fs::path kBad = GEOUL_SOURCE_DIR "/geoul/link/dds/testdata/bad";

std::string bytes_of(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

// By hand: 4 bytes of encapsulation; sec, nanosec; "b" as 2 bytes, padded to 4; one name "a"; then position: count 1,
// at offset 28 of the fields, so 4 bytes of padding before the double at 32; two empty sequences.
TEST(Cdr, JointStateIsTheseBytes) {
  RosJointState message;
  message.header = {.stamp = Time{-1}, .frame_id = "b"};
  message.name = {"a"};
  message.position = {1.0};
  const std::string expected = bytes_of({0,    1,    0,    0,                                       // little endian
                                         255,  255,  255,  255,                                     // -1 s
                                         0xFF, 0xC9, 0x9A, 0x3B,                                    // 999'999'999 ns
                                         2,    0,    0,    0,    'b', 0, 0,    0,                   // frame_id, padding
                                         1,    0,    0,    0,    2,   0, 0,    0,    'a', 0, 0, 0,  // name
                                         1,    0,    0,    0,                                       // position
                                         0,    0,    0,    0,    0,   0, 0xF0, 0x3F,                // at 32: no padding
                                         0,    0,    0,    0,    0,   0, 0,    0});
  EXPECT_EQ(encode(message), expected);
  RosJointState read;
  ASSERT_TRUE(decode(expected, read));
  EXPECT_EQ(read.header.stamp, Time{-1});
  EXPECT_EQ(read.position, message.position);
}

TEST(Cdr, DoublesAlignToEightAfterTheEncapsulation) {
  CdrWriter writer;
  writer.number(std::uint8_t{7});
  writer.number(2.0);
  const std::string bytes = writer.take();
  ASSERT_EQ(bytes.size(), 4u + 16u);
  CdrReader reader(bytes);
  EXPECT_EQ(reader.number<std::uint8_t>(), 7);
  EXPECT_EQ(reader.number<double>(), 2.0);
  EXPECT_EQ(reader.left(), 0u);
  EXPECT_EQ(reader.number<double>(), 0.0);
  EXPECT_STREQ(reader.fault(), "cut-off");
}

TEST(Cdr, BigEndianIsReadToo) {
  const std::string bytes = bytes_of({0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3});
  RosClock clock;
  ASSERT_TRUE(decode(bytes, clock));
  EXPECT_EQ(clock.clock, Time{5'000'000'003});
}

TEST(Cdr, TimesOutsideInt32SecondsBreakTheContract) {
  EXPECT_THROW((void)encode(RosClock{Time{INT64_MAX}}), ContractError);
  EXPECT_NO_THROW((void)encode(RosClock{Time{std::int64_t{INT32_MAX} * 1'000'000'000}}));
}

TEST(RosNames, AreMangledAsRmwDoes) {
  EXPECT_EQ(dds_type_of_ros("sensor_msgs/msg/JointState"), "sensor_msgs::msg::dds_::JointState_");
  EXPECT_EQ(dds_type_of_ros("sensor_msgs/JointState"), "sensor_msgs::msg::dds_::JointState_");
  EXPECT_EQ(ros_type_of_dds("tf2_msgs::msg::dds_::TFMessage_"), "tf2_msgs/msg/TFMessage");
  EXPECT_EQ(ros_type_of_dds("example_interfaces::srv::dds_::AddTwoInts_Request_"), "");
  EXPECT_EQ(ros_type_of_dds("JointState"), "");
  EXPECT_EQ(dds_topic_of_ros("/arm/joint_states"), "rt/arm/joint_states");
  EXPECT_EQ(ros_topic_of_dds("rt/joint_states"), "joint_states");
  EXPECT_EQ(ros_topic_of_dds("ros_discovery_info"), "");
}

struct Seen : RosVisitor {
  std::map<std::string, std::pair<Value, std::optional<Time>>> leaves;
  std::map<std::string, std::size_t> blocks;
  void leaf(std::string_view path, const Value& value, std::optional<Time> stamp) override {
    leaves[std::string(path)] = {value, stamp};
  }
  void block(std::string_view path, RosKind, std::size_t count, std::string_view) override {
    blocks[std::string(path)] = count;
  }
};

template <class M>
Seen see(std::string_view topic, const M& message) {
  Seen seen;
  Diagnostics diagnostics;
  EXPECT_TRUE(walk_message(common_ros_types(), *common_ros_types().find(ros_type(message)), topic, encode(message),
                           RosNaming::kSignals, seen, diagnostics))
      << diagnostics.text();
  return seen;
}

TEST(RosNames, SignalsOfJointsAreNamedByTheJoints) {
  RosJointState message;
  message.header = {.stamp = Time{42}, .frame_id = "base"};
  message.name = {"shoulder_pan", "elbow"};
  message.position = {1, 2};
  message.effort = {3, 4};
  const Seen seen = see("arm/joint_states", message);
  EXPECT_EQ(number_of(seen.leaves.at("arm/joint_states/position/elbow").first), 2);
  EXPECT_EQ(number_of(seen.leaves.at("arm/joint_states/effort/shoulder_pan").first), 3);
  EXPECT_EQ(seen.leaves.at("arm/joint_states/position/elbow").second, Time{42});
  EXPECT_EQ(std::get<std::string>(seen.leaves.at("arm/joint_states/header/frame_id").first), "base");
  EXPECT_EQ(std::get<std::int64_t>(seen.leaves.at("arm/joint_states/header/stamp").first), 42);
  EXPECT_EQ(seen.leaves.size(), 6u);
}

TEST(RosNames, TrajectoriesNameThePointsByNumberAndTheItemsByJoint) {
  RosJointTrajectory message;
  message.joint_names = {"a", "b"};
  message.points = {{.positions = {1, 2}, .velocities = {}, .accelerations = {}, .effort = {}, .time_from_start = {5}},
                    {.positions = {3, 4}, .velocities = {}, .accelerations = {}, .effort = {}, .time_from_start = {6}}};
  const Seen seen = see("move", message);
  EXPECT_EQ(number_of(seen.leaves.at("move/points/1/positions/a").first), 3);
  EXPECT_EQ(std::get<std::int64_t>(seen.leaves.at("move/points/1/time_from_start").first), 6);
}

TEST(RosNames, TransformsAreNamedByTheirFramesAndHaveTheirOwnStamps) {
  RosTransforms message;
  message.transforms.push_back({.header = {.stamp = Time{7}, .frame_id = "world"}, .child_frame_id = "base"});
  message.transforms.push_back({.header = {.stamp = Time{8}, .frame_id = "base"}, .child_frame_id = "tool"});
  message.transforms[1].translation = {0.1, 0.2, 0.3};
  const Seen seen = see("tf", message);
  EXPECT_EQ(number_of(seen.leaves.at("tf/base/tool/translation/z").first), 0.3);
  EXPECT_EQ(seen.leaves.at("tf/base/tool/translation/z").second, Time{8});
  EXPECT_EQ(seen.leaves.at("tf/world/base/rotation/w").second, Time{7});
  EXPECT_EQ(seen.leaves.size(), 14u);
}

TEST(RosNames, LargeArraysAreNoSignals) {
  RosPointCloud message;
  message.fields.resize(70);
  message.data.assign(65, 1);
  const Seen seen = see("cloud", message);
  EXPECT_EQ(seen.blocks.at("cloud/data"), 65u);
  EXPECT_TRUE(seen.leaves.contains("cloud/fields/63/offset"));
  EXPECT_FALSE(seen.leaves.contains("cloud/fields/64/offset"));
  EXPECT_EQ(std::get<bool>(seen.leaves.at("cloud/is_dense").first), true);  // what follows is read all the same
}

TEST(RosDecoder, GivesWhatWasAskedForAndNothingOfABrokenMessage) {
  RosImu message;
  message.linear_acceleration = {0, 0, 9.81};
  message.header.stamp = Time{9};
  RosDecoder decoder(
      {"imu/linear_acceleration/z", "other/x", "imu/orientation_covariance/8", "imu/linear_acceleration/z"});
  EXPECT_TRUE(decoder.wants("imu"));
  EXPECT_FALSE(decoder.wants("im"));
  std::vector<Intake::Item> items;
  Diagnostics diagnostics;
  const RosType& type = *common_ros_types().find("sensor_msgs/Imu");
  const std::string bytes = encode(message);
  ASSERT_TRUE(decoder.decode(common_ros_types(), type, "imu", bytes, items, diagnostics));
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].signal, 2u);
  EXPECT_EQ(items[0].source_time, Time{9});
  EXPECT_EQ(number_of(items[1].value), 9.81);
  EXPECT_FALSE(decoder.decode(common_ros_types(), type, "imu", bytes.substr(0, bytes.size() - 8), items, diagnostics));
  EXPECT_EQ(items.size(), 3u);
  EXPECT_TRUE(diagnostics.has("count"));
}

// Every cut of every type's message is told, and no cut gives a sound message.
TEST(RosDecoder, EveryCutOfEveryMessageIsTold) {
  RandomMessage random(common_ros_types(), 23, 20);
  for (std::size_t i = 0; i < common_ros_types().size(); ++i) {
    const RosType& type = common_ros_types().at(static_cast<int>(i));
    const std::string bytes = random.make(type);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      Seen seen;
      Diagnostics diagnostics;
      ASSERT_FALSE(walk_message(common_ros_types(), type, "t", std::string_view(bytes).substr(0, size),
                                RosNaming::kSignals, seen, diagnostics))
          << type.name << " cut at " << size;
      ASSERT_EQ(diagnostics.error_count(), 1u);
    }
  }
}

TEST(RosTypes, LeavesAreNamedWithTheirUnits) {
  const auto leaves = leaves_of_type(common_ros_types(), *common_ros_types().find("geometry_msgs/WrenchStamped"), "w");
  ASSERT_EQ(leaves.size(), 8u);
  EXPECT_EQ(leaves[0].name, "w/header/stamp");
  EXPECT_EQ(leaves[0].type, ValueType::kInteger);
  EXPECT_EQ(leaves[4].name, "w/wrench/force/z");
  EXPECT_EQ(leaves[4].unit, "N");
  EXPECT_EQ(leaves[7].unit, "N m");
}

TEST(RosTypes, ADefinitionOfABagIsRead) {
  RosTypes types;
  Diagnostics diagnostics;
  ASSERT_TRUE(types.add("house_msgs/msg/Gauge",
                        "# a comment\nuint8 MODE=3\nstring<=10 name 'x'\nfloat32[<=4] levels\nPart[2] parts # two\n"
                        "================================================================================\n"
                        "MSG: house_msgs/Part\nint16 value -3\nstd_msgs/Header header\n"
                        "================================================================================\n"
                        "MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
                        "================================================================================\n"
                        "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n",
                        diagnostics))
      << diagnostics.text();
  const RosType* type = types.find("house_msgs/Gauge");
  ASSERT_NE(type, nullptr);
  ASSERT_EQ(type->fields.size(), 3u);
  EXPECT_EQ(type->fields[1].array, RosArray::kSequence);
  EXPECT_EQ(type->fields[2].size, 2u);
  EXPECT_EQ(type->least_bytes, 4u + 4u + 2 * (2u + 12u));
  RandomMessage random(types, 1);
  Seen seen;
  EXPECT_TRUE(walk_message(types, *type, "g", random.make(*type), RosNaming::kSignals, seen, diagnostics));
  EXPECT_TRUE(seen.leaves.contains("g/parts/1/value"));
}

// testdata/bad/expected.txt: file, type, code. Messages are NAME.cdr of the type; definitions NAME.msg.
TEST(RosBadFiles, EachIsNamedByItsCode) {
  std::ifstream expected(kBad / "expected.txt");
  std::string file, type, code;
  std::size_t count = 0, files = 0;
  while (expected >> file >> type >> code) {
    SCOPED_TRACE(file);
    ++count;
    std::ifstream in(kBad / file, std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    ASSERT_TRUE(in);
    Diagnostics diagnostics;
    if (file.ends_with(".msg")) {
      RosTypes types;
      EXPECT_FALSE(types.add(type, content.str(), diagnostics));
      EXPECT_EQ(types.size(), 0u);
    } else {
      Seen seen;
      const RosType* known = common_ros_types().find(type);
      ASSERT_NE(known, nullptr);
      for (const RosNaming naming : {RosNaming::kPlain, RosNaming::kSignals}) {
        EXPECT_FALSE(walk_message(common_ros_types(), *known, "t", content.str(), naming, seen, diagnostics));
      }
    }
    EXPECT_TRUE(diagnostics.has(code)) << diagnostics.text();
  }
  for (const auto& entry : fs::directory_iterator(kBad)) files += entry.path().extension() != ".txt";
  EXPECT_EQ(count, files);
  EXPECT_GE(count, 25u);
}

TEST(RosBadFiles, TooMuchTextAndTooManyTypesAreRefused) {
  RosTypes types;
  Diagnostics diagnostics;
  EXPECT_FALSE(types.add("a/A", std::string(RosTypes::kMaxText + 1, '#'), diagnostics));
  EXPECT_TRUE(diagnostics.has("definition-too-large"));
  std::string text = "int8 x\n";
  for (std::size_t i = 0; i <= RosTypes::kMaxTypes; ++i) {
    text += "====================\nMSG: a/T" + std::to_string(i) + "\nint8 x\n";
  }
  EXPECT_FALSE(types.add("a/A", text, diagnostics));
  EXPECT_TRUE(diagnostics.has("too-many-types"));
}

TEST(RosCommands, HoldTheValueOrSayWhyNot) {
  const auto float64 = encode_command("std_msgs/msg/Float64", std::int64_t{3});
  ASSERT_TRUE(float64);
  EXPECT_EQ(dump_message("std_msgs/msg/Float64", *float64), std::vector<std::string>{"/data\t3"});
  const auto uint8 = encode_command("std_msgs/msg/UInt8", 255.0);
  ASSERT_TRUE(uint8);
  EXPECT_EQ(dump_message("std_msgs/msg/UInt8", *uint8), std::vector<std::string>{"/data\t255"});
  EXPECT_EQ(encode_command("std_msgs/msg/UInt8", 256.0).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(encode_command("std_msgs/msg/UInt64", -1.0).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(encode_command("std_msgs/msg/Bool", std::int64_t{2}).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(encode_command("std_msgs/msg/String", 1.0).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(encode_command("std_msgs/msg/Float64", std::string("1")).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(encode_command("sensor_msgs/msg/Imu", 1.0).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace geoul::link
