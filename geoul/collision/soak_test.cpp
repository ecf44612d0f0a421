// Random shapes at the poses where algorithms break: exactly aligned, exactly touching, concentric, of sizes 1e-4 to
// 1e4 of each other. Judges: how far each shape reaches along a direction, and what is inside it, written anew. A
// distance is certified from below by its direction, from above by a pair of points (apart) or by hundreds of other
// directions (overlapping), none of which may part the shapes better.
#include <gtest/gtest.h>

#include "geoul/collision/surface.h"
#include "geoul/collision/test_scenes.h"
#include "geoul/collision/test_shapes.h"

namespace geoul::collision {
namespace {

// Rotations of the cube: quarter turns.
Quatd aligned(Random& r) {
  const double h = std::sqrt(0.5);
  Quatd q;
  for (std::int64_t k = r.integer(4); k > 0; --k) {
    const Quatd quarter[3] = {{h, h, 0, 0}, {h, 0, h, 0}, {h, 0, 0, h}};
    q = quarter[r.integer(3)] * q;
  }
  return r.integer(3) == 0 ? Quatd{} : normalized(q);
}

Geometry sized_shape(Random& r, double scale) {
  const auto size = [&] { return scale * (r.integer(3) == 0 ? 0.5 : r.uniform(0.2, 1)); };
  const double a = size(), b = size();
  switch (r.integer(6)) {
    case 0: return make_sphere(a);
    case 1: return make_capsule(a, b);
    case 2: return make_box({a, b, size()});
    case 3: return make_cylinder(a, b);
    case 4: return make_cone(a, b);
    default: break;
  }
  std::vector<Vec3d> points;
  if (r.integer(2) == 0) {
    for (int i = 0; i < 8; ++i) points.push_back({i & 1 ? a : -a, i & 2 ? b : -b, i & 4 ? a : -a});
  } else {
    for (int i = 0; i < 24; ++i) points.push_back(a * unit(random_vector(r)));
  }
  return *make_hull(points);
}

struct Case {
  Geometry A, B;
  Posed X_WA, X_WB;
};

Case random_case(Random& r) {
  const double ratio = r.integer(2) == 0 ? 1 : std::pow(10.0, r.uniform(-4, 4));
  Case c{sized_shape(r, 1), sized_shape(r, ratio), {}, {}};
  const bool straight = r.integer(2) == 0;
  c.X_WA = {straight ? aligned(r) : random_rotation(r), r.integer(2) == 0 ? Vec3d{} : random_vector(r)};
  c.X_WB.R = straight ? aligned(r) : random_rotation(r);
  const Vec3d axes[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  const Vec3d n = straight ? (r.integer(2) == 0 ? 1.0 : -1.0) * axes[r.integer(3)] : unit(random_vector(r));
  c.X_WB.p = c.X_WA.p;
  const double touching = extent(c.A, c.X_WA, n) + extent(c.B, c.X_WB, -n);
  const double size = c.A.bounding_radius + c.B.bounding_radius;
  const double least = std::min(c.A.bounding_radius, c.B.bounding_radius);
  const auto apart = [&]() -> double {
    switch (r.integer(6)) {
      case 0: return -dot(c.X_WA.p, n) + dot(c.X_WA.p, n);  // concentric
      case 1: return touching;
      case 2: return touching - r.uniform(0, 0.2) * least;
      case 3: return touching + (r.integer(2) == 0 ? 1 : -1) * size * std::pow(10.0, r.uniform(-16, -6));
      case 4: return touching + r.uniform(0, 0.3) * least;
      default: return r.uniform(0, 1.2) * size;
    }
  }();
  c.X_WB.p += apart * n;
  return c;
}

// The best of many directions that owe nothing to the algorithms under test.
double parted_by_others(const Case& c, Random& r) {
  double best = -1e300;
  const auto look = [&](const Vec3d& n) {
    const double l = norm(n);
    if (l > 1e-9) best = std::max(best, gap(c.A, c.X_WA, c.B, c.X_WB, (1 / l) * n));
  };
  const Mat3d RA = rotation_matrix(c.X_WA.R), RB = rotation_matrix(c.X_WB.R);
  for (const double sign : {-1.0, 1.0}) {
    for (int i = 0; i < 3; ++i) {
      look(sign * RA.column(i)), look(sign * RB.column(i));
      for (int j = 0; j < 3; ++j) look(sign * cross(RA.column(i), RB.column(j)));
    }
  }
  const Vec3d between = c.X_WB.p - c.X_WA.p;
  look(between);
  const auto faces = [&](const Geometry& g, const Mat3d& R, double sign) {
    if (!g.hull) return;
    for (const HullFace& f : g.hull->faces) look(sign * (R * f.normal));
  };
  faces(c.A, RA, 1), faces(c.B, RB, -1);
  for (int i = 0; i < 40; ++i) look(random_vector(r));
  if (norm(between) > 0) {
    for (int i = 0; i < 20; ++i) look(unit(between) + 0.3 * random_vector(r));
  }
  return best;
}

void expect_right(const Case& c, Random& r, int at) {
  const double size = c.A.bounding_radius + c.B.bounding_radius, tolerance = 3e-9 * size;
  const std::string what = name(c.A, c.B) + " case " + std::to_string(at);
  const Distance d = signed_distance(c.A, c.X_WA, c.B, c.X_WB);
  ASSERT_TRUE(std::isfinite(d.distance) && finite(d.p_a_W) && finite(d.p_b_W) && finite(d.normal_W)) << what;
  EXPECT_NEAR(norm(d.normal_W), 1, 1e-12) << what;
  EXPECT_NEAR(gap(c.A, c.X_WA, c.B, c.X_WB, d.normal_W), d.distance, tolerance) << what;
  const double other = parted_by_others(c, r);
  EXPECT_LE(other, d.distance + tolerance) << what << " " << (other - d.distance) / size;
  if (d.distance > tolerance) {
    // a face's normal that does as well to 1e-10 of the size is taken: its foot may lie beside the face by the root
    const double beside = c.A.kind == Kind::kSphere || c.B.kind == Kind::kSphere ? 1.5e-5 * size : 1e-8 * size;
    EXPECT_TRUE(contains(c.A, c.X_WA, d.p_a_W, beside) && contains(c.B, c.X_WB, d.p_b_W, beside)) << what;
    EXPECT_NEAR(norm(d.p_b_W - d.p_a_W), d.distance, 1e-8 * size) << what;
  }
  for (const double margin : {0.0, 0.1 * std::min(c.A.bounding_radius, c.B.bounding_radius)}) {
    Manifold m;
    collide(c.A, c.X_WA, c.B, c.X_WB, margin, &m);
    ASSERT_TRUE(m.count >= 0 && m.count <= 4) << what;
    if (std::abs(d.distance - margin) > tolerance) {
      EXPECT_EQ(m.count > 0, d.distance < margin) << what << " " << d.distance;
    }
    if (m.count == 0) continue;
    EXPECT_NEAR(norm(m.normal_W), 1, 1e-12) << what;
    EXPECT_NEAR(gap(c.A, c.X_WA, c.B, c.X_WB, m.normal_W), d.distance, tolerance) << what;
    double least = 1e300;
    for (int k = 0; k < m.count; ++k) {
      ASSERT_TRUE(finite(m.points[k].p_W) && std::isfinite(m.points[k].distance)) << what;
      EXPECT_LE(m.points[k].distance, margin + 1e-13 * size) << what;
      least = std::min(least, m.points[k].distance);
      for (int i = 0; i < k; ++i) EXPECT_LT(m.points[i].id, m.points[k].id) << what;
    }
    EXPECT_GE(least, d.distance - tolerance) << what;
    EXPECT_LE(least, d.distance + 1.01e-6 * size) << what;
  }
}

TEST(Soak, ConvexShapesAtAwkwardPoses) {
  Random r(51);
  for (int i = 0; i < 10000 && !HasFatalFailure(); ++i) expect_right(random_case(r), r, i);
}

// A closed mesh of a box, or a flat height field, against the box or plane that has the same surface.
void expect_surface_right(Random& r, int& shallower, const std::string& what) {
  const bool field = r.integer(3) == 0;
  const double ratio = r.integer(2) == 0 ? 1 : std::pow(2.0, static_cast<double>(r.integer(20)) - 10);
  scene::Scene scene;
  const Vec3d half{0.5, 0.25 * static_cast<double>(1 + r.integer(3)), 0.5};
  if (field) {
    add_shape(scene, scene::kWorld, scene::HeightField{9, 9, 4, 4, std::vector<float>(81, 0.5f)});
  } else {
    const int squares = static_cast<int>(1 + r.integer(3));
    add_shape(scene, scene::kWorld, scene::TriangleMesh{add_box_mesh(scene, half, squares), {1, 1, 1}});
  }
  const CollisionModel model = compiled(scene);
  const Geometry surface = model.geometries[0], solid = field ? make_box({2, 2, 0.5}) : make_box(half);
  Case c{sized_shape(r, ratio), solid, {}, {}};
  const bool straight = r.integer(2) == 0;
  c.X_WA.R = straight ? aligned(r) : random_rotation(r);
  c.X_WB.R = straight ? aligned(r) : random_rotation(r);
  Vec3d n = field ? Vec3d{0, 0, 1} : unit(random_vector(r));
  if (straight && !field) n = Vec3d{r.integer(2) == 0 ? 1.0 : -1.0, 0, 0};
  n = rotation_matrix(c.X_WB.R) * n;
  const double reach = extent(c.B, c.X_WB, n) + extent(c.A, c.X_WA, -n) - dot(c.X_WA.p, -n),
               least = std::min(1.0, ratio);
  const double offset[] = {0, 1e-9, -1e-9, 1e-3 * least, -1e-3 * least, 0.01 * least, -reach};
  const double apart = reach + offset[r.integer(7)];
  c.X_WA.p = apart * n;
  const Vec3d slide = random_vector(r);  // off the middle, on inner edges and off them
  if (r.integer(2) == 0) c.X_WA.p += 0.1 * (slide - dot(slide, n) * n);
  if (field && std::max(c.A.bounding_radius, 0.5) > 1) return;  // beyond the rim

  const double margin = 0.02 * least, size = c.A.bounding_radius + c.B.bounding_radius;
  SurfaceWork work;
  collide_surface(c.A, c.X_WA, surface, c.X_WB, margin, work);
  std::vector<Manifold> found;
  if (!work.contacts.empty()) gather(0, 1, work, found);
  const double d = signed_distance(c.A, c.X_WA, c.B, c.X_WB).distance;
  double nearest = 1e300;
  std::vector<std::uint64_t> ids;
  for (const Manifold& m : found) {
    ASSERT_TRUE(m.count >= 1 && m.count <= 4) << what;
    EXPECT_NEAR(norm(m.normal_W), 1, 1e-12) << what;
    for (int k = 0; k < m.count; ++k) {
      ASSERT_TRUE(finite(m.points[k].p_W) && std::isfinite(m.points[k].distance)) << what;
      nearest = std::min(nearest, m.points[k].distance);
      ids.push_back(m.points[k].id);
    }
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end()) << what;
  if (d > margin + 1e-9 * size) {
    EXPECT_TRUE(found.empty()) << what << " " << d;
  } else if (d > -0.02 * least && d < margin - 1e-9 * size && std::abs(d) > 1e-9 * size) {
    ASSERT_FALSE(found.empty()) << what << " " << d;
    if (d > 0) {
      EXPECT_NEAR(nearest, d, 1e-6 * size) << what;
    }
    // a corner in an edge's neighbourhood may be seen as deep as it is in one triangle, not in the solid
    EXPECT_LE(nearest, (d < 0 ? 0.1 * d : d) + 1e-6 * size) << what;
    shallower += nearest > d + 1e-6 * size;
  }
}

TEST(Soak, SurfacesAtAwkwardPoses) {
  Random r(52);
  int shallower = 0;
  for (int i = 0; i < 4000 && !HasFatalFailure(); ++i) {
    expect_surface_right(r, shallower, "case " + std::to_string(i));
  }
  EXPECT_LE(shallower, 4);
}

}  // namespace
}  // namespace geoul::collision
