// COLLADA through assimp, after what assimp does not guard against was checked.
#include <assimp/MemoryIOWrapper.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <assimp/IOSystem.hpp>
#include <assimp/Importer.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <map>
#include <utility>

#include "geoul/scene/formats/mesh/dae_check.h"
#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene::mesh {
namespace {

constexpr const char* kInner = "mesh.dae";

// Serves assimp the file from memory; nothing else exists.
class OneFile : public Assimp::IOSystem {
 public:
  explicit OneFile(std::string_view bytes) : bytes_(bytes) {}

  bool Exists(const char* file) const override { return std::string_view(file) == kInner; }
  char getOsSeparator() const override { return '/'; }
  Assimp::IOStream* Open(const char* file, const char*) override {
    if (!Exists(file)) return nullptr;
    auto* copy = new std::uint8_t[bytes_.size() + 1];
    std::memcpy(copy, bytes_.data(), bytes_.size());
    return new Assimp::MemoryIOStream(copy, bytes_.size(), true);
  }
  void Close(Assimp::IOStream* open) override { delete open; }

 private:
  std::string_view bytes_;
};

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
  const Source& source;
  std::map<unsigned, std::size_t> part_of_material = {};
  std::vector<MeshPart> parts = {};
  std::size_t vertex_count = 0, node_count = 0;

  bool run(const Affine& top) {
    std::vector<std::pair<const aiNode*, Affine>> stack{
        {from.mRootNode, top * affine(from.mRootNode->mTransformation)}};
    while (!stack.empty()) {
      const auto [node, X] = stack.back();
      stack.pop_back();
      if (++node_count > source.options.max_nodes) {
        source.fail("mesh-too-large", "there are more than " + std::to_string(source.options.max_nodes) + " nodes",
                    "join the parts of the mesh");
        return false;
      }
      for (unsigned i = 0; i < node->mNumMeshes; ++i) {
        if (node->mMeshes[i] >= from.mNumMeshes) return source.fail("bad-mesh", "a node names no mesh"), false;
        if (!add(*from.mMeshes[node->mMeshes[i]], X)) return false;
      }
      for (unsigned i = node->mNumChildren; i-- > 0;) {
        stack.push_back({node->mChildren[i], X * affine(node->mChildren[i]->mTransformation)});
      }
    }
    return true;
  }

  bool add(const aiMesh& mesh, const Affine& X) {
    if ((mesh.mPrimitiveTypes & aiPrimitiveType_TRIANGLE) == 0 || mesh.mNumVertices == 0) return true;
    vertex_count += mesh.mNumVertices;
    if (vertex_count > source.options.max_vertices) return source.too_many(" vertices"), false;
    Mesh own;
    for (unsigned i = 0; i < mesh.mNumVertices; ++i) {
      const aiVector3D& v = mesh.mVertices[i];
      own.vertices.push_back({v.x, v.y, v.z});
      if (mesh.HasNormals()) own.normals.push_back({mesh.mNormals[i].x, mesh.mNormals[i].y, mesh.mNormals[i].z});
    }
    for (unsigned i = 0; i < mesh.mNumFaces; ++i) {
      const aiFace& face = mesh.mFaces[i];
      if (face.mNumIndices != 3) continue;
      const std::array<std::uint32_t, 3> t{face.mIndices[0], face.mIndices[1], face.mIndices[2]};
      if (*std::max_element(t.begin(), t.end()) >= mesh.mNumVertices) {
        return source.fail("bad-mesh", "a triangle names no vertex"), false;
      }
      own.triangles.push_back(t);
    }
    const auto [place, is_new] = part_of_material.try_emplace(mesh.mMaterialIndex, parts.size());
    if (is_new) {
      parts.emplace_back();
      if (mesh.mMaterialIndex < from.mNumMaterials) {
        parts.back().color = diffuse_color(*from.mMaterials[mesh.mMaterialIndex]);
      }
    }
    append(own, X, parts[place->second].mesh);
    return true;
  }
};

}  // namespace

MaybeParts read_dae(const Source& source) {
  const auto header = check_dae(source.bytes, source.name, source.options.max_nodes, source.diagnostics);
  if (!header) return std::nullopt;
  try {
    Assimp::Importer importer;
    importer.SetIOHandler(new OneFile(source.bytes));  // the importer owns it
    importer.SetPropertyBool(AI_CONFIG_IMPORT_COLLADA_IGNORE_UP_DIRECTION, true);
    importer.SetPropertyInteger(AI_CONFIG_PP_SBP_REMOVE, aiPrimitiveType_POINT | aiPrimitiveType_LINE);
    const aiScene* scene =
        importer.ReadFile(kInner, aiProcess_ValidateDataStructure | aiProcess_Triangulate | aiProcess_SortByPType);
    if (scene == nullptr || scene->mRootNode == nullptr) {
      return source.fail("bad-mesh", std::string("it cannot be read: ") + importer.GetErrorString());
    }
    Converter converter{*scene, source};
    if (!converter.run(source.options.apply_up_axis ? z_up(header->up_axis) : Affine{})) return std::nullopt;
    return finish(source, std::move(converter.parts));
  } catch (const std::exception& failure) {
    return source.fail("bad-mesh", std::string("it cannot be read: ") + failure.what());
  }
}

}  // namespace geoul::scene::mesh
