#include "geoul/scene/formats/mjcf/mesh_bytes.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "geoul/scene/formats/mesh/obj.h"

namespace geoul::scene::mjcf {

std::optional<Mesh> read_obj(std::string_view text, std::size_t max_vertices, std::string& failure) {
  mesh::ObjFailure found;
  auto obj = mesh::parse_obj(text, max_vertices, found);
  if (!obj || obj->vertices.size() < 3) {
    failure = obj ? "there are less than three vertices" : "line " + std::to_string(found.line) + ": " + found.what;
    return std::nullopt;
  }
  Mesh mesh;
  mesh.vertices = std::move(obj->vertices);
  for (const auto& t : obj->triangles) mesh.triangles.push_back({t[0].vertex, t[1].vertex, t[2].vertex});
  return mesh;
}

std::optional<Mesh> read_msh(std::string_view bytes, std::string& failure) {
  std::int32_t count[4] = {0, 0, 0, 0};  // vertices, normals, texture coordinates, faces
  failure = "the counts do not fit the size of the file";
  if (bytes.size() < sizeof count) return std::nullopt;
  std::memcpy(count, bytes.data(), sizeof count);
  for (const std::int32_t n : count) {
    if (n < 0) return std::nullopt;
  }
  const auto size = [&](int k) { return static_cast<std::size_t>(count[k]); };
  if (bytes.size() != sizeof count + 12 * size(0) + 12 * size(1) + 8 * size(2) + 12 * size(3)) return std::nullopt;
  Mesh mesh;
  mesh.vertices.resize(size(0));
  mesh.triangles.resize(size(3));
  std::memcpy(mesh.vertices.data(), bytes.data() + sizeof count, 12 * size(0));
  std::memcpy(mesh.triangles.data(), bytes.data() + bytes.size() - 12 * size(3), 12 * size(3));
  failure = "a vertex is not finite, or a face names a vertex that is not there";
  for (const Vec3<float>& v : mesh.vertices) {
    if (!std::isfinite(v.x) || !std::isfinite(v.y) || !std::isfinite(v.z)) return std::nullopt;
  }
  for (const auto& t : mesh.triangles) {
    for (const std::uint32_t i : t) {
      if (i >= mesh.vertices.size()) return std::nullopt;
    }
  }
  return mesh;
}

}  // namespace geoul::scene::mjcf
