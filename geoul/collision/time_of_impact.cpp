// Conservative advancement: no point of a body moves along a direction faster than its origin plus its reach times the
// rotation across it, so the gap's width over that speed can pass without contact.
// Source: Mirtich, "Impulse-based dynamic simulation of rigid body systems" (1996), section 2.3.2.
#include "geoul/collision/collision.h"
#include "geoul/collision/prepared.h"
#include "geoul/collision/surface.h"
#include "geoul/core/contract.h"

namespace geoul::collision {
namespace {

constexpr int kMaxIterations = 1000;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// A collider that moves with a constant twist about its body's origin.
struct Mover {
  const Geometry& geometry;
  Posed X_WB, X_BC;
  Motiond V;
  double reach = 0;  // of any of its points from the body's origin

  Posed at(double t) const {
    const Posed X{exp_rotation(t * V.w) * X_WB.R, X_WB.p + t * V.v};
    return {X.R * X_BC.R, rotation_matrix(X.R) * X_BC.p + X.p};
  }
  // Bound on how fast any point moves along unit n, over all time.
  double speed(const Vec3d& n) const { return dot(n, V.v) + norm(cross(n, V.w)) * reach; }
};

Mover mover(const CollisionModel& model, int i, std::span<const Posed> X_WB, std::span<const Motiond> V_WB) {
  const Collider& c = model.colliders[index(i)];
  const Geometry& g = model.geometries[index(c.geometry)];
  const bool is_ball = g.kind == Kind::kSphere;
  if (!c.body.valid()) return {g, {}, c.X_BC, {}, 0};
  const Motiond& V = V_WB[c.body.index()];
  double reach = norm(c.X_BC.p) + (is_ball ? 0 : g.bounding_radius);  // turning a ball moves only its centre
  if (g.kind == Kind::kPlane) reach = V.w == Vec3d{} ? 0 : std::numeric_limits<double>::max();
  return {g, X_WB[c.body.index()], c.X_BC, V, reach};
}

struct Gap {
  double distance;
  Vec3d normal_W;  // from a to b
};

template <class Measure>
std::optional<double> advance(const Mover& a, const Mover& b, double dt, double slop, Measure&& gap_at) {
  double t = 0;
  for (int i = 0; i < kMaxIterations; ++i) {
    const Gap gap = gap_at(t);
    if (gap.distance <= slop) return t;
    const double speed = a.speed(gap.normal_W) + b.speed(-gap.normal_W);
    if (!(speed > 0)) return std::nullopt;
    t += (gap.distance - 0.5 * slop) / speed;
    if (t > dt) return std::nullopt;
  }
  return t;  // no contact until here
}

std::optional<double> against_surface(const Mover& a, const Mover& b, double dt, double slop) {
  // everything of the surface that the convex shape can meet, in the surface's frame at the start
  const Posed X_A = a.at(0), X_B = b.at(0);
  const Quatd R_BW = conjugate(X_B.R);
  const Posed X_BA{R_BW * X_A.R, rotation_matrix(R_BW) * (X_A.p - X_B.p)};
  const double gap = norm(a.X_WB.p - b.X_WB.p) + a.reach + norm(a.X_BC.p) + a.geometry.bounding_radius;
  const double travel = norm(a.V.v - b.V.v) + norm(a.V.w) * a.reach + norm(b.V.w) * (gap + dt * norm(a.V.v - b.V.v));
  const Bounds region = grown(bounds_of(a.geometry, X_BA), dt * travel + slop);
  std::optional<double> first;
  visit_triangles(b.geometry, region, [&](int t) {
    if (!overlap(triangle_bounds(b.geometry, t), region)) return;
    const SurfaceTriangle triangle = surface_triangle(b.geometry, t);
    const std::optional<double> hit = advance(a, b, first.value_or(dt), slop, [&](double time) {
      const Transformd X = transform(b.at(time));
      const Vec3d corners[3] = {X * triangle.p[0], X * triangle.p[1], X * triangle.p[2]};
      Manifold m;
      m.count = 0;
      const Posed X_WA = a.at(time);
      const double far = norm(corners[0] - X_WA.p) + a.geometry.bounding_radius;
      collide_triangle(a.geometry, X_WA, corners, far, static_cast<std::uint64_t>(t), m);
      Gap nearest{m.count > 0 ? m.points[0].distance : Bounds::kInfinity, m.normal_W};
      for (int k = 1; k < m.count; ++k) nearest.distance = std::min(nearest.distance, m.points[k].distance);
      return nearest;
    });
    if (hit && (!first || *hit < *first)) first = hit;
  });
  return first;
}

}  // namespace

std::optional<double> time_of_impact(const CollisionModel& model, int a, int b, std::span<const Posed> X_WB,
                                     std::span<const Motiond> V_WB, double dt, double slop) {
  GEOUL_EXPECTS(a >= 0 && b >= 0 && index(a) < model.colliders.size() && index(b) < model.colliders.size());
  GEOUL_EXPECTS(slop > 0 && dt >= 0);
  GEOUL_EXPECTS(index(model.nbody) <= X_WB.size() && index(model.nbody) <= V_WB.size());
  const Mover A = mover(model, a, X_WB, V_WB), B = mover(model, b, X_WB, V_WB);
  const bool a_surface = is_surface(A.geometry.kind), b_surface = is_surface(B.geometry.kind);
  if (a_surface || b_surface) {
    const Mover &convex = a_surface ? B : A, &surface = a_surface ? A : B;
    GEOUL_EXPECTS(is_convex(convex.geometry.kind));
    return against_surface(convex, surface, dt, slop);
  }
  GEOUL_EXPECTS(is_convex(A.geometry.kind) || is_convex(B.geometry.kind));
  return advance(A, B, dt, slop, [&](double t) {
    const Distance d = signed_distance(A.geometry, A.at(t), B.geometry, B.at(t));
    return Gap{d.distance, d.normal_W};
  });
}

}  // namespace geoul::collision
