// A ROS 2 bag as a link: plays the MCAP files of `ros2 bag record -s mcap` in real time, as the robot would deliver
// them. Signals are named as those of the live link over DDS (geoul/link/dds/ros_decoder.h):
// "joint_states/position/elbow". The file's own definitions of its types are read, so that types of any house are
// signals too; messages without one are read by the types that Geoul knows. Source times are those of the bag; the
// receive time is now.
//
// A file that cannot be read is a problem, and is tried again. What of a bag is not read (another encoding than CDR, a
// definition in IDL, damaged chunks) is a problem that names the topic, and the rest plays. At the end all signals turn
// bad and the link stops, or begins again where `loop` is set, with the time running on. Nothing can be written.
#pragma once

#include <memory>
#include <string>

#include "geoul/link/link.h"

namespace geoul::runtime {

struct RosReplayOptions {
  link::LinkOptions link = {};
  std::string path;  // an MCAP file, or a bag's folder: its MCAP files in the order of their names
  double speed = 1;  // of the recording; infinity: as fast as it can be read
  bool loop = false;
};

// Needs a path and a speed above 0.
std::unique_ptr<link::Link> make_ros_replay_link(RosReplayOptions options);

}  // namespace geoul::runtime
