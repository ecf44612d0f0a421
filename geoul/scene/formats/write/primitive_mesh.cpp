#include "geoul/scene/formats/write/primitive_mesh.h"

#include <cmath>
#include <cstdint>
#include <numbers>

namespace geoul::scene::write {

using std::numbers::pi;

Mesh revolved(const std::vector<Ring>& rings) {
  constexpr std::uint32_t kAround = 32;
  Mesh mesh;
  for (const Ring& ring : rings) {
    for (std::uint32_t i = 0; i <= kAround; ++i) {
      const double angle = 2 * pi * i / kAround, c = std::cos(angle), s = std::sin(angle);
      mesh.vertices.push_back(Vec3<float>(Vec3d{ring.radius * c, ring.radius * s, ring.z}));
      mesh.normals.push_back(Vec3<float>(Vec3d{ring.normal_out * c, ring.normal_out * s, ring.normal_z}));
    }
  }
  for (std::uint32_t r = 0; r + 1 < rings.size(); ++r) {
    for (std::uint32_t i = 0; i < kAround; ++i) {
      const std::uint32_t a = r * (kAround + 1) + i, b = a + 1, c = a + kAround + 1, d = c + 1;
      if (rings[r].radius > 0) mesh.triangles.push_back({a, b, d});
      if (rings[r + 1].radius > 0) mesh.triangles.push_back({a, d, c});
    }
  }
  return mesh;
}

void cap(std::vector<Ring>& rings, double radius, double z, double low, double high) {
  constexpr int kSteps = 8;
  for (int k = 0; k <= kSteps; ++k) {
    const double angle = low + (high - low) * k / kSteps;
    const double out = std::abs(std::abs(angle) - pi / 2) < 1e-12 ? 0 : std::cos(angle);
    rings.push_back({radius * out, z + radius * std::sin(angle), out, std::sin(angle)});
  }
}

Mesh box_mesh(const Vec3d& size) {
  Mesh mesh;
  for (int axis = 0; axis < 3; ++axis) {
    for (const double side : {-1.0, 1.0}) {
      Vec3d n, u, v;
      n[axis] = side;
      u[(axis + 1) % 3] = side;
      v[(axis + 2) % 3] = 1;
      const auto first = static_cast<std::uint32_t>(mesh.vertices.size());
      for (const auto& [a, b] : {std::pair{-1.0, -1.0}, {1.0, -1.0}, {1.0, 1.0}, {-1.0, 1.0}}) {
        const Vec3d p = n + a * u + b * v;
        mesh.vertices.push_back(Vec3<float>(Vec3d{p.x * size.x / 2, p.y * size.y / 2, p.z * size.z / 2}));
        mesh.normals.push_back(Vec3<float>(n));
      }
      mesh.triangles.push_back({first, first + 1, first + 2});
      mesh.triangles.push_back({first, first + 2, first + 3});
    }
  }
  return mesh;
}

}  // namespace geoul::scene::write
