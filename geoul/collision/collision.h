// Where things touch: contact manifolds between the colliding shapes of a scene, distances and ray casts.
// A scene is compiled once into a constant CollisionModel; what one world needs is in CollisionData.
// Lengths in metres, everything in the world frame W unless a letter says otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "geoul/core/cache.h"
#include "geoul/core/diagnostics.h"
#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/scene/scene.h"

namespace geoul::collision {

struct Geometry;  // prepared shape: see geometry.h

// One shape that collides.
struct Collider {
  scene::ShapeId shape;
  scene::BodyId body;  // kWorld: does not move
  Posed X_BC;          // the collider's own frame on the body
  int geometry = 0;    // index into CollisionModel::geometries
};

// Which pairs of bodies never touch, beyond those of one body. Made by who knows the joints.
struct PairFilter {
  std::vector<int> group;                  // (nbody) bodies of one group never touch; -1: moves with the world
  std::vector<std::pair<int, int>> apart;  // pairs of groups that never touch, first < second, sorted
};

struct CollisionModel {
  CollisionModel();
  CollisionModel(CollisionModel&&) noexcept;
  CollisionModel& operator=(CollisionModel&&) noexcept;
  ~CollisionModel();

  int nbody = 0;
  std::vector<Collider> colliders;  // in the order of Scene::shapes; several of a decomposed one
  std::vector<Geometry> geometries;
  struct Prepared;
  std::unique_ptr<const Prepared> prepared;  // trees over what does not move: see prepared.h
};

struct CompileOptions {
  Cache* cache = &user_cache();  // of hulls, decompositions and mesh trees; null: none
  int threads = 0;               // for the meshes of a scene; 0: one a core. The result is the same
};

// Prepares all shapes with `collides`: hulls, mesh trees, decompositions (several colliders of one shape). A mesh that
// many shapes show at one scale is prepared once. Errors (codes): not-finite (NaN or infinity in a size, pose,
// vertex or height), bad-rotation, bad-id, shape-volume (a size that is not positive; a moving closed mesh whose sides
// lie on each other), height-field-size, hull-flat (a
// hull of fewer than four points off a plane), hull-count, mesh-empty; warnings: mesh-open (a moving mesh that is not
// closed: it has no inside), mesh-degenerate (triangles left out), mesh-inside-out (turned); info: decomposition, cache
// (cannot be written). None where there is an error.
std::optional<CollisionModel> compile(const scene::Scene& scene, Diagnostics& diagnostics,
                                      const CompileOptions& options = {});

// Whether the filter lets two colliders touch.
bool may_touch(const CollisionModel& model, const PairFilter& filter, int a, int b);

struct ContactPoint {
  Vec3d p_W;             // halfway between the two surfaces
  double distance = 0;   // along the normal; negative: penetration
  std::uint64_t id = 0;  // of the features that touch: the same from step to step while they do
};

// Up to four points of two colliders, with one normal.
struct Manifold {
  int a = 0, b = 0;  // colliders, a < b
  Vec3d normal_W;    // unit, from a to b
  int count = 0;
  ContactPoint points[4];
};

struct DetectOptions {
  double margin = 1e-3;  // pairs nearer than this are reported [m]
  double dt = 0;         // [s] > 0: the margin of a pair grows by what it can approach in dt (speculative contacts)
  std::span<const char> resting = {};      // (nbody) or empty. Pairs of which neither body moves (1: it rests, or the
                                           // world) are left out: they are as they were
  std::span<const double> thickness = {};  // (ncollider) [m] or empty: what makes pairs fast, see CollisionData
};

// Working memory and persistent state of one world. Grows to what was needed; then detect allocates nothing.
struct CollisionData {
  CollisionData();
  CollisionData(CollisionData&&) noexcept;
  CollisionData& operator=(CollisionData&&) noexcept;
  ~CollisionData();

  std::vector<Manifold> manifolds;  // out, sorted by (a, b, first point's id)
  // out, sorted: pairs that may meet in dt and move against each other by more than half of the lesser thickness: they
  // could pass through each other, or the normals of this instant could be those of no impact. Ask time_of_impact.
  std::vector<std::pair<int, int>> fast;
  struct Work;
  std::unique_ptr<Work> work;
};

// All manifolds of the pairs that the filter lets touch. X_WB, V_WB (nbody) as in scene::State. The result depends on
// the arguments alone, never on earlier calls (so that a restored state has the same bits).
void detect(const CollisionModel& model, const PairFilter& filter, std::span<const Posed> X_WB,
            std::span<const Motiond> V_WB, const DetectOptions& options, CollisionData& data);

struct RayHit {
  int collider = -1;
  double distance = 0;  // along the ray's unit direction
  Vec3d normal_W;
};
// First collider that a ray meets within `reach`, from outside: a ray that starts inside a solid does not see it; open
// meshes are seen from both sides, height fields from above. direction_W need not be unit; of equals the lowest
// collider. Colliders on the world are found by a tree, the others tested one by one.
std::optional<RayHit> cast_ray(const CollisionModel& model, std::span<const Posed> X_WB, const Vec3d& origin_W,
                               const Vec3d& direction_W, double reach);

struct Distance {
  double distance = 0;  // negative: penetration depth
  Vec3d p_a_W, p_b_W;   // nearest points (or deepest)
  Vec3d normal_W;       // from a to b
};
// Signed distance of two convex colliders, or of one and a plane, to 1e-9 of their size.
Distance distance(const CollisionModel& model, int a, int b, std::span<const Posed> X_WB);

// First time [s] in [0, dt] at which the distance of two colliders has fallen to slop [m], when their bodies keep the
// twists V_WB about their origins; none where it does not. At least one of the two is convex; the other may be
// anything. Never late: where 1,000 steps do not get there, the time until which there is no contact. A surface counts
// from both sides. For bodies that move farther than their size in a step; detect's margins see to the others.
std::optional<double> time_of_impact(const CollisionModel& model, int a, int b, std::span<const Posed> X_WB,
                                     std::span<const Motiond> V_WB, double dt, double slop = 1e-5);

}  // namespace geoul::collision
