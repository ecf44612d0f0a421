// Rigid groups of a scene: bodies that fixed joints hold together, by whatever route. First step of compile().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/scene.h"

namespace geoul::dynamics {

// Composed in extended precision, so that constants are right to the last bit or nearly so.
using Precise = Transform<long double>;
Precise precise(const Posed& X);  // its quaternion is normalised
Posed rounded(const Precise& X);
// Rotation that takes z to the axis; a permutation of axes, so exact, where the axis is one of the frame's own.
Mat3<long double> z_to(const Vec3d& axis);

// Memory that find_rigid_groups uses again.
struct RigidWork {
  std::vector<std::vector<std::size_t>> welds;  // (nbody) fixed joints between bodies
  std::vector<std::size_t> anchors;             // fixed joints to the world
  std::vector<int> reached_by;                  // (nbody) joint that reached it first; -1
  std::vector<bool> used;                       // (njoint) in a tree or named as a loop
  std::vector<std::size_t> open;
  std::vector<Group> spare;
};

struct RigidGroups {
  std::vector<Group> groups;   // link and X_LG not yet set; X_WG for groups on the ground
  std::vector<int> group_of;   // (nbody)
  std::vector<Precise> X_GB;   // (nbody)
  std::vector<bool> grounded;  // (ngroup) held by the world
  std::vector<Precise> X_WG;   // (ngroup) at the start
  std::vector<int> node_of;    // (nbody) index in its group's lists
};

// Unites bodies over enabled fixed joints; frames come from the joints, not from the bodies' start poses. A loop that
// does not close within 1e-6 m and 1e-6 rad is the error open-weld-loop, a start pose that contradicts its joints the
// warning joint-apart.
void find_rigid_groups(const scene::Scene& scene, Diagnostics& diagnostics, RigidWork& work, RigidGroups& result);

// Where joint j was written.
Location joint_location(const scene::Scene& scene, std::size_t j);

}  // namespace geoul::dynamics
