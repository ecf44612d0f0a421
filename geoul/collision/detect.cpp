// From poses to manifolds: boxes, broad phase, narrow phase, speculative margins.
#include <algorithm>

#include "geoul/collision/broad_phase.h"
#include "geoul/collision/collision.h"
#include "geoul/collision/surface.h"
#include "geoul/core/clones.h"
#include "geoul/core/contract.h"

namespace geoul::collision {

// How a collider moves: velocity of its frame's origin, and a bound on what rotation adds anywhere on it.
struct Sweep {
  Vec3d v;
  double turn = 0;  // [m/s]
};

struct CollisionData::Work {
  BroadPhase broad;
  SurfaceWork surface;
  std::vector<Posed> X_WC;      // (ncollider)
  std::vector<Bounds> boxes;    // (ncollider)
  std::vector<Sweep> sweeps;    // (ncollider)
  std::vector<Vec3d> ahead;     // (ncollider)
  std::vector<PairKey> planes;  // sorted pairs with a plane
};

CollisionData::CollisionData() : work(std::make_unique<Work>()) {}
CollisionData::CollisionData(CollisionData&&) noexcept = default;
CollisionData& CollisionData::operator=(CollisionData&&) noexcept = default;
CollisionData::~CollisionData() = default;

namespace {

using Work = CollisionData::Work;
constexpr double kStepsAhead = 6;  // a collider's room is to last as long, in steps of dt

std::size_t index(int i) { return static_cast<std::size_t>(i); }

const Geometry& geometry_of(const CollisionModel& model, int collider) {
  return model.geometries[index(model.colliders[index(collider)].geometry)];
}

// Poses, velocities and boxes of all colliders. Boxes of moving ones hold their margin and what they sweep in dt.
void place(const CollisionModel& model, std::span<const Posed> X_WB, std::span<const Motiond> V_WB,
           const DetectOptions& options, Work& work) {
  const CollisionModel::Prepared& prepared = *model.prepared;
  const std::size_t n = model.colliders.size();
  if (work.broad.stamp != prepared.stamp) {
    work.X_WC = prepared.X_WC;
    work.boxes = prepared.fixed_bounds;
    work.sweeps.assign(n, {});
    work.ahead.assign(n, {});
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Collider& collider = model.colliders[i];
    if (!collider.body.valid()) continue;
    const Geometry& geometry = model.geometries[index(collider.geometry)];
    const Posed& X = work.X_WC[i] = collider_pose(collider, X_WB);
    Bounds box = grown(bounds_of(geometry, X), options.margin);
    if (options.dt > 0) {
      const Motiond& V = V_WB[collider.body.index()];
      const Vec3d v = V.v + cross(V.w, X.p - X_WB[collider.body.index()].p);
      const bool ball = geometry.kind == Kind::kSphere;
      work.sweeps[i] = {v, ball || geometry.kind == Kind::kPlane ? 0 : norm(V.w) * geometry.bounding_radius};
      const Vec3d step = options.dt * v;
      box = grown(box, options.dt * work.sweeps[i].turn);
      box.low += min(step, Vec3d{});
      box.high += max(step, Vec3d{});
      work.ahead[i] = kStepsAhead * step;
    }
    const bool usable = geometry.kind == Kind::kPlane || (finite(box.low) && finite(box.high));
    work.boxes[i] = usable ? box : Bounds{};
  }
}

// Pairs of planes and colliders whose box comes near them.
void pair_planes(const CollisionModel& model, std::span<const Posed> X_WB, std::span<const Motiond> V_WB,
                 const DetectOptions& options, Work& work) {
  const CollisionModel::Prepared& prepared = *model.prepared;
  work.planes.clear();
  for (const int p : prepared.planes) {
    const scene::BodyId body = model.colliders[index(p)].body;
    const Vec3d n = rotation_matrix(work.X_WC[index(p)].R).column(2);
    const double offset = dot(n, work.X_WC[index(p)].p);
    const auto test = [&](const std::vector<int>& colliders, double margin) {
      for (const int i : colliders) {
        const Bounds& box = work.boxes[index(i)];
        const Vec3d c = center(box), h = 0.5 * (box.high - box.low);
        double reach = margin;
        if (body.valid() && options.dt > 0) {
          const Motiond& V = V_WB[body.index()];
          reach += options.dt * (norm(V.v + cross(V.w, c - X_WB[body.index()].p)) + norm(V.w) * norm(h));
        }
        if (!(dot(n, c) - dot(abs(n), h) - offset <= reach)) continue;
        if (model.colliders[index(i)].body != body) work.planes.push_back(pair_key(p, i));
      }
    };
    test(prepared.moving, 0);
    if (body.valid()) test(prepared.fixed, options.margin);
  }
  if (!std::is_sorted(work.planes.begin(), work.planes.end())) std::sort(work.planes.begin(), work.planes.end());
}

// Velocity at which the pair closes at p, along the normal.
struct Approach {
  Motiond a, b;    // of the bodies, at their origins
  Vec3d p_a, p_b;  // the origins

  double at(const Vec3d& p, const Vec3d& n) const {
    return dot(n, a.v + cross(a.w, p - p_a) - b.v - cross(b.w, p - p_b));
  }
};

// Leaves out points that the pair cannot close in dt.
void keep_reachable(const Approach& approach, const DetectOptions& options, Manifold& m) {
  int kept = 0;
  for (int k = 0; k < m.count; ++k) {
    const ContactPoint point = m.points[k];
    const double reach = options.margin + options.dt * std::max(0.0, approach.at(point.p_W, m.normal_W));
    if (point.distance <= reach) m.points[kept++] = point;
  }
  m.count = kept;
}

struct Detector {
  const CollisionModel& model;
  std::span<const Posed> X_WB;
  std::span<const Motiond> V_WB;
  const DetectOptions& options;
  Work& work;
  std::vector<Manifold>& out;
  std::vector<std::pair<int, int>>& fast;
  Manifold found = {};

  Motiond velocity(int i, Vec3d& origin) const {
    const scene::BodyId body = model.colliders[index(i)].body;
    if (!body.valid()) return {};
    origin = X_WB[body.index()].p;
    return V_WB[body.index()];
  }

  double pair_margin(int a, int b) const {
    if (!(options.dt > 0)) return options.margin;
    const Sweep &A = work.sweeps[index(a)], &B = work.sweeps[index(b)];
    return options.margin + options.dt * (norm(A.v - B.v) + A.turn + B.turn);
  }

  // What a plane's rotation adds at the other collider.
  double plane_turn(int plane, int other) const {
    Vec3d origin;
    const Motiond V = velocity(plane, origin);
    return options.dt * norm(V.w) *
           (norm(work.X_WC[index(other)].p - work.X_WC[index(plane)].p) + geometry_of(model, other).bounding_radius);
  }

  bool rests(int i) const {
    const scene::BodyId body = model.colliders[index(i)].body;
    return !body.valid() || options.resting[body.index()] != 0;
  }

  void pair(PairKey key) {
    const int a = first_of(key), b = second_of(key);
    if (!options.resting.empty() && rests(a) && rests(b)) return;
    const Geometry &A = geometry_of(model, a), &B = geometry_of(model, b);
    double margin = pair_margin(a, b);
    if (options.dt > 0 && A.kind == Kind::kPlane) margin += plane_turn(a, b);
    if (options.dt > 0 && B.kind == Kind::kPlane) margin += plane_turn(b, a);
    if (!options.thickness.empty() &&
        margin - options.margin > 0.5 * std::min(options.thickness[index(a)], options.thickness[index(b)])) {
      fast.emplace_back(a, b);
    }
    const Posed &X_A = work.X_WC[index(a)], &X_B = work.X_WC[index(b)];
    if (is_surface(A.kind) || is_surface(B.kind)) {
      collide_surface(A, X_A, B, X_B, margin, work.surface);
      if (options.dt > 0) reachable_contacts(a, b);
      if (!work.surface.contacts.empty()) gather(a, b, work.surface, out);
      return;
    }
    if (collide(A, X_A, B, X_B, margin, &found) == 0) return;
    if (options.dt > 0) keep_reachable(approach(a, b), options, found);
    if (found.count == 0) return;
    found.a = a, found.b = b;
    for (int k = found.count; k < 4; ++k) found.points[k] = {};
    out.push_back(found);
  }

  Approach approach(int a, int b) const {
    Approach result;
    result.a = velocity(a, result.p_a), result.b = velocity(b, result.p_b);
    return result;
  }

  void reachable_contacts(int a, int b) {
    const Approach closing = approach(a, b);
    std::erase_if(work.surface.contacts, [&](const SurfaceContact& c) {
      return !(c.distance <= options.margin + options.dt * std::max(0.0, closing.at(c.p_W, c.normal_W)));
    });
  }
};

}  // namespace

bool may_touch(const CollisionModel& model, const PairFilter& filter, int a, int b) {
  const scene::BodyId body_a = model.colliders[index(a)].body, body_b = model.colliders[index(b)].body;
  int group_a = body_a.valid() ? filter.group[body_a.index()] : -1;
  int group_b = body_b.valid() ? filter.group[body_b.index()] : -1;
  if (group_a == group_b) return false;
  if (filter.apart.empty()) return true;
  if (group_b < group_a) std::swap(group_a, group_b);
  return !std::binary_search(filter.apart.begin(), filter.apart.end(), std::pair(group_a, group_b));
}

GEOUL_CLONES [[gnu::flatten]] void detect(const CollisionModel& model, const PairFilter& filter,
                                          std::span<const Posed> X_WB, std::span<const Motiond> V_WB,
                                          const DetectOptions& options, CollisionData& data) {
  GEOUL_EXPECTS(model.prepared != nullptr && data.work != nullptr);
  GEOUL_EXPECTS(index(model.nbody) <= X_WB.size() && index(model.nbody) <= V_WB.size());
  GEOUL_EXPECTS(filter.group.size() == index(model.nbody));
  GEOUL_EXPECTS(options.resting.empty() || options.resting.size() == index(model.nbody));
  GEOUL_EXPECTS(options.thickness.empty() || options.thickness.size() == model.colliders.size());
  Work& work = *data.work;
  data.manifolds.clear(), data.fast.clear();
  place(model, X_WB, V_WB, options, work);
  update(model, work.boxes, work.ahead, work.broad);
  pair_planes(model, X_WB, V_WB, options, work);
  Detector detector{model, X_WB, V_WB, options, work, data.manifolds, data.fast};
  std::size_t p = 0;
  for (const PairKey key : work.broad.pairs) {
    const int a = first_of(key), b = second_of(key);
    if (!overlap(work.boxes[index(a)], work.boxes[index(b)]) || !may_touch(model, filter, a, b)) continue;
    for (; p < work.planes.size() && work.planes[p] < key; ++p) {
      if (may_touch(model, filter, first_of(work.planes[p]), second_of(work.planes[p]))) detector.pair(work.planes[p]);
    }
    detector.pair(key);
  }
  for (; p < work.planes.size(); ++p) {
    if (may_touch(model, filter, first_of(work.planes[p]), second_of(work.planes[p]))) detector.pair(work.planes[p]);
  }
}

Distance distance(const CollisionModel& model, int a, int b, std::span<const Posed> X_WB) {
  GEOUL_EXPECTS(a >= 0 && b >= 0 && index(a) < model.colliders.size() && index(b) < model.colliders.size());
  const Geometry &A = geometry_of(model, a), &B = geometry_of(model, b);
  GEOUL_EXPECTS(!is_surface(A.kind) && !is_surface(B.kind));
  return signed_distance(A, collider_pose(model.colliders[index(a)], X_WB), B,
                         collider_pose(model.colliders[index(b)], X_WB));
}

}  // namespace geoul::collision
