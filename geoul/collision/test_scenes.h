// Scenes that the tests and the bench of this module share.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "geoul/collision/collision.h"
#include "geoul/core/random.h"

namespace geoul::collision {

inline scene::BodyId add_body(scene::Scene& scene) {
  scene::Body body;
  body.path = "/body" + std::to_string(scene.bodies.size());
  body.mass = {1, {}, {1, 1, 1, 0, 0, 0}};
  scene.bodies.push_back(body);
  return scene::BodyId::from_index(scene.bodies.size() - 1);
}

inline void add_shape(scene::Scene& scene, scene::BodyId body, scene::Geometry geometry, const Posed& X_BS = {}) {
  scene::Shape shape;
  shape.path = "/shape" + std::to_string(scene.shapes.size());
  shape.body = body, shape.X_BS = X_BS, shape.geometry = std::move(geometry), shape.collides = true;
  scene.shapes.push_back(shape);
}

inline scene::MeshId add_mesh(scene::Scene& scene, std::vector<Vec3<float>> vertices,
                              std::vector<std::array<std::uint32_t, 3>> triangles) {
  scene.meshes.push_back(
      {"/mesh" + std::to_string(scene.meshes.size()), std::move(vertices), {}, std::move(triangles)});
  return scene::MeshId::from_index(scene.meshes.size() - 1);
}

// columns x rows vertices over size x size, heights by z(x, y); the triangles of a height field, in its order.
template <class Height>
scene::MeshId add_grid_mesh(scene::Scene& scene, int columns, int rows, double size, Height&& z) {
  std::vector<Vec3<float>> vertices;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      const float x = static_cast<float>(-size / 2 + size * c / (columns - 1));
      const float y = static_cast<float>(-size / 2 + size * r / (rows - 1));
      vertices.push_back({x, y, static_cast<float>(z(x, y))});
    }
  }
  std::vector<std::array<std::uint32_t, 3>> triangles;
  for (int r = 0; r + 1 < rows; ++r) {
    for (int c = 0; c + 1 < columns; ++c) {
      const auto a = static_cast<std::uint32_t>(r * columns + c), above = a + static_cast<std::uint32_t>(columns);
      triangles.push_back({a, a + 1, above + 1});
      triangles.push_back({a, above + 1, above});
    }
  }
  return add_mesh(scene, std::move(vertices), std::move(triangles));
}

// A closed box of n x n squares a side.
inline scene::MeshId add_box_mesh(scene::Scene& scene, const Vec3d& half, int n = 1) {
  std::vector<Vec3<float>> vertices;
  std::vector<std::array<std::uint32_t, 3>> triangles;
  for (int axis = 0; axis < 3; ++axis) {
    for (const int sign : {-1, 1}) {
      const auto first = static_cast<std::uint32_t>(vertices.size()), row = static_cast<std::uint32_t>(n + 1);
      for (int j = 0; j <= n; ++j) {
        for (int i = 0; i <= n; ++i) {
          Vec3d p;
          p[axis] = sign * half[axis];
          p[(axis + 1) % 3] = half[(axis + 1) % 3] * (2.0 * i / n - 1);
          p[(axis + 2) % 3] = half[(axis + 2) % 3] * (2.0 * j / n - 1);
          vertices.push_back(Vec3<float>(p));
        }
      }
      for (std::uint32_t j = 0; j < row - 1; ++j) {
        for (std::uint32_t i = 0; i < row - 1; ++i) {
          const std::uint32_t a = first + j * row + i, b = a + 1, c = a + row + 1, d = a + row;
          triangles.push_back(sign > 0 ? std::array{a, b, c} : std::array{a, c, b});
          triangles.push_back(sign > 0 ? std::array{a, c, d} : std::array{a, d, c});
        }
      }
    }
  }
  return add_mesh(scene, std::move(vertices), std::move(triangles));
}

// A closed ball of rings x 2 rings quads.
inline scene::MeshId add_ball_mesh(scene::Scene& scene, double radius, int rings) {
  std::vector<Vec3<float>> vertices;
  std::vector<std::array<std::uint32_t, 3>> triangles;
  const double pi = std::acos(-1.0);
  const int around = 2 * rings;
  for (int j = 0; j <= rings; ++j) {
    for (int i = 0; i < around; ++i) {
      const double polar = pi * j / rings, angle = 2 * pi * i / around;
      const double s = j == 0 || j == rings ? 0 : std::sin(polar);
      vertices.push_back(Vec3<float>(radius * Vec3d{s * std::cos(angle), s * std::sin(angle), std::cos(polar)}));
    }
  }
  for (int j = 0; j < rings; ++j) {
    for (int i = 0; i < around; ++i) {
      const auto a = static_cast<std::uint32_t>(j * around + i),
                 b = static_cast<std::uint32_t>(j * around + (i + 1) % around);
      const auto c = a + static_cast<std::uint32_t>(around), d = b + static_cast<std::uint32_t>(around);
      if (j > 0) triangles.push_back({a, c, b});
      if (j + 1 < rings) triangles.push_back({b, c, d});
    }
  }
  return add_mesh(scene, std::move(vertices), std::move(triangles));
}

inline CollisionModel compiled(const scene::Scene& scene) {
  Diagnostics diagnostics;
  std::optional<CollisionModel> model = compile(scene, diagnostics);
  if (!model) throw std::runtime_error(diagnostics.text());
  return std::move(*model);
}

// Every body a group of its own.
inline PairFilter free_bodies(int nbody) {
  PairFilter filter;
  for (int i = 0; i < nbody; ++i) filter.group.push_back(i);
  return filter;
}

inline Vec3d random_point(Random& random, double size) {
  const double x = random.uniform(-size, size), y = random.uniform(-size, size);
  return {x, y, random.uniform(-size, size)};
}
inline Posed random_pose(Random& random, double size) {
  const double w = random.normal(), x = random.normal(), y = random.normal(), z = random.normal();
  return {normalized(Quatd{w, x, y, z}), random_point(random, size)};
}

// n bodies with a random convex shape each (some with two, off their origins), over some fixed shapes and a plane.
inline scene::Scene mixed_scene(int n, std::uint64_t seed) {
  Random random(seed);
  scene::Scene scene;
  std::vector<Vec3<float>> points;
  for (int i = 0; i < 20; ++i) points.push_back(Vec3<float>(random_point(random, 0.1)));
  const scene::MeshId hull = add_mesh(scene, points, {{0, 1, 2}});
  const auto shape = [&](std::int64_t kind) -> scene::Geometry {
    switch (kind) {
      case 0: return scene::Sphere{random.uniform(0.03, 0.15)};
      case 1: return scene::Capsule{random.uniform(0.03, 0.1), random.uniform(0.05, 0.3)};
      case 2: return scene::Cylinder{random.uniform(0.03, 0.1), random.uniform(0.05, 0.3)};
      case 3: return scene::Cone{random.uniform(0.05, 0.1), random.uniform(0.05, 0.3)};
      case 4: return scene::ConvexHull{hull, {1, 1, 1}};
      default: return scene::Box{{random.uniform(0.05, 0.3), random.uniform(0.05, 0.3), random.uniform(0.05, 0.3)}};
    }
  };
  add_shape(scene, scene::kWorld, scene::Plane{}, {{}, {0, 0, -1}});
  for (int i = 0; i < n; ++i) {
    const scene::BodyId body = add_body(scene);
    add_shape(scene, body, shape(random.integer(6)));
    if (i % 3 == 0) add_shape(scene, body, shape(random.integer(6)), random_pose(random, 0.2));
    if (i % 4 == 0) add_shape(scene, scene::kWorld, shape(random.integer(6)), random_pose(random, 1));
  }
  return scene;
}

}  // namespace geoul::collision
