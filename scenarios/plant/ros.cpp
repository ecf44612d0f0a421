// geoul_plant ros: columns become the joints of a robot on a ROS 2 graph: sensor_msgs/msg/JointState over DDS.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "geoul/link/dds/ros_publisher.h"
#include "scenarios/plant/plant.h"

namespace geoul::plant {
namespace {

struct RosPlant {
  PlayOptions play;
  link::RosPublisherOptions publisher;
  std::string topic = "joint_states", network;
  std::string position = "actual_q_", velocity = "actual_qd_";
  std::vector<std::string> joints;
  bool wait_for_reader = false;
};

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 2;
}

// Columns FRONT0, FRONT1, ... as far as they go.
std::vector<std::size_t> columns_of(const Rows& rows, const std::string& front) {
  std::vector<std::size_t> out;
  while (true) {
    const auto at = std::find(rows.columns.begin(), rows.columns.end(), front + std::to_string(out.size()));
    if (front.empty() || at == rows.columns.end()) return out;
    out.push_back(static_cast<std::size_t>(at - rows.columns.begin()));
  }
}

int play_joints(const RosPlant& plant, const Rows& rows) {
  const std::vector<std::size_t> position = columns_of(rows, plant.position);
  const std::vector<std::size_t> velocity = columns_of(rows, plant.velocity);
  if (position.empty()) return fail("no column '" + plant.position + "0': name the positions by --position");
  if (!velocity.empty() && velocity.size() != position.size()) {
    return fail(std::to_string(position.size()) + " columns of positions, " + std::to_string(velocity.size()) +
                " of velocities: give --velocity '' to leave them out");
  }
  link::RosJointState message;
  message.name = plant.joints;
  for (std::size_t j = message.name.size(); plant.joints.empty() && j < position.size(); ++j) {
    message.name.push_back("joint_" + std::to_string(j));
  }
  if (message.name.size() != position.size()) {
    return fail("there are " + std::to_string(position.size()) + " joints, and --joints names " +
                std::to_string(message.name.size()));
  }
  const auto publisher = link::RosPublisher::open(plant.publisher);
  if (!publisher) return fail(publisher.error().message);
  if (const auto made = (*publisher)->advertise(plant.topic, "sensor_msgs/msg/JointState"); !made) {
    return fail(made.error().message);
  }
  end_on_signals();
  while (plant.wait_for_reader && !is_told_to_end() && (*publisher)->readers(plant.topic) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::size_t refused = 0;
  const std::size_t played = play(rows, plant.play, [&](std::span<const double> row, Time now) {
    message.header.stamp = now;
    message.position.clear();
    message.velocity.clear();
    for (const std::size_t column : position) message.position.push_back(row[column]);
    for (const std::size_t column : velocity) message.velocity.push_back(row[column]);
    if (!(*publisher)->publish(plant.topic, message)) ++refused;
    return true;
  });
  for (int i = 0; i < 200 && !(*publisher)->acknowledged(plant.topic) && !is_told_to_end(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::printf("played %zu rows on %s, %zu refused by slow readers\n", played, plant.topic.c_str(), refused);
  return 0;
}

}  // namespace

Protocol add_ros(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ros", "as a robot on a ROS 2 graph, over DDS: joint states");
  const auto plant = std::make_shared<RosPlant>();
  plant->publisher.dds.node_name = "geoul_plant";
  add_play_options(*command, plant->play);
  command->add_option("--domain", plant->publisher.dds.domain, "ROS_DOMAIN_ID (default: of the environment, else 0)")
      ->check(CLI::Range(0, 232));
  command->add_option("--network", plant->network,
                      "interface to use instead of this machine alone: its name or address");
  command->add_option("--topic", plant->topic, "where the joint states go")->capture_default_str();
  command->add_option("--joints", plant->joints, "names of the joints (default: joint_0, ...)")->delimiter(',');
  command->add_option("--position", plant->position, "columns of positions, less their number")->capture_default_str();
  command->add_option("--velocity", plant->velocity, "columns of velocities, less their number")->capture_default_str();
  command->add_flag("--wait-for-reader", plant->wait_for_reader, "begin when somebody reads");
  return [plant] {
    plant->publisher.dds.loopback_only = plant->network.empty();
    plant->publisher.dds.interface = plant->network;
    const auto rows = read_rows(plant->play);
    return rows ? play_joints(*plant, *rows) : fail(rows.error().message);
  };
}

}  // namespace geoul::plant
