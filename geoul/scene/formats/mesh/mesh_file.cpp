#include "geoul/scene/formats/mesh/mesh_file.h"

#include <assimp/MemoryIOWrapper.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <assimp/IOSystem.hpp>
#include <assimp/Importer.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <unordered_map>
#include <utility>

#include "geoul/scene/formats/mesh/dae_check.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxMtlBytes = 16 << 20;
const char* const kEndings[] = {".stl", ".obj", ".dae"};

std::string lower_ending(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  std::string ending(dot == std::string_view::npos ? std::string_view{} : name.substr(dot));
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return ending;
}

// A regular file of bounded size (never a pipe or a device, which could block or have no end).
std::optional<std::string> read_bounded(const fs::path& path, std::size_t max_bytes) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed) || fs::file_size(path, failed) > max_bytes || failed) return std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(stream), {});
  if (!stream) return std::nullopt;
  return bytes;
}

// Serves assimp the mesh from memory and MTL files from the folder of the mesh; nothing else exists.
class OneFile : public Assimp::IOSystem {
 public:
  OneFile(std::string name, std::string_view bytes, fs::path folder)
      : name_(std::move(name)), bytes_(bytes), folder_(std::move(folder)) {}

  bool Exists(const char* file) const override { return file == name_ || material_path(file).has_value(); }
  char getOsSeparator() const override { return '/'; }
  Assimp::IOStream* Open(const char* file, const char*) override {
    if (file == name_) return stream(bytes_);
    const auto path = material_path(file);
    if (!path) return nullptr;
    const auto bytes = read_bounded(*path, kMaxMtlBytes);
    return bytes ? stream(*bytes) : nullptr;
  }
  void Close(Assimp::IOStream* open) override { delete open; }

 private:
  static Assimp::IOStream* stream(std::string_view bytes) {
    auto* copy = new std::uint8_t[bytes.size() + 1];
    std::memcpy(copy, bytes.data(), bytes.size());
    return new Assimp::MemoryIOStream(copy, bytes.size(), true);
  }
  std::optional<fs::path> material_path(std::string_view file) const {
    if (folder_.empty() || lower_ending(file) != ".mtl" || file.find('\0') != std::string_view::npos) {
      return std::nullopt;
    }
    std::error_code failed;
    const fs::path inside = fs::weakly_canonical(folder_, failed);
    if (failed) return std::nullopt;
    const fs::path path = fs::weakly_canonical(inside / fs::path(file), failed);
    if (failed || !fs::is_regular_file(path, failed)) return std::nullopt;
    const bool within = std::mismatch(inside.begin(), inside.end(), path.begin(), path.end()).first == inside.end();
    return within ? std::optional(path) : std::nullopt;
  }

  std::string name_;
  std::string_view bytes_;
  fs::path folder_;
};

struct Affine {
  Mat3d A = Mat3d::identity();
  Vec3d p;
};
Affine operator*(const Affine& a, const Affine& b) { return {a.A * b.A, a.A * b.p + a.p}; }
Affine affine(const aiMatrix4x4& m) {
  return {{{m.a1, m.a2, m.a3}, {m.b1, m.b2, m.b3}, {m.c1, m.c2, m.c3}}, {m.a4, m.b4, m.c4}};
}
// From the file's axes to z up (COLLADA 1.4.1 specification, up_axis: right, up and inward of each).
Affine z_up(UpAxis axis) {
  switch (axis) {
    case UpAxis::kX: return {{{0, -1, 0}, {0, 0, -1}, {1, 0, 0}}, {}};
    case UpAxis::kY: return {{{1, 0, 0}, {0, 0, -1}, {0, 1, 0}}, {}};
    case UpAxis::kZ: break;
  }
  return {};
}
// Cofactors: turns normals, up to length; the sign of the determinant is kept out of it.
Mat3d normal_matrix(const Mat3d& A) {
  const Mat3d rows{cross(A.r1, A.r2), cross(A.r2, A.r0), cross(A.r0, A.r1)};
  return determinant(A) < 0 ? -1.0 * rows : rows;
}

Vec3d vec(const aiVector3D& v) { return {v.x, v.y, v.z}; }
bool finite(const Vec3<float>& v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }
// Negative zero joins with zero.
Vec3<float> to_float(const Vec3d& v) { return {float(v.x) + 0.0f, float(v.y) + 0.0f, float(v.z) + 0.0f}; }

struct VertexKey {
  Vec3<float> position, normal;
  bool operator==(const VertexKey&) const = default;
};
struct VertexHash {
  std::size_t operator()(const VertexKey& key) const {
    float values[6] = {key.position.x, key.position.y, key.position.z, key.normal.x, key.normal.y, key.normal.z};
    std::uint64_t hash = 0x9E3779B97F4A7C15u;
    for (const float value : values) {
      std::uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      hash = (hash ^ bits) * 0xFF51AFD7ED558CCDu;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

// Joins vertices of equal position and normal, in order of first use.
void join_vertices(Mesh& mesh) {
  std::unordered_map<VertexKey, std::uint32_t, VertexHash> first;
  first.reserve(mesh.vertices.size());
  std::vector<std::uint32_t> index(mesh.vertices.size());
  std::uint32_t kept = 0;
  const bool has_normals = !mesh.normals.empty();
  for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
    const VertexKey key{mesh.vertices[i], has_normals ? mesh.normals[i] : Vec3<float>{}};
    const auto [place, is_new] = first.try_emplace(key, kept);
    index[i] = place->second;
    if (!is_new) continue;
    mesh.vertices[kept] = key.position;
    if (has_normals) mesh.normals[kept] = key.normal;
    ++kept;
  }
  mesh.vertices.resize(kept);
  if (has_normals) mesh.normals.resize(kept);
  for (auto& triangle : mesh.triangles) triangle = {index[triangle[0]], index[triangle[1]], index[triangle[2]]};
  std::erase_if(mesh.triangles, [](const auto& t) { return t[0] == t[1] || t[1] == t[2] || t[2] == t[0]; });
}

std::optional<std::array<float, 4>> diffuse_color(const aiMaterial& material) {
  aiString name;
  if (material.Get(AI_MATKEY_NAME, name) == AI_SUCCESS && std::strcmp(name.C_Str(), AI_DEFAULT_MATERIAL_NAME) == 0) {
    return std::nullopt;
  }
  aiColor4D color;
  if (material.Get(AI_MATKEY_COLOR_DIFFUSE, color) != AI_SUCCESS) return std::nullopt;
  float opacity = 1;
  if (material.Get(AI_MATKEY_OPACITY, opacity) != AI_SUCCESS) opacity = color.a;
  const auto unit = [](float x) { return std::isfinite(x) ? std::clamp(double(x), 0.0, 1.0) : 0.0; };
  return linear_color({unit(color.r), unit(color.g), unit(color.b), unit(opacity)});
}

// Walks the nodes of an assimp scene and gathers triangles by material.
struct Converter {
  const aiScene& from;
  MeshFormat format;
  const std::string& name;
  const MeshOptions& options;
  Diagnostics& diagnostics;
  std::map<unsigned, std::size_t> part_of_material;
  std::vector<MeshPart> parts;
  std::size_t vertex_count = 0, node_count = 0;

  bool fail(const char* code, std::string message, std::string mend) {
    diagnostics.error({name, 0, {}}, code, std::move(message), std::move(mend));
    return false;
  }

  bool run(const Affine& top) {
    std::vector<std::pair<const aiNode*, Affine>> stack{
        {from.mRootNode, top * affine(from.mRootNode->mTransformation)}};
    while (!stack.empty()) {
      const auto [node, X] = stack.back();
      stack.pop_back();
      if (++node_count > options.max_nodes) {
        return fail("mesh-too-large", "there are more than " + std::to_string(options.max_nodes) + " nodes",
                    "join the parts of the mesh");
      }
      for (unsigned i = 0; i < node->mNumMeshes; ++i) {
        if (node->mMeshes[i] >= from.mNumMeshes) return fail("bad-mesh", "a node names no mesh", "export it again");
        if (!add(*from.mMeshes[node->mMeshes[i]], X)) return false;
      }
      for (unsigned i = node->mNumChildren; i-- > 0;) {
        stack.push_back({node->mChildren[i], X * affine(node->mChildren[i]->mTransformation)});
      }
    }
    for (MeshPart& part : parts) join_vertices(part.mesh);
    std::erase_if(parts, [](const MeshPart& part) { return part.mesh.triangles.empty(); });
    if (parts.empty()) return fail("empty-mesh", "there is no triangle in it", "export a surface");
    return true;
  }

  MeshPart& part(unsigned material, bool has_normals) {
    const auto [place, is_new] = part_of_material.try_emplace(material, parts.size());
    if (is_new) {
      parts.emplace_back();
      parts.back().mesh.path = name;
      if (format != MeshFormat::kStl && material < from.mNumMaterials) {
        parts.back().color = diffuse_color(*from.mMaterials[material]);
      }
    }
    MeshPart& result = parts[place->second];
    // All vertices of a mesh have normals or none.
    if (!has_normals) result.mesh.normals.clear();
    return result;
  }

  bool add(const aiMesh& mesh, const Affine& X) {
    if ((mesh.mPrimitiveTypes & aiPrimitiveType_TRIANGLE) == 0 || mesh.mNumVertices == 0) return true;
    vertex_count += mesh.mNumVertices;
    if (vertex_count > options.max_vertices) {
      return fail("mesh-too-large", "there are more than " + std::to_string(options.max_vertices) + " vertices",
                  "reduce the mesh");
    }
    // An STL's normals belong to its facets: left out, so that facets share vertices.
    const bool has_normals = format != MeshFormat::kStl && mesh.HasNormals();
    Mesh& to = part(mesh.mMaterialIndex, has_normals).mesh;
    const bool keeps_normals = has_normals && to.normals.size() == to.vertices.size();
    const auto base = static_cast<std::uint32_t>(to.vertices.size());
    const Mat3d N = normal_matrix(X.A);
    for (unsigned i = 0; i < mesh.mNumVertices; ++i) {
      to.vertices.push_back(to_float(X.A * vec(mesh.mVertices[i]) + X.p));
      if (!finite(to.vertices.back())) {
        return fail("not-finite", "a vertex is NaN or infinite", "export the mesh again");
      }
      if (!keeps_normals) continue;
      const Vec3d n = N * vec(mesh.mNormals[i]);
      const double length = norm(n);
      to.normals.push_back(length > 0 && std::isfinite(length) ? to_float((1 / length) * n) : Vec3<float>{0, 0, 1});
    }
    const bool mirrored = determinant(X.A) < 0;
    for (unsigned i = 0; i < mesh.mNumFaces; ++i) {
      const aiFace& face = mesh.mFaces[i];
      if (face.mNumIndices != 3) continue;
      std::array<std::uint32_t, 3> t{face.mIndices[0], face.mIndices[1], face.mIndices[2]};
      if (*std::max_element(t.begin(), t.end()) >= mesh.mNumVertices) {
        return fail("bad-mesh", "a triangle names no vertex", "export the mesh again");
      }
      if (mirrored) std::swap(t[1], t[2]);
      to.triangles.push_back({base + t[0], base + t[1], base + t[2]});
    }
    return true;
  }
};

std::optional<std::vector<MeshPart>> read(std::string_view bytes, MeshFormat format, const std::string& name,
                                          const fs::path& folder, const MeshOptions& options,
                                          Diagnostics& diagnostics) {
  const Location where{name, 0, {}};
  if (bytes.size() > options.max_bytes) {
    diagnostics.error(where, "mesh-too-large", "the file has " + std::to_string(bytes.size()) + " bytes",
                      "the limit is " + std::to_string(options.max_bytes));
    return std::nullopt;
  }
  Affine top;
  if (format == MeshFormat::kDae) {
    const auto header = check_dae(bytes, name, options.max_nodes, diagnostics);
    if (!header) return std::nullopt;
    if (options.apply_up_axis) top = z_up(header->up_axis);
  }
  const std::string inner = std::string("mesh") + kEndings[static_cast<int>(format)];
  try {
    Assimp::Importer importer;
    importer.SetIOHandler(new OneFile(inner, bytes, folder));  // the importer owns it
    importer.SetPropertyBool(AI_CONFIG_IMPORT_COLLADA_IGNORE_UP_DIRECTION, true);
    importer.SetPropertyInteger(AI_CONFIG_PP_SBP_REMOVE, aiPrimitiveType_POINT | aiPrimitiveType_LINE);
    const aiScene* scene =
        importer.ReadFile(inner, aiProcess_ValidateDataStructure | aiProcess_Triangulate | aiProcess_SortByPType);
    if (scene == nullptr || scene->mRootNode == nullptr) {
      diagnostics.error(where, "bad-mesh", std::string("it cannot be read: ") + importer.GetErrorString(),
                        "export the mesh again");
      return std::nullopt;
    }
    Converter converter{*scene, format, name, options, diagnostics, {}, {}};
    if (!converter.run(top)) return std::nullopt;
    return std::move(converter.parts);
  } catch (const std::exception& failure) {
    diagnostics.error(where, "bad-mesh", std::string("it cannot be read: ") + failure.what(), "export the mesh again");
    return std::nullopt;
  }
}

}  // namespace

std::optional<MeshFormat> mesh_format(std::string_view file) {
  const std::string ending = lower_ending(file);
  for (int i = 0; i < 3; ++i) {
    if (ending == kEndings[i]) return static_cast<MeshFormat>(i);
  }
  return std::nullopt;
}

std::optional<std::vector<MeshPart>> read_mesh_file(const std::string& file, const MeshOptions& options,
                                                    Diagnostics& diagnostics) {
  const Location where{file, 0, {}};
  const auto format = mesh_format(file);
  if (!format) {
    diagnostics.error(where, "mesh-format", "this kind of mesh is not read", "give an .stl, .obj or .dae file");
    return std::nullopt;
  }
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) {
    diagnostics.error(where, "mesh-not-found", "there is no such file", "check the path");
    return std::nullopt;
  }
  const auto size = fs::file_size(file, failed);
  if (!failed && size > options.max_bytes) {
    diagnostics.error(where, "mesh-too-large", "the file has " + std::to_string(size) + " bytes",
                      "the limit is " + std::to_string(options.max_bytes));
    return std::nullopt;
  }
  const auto bytes = read_bounded(file, options.max_bytes);
  if (!bytes) {
    diagnostics.error(where, "mesh-not-found", "the file cannot be opened", "check its permissions");
    return std::nullopt;
  }
  const fs::path folder = fs::absolute(fs::path(file), failed).parent_path();
  return read(*bytes, *format, file, folder, options, diagnostics);
}

std::optional<std::vector<MeshPart>> read_mesh_bytes(std::string_view bytes, MeshFormat format, const std::string& name,
                                                     const MeshOptions& options, Diagnostics& diagnostics) {
  return read(bytes, format, name, {}, options, diagnostics);
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
  join_vertices(welded);
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
