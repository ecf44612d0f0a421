#include "geoul/scene/formats/mesh/mesh_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

// Endings, and who reads them; several may be one format.
struct Kind {
  std::string_view ending;
  MeshFormat format;
};
constexpr Kind kKinds[] = {{".stl", MeshFormat::kStl}, {".obj", MeshFormat::kObj},   {".dae", MeshFormat::kDae},
                           {".ply", MeshFormat::kPly}, {".gltf", MeshFormat::kGltf}, {".glb", MeshFormat::kGltf},
                           {".3mf", MeshFormat::k3mf}};

std::optional<std::vector<MeshPart>> read(const mesh::Source& source, MeshFormat format) {
  if (source.bytes.size() > source.options.max_bytes) {
    return source.fail("mesh-too-large", "the file has " + std::to_string(source.bytes.size()) + " bytes",
                       "the limit is " + std::to_string(source.options.max_bytes));
  }
  switch (format) {
    case MeshFormat::kStl: return mesh::read_stl(source);
    case MeshFormat::kObj: return mesh::read_obj(source);
    case MeshFormat::kDae: return mesh::read_dae(source);
    case MeshFormat::kPly: return mesh::read_ply(source);
    case MeshFormat::kGltf: return mesh::read_gltf(source);
    case MeshFormat::k3mf: break;
  }
  return mesh::read_3mf(source);
}

}  // namespace

std::optional<MeshFormat> mesh_format(std::string_view file) {
  const std::size_t dot = file.rfind('.');
  std::string ending(dot == std::string_view::npos ? std::string_view{} : file.substr(dot));
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const Kind& kind : kKinds) {
    if (ending == kind.ending) return kind.format;
  }
  return std::nullopt;
}

std::optional<std::vector<MeshPart>> read_mesh_file(const std::string& file, const MeshOptions& options,
                                                    Diagnostics& diagnostics) {
  const mesh::Source nothing{{}, file, {}, options, diagnostics};
  const auto format = mesh_format(file);
  if (!format) {
    return nothing.fail("mesh-format", "this kind of mesh is not read",
                        "give an .stl, .obj, .ply, .dae, .gltf, .glb or .3mf file");
  }
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) {
    return nothing.fail("mesh-not-found", "there is no such file", "check the path");
  }
  const auto size = fs::file_size(file, failed);
  if (!failed && size > options.max_bytes) {
    return nothing.fail("mesh-too-large", "the file has " + std::to_string(size) + " bytes",
                        "the limit is " + std::to_string(options.max_bytes));
  }
  const auto bytes = mesh::read_bounded(file, options.max_bytes);
  if (!bytes) return nothing.fail("mesh-not-found", "the file cannot be opened", "check its permissions");
  return read({*bytes, file, fs::absolute(fs::path(file), failed).parent_path(), options, diagnostics}, *format);
}

std::optional<std::vector<MeshPart>> read_mesh_bytes(std::string_view bytes, MeshFormat format, const std::string& name,
                                                     const MeshOptions& options, Diagnostics& diagnostics) {
  return read({bytes, name, {}, options, diagnostics}, format);
}

Mesh merged(const std::vector<MeshPart>& parts) {
  Mesh all;
  if (!parts.empty()) all.path = parts.front().mesh.path;
  const bool normals =
      std::all_of(parts.begin(), parts.end(), [](const MeshPart& part) { return !part.mesh.normals.empty(); });
  for (const MeshPart& part : parts) {
    const auto base = static_cast<std::uint32_t>(all.vertices.size());
    all.vertices.insert(all.vertices.end(), part.mesh.vertices.begin(), part.mesh.vertices.end());
    if (normals) all.normals.insert(all.normals.end(), part.mesh.normals.begin(), part.mesh.normals.end());
    for (const auto& t : part.mesh.triangles) all.triangles.push_back({base + t[0], base + t[1], base + t[2]});
  }
  return all;
}

bool is_closed(const Mesh& mesh) {
  Mesh welded;
  welded.vertices = mesh.vertices;
  welded.triangles = mesh.triangles;
  mesh::join_vertices(welded);
  if (welded.triangles.empty()) return false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> forward, backward;
  for (const auto& t : welded.triangles) {
    for (int k = 0; k < 3; ++k) {
      const std::uint32_t a = t[static_cast<std::size_t>(k)], b = t[static_cast<std::size_t>((k + 1) % 3)];
      forward.push_back({a, b});
      backward.push_back({b, a});
    }
  }
  std::sort(forward.begin(), forward.end());
  std::sort(backward.begin(), backward.end());
  return forward == backward;
}

std::array<float, 4> linear_color(const std::array<double, 4>& srgb) {
  const auto linear = [](double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
  return {float(linear(srgb[0])), float(linear(srgb[1])), float(linear(srgb[2])), float(srgb[3])};
}

}  // namespace geoul::scene
