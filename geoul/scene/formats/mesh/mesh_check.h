// What a surface is good for: whether it bounds a solid, and which way it is turned.
#pragma once

#include <cstddef>
#include <string>

#include "geoul/scene/geometry.h"

namespace geoul::scene {

// Vertices of equal position count as one; triangles of fewer than three are left out.
struct MeshCheck {
  std::size_t triangles = 0;       // left
  std::size_t flat = 0;            // triangles without area
  std::size_t pieces = 0;          // connected by vertices
  std::size_t open_edges = 0;      // with one triangle
  std::size_t crowded_edges = 0;   // with more than two
  std::size_t reversed_edges = 0;  // of two triangles that run through it the same way: they face opposite sides
  double area = 0;                 // [m2]
  double volume = 0;               // [m3] of a closed, oriented mesh; negative: its triangles face inwards

  bool closed() const { return triangles > 0 && open_edges == 0; }
  bool oriented() const { return reversed_edges == 0; }
};
MeshCheck check_mesh(const Mesh& mesh);

// "12 triangles, 3 open edges, 1 piece": what keeps it from being a solid; empty for a closed one that faces outwards.
std::string complaint(const MeshCheck& check);

// Turns every triangle, and normals, to the other side.
void turn_inside_out(Mesh& mesh);

}  // namespace geoul::scene
