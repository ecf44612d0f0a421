// The geometry of an OBJ file. Source: Wavefront, Advanced Visualizer manual, appendix B1 (1995).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/math.h"

namespace geoul::scene::mesh {

// v, vn, f, usemtl and mtllib lines; all others are not read. Polygons are cut into triangles.
struct Obj {
  struct Corner {
    std::uint32_t vertex = 0;
    std::uint32_t normal = kNoNormal;
  };
  static constexpr std::uint32_t kNoNormal = ~std::uint32_t{0};
  std::vector<Vec3<float>> vertices;  // as written, not joined
  std::vector<Vec3<float>> normals;
  std::vector<std::array<Corner, 3>> triangles;
  std::vector<std::pair<std::size_t, std::string_view>> materials;  // from this triangle on
  std::vector<std::string_view> libraries;                          // MTL files
};

struct ObjFailure {
  const char* code = "bad-mesh";
  int line = 0;
  std::string what;
};
// None, and why in `failure`, where a line breaks the format or there are more than max_vertices vertices or corners.
// The views point into text.
std::optional<Obj> parse_obj(std::string_view text, std::size_t max_vertices, ObjFailure& failure);

}  // namespace geoul::scene::mesh
