// What every fuzz target of a mesh format does: reads the bytes as a file of that format and checks what comes out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "geoul/scene/formats/mesh/mesh_check.h"
#include "geoul/scene/formats/mesh/mesh_file.h"

namespace geoul::scene {

inline int fuzz_mesh(const std::uint8_t* data, std::size_t size, MeshFormat format) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics;
  const MeshOptions options{.max_bytes = 1 << 20, .max_vertices = 100'000, .max_nodes = 1000};
  const auto parts = read_mesh_bytes(bytes, format, "fuzz", options, diagnostics);
  if (parts.has_value() != diagnostics.ok()) __builtin_trap();
  if (!parts) return 0;
  for (const auto& part : *parts) {
    if (part.mesh.triangles.empty()) __builtin_trap();
    if (!part.mesh.normals.empty() && part.mesh.normals.size() != part.mesh.vertices.size()) __builtin_trap();
    for (const auto& triangle : part.mesh.triangles) {
      for (const auto index : triangle) {
        if (index >= part.mesh.vertices.size()) __builtin_trap();
      }
    }
  }
  check_mesh(merged(*parts));
  return 0;
}

}  // namespace geoul::scene
