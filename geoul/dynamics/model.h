// Model: a scene compiled for computing. Constant while it runs.
//   links   rigid groups that move: everything that fixed joints hold together is one link
//   trees   each link hangs on its parent link (or on the world) by one joint; links of one tree stand together,
//           parents before children
//   islands trees that joints left over by the spanning trees, or couplings, tie together
// Frames: W world; L a link's frame, at its joint, with z along the axis of a one-degree joint; F the same joint
// frame on the parent link; G a rigid group's frame (its first body); B a body.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/scene/scene.h"
#include "geoul/scene/state.h"

namespace geoul::dynamics {

// What the kernels know: about z, along z, about the origin. A planar joint is two slides and a turn, a free joint
// three slides and a ball, with massless links between; so a floating base moves along the world's axes.
enum class LinkMotion : std::int8_t { kTurn, kSlide, kBall };

struct Link {
  int parent = -1;  // link; -1: the world
  LinkMotion motion = LinkMotion::kTurn;
  bool prescribed = false;  // its motion is given, its force follows
  int q = 0;                // address in State::q and State::v
  int v = 0;
  int ball = -1;               // index among the balls; -1: one degree
  Transformd X_PF;             // joint frame on the parent link
  Inertiad inertia;            // of the whole rigid group, in L
  double weightless_mass = 0;  // part of it that gravity leaves out [kg], and its first moment in L [kg m]
  Vec3d weightless_moment;
  scene::JointId joint;  // the scene joint it moves by; none for a floating base
  int group = -1;        // rigid group; -1: a massless link inside a joint
};

// Joint law of one degree of freedom: the effort that the joint itself adds to what is commanded.
struct JointLaw {
  double armature = 0;   // [kg m2 or kg]
  double damping = 0;    // passive [N.m.s/rad]
  double friction = 0;   // Coulomb [N.m]
  double stiffness = 0;  // passive spring [N.m/rad]
  double spring_position = 0;
  double drive_stiffness = 0;
  double drive_damping = 0;
  double drive_limit = scene::kUnlimited;  // of drive and command together [N.m]
  double lower = -scene::kUnlimited;       // position limits [rad]
  double upper = scene::kUnlimited;
  double velocity_limit = scene::kUnlimited;
  int q = 0;  // address of its position; -1 for the degrees of balls
};

// Where a scene body is: on a link (or the world, -1), in a rigid group.
struct BodyAddress {
  int link = -1;
  int group = 0;
  Transformd X_GB;  // composed in extended precision from the joints' own frames
  Transformd X_LB;  // X_WB where link is -1
  Posed pose_LB;    // the same
};

// One fixed joint of a rigid group, for its reaction wrench. Nodes are bodies of the group, or the ground.
struct Weld {
  scene::JointId joint;
  int from = -1;  // node nearer the root (group-local; -1: the ground)
  int to = 0;
  double sign = 1;  // +1: the scene joint's child is `to`
  Transformd X_GJ;  // joint frame in the group's frame
};

// Bodies that cannot move against each other, and the fixed joints that hold them.
struct Group {
  int link = -1;
  Transformd X_LG;                   // X_WG where link is -1
  std::vector<int> bodies;           // scene bodies; nodes of the group, breadth first from the root
  std::vector<Inertiad> inertia_G;   // of each, in G
  std::vector<Weld> tree;            // one a node that is not a root, in the order of the nodes they reach
  std::vector<Weld> loops;           // fixed joints left over: the group is statically indeterminate
  std::vector<double> loop_inverse;  // (6 nloop x 6 nloop), row-major: inverse of the minimum-norm problem's matrix
  std::vector<int> parent_node;      // (nnode) node that holds it, -1 for a root or the ground
  double length = 1;                 // [m] makes moments and forces comparable in the norm
};

// Links [begin, end) that hang on one root by joints; their coordinates are contiguous too.
struct Tree {
  int begin = 0, end = 0;
  int q_begin = 0, q_end = 0, v_begin = 0, v_end = 0;
  std::vector<int> bodies;  // scene bodies on these links
};

// Velocities of one tree that the rows of a constraint act on: the coefficients of its row r stand at `at` + r n.
struct ConstraintPart {
  int tree = 0;
  int v = 0, n = 0;
  std::size_t at = 0;
};

// A part that two constraints have in common: their rows meet in the matrix J M^-1 J^T.
struct ConstraintMeeting {
  int other = 0;  // an earlier constraint of the island, or the same
  std::size_t at = 0, other_at = 0;
  int n = 0;
};

struct CouplingTerm {
  int q = 0, v = 0;
  double coefficient = 1;
};

// c(q) = 0, kept exactly: a joint that closes a loop, or a coupling of joint positions.
struct Constraint {
  scene::JointId joint;             // closes the loop; none: a coupling
  int link_a = -1, link_b = -1;     // that carry its parent and its child; -1: the world
  Transformd X_AJ, X_BJ;            // its frame on them, z along the axis
  std::vector<CouplingTerm> terms;  // of a coupling: sum of coefficient q = offset
  double offset = 0;
  int row = 0, rows = 0;
  std::vector<ConstraintPart> parts;
  std::vector<ConstraintMeeting> meetings;
};

// A spring and damper between points of two links (-1: the world).
struct SpringElement {
  int link_a = -1, link_b = -1;
  Vec3d p_A, p_B;  // in the links' frames
  double stiffness = 0, damping = 0, rest_length = 0;
};

// Trees that constraints and springs tie together, or one tree alone: what is stepped at once. Its trees stand
// together, so its links, coordinates and rows do.
struct Island {
  Tree all;
  int tree_begin = 0, tree_end = 0;
  int constraint_begin = 0, constraint_end = 0;
  int row_begin = 0, row_end = 0;
  std::vector<SpringElement> springs;
};

struct ContactSetup;  // contacts.h

struct Model {
  std::string name;
  int nq = 0, nv = 0, nlink = 0, nbody = 0, njoint = 0, nrow = 0;
  Vec3d gravity;
  std::vector<Link> links;                      // (nlink)
  std::vector<Tree> trees;                      // tied by constraints only
  std::vector<Island> islands;                  // independent of each other
  std::shared_ptr<const ContactSetup> contact;  // none where nothing collides
  std::vector<Constraint> constraints;
  std::vector<int> row_first;       // (nrow) first row of the island that each row meets: envelope of J M^-1 J^T
  std::vector<std::size_t> row_at;  // (nrow + 1) where each row's envelope begins
  std::size_t constraint_size = 0;  // coefficients of all rows
  std::vector<JointLaw> laws;       // (nv)
  std::vector<BodyAddress> bodies;  // (nbody)
  std::vector<bool> body_gravity;   // (nbody)
  std::vector<Group> groups;
  std::vector<scene::Joint> joints;  // (njoint) as written
  std::vector<int> joint_link;       // (njoint) last link that the joint moves; -1: fixed, disabled or closing a loop
  std::vector<bool> joint_reversed;  // (njoint) the tree runs from the joint's child to its parent
  std::vector<scene::Site> sites;
  std::vector<std::string> body_paths;  // (nbody)
  scene::StateLayout layout;
  std::vector<double> q_start, v_start;  // (nq), (nv)
};

// Compiles a scene: union of bodies over fixed joints, composite inertia, spanning tree, addresses.
// Errors in diagnostics (codes): those of scene::validate; open-weld-loop (fixed joints that do not close within
// 1e-6 m and 1e-6 rad, with the joints and the gap); no-mass, no-inertia (a part that would fall apart numerically);
// open-loop (a loop of moving joints that no pose near the start closes within 1e-9), loop-drive, coupling-joint (a
// coupling of a joint of several degrees, or of one that closes a loop). Warnings: joint-apart (joint frames do not
// meet at the start pose: the child is moved), loop-law (limits, friction, springs of a joint that closes a loop do
// not act). Returns none when there is any error.
std::optional<Model> compile(const scene::Scene& scene, Diagnostics& diagnostics);

// The same for scenes that code makes and that must be right: throws ContractError with the findings where they are
// not.
Model compiled(const scene::Scene& scene);

// Pose of body B in body A. Where both are in one rigid group it is a constant of the model: the same bits always.
Posed relative_pose(const Model& model, const scene::State& state, scene::BodyId A, scene::BodyId B);

}  // namespace geoul::dynamics
