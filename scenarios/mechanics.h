// Small mechanical scenes with known answers: tests and benchmarks use the same ones. Sources: docs/notes/dynamics.md.
#pragma once

#include <string>

#include "geoul/core/random.h"
#include "geoul/scene/scene.h"

namespace geoul::scenarios {

using scene::BodyId;
using scene::Joint;
using scene::JointType;
using scene::Scene;

// A solid box [m], mass [kg], at p in the world.
BodyId add_box(Scene& scene, const std::string& path, double mass, const Vec3d& size, const Vec3d& p);
// A joint of the type whose frame stands at p (world) with the world's axes; parent may be kWorld.
scene::JointId add_joint(Scene& scene, JointType type, BodyId parent, BodyId child, const Vec3d& p,
                         const Vec3d& axis = {0, 0, 1});

// n + 1 cubes of 1 m end to end along x, welded; the first at `origin` and, where `to_world`, welded to the world.
// The last weighs tip_mass [kg], the others 1 kg. C10: 10 cubes; H5: four and a tip of 100 kg behind the first.
Scene weld_chain(int cubes, double tip_mass, const Vec3d& origin = {}, bool to_world = true,
                 const std::string& prefix = "");

// n boxes on a circle of radius 1 m, n welds in a loop, zero gravity, spin (3, 2, 1) rad/s. (W5 of the reference.)
Scene weld_ring(int boxes);

// A chassis of 3.9555 kg with three balls of 1.3185 kg and radius 0.25 m at 0.8333 m, thrown and spinning: the balls
// welded on, or all of it written as one body. (triball of the reference.)
Scene triball(bool lumped);

// A point mass of 1 kg on a massless rod of 1 m, hinged about y to the world, gravity -z. (IFToMM A01, started at (-1,
// 0).)
Scene pendulum();

// The spanning tree of the N-four-bar: N + 1 pillars and N bars of 1 kg and 1 m, hinged about z, gravity -y. (IFToMM
// A02.)
Scene four_bar_chain(int n);

// 0.1 x 0.4 x 0.9 m, 10 kg, v (-2, 2, 8), w (0.1, 5, 0.1), gravity 9.8. (scpeters' boxes.)
Scene free_box();

// A random tree of n bodies with joints of every type, fixed ones included, random inertias and frames.
Scene random_tree(int n, std::uint64_t seed, bool floating = false);

// A 7-joint arm of the size of a Franka Panda: its published kinematics; masses and inertias of the same size.
Scene arm7();

// Rotation of random axis; pose with a position in a box of 1 m.
Quatd random_rotation(Random& random);
Posed random_pose(Random& random);

}  // namespace geoul::scenarios
