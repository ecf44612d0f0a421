// A mesh as pictures draw it: corners that differ become vertices of their own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "geoul/scene/geometry.h"

namespace geoul::scene::write {

struct Split {
  std::vector<Vec3<float>> vertices;  // (nvertex)
  std::vector<Vec3<float>> normals;   // (nvertex) or empty
  std::vector<std::vector<std::array<float, 2>>>
      coordinates;                           // for each map, (nvertex): placed, counted from the upper left
  std::vector<std::array<float, 4>> colors;  // (nvertex) or empty
  std::vector<std::array<std::uint32_t, 3>> triangles;
};

// The triangles of one face set (all, where there is none), with the coordinates that each map asks for.
Split split(const Mesh& mesh, std::optional<std::uint32_t> set, const std::vector<const TextureMap*>& maps);

// What of a shape is seen only with normals, coordinates or colours by corner, or materials of face sets.
bool has_look(const Mesh& mesh);

}  // namespace geoul::scene::write
