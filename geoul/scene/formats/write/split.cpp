#include "geoul/scene/formats/write/split.h"

#include <cmath>
#include <cstring>
#include <string>
#include <unordered_map>

namespace geoul::scene::write {
namespace {

const TextureCoordinates* coordinates_of(const Mesh& mesh, const TextureMap& map) {
  for (const TextureCoordinates& t : mesh.textures) {
    if (t.name == map.coordinates) return &t;
  }
  return nullptr;
}

std::array<float, 2> placed(const TextureMap& map, const std::array<float, 2>& st) {
  const double c = std::cos(static_cast<double>(map.st_rotation)), s = std::sin(static_cast<double>(map.st_rotation));
  const double x = static_cast<double>(map.st_scale[0] * st[0]), y = static_cast<double>(map.st_scale[1] * st[1]);
  const double u = c * x - s * y + static_cast<double>(map.st_translation[0]);
  const double v = s * x + c * y + static_cast<double>(map.st_translation[1]);
  return {static_cast<float>(u), static_cast<float>(1 - v)};
}

template <class T>
void add(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

bool has_look(const Mesh& mesh) {
  return !mesh.corner_normals.empty() || !mesh.colors.empty() || !mesh.textures.empty() || !mesh.face_sets.empty();
}

Split split(const Mesh& mesh, std::optional<std::uint32_t> set, const std::vector<const TextureMap*>& maps) {
  Split out;
  out.coordinates.resize(maps.size());
  std::vector<const TextureCoordinates*> sources;
  for (const TextureMap* map : maps) sources.push_back(coordinates_of(mesh, *map));
  std::unordered_map<std::string, std::uint32_t> known;
  for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
    if (set && !mesh.face_sets.empty() && mesh.face_sets[t] != *set) continue;
    std::array<std::uint32_t, 3> triangle{};
    for (std::size_t k = 0; k < 3; ++k) {
      const std::size_t corner = 3 * t + k;
      const std::uint32_t vertex = mesh.triangles[t][k];
      std::string key;
      add(key, vertex);
      if (!mesh.corner_normals.empty()) add(key, mesh.corner_normals[corner]);
      if (!mesh.colors.empty()) add(key, mesh.colors[corner]);
      for (const TextureCoordinates* source : sources) add(key, source ? source->st[corner] : std::array<float, 2>{});
      const auto [at, fresh] = known.try_emplace(std::move(key), static_cast<std::uint32_t>(out.vertices.size()));
      triangle[k] = at->second;
      if (!fresh) continue;
      out.vertices.push_back(mesh.vertices[vertex]);
      if (!mesh.corner_normals.empty()) {
        out.normals.push_back(mesh.corner_normals[corner]);
      } else if (!mesh.normals.empty()) {
        out.normals.push_back(mesh.normals[vertex]);
      }
      if (!mesh.colors.empty()) out.colors.push_back(mesh.colors[corner]);
      for (std::size_t m = 0; m < maps.size(); ++m) {
        out.coordinates[m].push_back(placed(*maps[m], sources[m] ? sources[m]->st[corner] : std::array<float, 2>{}));
      }
    }
    out.triangles.push_back(triangle);
  }
  return out;
}

}  // namespace geoul::scene::write
