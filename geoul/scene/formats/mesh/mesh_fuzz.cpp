// The first byte chooses the format, the rest is the file.
#include <cstddef>
#include <cstdint>

#include "geoul/scene/formats/mesh/mesh_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto format = static_cast<geoul::scene::MeshFormat>(data[0] % 3);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  geoul::Diagnostics diagnostics;
  const geoul::scene::MeshOptions options{.max_bytes = 1 << 20, .max_vertices = 100'000, .max_nodes = 1000};
  const auto parts = geoul::scene::read_mesh_bytes(bytes, format, "fuzz", options, diagnostics);
  if (parts.has_value() != diagnostics.ok()) __builtin_trap();
  if (!parts) return 0;
  for (const auto& part : *parts) {
    for (const auto& triangle : part.mesh.triangles) {
      for (const auto index : triangle) {
        if (index >= part.mesh.vertices.size()) __builtin_trap();
      }
    }
  }
  geoul::scene::is_closed(geoul::scene::merged(*parts));
  return 0;
}
