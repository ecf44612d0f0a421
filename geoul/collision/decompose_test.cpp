#include "geoul/collision/decompose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "geoul/collision/geometry.h"
#include "geoul/core/random.h"

namespace geoul::collision {
namespace {

using Triangles = std::vector<std::array<std::uint32_t, 3>>;
struct Solid {
  std::vector<Vec3d> vertices;
  Triangles triangles;
};
using Outline = std::vector<std::array<double, 2>>;

// The outline, counter-clockwise, from z = 0 to `height`; `flat` triangulates it.
Solid prism(const Outline& outline, const Triangles& flat, double height) {
  Solid solid;
  const auto n = static_cast<std::uint32_t>(outline.size());
  for (const double z : {0.0, height}) {
    for (const auto& p : outline) solid.vertices.push_back({p[0], p[1], z});
  }
  for (const auto& [a, b, c] : flat) {
    solid.triangles.push_back({a, c, b});
    solid.triangles.push_back({a + n, b + n, c + n});
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t k = (i + 1) % n;
    solid.triangles.push_back({i, k, k + n});
    solid.triangles.push_back({i, k + n, i + n});
  }
  return solid;
}

Solid make_l() {
  return prism({{0, 0}, {2, 0}, {2, 0.5}, {0.5, 0.5}, {0.5, 2}, {0, 2}}, {{0, 1, 2}, {0, 2, 3}, {0, 3, 5}, {3, 4, 5}},
               0.7);
}
Solid make_u() {
  return prism({{0, 0}, {3, 0}, {3, 2}, {2.5, 2}, {2.5, 0.5}, {0.5, 0.5}, {0.5, 2}, {0, 2}},
               {{0, 1, 4}, {1, 2, 4}, {2, 3, 4}, {0, 4, 5}, {0, 5, 7}, {5, 6, 7}}, 0.7);
}
// Ring of n sectors, radii 0.7 and 1, height 0.3.
Solid make_ring(int n) {
  Solid ring;
  for (int i = 0; i < n; ++i) {
    const double a = 2 * std::numbers::pi * i / n, c = std::cos(a), s = std::sin(a);
    for (const double z : {0.0, 0.3}) {
      for (const double r : {0.7, 1.0}) ring.vertices.push_back({r * c, r * s, z});
    }
  }
  const auto quad = [&](int i, std::uint32_t a, std::uint32_t b) {  // corners a, b of sector i and of the next
    const auto at = static_cast<std::uint32_t>(4 * i), next = static_cast<std::uint32_t>(4 * ((i + 1) % n));
    ring.triangles.push_back({at + a, at + b, next + b});
    ring.triangles.push_back({at + a, next + b, next + a});
  };
  for (int i = 0; i < n; ++i) quad(i, 1, 0), quad(i, 0, 2), quad(i, 2, 3), quad(i, 3, 1);
  return ring;
}

double volume_of(const Solid& solid) {
  double sum = 0;
  for (const auto& [a, b, c] : solid.triangles) {
    sum += dot(solid.vertices[a], cross(solid.vertices[b], solid.vertices[c])) / 6;
  }
  return sum;
}

// How far a point is outside of the nearest hull; at most 0 inside of one.
double outside(const std::vector<Geometry>& hulls, const Vec3d& p) {
  double nearest = 1e300;
  for (const Geometry& hull : hulls) {
    double depth = -1e300;
    for (const HullFace& face : hull.hull->faces) depth = std::max(depth, dot(face.normal, p) - face.offset);
    nearest = std::min(nearest, depth);
  }
  return nearest;
}

// The whole surface, sampled at random, is covered by the hulls.
void expect_covered(const Solid& solid, const Decomposition& made, double tolerance) {
  std::vector<Geometry> hulls;
  for (const auto& corners : made.hulls) hulls.push_back(make_hull(corners).value());
  Random random(7);
  double worst = -1e300;
  for (const auto& [a, b, c] : solid.triangles) {
    for (int i = 0; i < 20; ++i) {
      double u = random.uniform(0, 1), v = random.uniform(0, 1);
      if (u + v > 1) u = 1 - u, v = 1 - v;
      const Vec3d p =
          solid.vertices[a] + u * (solid.vertices[b] - solid.vertices[a]) + v * (solid.vertices[c] - solid.vertices[a]);
      worst = std::max(worst, outside(hulls, p));
    }
  }
  EXPECT_LT(worst, tolerance);
}

Solid turned(Solid solid, const Quatd& R) {
  for (Vec3d& v : solid.vertices) v = rotation_matrix(R) * v + Vec3d{3, -1, 2};
  return solid;
}

TEST(Decompose, AConvexSolidStaysOneHull) {
  const Solid box = prism({{0, 0}, {2, 0}, {2, 1}, {0, 1}}, {{0, 1, 2}, {0, 2, 3}}, 3);
  const Decomposition made = decompose(box.vertices, box.triangles, {});
  ASSERT_EQ(made.hulls.size(), 1u);
  EXPECT_TRUE(made.closed);
  EXPECT_EQ(made.hulls[0].size(), 8u);
  EXPECT_NEAR(made.solid_volume, 6, 1e-12);
  EXPECT_NEAR(made.hull_volume, 6, 1e-12);
}

// Blocks joined at right angles come apart into the fewest boxes without any waste, also where they stand askew.
TEST(Decompose, BlocksComeApartExactly) {
  const Quatd askew = normalized(Quatd{0.9, 0.3, -0.2, 0.5});
  for (const bool turn : {false, true}) {
    for (const auto& [solid, hulls, volume] :
         {std::tuple{make_l(), 2u, 0.7 * 1.75}, std::tuple{make_u(), 3u, 0.7 * 3.0}}) {
      const Solid placed = turn ? turned(solid, askew) : solid;
      const Decomposition made = decompose(placed.vertices, placed.triangles, {});
      EXPECT_EQ(made.hulls.size(), hulls);
      EXPECT_NEAR(made.solid_volume, volume, 1e-9);
      EXPECT_NEAR(made.hull_volume, volume, 1e-5 * volume);  // planes snap by a millionth of the extent
      expect_covered(placed, made, 1e-5);
    }
  }
}

// n sectors of a ring: the solid's volume is n/2 sin(2 pi/n) (1 - 0.49) 0.3; the waste is within what was asked.
TEST(Decompose, ARingIsCutWithinItsTolerance) {
  const int n = 48;
  const Solid ring = make_ring(n);
  const double exact = n / 2.0 * std::sin(2 * std::numbers::pi / n) * 0.51 * 0.3;
  ASSERT_NEAR(volume_of(ring), exact, 1e-12);
  std::size_t before = 100;
  for (const double tolerance : {0.02, 0.1, 0.3}) {
    const Decomposition made = decompose(ring.vertices, ring.triangles, {.max_hulls = 64, .tolerance = tolerance});
    EXPECT_NEAR(made.solid_volume, exact, 1e-9);
    EXPECT_LE(made.hull_volume, (1 + tolerance) * exact * (1 + 1e-6));
    EXPECT_GE(made.hull_volume, exact * (1 - 1e-6));
    EXPECT_LE(made.hulls.size(), before);
    before = made.hulls.size();
    expect_covered(ring, made, 1e-5);
  }
  EXPECT_LE(before, 8u);
}

TEST(Decompose, NeverMoreHullsThanAskedFor) {
  const Solid ring = make_ring(48);
  double last = 1e300;
  for (const int most : {1, 2, 3, 5, 8, 13}) {
    const Decomposition made = decompose(ring.vertices, ring.triangles, {.max_hulls = most, .tolerance = 0});
    EXPECT_LE(made.hulls.size(), static_cast<std::size_t>(most));
    EXPECT_LE(made.hull_volume, last * (1 + 1e-9));
    last = made.hull_volume;
    expect_covered(ring, made, 1e-5);
  }
}

TEST(Decompose, GivesTheSameBitsForAnyNumberOfThreads) {
  const Solid ring = turned(make_ring(32), normalized(Quatd{0.3, 0.2, 0.9, -0.1}));
  const Decomposition alone = decompose(ring.vertices, ring.triangles, {});
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(decompose(ring.vertices, ring.triangles, {}, &pool).hulls, alone.hulls);
  }
}

// A half pipe of no thickness: no inside, so the hulls follow the surface.
TEST(Decompose, OpenSurfacesAreFollowed) {
  Solid pipe;
  const int n = 24;
  for (int i = 0; i <= n; ++i) {
    const double a = std::numbers::pi * i / n;
    for (const double y : {0.0, 2.0}) pipe.vertices.push_back({std::cos(a), y, std::sin(a)});
    if (i == n) break;
    const auto k = static_cast<std::uint32_t>(2 * i);
    pipe.triangles.push_back({k, k + 1, k + 3});
    pipe.triangles.push_back({k, k + 3, k + 2});
  }
  const Decomposition made = decompose(pipe.vertices, pipe.triangles, {});
  EXPECT_FALSE(made.closed);
  EXPECT_EQ(made.solid_volume, 0);
  EXPECT_GT(made.hulls.size(), 3u);
  EXPECT_LT(made.hull_volume, 0.1 * hull_volume(pipe.vertices));
  expect_covered(pipe, made, 1e-5);
}

TEST(Decompose, WhatHasNoVolumeGivesNoHull) {
  const std::vector<Vec3d> square{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}};
  EXPECT_TRUE(decompose(square, Triangles{{0, 1, 2}, {0, 2, 3}}, {}).hulls.empty());
  EXPECT_TRUE(decompose(square, Triangles{{0, 0, 1}}, {}).hulls.empty());
  EXPECT_TRUE(decompose({}, {}, {}).hulls.empty());
}

// Triangles thrown at random, some alike, some flat: always bounded, and what there is stays covered.
TEST(Decompose, SoupStaysCovered) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    Solid soup;
    for (int i = 0; i < 60; ++i) {
      soup.vertices.push_back({random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1)});
    }
    for (int i = 0; i < 40; ++i) {
      const auto pick = [&] { return static_cast<std::uint32_t>(random.uniform(0, 59.99)); };
      const std::array<std::uint32_t, 3> t{pick(), pick(), pick()};
      if (t[0] != t[1] && t[1] != t[2] && t[2] != t[0]) soup.triangles.push_back(t);
    }
    soup.triangles.push_back(soup.triangles[0]);
    const Decomposition made = decompose(soup.vertices, soup.triangles, {.max_hulls = 12});
    EXPECT_LE(made.hulls.size(), 12u);
    expect_covered(soup, made, 1e-5);
  }
}

}  // namespace
}  // namespace geoul::collision
