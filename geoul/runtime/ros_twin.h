// The twin in the messages of ROS 2 (link/dds/ros_messages.h): joint states, transforms, IMUs, wrenches. Names of
// joints and frames are the last words of their USD paths where these are unique ("elbow"), else the whole path with
// '_'.
//   joint_states      position, velocity, effort of every joint of one degree of freedom
//   tf, tf_static     every body in "world"; those that stand still, the frames below, are static
//   imu/SITE          sites that the site file binds a specific force to, and those whose name has the word "imu":
//                     what an IMU there would measure
//   wrench/JOINT      what flows through each joint of a moving body into its child; frame JOINT_joint_frame. Left out
//   while it
//                     is statically indeterminate
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "geoul/link/dds/ros_messages.h"
#include "geoul/runtime/player.h"
#include "geoul/runtime/site.h"

namespace geoul::runtime {

// Names for paths: the last word where no other path has it, else the path with '_' for '/'; `empty` for an empty path.
// Each is unique.
std::vector<std::string> short_names(const std::vector<std::string>& paths, const std::string& empty);

class RosTwin {
 public:
  // site: null where there is none. Both must outlive it.
  RosTwin(const Twin& twin, const Site* site);

  // stale: by joint of the scene; such a joint is left out: ROS has no word for a value that is not to be believed.
  link::RosJointState joint_states(const Snapshot& snapshot, const std::vector<bool>& stale) const;
  link::RosTransforms transforms(const scene::State& state) const;                          // of what moves
  link::RosTransforms static_transforms(const scene::State& state) const;                   // of the rest
  std::vector<std::pair<std::string, link::RosImu>> imus(const scene::State& state) const;  // by topic
  std::vector<std::pair<std::string, link::RosWrench>> wrenches(const scene::State& state) const;

  static constexpr std::size_t kMaxWrenches = 64;  // topics; joints beyond are left out

 private:
  struct NamedFrame {
    std::string name;
    FrameAddress frame;
  };
  const Twin& twin_;
  std::vector<std::string> bodies_, joints_;  // (nbody), (njoint)
  std::vector<NamedFrame> imus_;
  std::vector<scene::JointId> wrenches_;
};

}  // namespace geoul::runtime
