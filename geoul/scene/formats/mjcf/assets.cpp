#include "geoul/scene/formats/mjcf/assets.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <set>

#include "geoul/scene/formats/mjcf/mesh_bytes.h"
#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::mjcf {
namespace {

namespace fs = std::filesystem;
using urdf::printable;

constexpr std::size_t kMaxField = 4'000'000;  // heights of one field

std::string asset_name(Document& document, const Element& element) {
  const Node node{&element, nullptr};
  const std::string name = document.text(node, "name");
  return name.empty() ? fs::path(document.text(node, "file")).stem().string() : name;
}

}  // namespace

void MeshAsset::make_solid() {
  if (solid_tried) return;
  solid_tried = true;
  solid = solid_of_mesh(vertices, triangles, inertia);
  if (!solid) return;
  principal = principal_axes(solid->inertia);
  for (const Vec3d& v : vertices) {
    const Vec3d p = transpose_times(principal.axes, v - solid->center);
    for (int k = 0; k < 3; ++k) low[k] = std::min(low[k], p[k]), high[k] = std::max(high[k], p[k]);
  }
}

void Assets::add(const Model& model) {
  for (const Element& section : model.root.children) {
    if (section.name != "asset") continue;
    for (const Element& asset : section.children) {
      std::map<Key, const Element*>* kind = asset.name == "mesh"       ? &meshes_
                                            : asset.name == "hfield"   ? &fields_
                                            : asset.name == "material" ? &materials_
                                            : asset.name == "model"    ? &models_
                                                                       : nullptr;
      if (kind == nullptr) {
        document_.note_ignored(asset);
        continue;
      }
      const std::string name = asset_name(document_, asset);
      if (!kind->emplace(Key{&model, name}, &asset).second) {
        document_.error(asset, asset.name + " '" + printable(name) + "'", "duplicate-name",
                        "there are two assets of this kind and name", "give every asset a name of its own");
      }
    }
  }
}

std::string Assets::file_of(const Model& model, const std::string& file) const {
  const std::string name = model.compiler.strip_path ? fs::path(file).filename().string() : file;
  return (fs::path(model.compiler.mesh_folder) / fs::path(name)).string();
}

// ---- meshes ----

MeshAsset* Assets::mesh(const Model& model, const std::string& name) {
  const auto known = meshes_.find({&model, name});
  if (known == meshes_.end()) return nullptr;
  const auto [place, is_new] = loaded_.try_emplace(known->first);
  if (is_new) load(model, *known->second, place->second);
  return &place->second;
}

bool Assets::read_file(const Model& model, const Element& element, const Node& node, Mesh& mesh) {
  const std::string file = file_of(model, document_.text(node, "file"));
  const auto path = document_.resolve(element, file, model.folder);
  if (!path) return false;
  std::error_code failed;
  if (!fs::is_regular_file(*path, failed)) {
    document_.warning(element, who(element), "mesh-not-found",
                      "there is no file '" + printable(file) + "'; its shapes are left out",
                      "put it there, or correct the path or <compiler meshdir>");
    return false;
  }
  std::string ending = fs::path(*path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (ending == ".obj" || ending == ".msh") {
    if (fs::file_size(*path, failed) > document_.options().mesh.max_bytes || failed) {
      document_.error(element, who(element), "mesh-too-large", "'" + printable(file) + "' is too large", "simplify it");
      return false;
    }
    std::ifstream stream(*path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(stream), {});
    std::string failure;
    auto read =
        ending == ".obj" ? read_obj(bytes, document_.options().mesh.max_vertices, failure) : read_msh(bytes, failure);
    if (!read) {
      document_.error(element, who(element), "bad-mesh", printable(file) + ": " + failure, "write it again");
      return false;
    }
    mesh = std::move(*read);
    mesh.path = *path;
    return true;
  }
  if (!mesh_format(*path)) {
    document_.error(element, who(element), "mesh-format", "meshes like '" + printable(file) + "' are not read",
                    "convert it to STL or OBJ");
    return false;
  }
  Diagnostics found;
  auto parts = read_mesh_file(*path, document_.options().mesh, found);
  for (const Finding& finding : found.findings()) {
    document_.diagnostics().add({finding.severity, document_.at(element, who(element)), finding.code,
                                 finding.where.file + ": " + finding.message, finding.mend});
  }
  if (!parts) return false;
  mesh = merged(*parts);
  return true;
}

bool Assets::read_inline(const Element& element, const Node& node, Mesh& mesh) {
  constexpr std::size_t kMost = 30'000'000;
  const std::string whom = who(element);
  if (document_.has(node, "builtin") || !document_.has(node, "vertex")) {
    const bool made = document_.has(node, "builtin");
    document_.error(
        element, whom, "not-supported",
        made ? "meshes that MuJoCo makes itself (builtin) are not read" : "the mesh has neither file nor vertex",
        "give it as an STL or OBJ file");
    return false;
  }
  const auto vertices = document_.list(node, "vertex", whom, 12, kMost);
  const auto faces = document_.list(node, "face", whom, 3, kMost);
  if (!vertices || (document_.has(node, "face") && !faces)) return false;
  if (vertices->size() % 3 != 0 || (faces && faces->size() % 3 != 0)) {
    document_.error(element, whom, "wrong-count", "vertex or face does not hold groups of three", "write three each");
    return false;
  }
  for (std::size_t i = 0; i + 2 < vertices->size(); i += 3) {
    mesh.vertices.push_back({static_cast<float>((*vertices)[i]), static_cast<float>((*vertices)[i + 1]),
                             static_cast<float>((*vertices)[i + 2])});
  }
  for (std::size_t i = 0; faces && i + 2 < faces->size(); i += 3) {
    Triangle t{};
    for (std::size_t k = 0; k < 3; ++k) {
      const double index = (*faces)[i + k];
      if (!(index >= 0) || index != std::floor(index) || index >= static_cast<double>(mesh.vertices.size())) {
        document_.error(element, whom, "bad-mesh",
                        "face names vertex " + std::to_string(index) + ", which is not there", "count vertices from 0");
        return false;
      }
      t[k] = static_cast<std::uint32_t>(index);
    }
    mesh.triangles.push_back(t);
  }
  return true;
}

void Assets::load(const Model& model, const Element& element, MeshAsset& asset) {
  const Node node = model.node(document_, element, "mesh");
  const std::string whom = who(element);
  asset.scale = document_.vector(node, "scale", whom, {1, 1, 1});
  const int kind = document_.word(node, "inertia", whom, {"convex", "exact", "legacy", "shell"});
  if (kind >= 0) asset.inertia = static_cast<MeshInertia>(kind);
  if (asset.scale.x == 0 || asset.scale.y == 0 || asset.scale.z == 0) {
    document_.error(element, whom, "bad-size", "the scale of a mesh is 0", "write three numbers that are not 0");
    return;
  }
  if (!document_.options().load_meshes && document_.has(node, "file")) {
    ++skipped_;
    return;
  }
  Mesh mesh;
  if (document_.has(node, "file") ? !read_file(model, element, node, mesh) : !read_inline(element, node, mesh)) return;
  const Vec3d refpos = document_.vector(node, "refpos", whom, {});
  Quatd refquat;
  if (const auto q = document_.list(node, "refquat", whom, 4, 4)) {
    refquat = {(*q)[0], (*q)[1], (*q)[2], (*q)[3]};
    if (!(squared_norm(refquat) > 1e-20)) {
      document_.error(element, whom, "zero-axis", "refquat has length 0", "write a unit quaternion");
      return;
    }
    if (squared_norm(refquat) != 1) refquat = normalized(refquat);
  }
  const bool moved_back = refpos != Vec3d{} || refquat != Quatd{};
  const Mat3d R = rotation_matrix(refquat);
  const bool mirrored = asset.scale.x * asset.scale.y * asset.scale.z < 0;
  for (Vec3<float>& vertex : mesh.vertices) {
    Vec3d v(vertex);
    if (moved_back) v = transpose_times(R, v - refpos), vertex = Vec3<float>(v);
    asset.vertices.push_back({asset.scale.x * v.x, asset.scale.y * v.y, asset.scale.z * v.z});
  }
  if (moved_back) mesh.normals.clear();
  asset.surface = !mesh.triangles.empty();
  if (!asset.surface) {
    mesh.triangles = convex_hull(asset.vertices);
    if (mesh.triangles.empty()) {
      document_.error(element, whom, "bad-mesh", "points without faces lie in one plane, or are too many",
                      "give points that span a volume");
      return;
    }
    if (mirrored) {
      for (Triangle& t : mesh.triangles) std::swap(t[1], t[2]);
    }
  }
  asset.triangles = mesh.triangles;
  if (mirrored) {
    for (Triangle& t : asset.triangles) std::swap(t[1], t[2]);
  }
  if (mesh.path.empty()) mesh.path = root_ + "/meshes/" + urdf::Names().unique(asset_name(document_, element));
  scene_.meshes.push_back(std::move(mesh));
  asset.mesh = MeshId::from_index(scene_.meshes.size() - 1);
  asset.readable = true;
}

MeshId Assets::unit_sphere() {
  if (sphere_.valid()) return sphere_;
  constexpr int kRings = 16, kSectors = 32;  // flat faces lie half a per cent inside the sphere
  Mesh mesh;
  mesh.path = root_ + "/meshes/unit_sphere";
  const auto add = [&](double polar, double around) {
    mesh.vertices.push_back(
        Vec3<float>(Vec3d{std::sin(polar) * std::cos(around), std::sin(polar) * std::sin(around), std::cos(polar)}));
  };
  mesh.vertices.push_back({0, 0, 1});
  for (int i = 1; i < kRings; ++i) {
    for (int k = 0; k < kSectors; ++k) add(std::numbers::pi * i / kRings, 2 * std::numbers::pi * k / kSectors);
  }
  mesh.vertices.push_back({0, 0, -1});
  const auto last = static_cast<std::uint32_t>(mesh.vertices.size() - 1);
  const auto at = [](int ring, int sector) {
    return static_cast<std::uint32_t>(1 + (ring - 1) * kSectors + sector % kSectors);
  };
  for (int k = 0; k < kSectors; ++k) {
    mesh.triangles.push_back({0, at(1, k), at(1, k + 1)});
    for (int i = 1; i + 1 < kRings; ++i) {
      mesh.triangles.push_back({at(i, k), at(i + 1, k), at(i + 1, k + 1)});
      mesh.triangles.push_back({at(i, k), at(i + 1, k + 1), at(i, k + 1)});
    }
    mesh.triangles.push_back({at(kRings - 1, k), last, at(kRings - 1, k + 1)});
  }
  mesh.normals = mesh.vertices;
  scene_.meshes.push_back(std::move(mesh));
  sphere_ = MeshId::from_index(scene_.meshes.size() - 1);
  return sphere_;
}

// ---- height fields ----

std::optional<FieldAsset> Assets::height_field(const Model& model, const std::string& name) {
  const auto known = fields_.find({&model, name});
  if (known == fields_.end()) return std::nullopt;
  const Element& element = *known->second;
  const Node node{&element, nullptr};
  const std::string whom = who(element);
  const auto size = document_.list(node, "size", whom, 4, 4);
  HeightField field;
  field.rows = document_.integer(node, "nrow", whom, 0);
  field.columns = document_.integer(node, "ncol", whom, 0);
  if (!size || *std::min_element(size->begin(), size->end()) <= 0) {
    document_.error(element, whom, "bad-size", "a height field needs four positive sizes",
                    "write size=\"half_x half_y height base\"");
    return std::nullopt;
  }
  field.size_x = 2 * (*size)[0], field.size_y = 2 * (*size)[1];
  if (document_.has(node, "file")) {
    const std::string file = file_of(model, document_.text(node, "file"));
    const auto path = document_.resolve(element, file, model.folder);
    if (!path) return std::nullopt;
    std::ifstream stream(*path, std::ios::binary);
    std::int32_t counts[2] = {0, 0};
    if (fs::path(*path).extension() == ".png" || !stream) {
      document_.warning(element, whom, stream ? "not-supported" : "not-found",
                        "the height field '" + printable(file) + "' " +
                            (stream ? "is a PNG, which is not read" : "does not exist") + "; its shape is left out",
                        "give nrow, ncol and elevation, or MuJoCo's binary format");
      return std::nullopt;
    }
    stream.read(reinterpret_cast<char*>(counts), sizeof counts);
    field.rows = counts[0], field.columns = counts[1];
  }
  const auto count = static_cast<double>(field.rows) * static_cast<double>(field.columns);
  if (field.rows < 2 || field.columns < 2 || count > static_cast<double>(kMaxField)) {
    document_.error(
        element, whom, "bad-size",
        "a height field has " + std::to_string(field.rows) + " x " + std::to_string(field.columns) + " heights",
        "give at least 2 x 2, at most 4 million");
    return std::nullopt;
  }
  if (!document_.take(element, static_cast<std::size_t>(count) / 100)) return std::nullopt;
  const auto n = static_cast<std::size_t>(count), columns = static_cast<std::size_t>(field.columns);
  field.heights.assign(n, 0);
  if (document_.has(node, "file")) {
    std::ifstream stream(*document_.resolve(element, file_of(model, document_.text(node, "file")), model.folder),
                         std::ios::binary);
    stream.seekg(8);
    stream.read(reinterpret_cast<char*>(field.heights.data()), static_cast<std::streamsize>(4 * n));
    if (!stream) {
      document_.error(element, whom, "wrong-count", "the height field's file is too short", "write it again");
      return std::nullopt;
    }
  } else if (document_.has(node, "elevation")) {
    const auto heights = document_.list(node, "elevation", whom, n, n);
    if (!heights) return std::nullopt;
    for (std::size_t i = 0; i < n; ++i) {  // written with the row of largest y first
      field.heights[(n / columns - 1 - i / columns) * columns + i % columns] = static_cast<float>((*heights)[i]);
    }
  }
  // MuJoCo brings the heights to 0 .. 1, then to size.
  if (!std::all_of(field.heights.begin(), field.heights.end(), [](float h) { return std::isfinite(h); })) {
    document_.error(element, whom, "not-finite", "a height is no finite number", "write finite heights");
    return std::nullopt;
  }
  const auto [low, high] = std::minmax_element(field.heights.begin(), field.heights.end());
  const float least = *low, span = *high - *low;
  for (float& h : field.heights) h = span > 0 ? (h - least) / span * static_cast<float>((*size)[2]) : 0;
  return FieldAsset{std::move(field), (*size)[2] / 4 + (*size)[3] / 2};
}

// ---- materials ----

bool Assets::look(const Model& model, const std::string& name, Look& look) {
  const auto known = materials_.find({&model, name});
  if (known == materials_.end()) return false;
  const Node node = model.node(document_, *known->second, "material");
  const std::string whom = who(*known->second);
  look.name = name;
  look.rgba = {1, 1, 1, 1};
  if (const auto rgba = document_.list(node, "rgba", whom, 4, 4))
    std::copy(rgba->begin(), rgba->end(), look.rgba.begin());
  look.metallic = std::clamp(document_.number(node, "metallic", whom, 0), 0.0, 1.0);
  // Shininess of the Blinn-Phong model to roughness, where no roughness is written.
  const double shiny = std::clamp(document_.number(node, "shininess", whom, 0.5), 0.0, 1.0);
  const double rough = document_.number(node, "roughness", whom, -1);
  look.roughness = rough >= 0 ? std::min(rough, 1.0) : 1 - 0.8 * shiny;
  look.emission = std::max(0.0, document_.number(node, "emission", whom, 0));
  return true;
}

std::vector<const Element*> Assets::model_assets(const Model& model) const {
  std::vector<const Element*> out;
  for (const auto& [key, element] : models_) {
    if (key.first == &model) out.push_back(element);
  }
  return out;
}

MaterialId Assets::material(const Look& look, const Vec3d& friction) {
  const auto [place, is_new] = made_.try_emplace(
      {look.name, look.rgba, look.metallic, look.roughness, look.emission, {friction.x, friction.y, friction.z}});
  if (!is_new) return place->second;
  Material material;
  const std::string base = urdf::Names().unique(look.name.empty() ? "geom" : look.name);
  const int n = material_names_[base]++;
  material.path = root_ + "/materials/" + base + (n > 0 ? "__" + std::to_string(n) : "");
  std::array<double, 4> rgba = look.rgba;
  for (double& c : rgba) c = std::clamp(c, 0.0, 1.0);
  material.color = linear_color(rgba);
  material.metallic = static_cast<float>(look.metallic);
  material.roughness = static_cast<float>(look.roughness);
  for (std::size_t i = 0; i < 3; ++i) material.emission[i] = static_cast<float>(look.emission) * material.color[i];
  material.static_friction = material.dynamic_friction = friction.x;
  material.torsional_friction = friction.y;
  material.rolling_friction = friction.z;
  scene_.materials.push_back(material);
  return place->second = MaterialId::from_index(scene_.materials.size() - 1);
}

void Assets::report() {
  if (skipped_ > 0) {
    document_.diagnostics().info({}, "meshes-not-loaded",
                                 std::to_string(skipped_) + " meshes are left out, as the options say");
  }
}

}  // namespace geoul::scene::mjcf
