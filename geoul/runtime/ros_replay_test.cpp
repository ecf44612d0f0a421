// Bags written by PyPI rosbags (testdata/ros2/make_bag.py), played as links.
#include "geoul/runtime/ros_replay.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "geoul/link/test_peers.h"

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;
const std::string kFolder = GEOUL_SOURCE_DIR "/geoul/runtime/testdata/ros2/";
constexpr double kFast = std::numeric_limits<double>::infinity();
constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
using link::eventually;
using link::LinkState;
using link::Quality;
using link::Update;

RosReplayOptions options_of(const std::string& path, std::vector<std::string> signals, double speed = kFast) {
  return {.link = {.id = "bag", .signals = std::move(signals)}, .path = path, .speed = speed, .loop = false};
}

// All updates of one signal up to the end of the bag.
std::vector<Update> play(RosReplayOptions options, std::string* problem = nullptr) {
  auto bag = make_ros_replay_link(std::move(options));
  bag->start();
  EXPECT_TRUE(eventually([&] { return bag->health().problem.find("ended") != std::string::npos; }))
      << bag->health().problem;
  EXPECT_EQ(bag->health().state, LinkState::kStopped);
  std::vector<Update> updates;
  bag->take(updates);
  if (problem) *problem = bag->health().problem;
  return updates;
}

TEST(RosReplay, PlaysWhatRosbagsWrote) {
  for (const char* file : {"arm", "arm/arm.mcap", "compressed.mcap"}) {
    SCOPED_TRACE(file);
    std::string problem;
    const auto updates =
        play(options_of(kFolder + file, {"arm/joint_states/position/elbow", "tf/world/base/translation/x",
                                         "gauge/readings/0/level", "gauge/readings/0/label"}),
             &problem);
    EXPECT_NE(problem.find("ended"), std::string::npos);
    std::vector<std::vector<Update>> by_signal(4);
    for (const Update& update : updates) {
      if (update.quality == Quality::kGood) by_signal[update.signal].push_back(update);
    }
    ASSERT_EQ(by_signal[0].size(), 50u);
    ASSERT_EQ(by_signal[1].size(), 10u);
    ASSERT_EQ(by_signal[2].size(), 5u);
    for (std::size_t i = 0; i < 50; ++i) {
      EXPECT_EQ(link::number_of(by_signal[0][i].value), -0.25 * static_cast<double>(i));
      EXPECT_EQ(by_signal[0][i].source_time.ns, kStart + static_cast<std::int64_t>(i) * 10'000'000);
    }
    EXPECT_EQ(link::number_of(by_signal[1][9].value), 45.0);
    EXPECT_EQ(link::number_of(by_signal[2][4].value), 40.5);
    EXPECT_EQ(by_signal[2][4].source_time.ns, kStart + 401'000'000);  // no stamp: when it was written
    EXPECT_EQ(link::to_string(by_signal[3][0].value), "oil");
    EXPECT_EQ(std::count_if(updates.begin(), updates.end(), [](const Update& u) { return u.quality == Quality::kBad; }),
              4);
  }
}

TEST(RosReplay, KeepsTheTimesOfTheRecording) {
  const auto begin = std::chrono::steady_clock::now();
  const auto updates = play(options_of(kFolder + "arm", {"arm/joint_states/position/elbow"}, 2.0));
  const auto taken = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(taken, std::chrono::milliseconds(245));  // 490 ms of messages at twice the speed
  EXPECT_EQ(updates.size(), 51u);
}

TEST(RosReplay, LoopsWithTheTimeRunningOn) {
  RosReplayOptions options = options_of(kFolder + "arm", {"gauge/readings/1/level"});
  options.loop = true;
  auto bag = make_ros_replay_link(options);
  bag->start();
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] { return bag->take(updates), updates.size() >= 11; }));
  for (std::size_t i = 1; i < updates.size(); ++i) {
    EXPECT_GT(updates[i].source_time, updates[i - 1].source_time);
    EXPECT_EQ(updates[i].quality, Quality::kGood);
  }
  EXPECT_EQ(bag->health().reconnects, 0u);
  EXPECT_EQ(bag->health().clock_jumps, 0u);
  EXPECT_NE(bag->health().problem.find("/blob"), std::string::npos) << bag->health().problem;
  bag->stop();
  EXPECT_EQ(bag->health().state, LinkState::kStopped);
}

TEST(RosReplay, BrowseListsTheSignalsOfTheFile) {
  auto bag = make_ros_replay_link(options_of(kFolder + "arm", {}));
  const auto offered = bag->browse(Duration::from_seconds(5));
  ASSERT_TRUE(offered);
  const auto find = [&](const std::string& name) {
    return std::find_if(offered->begin(), offered->end(), [&](const auto& s) { return s.name == name; });
  };
  ASSERT_NE(find("arm/joint_states/position/shoulder"), offered->end());
  EXPECT_EQ(find("arm/joint_states/position/shoulder")->value, "24.5");
  ASSERT_NE(find("gauge/readings/0/history/1"), offered->end());
  EXPECT_EQ(find("gauge/readings/0/history/1")->description, "house_msgs/msg/Gauge");
  EXPECT_EQ(find("blob/data"), offered->end());
  EXPECT_EQ(bag->write("gauge/readings/0/level", 1.0).error().code, ErrorCode::kUnsupported);
}

TEST(RosReplay, WhatCannotBeReadIsToldAndTriedAgain) {
  const fs::path folder = fs::temp_directory_path() / ("geoul_ros_replay_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const auto problem_of = [](const std::string& path) {
    auto bag = make_ros_replay_link(options_of(path, {"a/b"}));
    bag->start();
    EXPECT_TRUE(eventually([&] { return bag->health().state == LinkState::kWaiting; }));
    return bag->health().problem;
  };
  EXPECT_NE(problem_of(folder.string()).find("no .mcap file"), std::string::npos);
  EXPECT_NE(problem_of((folder / "none.mcap").string()).find("none.mcap"), std::string::npos);
  EXPECT_NE(problem_of(kFolder + "arm").find("no message of the topics"), std::string::npos);
  std::ofstream(folder / "text.mcap") << "this is no recording";
  EXPECT_NE(problem_of((folder / "text.mcap").string()).find("text.mcap"), std::string::npos);

  // cut: what is whole is played, and the damage is told
  std::ifstream whole(kFolder + "arm/arm.mcap", std::ios::binary);
  std::stringstream bytes;
  bytes << whole.rdbuf();
  const std::size_t size = bytes.str().size();
  std::ofstream(folder / "half.mcap", std::ios::binary) << bytes.str().substr(0, size / 2);
  EXPECT_NE(problem_of((folder / "half.mcap").string()).find("half.mcap"), std::string::npos);
  std::ofstream(folder / "open.mcap", std::ios::binary) << bytes.str().substr(0, size - 100);
  std::string problem;
  const auto updates = play(options_of((folder / "open.mcap").string(), {"arm/joint_states/position/elbow"}), &problem);
  EXPECT_EQ(updates.size(), 51u);
  EXPECT_NE(problem.find("damaged"), std::string::npos) << problem;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace geoul::runtime
