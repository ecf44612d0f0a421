// Prepared shapes of meshes that take long to make: from the cache where they are kept, else made and kept. The same
// bits either way: an entry's key is the hash of all that it follows from, and it holds what the method gives, bit by
// bit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "geoul/collision/decompose.h"
#include "geoul/collision/geometry.h"
#include "geoul/collision/mesh.h"
#include "geoul/core/cache.h"
#include "geoul/core/parallel.h"

namespace geoul::collision {

// Below these sizes making is as fast as reading.
inline constexpr std::size_t kFewPoints = 2000;       // of a hull
inline constexpr std::size_t kFewTriangles = 20'000;  // of a tree

// cache may be null. Arguments as of make_hull, make_triangle_tree and decompose.
std::optional<Geometry> derived_hull(std::span<const Vec3d> points, Cache* cache);
TriangleTree derived_tree(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles,
                          MeshReport& report, Cache* cache);
Decomposition derived_parts(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles,
                            const DecomposeOptions& options, Cache* cache, ThreadPool* pool);

}  // namespace geoul::collision
