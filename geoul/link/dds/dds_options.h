// DdsOptions: how this process takes part in a ROS 2 graph.
#pragma once

#include <string>
#include <vector>

#include "geoul/core/time.h"

namespace geoul::link {

struct DdsOptions {
  int domain = -1;             // ROS_DOMAIN_ID, 0 to 232; -1: that of the environment, else 0
  bool loopback_only = true;   // speaks with this machine alone
  std::string interface = {};  // name or address of the network's, where not loopback_only; empty: Cyclone DDS chooses
  std::vector<std::string> peers = {};  // addresses of machines that multicast does not reach
  std::string node_name = "geoul";      // as `ros2 node list` shows it
  std::string node_namespace = "/";
  Duration lease{10'000'000'000};  // after so much silence, others take this process for gone
  bool is_humble = false;          // the graph is of ROS 2 Humble or older: its node ids are 24 bytes, later ones 16
};

}  // namespace geoul::link
