// State: what is where, at one instant. Simulation, the live link and the replay of a recording all produce it;
// who reads it cannot tell which one did.
#pragma once

#include <vector>

#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/core/time.h"
#include "geoul/scene/joint.h"

namespace geoul::scene {

// Where the values of one scene joint stand in State::q and State::v; -1 where the joint has none (fixed).
struct JointAddress {
  int q = -1;
  int nq = 0;
  int v = -1;
  int nv = 0;
};

// Addresses of every joint of a scene, and of the free joints that floating bodies get. Made by compile().
struct StateLayout {
  int nq = 0;
  int nv = 0;
  std::vector<JointAddress> joints;  // (njoint)
};

// The force that flows through a joint from parent to child: acts on the child, in the joint frame, about its origin.
struct JointWrench {
  Forced F_C_J;
  bool indeterminate = false;  // statically indeterminate: the minimum-norm share
};

struct State {
  Time time;
  // Generalised; addressed by StateLayout.
  std::vector<double> q;    // position (nq) [rad, m, unit quaternion w x y z]
  std::vector<double> v;    // velocity (nv) [rad/s, m/s]
  std::vector<double> a;    // acceleration (nv) [rad/s2, m/s2]
  std::vector<double> tau;  // effort of drives and commands (nv) [N.m, N]
  // Per body, in the order of Scene::bodies; W is the world.
  std::vector<Posed> X_WB;    // (nbody)
  std::vector<Motiond> V_WB;  // (nbody) angular velocity, and velocity of the body's origin, in the world frame
  std::vector<Motiond> A_WB;  // (nbody) their time derivatives (classical acceleration), in the world frame
  // Per joint, in the order of Scene::joints.
  std::vector<JointWrench> wrenches;  // (njoint)
};

}  // namespace geoul::scene
