// The arm in a scene: its six joints, and the frames that its controller speaks of.
#pragma once

#include <array>

#include "geoul/core/result.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/scene.h"
#include "scenarios/plant/machine/hidden.h"

namespace geoul::plant {

struct Arm {
  std::array<scene::JointId, kJoints> joints;  // the scene's joints of one degree, in its order
  std::array<scene::BodyId, kJoints> bodies;   // that they move
  scene::BodyId base;                          // poses are told in its frame
  scene::BodyId gripper;                       // the heaviest body that the last link carries
  scene::SiteId flange, tcp;                   // sites called "flange" and "tcp"
};

// kBadInput where the scene is no such arm: what is missing, and how it is to be named.
Result<Arm> find_arm(const scene::Scene& scene, const dynamics::Model& model);

// Link of the flange, with all that is fixed to it.
std::size_t last_link(const Arm& arm, const dynamics::Model& model);
// Pose of the flange's site in the frame of the last link.
Transformd flange_in_link(const Arm& arm, const dynamics::Model& model);
// Rotation vector and position of a pose, as RTDE tells them: x y z rx ry rz.
std::array<double, 6> pose_vector(const Transformd& X);
// Of the joint, in State::q and State::v.
std::size_t q_of(const Arm& arm, const dynamics::Model& model, std::size_t joint);
std::size_t v_of(const Arm& arm, const dynamics::Model& model, std::size_t joint);

}  // namespace geoul::plant
