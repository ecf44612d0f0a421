// Scene to glTF 2.0 (binary .glb, or .gltf with its bytes as base64): what is visible, in the start poses. A node a
// body below its parent in the tree, a node a shape below its body; y is up, as glTF has it. Source: Khronos glTF 2.0
// specification.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <string_view>

#include "geoul/scene/formats/write/mechanism.h"
#include "geoul/scene/formats/write/primitive_mesh.h"
#include "geoul/scene/formats/write/split.h"
#include "geoul/scene/formats/write/write.h"
#include "geoul/scene/formats/write/xml.h"
#include "geoul/scene/formats/write_file.h"
#include "geoul/scene/image.h"

namespace geoul::scene {
namespace {

using namespace write;

using std::numbers::pi;

struct GltfWriter {
  const Scene& scene;
  Mechanism tree;
  Lacks lacks;
  std::string binary = {};
  std::vector<std::string> views = {}, accessors = {}, meshes = {}, materials = {}, nodes = {}, cameras = {};
  std::map<std::int32_t, std::array<int, 3>> shared = {};                       // accessors of scene meshes
  std::map<std::pair<std::array<int, 3>, std::int32_t>, int> made_meshes = {};  // by accessors and material
  std::map<std::pair<std::int32_t, bool>, int> made_materials = {};  // by material, and with the mesh's colours
  std::map<std::int32_t, int> made_images = {};
  std::map<std::vector<std::int32_t>, int> made_looks = {};  // by mesh and materials
  std::vector<std::string> images = {}, samplers = {}, textures = {};

  GltfWriter(const Scene& s, Mechanism&& m, const std::string& file, Diagnostics& notes)
      : scene(s), tree(std::move(m)), lacks(file, notes) {}

  static std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
  }
  static std::string number(double x) { return text(std::isfinite(x) ? x : 0); }
  template <class Values>
  static std::string list(const Values& values) {
    std::string out;
    for (const auto& v : values) out += (out.empty() ? "" : ",") + v;
    return "[" + out + "]";
  }

  int view(std::size_t offset, std::size_t length, int target) {
    views.push_back("{\"buffer\":0,\"byteOffset\":" + std::to_string(offset) +
                    ",\"byteLength\":" + std::to_string(length) + ",\"target\":" + std::to_string(target) + "}");
    return static_cast<int>(views.size()) - 1;
  }

  // An accessor of n numbers a value; bounds: of positions.
  int numbers(const float* values, std::size_t count, int n, bool bounds) {
    const std::size_t offset = binary.size();
    const auto size = static_cast<std::size_t>(n);
    binary.append(reinterpret_cast<const char*>(values), count * size * sizeof(float));
    std::string more;
    for (int side = 0; side < 2 && bounds; ++side) {
      std::vector<std::string> at;
      for (std::size_t k = 0; k < size; ++k) {
        float x = values[k];
        for (std::size_t i = 0; i < count; ++i) {
          x = side == 0 ? std::min(x, values[size * i + k]) : std::max(x, values[size * i + k]);
        }
        at.push_back(number(static_cast<double>(x)));
      }
      more += std::string(side == 0 ? ",\"min\":" : ",\"max\":") + list(at);
    }
    accessors.push_back("{\"bufferView\":" + std::to_string(view(offset, binary.size() - offset, 34962)) +
                        ",\"componentType\":5126,\"type\":\"VEC" + std::to_string(n) +
                        "\",\"count\":" + std::to_string(count) + more + "}");
    return static_cast<int>(accessors.size()) - 1;
  }
  int vectors(const std::vector<Vec3<float>>& values, bool bounds) {
    return numbers(&values.front().x, values.size(), 3, bounds);
  }
  int indices(const std::vector<std::array<std::uint32_t, 3>>& triangles) {
    const std::size_t offset = binary.size();
    for (const auto& t : triangles) binary.append(reinterpret_cast<const char*>(t.data()), sizeof t);
    accessors.push_back(
        "{\"bufferView\":" + std::to_string(view(offset, binary.size() - offset, 34963)) +
        ",\"componentType\":5125,\"type\":\"SCALAR\",\"count\":" + std::to_string(3 * triangles.size()) + "}");
    return static_cast<int>(accessors.size()) - 1;
  }

  // Positions, normals (-1: none), indices. Normals are brought to unit length, as glTF wants them.
  std::array<int, 3> surface(const Mesh& mesh) {
    std::array<int, 3> out{vectors(mesh.vertices, true), -1, -1};
    bool good = !mesh.normals.empty();
    std::vector<Vec3<float>> normals = mesh.normals;
    for (Vec3<float>& n : normals) {
      const float length = norm(n);
      good = good && length > 1e-6f;
      if (length > 0) n = (1 / length) * n;
    }
    if (good) out[1] = vectors(normals, false);
    out[2] = indices(mesh.triangles);
    return out;
  }

  // What a material's pictures need of a mesh: distinct places, in the order of TEXCOORD_n.
  static std::vector<const TextureMap*> places(const Material& m) {
    std::vector<const TextureMap*> out;
    for (const TextureMap* map :
         {&m.color_map, &m.roughness_map, &m.metallic_map, &m.normal_map, &m.occlusion_map, &m.emission_map}) {
      if (map->texture.valid() && place_of(out, *map) == out.size()) out.push_back(map);
    }
    return out;
  }
  static std::size_t place_of(const std::vector<const TextureMap*>& known, const TextureMap& map) {
    std::size_t i = 0;
    while (i < known.size() &&
           !(known[i]->coordinates == map.coordinates && known[i]->st_scale == map.st_scale &&
             known[i]->st_rotation == map.st_rotation && known[i]->st_translation == map.st_translation)) {
      ++i;
    }
    return i;
  }

  int image(TextureId id) {
    const auto [place, is_new] = made_images.try_emplace(id.value, static_cast<int>(images.size()));
    if (!is_new) return place->second;
    const Texture& t = scene.textures[id.index()];
    const std::size_t offset = binary.size();
    binary += *t.bytes;
    views.push_back("{\"buffer\":0,\"byteOffset\":" + std::to_string(offset) +
                    ",\"byteLength\":" + std::to_string(t.bytes->size()) + "}");
    while (binary.size() % 4 != 0) binary += '\0';
    const auto info = image_info(*t.bytes);
    images.push_back("{\"name\":" + quoted(leaf(t.path)) + ",\"bufferView\":" + std::to_string(views.size() - 1) +
                     ",\"mimeType\":\"" + media_type(info ? info->format : ImageInfo::Format::kPng) + "\"}");
    return place->second;
  }

  // "{"index": ..., "texCoord": ...}"
  std::string map_text(const TextureMap& map, const std::vector<const TextureMap*>& known) {
    const auto code = [&](TextureMap::Wrap wrap) {
      if (wrap == TextureMap::Wrap::kBlack) {
        lacks.add(Severity::kInfo, "texture-border", "textures end in their edge, not in black", "");
      }
      return wrap == TextureMap::Wrap::kRepeat ? 10497 : wrap == TextureMap::Wrap::kMirror ? 33648 : 33071;
    };
    const std::string sampler = "{\"magFilter\":9729,\"minFilter\":9987,\"wrapS\":" + std::to_string(code(map.wrap_s)) +
                                ",\"wrapT\":" + std::to_string(code(map.wrap_t)) + "}";
    const auto same = std::find(samplers.begin(), samplers.end(), sampler);
    const auto number_of = same - samplers.begin();
    if (same == samplers.end()) samplers.push_back(sampler);
    const std::string texture =
        "{\"source\":" + std::to_string(image(map.texture)) + ",\"sampler\":" + std::to_string(number_of) + "}";
    const auto there = std::find(textures.begin(), textures.end(), texture);
    const auto index = there - textures.begin();
    if (there == textures.end()) textures.push_back(texture);
    return "{\"index\":" + std::to_string(index) + ",\"texCoord\":" + std::to_string(place_of(known, map)) + "}";
  }

  // Whether the picture says what glTF reads in it.
  bool says(const TextureMap& map, int channel, bool srgb, const char* what) {
    if (!map.texture.valid()) return false;
    const auto info = image_info(*scene.textures[map.texture.index()].bytes);
    const bool grey = info && info->channels <= 2;
    const bool good =
        (channel < 0 || map.channel == channel || (grey && map.channel < 3)) && map.srgb == srgb &&
        (channel < 0 ? map.bias == std::array<float, 4>{} : map.bias[static_cast<std::size_t>(map.channel)] == 0);
    if (!good) {
      lacks.add(Severity::kInfo, "texture-channels",
                std::string("textures of ") + what +
                    " whose channels, colour space or bias glTF has no word for are left out",
                "");
    }
    return good;
  }

  // Roughness is green and metal blue of one picture.
  std::string rough_map(const Material& m, const std::vector<const TextureMap*>& known, double& metallic,
                        double& rough) {
    const TextureMap &r = m.roughness_map, &b = m.metallic_map;
    const bool has_rough = says(r, 1, false, "roughness"), has_metal = says(b, 2, false, "metal");
    if (!has_rough && !has_metal) return {};
    const bool one = has_rough && has_metal && r.texture == b.texture && r.wrap_s == b.wrap_s && r.wrap_t == b.wrap_t &&
                     place_of(known, r) == place_of(known, b);
    if (!one && !(has_rough && !b.texture.valid() && m.metallic == 0)) {
      lacks.add(Severity::kInfo, "texture-channels",
                "textures of roughness and metal that are not one picture are left out",
                "pack roughness in green and metal in blue");
      return {};
    }
    rough = static_cast<double>(r.scale[static_cast<std::size_t>(r.channel)]);
    if (one) metallic = static_cast<double>(b.scale[static_cast<std::size_t>(b.channel)]);
    return ",\"metallicRoughnessTexture\":" + map_text(r, known);
  }

  // has_colors: the mesh has colours of its own.
  int material(MaterialId id, bool has_colors) {
    const Material m = id.valid() ? scene.materials[id.index()] : Material{};
    const bool by_mesh = m.mesh_colors && has_colors;
    const auto [place, is_new] = made_materials.try_emplace({id.value, by_mesh}, static_cast<int>(materials.size()));
    if (!is_new) return place->second;
    const std::size_t own = materials.size();
    materials.emplace_back();
    const std::vector<const TextureMap*> known = places(m);
    const auto n = [](double x) { return number(std::clamp(x, 0.0, 1.0)); };
    const auto f = [&](float x) { return n(static_cast<double>(x)); };
    std::array<float, 4> color = by_mesh ? std::array<float, 4>{1, 1, 1, m.color[3]} : m.color;
    std::array<float, 3> emission = m.emission;
    double metallic = static_cast<double>(m.metallic), rough = static_cast<double>(m.roughness);
    std::string pbr = rough_map(m, known, metallic, rough), more;
    if (says(m.color_map, -1, true, "colour")) {
      color = {m.color_map.scale[0], m.color_map.scale[1], m.color_map.scale[2], m.color[3]};
      pbr += ",\"baseColorTexture\":" + map_text(m.color_map, known);
    }
    const bool cut_out = m.opacity_map.texture.valid() && m.opacity_map.texture == m.color_map.texture &&
                         says(m.opacity_map, 3, m.opacity_map.srgb, "opacity");
    if (m.opacity_map.texture.valid() && !cut_out) says(m.opacity_map, 4, false, "opacity");
    if (says(m.emission_map, -1, true, "emission")) {
      emission = {m.emission_map.scale[0], m.emission_map.scale[1], m.emission_map.scale[2]};
      more += ",\"emissiveTexture\":" + map_text(m.emission_map, known);
    }
    if (says(m.occlusion_map, 0, false, "occlusion"))
      more += ",\"occlusionTexture\":" + map_text(m.occlusion_map, known);
    if (m.normal_map.texture.valid()) {  // 2 texel - 1 is what glTF means
      const double scale = static_cast<double>(m.normal_map.scale[0]) / 2;
      more += ",\"normalTexture\":" + map_text(m.normal_map, known);
      if (scale > 0 && scale != 1) more.insert(more.size() - 1, ",\"scale\":" + number(scale));
    }
    const bool mask = m.opacity_threshold > 0 && (cut_out || m.color[3] < 1);
    if (mask) more += ",\"alphaMode\":\"MASK\",\"alphaCutoff\":" + f(m.opacity_threshold);
    if (!mask && (cut_out || m.color[3] < 1)) more += ",\"alphaMode\":\"BLEND\"";
    materials[own] = "{\"name\":" + quoted(id.valid() ? leaf(m.path) : "plain") +
                     ",\"pbrMetallicRoughness\":{\"baseColorFactor\":" +
                     list(std::array{f(color[0]), f(color[1]), f(color[2]), f(color[3])}) +
                     ",\"metallicFactor\":" + n(metallic) + ",\"roughnessFactor\":" + n(rough) + pbr +
                     "},\"emissiveFactor\":" + list(std::array{f(emission[0]), f(emission[1]), f(emission[2])}) +
                     ",\"doubleSided\":true" + more + "}";
    return place->second;
  }

  // A primitive with what its material needs by corner.
  std::string primitive(const Mesh& mesh, std::optional<std::uint32_t> set, MaterialId id) {
    const Material m = id.valid() ? scene.materials[id.index()] : Material{};
    Split s = split(mesh, set, places(m));
    if (s.triangles.empty()) return {};
    bool good = !s.normals.empty();
    for (Vec3<float>& v : s.normals) {
      const float length = norm(v);
      good = good && length > 1e-6f;
      if (length > 0) v = (1 / length) * v;
    }
    std::string attributes = "\"POSITION\":" + std::to_string(vectors(s.vertices, true));
    if (good) attributes += ",\"NORMAL\":" + std::to_string(vectors(s.normals, false));
    for (std::size_t k = 0; k < s.coordinates.size(); ++k) {
      const auto& st = s.coordinates[k];
      attributes +=
          ",\"TEXCOORD_" + std::to_string(k) + "\":" + std::to_string(numbers(st.front().data(), st.size(), 2, false));
    }
    const bool colored = m.mesh_colors && !s.colors.empty();
    if (colored) {
      attributes += ",\"COLOR_0\":" + std::to_string(numbers(s.colors.front().data(), s.colors.size(), 4, false));
    }
    return "{\"attributes\":{" + attributes + "},\"indices\":" + std::to_string(indices(s.triangles)) +
           ",\"material\":" + std::to_string(material(id, colored)) + "}";
  }

  // A mesh of the scene with all that looks need; its number, or -1 where it has no triangles.
  int looked(MeshId id, const Shape& shape, const std::string& name) {
    std::vector<std::int32_t> key{id.value, shape.material.value};
    for (const MaterialId m : shape.set_materials) key.push_back(m.value);
    const auto [place, is_new] = made_looks.try_emplace(key, -1);
    if (!is_new) return place->second;
    const Mesh& own = scene.meshes[id.index()];
    std::uint32_t sets = 0;
    for (const std::uint32_t set : own.face_sets) sets = std::max(sets, set);
    std::vector<std::string> primitives;
    for (std::uint32_t k = 0; k <= sets; ++k) {
      const MaterialId of_set = k < shape.set_materials.size() ? shape.set_materials[k] : MaterialId{};
      const std::string one = primitive(own, own.face_sets.empty() ? std::nullopt : std::optional(k),
                                        of_set.valid() ? of_set : shape.material);
      if (!one.empty()) primitives.push_back(one);
    }
    if (primitives.empty()) return -1;
    meshes.push_back("{\"name\":" + quoted(name) + ",\"primitives\":" + list(primitives) + "}");
    return place->second = static_cast<int>(meshes.size()) - 1;
  }

  int mesh(const std::array<int, 3>& parts, MaterialId id, const std::string& name) {
    const auto [place, is_new] = made_meshes.try_emplace({parts, id.value}, static_cast<int>(meshes.size()));
    if (!is_new) return place->second;
    meshes.push_back(
        "{\"name\":" + quoted(name) + ",\"primitives\":[{\"attributes\":{\"POSITION\":" + std::to_string(parts[0]) +
        (parts[1] >= 0 ? ",\"NORMAL\":" + std::to_string(parts[1]) : "") + "},\"indices\":" + std::to_string(parts[2]) +
        ",\"material\":" + std::to_string(material(id, false)) + "}]}");
    return place->second;
  }

  std::optional<std::array<int, 3>> surface_of(const Geometry& g) {
    std::vector<Ring> rings;
    if (const auto* b = std::get_if<Box>(&g)) return surface(box_mesh(b->size));
    if (const auto* s = std::get_if<Sphere>(&g)) cap(rings, s->radius, 0, -pi / 2, pi / 2);
    if (const auto* c = std::get_if<Capsule>(&g)) {
      cap(rings, c->radius, -c->height / 2, -pi / 2, 0);
      cap(rings, c->radius, c->height / 2, 0, pi / 2);
    }
    if (const auto* c = std::get_if<Cylinder>(&g)) {
      const double h = c->height / 2, r = c->radius;
      rings = {{0, -h, 0, -1}, {r, -h, 0, -1}, {r, -h, 1, 0}, {r, h, 1, 0}, {r, h, 0, 1}, {0, h, 0, 1}};
    }
    if (const auto* c = std::get_if<Cone>(&g)) {
      const double h = c->height / 2, r = c->radius, side = std::hypot(c->height, r);
      const double out = c->height / side, up = r / side;
      rings = {{0, -h, 0, -1}, {r, -h, 0, -1}, {r, -h, out, up}, {0, h, out, up}};
    }
    if (!rings.empty()) return surface(revolved(rings));
    if (const auto* p = std::get_if<Plane>(&g)) {
      return surface(box_mesh({p->size_x > 0 ? p->size_x : 100, p->size_y > 0 ? p->size_y : 100, 1e-4}));
    }
    if (const auto* f = std::get_if<HeightField>(&g)) return surface(height_field_mesh(*f));
    const auto* triangles = std::get_if<TriangleMesh>(&g);
    const auto* hull = std::get_if<ConvexHull>(&g);
    const MeshId id = triangles != nullptr ? triangles->mesh : hull->mesh;
    const Mesh& own = scene.meshes[id.index()];
    if (own.vertices.empty() || own.triangles.empty()) return std::nullopt;
    const auto found = shared.find(id.value);
    return found != shared.end() ? found->second : shared[id.value] = surface(own);
  }

  static std::string placed(const Posed& X, const Vec3d& scale) {
    std::string out = ",\"translation\":" + list(std::array{number(X.p.x), number(X.p.y), number(X.p.z)}) +
                      ",\"rotation\":" + list(std::array{number(X.R.x), number(X.R.y), number(X.R.z), number(X.R.w)});
    if (!(scale == Vec3d{1, 1, 1})) {
      out += ",\"scale\":" + list(std::array{number(scale.x), number(scale.y), number(scale.z)});
    }
    return out;
  }

  int node(const std::string& name, const Posed& X, const Vec3d& scale, const std::string& more,
           const std::vector<std::string>& children) {
    nodes.push_back("{\"name\":" + quoted(name) + placed(X, scale) + more +
                    (children.empty() ? "" : ",\"children\":" + list(children)) + "}");
    return static_cast<int>(nodes.size()) - 1;
  }

  void shape(const Shape& s, const Posed& X, std::vector<std::string>& children) {
    Vec3d scale{1, 1, 1};
    MeshId own;
    if (const auto* m = std::get_if<TriangleMesh>(&s.geometry)) scale = m->scale, own = m->mesh;
    if (const auto* m = std::get_if<ConvexHull>(&s.geometry)) scale = m->scale, own = m->mesh;
    int id = -1;
    if (own.valid() && has_look(scene.meshes[own.index()])) {
      id = looked(own, s, leaf(s.path));
    } else if (const auto parts = surface_of(s.geometry)) {
      id = mesh(*parts, s.material, leaf(s.path));
    }
    if (id < 0) return;
    children.push_back(std::to_string(node(leaf(s.path), X, scale, ",\"mesh\":" + std::to_string(id), {})));
  }

  void content(int body, std::vector<std::string>& children) {
    for (const Shape& s : scene.shapes) {
      if (s.body.value == body && s.visible) shape(s, s.X_BS, children);
    }
    for (const Camera& c : scene.cameras) {
      if (c.body.value != body) continue;
      cameras.push_back("{\"type\":\"perspective\",\"perspective\":{\"yfov\":" + number(c.vertical_fov) +
                        ",\"znear\":" + number(c.near) + ",\"zfar\":" + number(c.far) + "}}");
      children.push_back(std::to_string(
          node(leaf(c.path), c.X_BC, {1, 1, 1}, ",\"camera\":" + std::to_string(cameras.size() - 1), {})));
    }
    for (const Site& s : scene.sites) {
      if (s.body.value == body) children.push_back(std::to_string(node(leaf(s.path), s.X_BS, {1, 1, 1}, "", {})));
    }
  }

  static std::string base64(std::string_view bytes) {
    static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
      std::uint32_t three = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
      }
      for (std::size_t k = 0; k < 4; ++k) {
        out += i + k <= bytes.size() ? kLetters[(three >> (18 - 6 * k)) & 63] : '=';
      }
    }
    return out;
  }

  // embedded: the bytes within the text, instead of in a chunk of their own.
  std::string run(bool embedded) {
    // Children before parents, so that their numbers are known: the order of the tree from its end.
    std::vector<std::vector<std::string>> children(scene.bodies.size());
    std::vector<std::string> top;
    for (auto b = tree.order.rbegin(); b != tree.order.rend(); ++b) {
      const auto k = static_cast<std::size_t>(*b);
      content(*b, children[k]);
      const int parent = tree.nodes[k].parent;
      const TransformL X_WP = parent < 0 ? TransformL{} : precise(scene.bodies[static_cast<std::size_t>(parent)].X_WB);
      const Posed X = rounded(inverse(X_WP) * precise(scene.bodies[k].X_WB));
      const int own = node(tree.bodies[k], X, {1, 1, 1}, "", children[k]);
      (parent < 0 ? top : children[static_cast<std::size_t>(parent)]).push_back(std::to_string(own));
    }
    content(-1, top);
    return document(top, embedded);
  }

  std::string document(const std::vector<std::string>& top, bool embedded) {
    const Quatd up{std::sqrt(0.5), -std::sqrt(0.5), 0, 0};  // z up to y up
    const int root = node(scene.name.empty() ? "scene" : scene.name, {up, {}}, {1, 1, 1}, "", top);
    std::string json = "{\"asset\":{\"version\":\"2.0\",\"generator\":\"geoul\"},\"scene\":0,\"scenes\":[{\"nodes\":[" +
                       std::to_string(root) + "]}],\"nodes\":" + list(nodes);
    const auto add = [&](const char* key, const std::vector<std::string>& values) {
      if (!values.empty()) json += std::string(",\"") + key + "\":" + list(values);
    };
    add("meshes", meshes);
    add("materials", materials);
    add("textures", textures);
    add("samplers", samplers);
    add("images", images);
    add("cameras", cameras);
    add("accessors", accessors);
    add("bufferViews", views);
    if (!binary.empty()) {
      json += ",\"buffers\":[{\"byteLength\":" + std::to_string(binary.size());
      if (embedded) json += ",\"uri\":\"data:application/octet-stream;base64," + base64(binary) + "\"";
      json += "}]";
    }
    return json + "}";
  }
};

void append_u32(std::string& out, std::size_t value) {
  for (int k = 0; k < 4; ++k) out += static_cast<char>((value >> (8 * k)) & 0xff);
}

// The binary container of a text and its bytes; none above 4 GiB.
std::optional<std::string> container(std::string json, std::string binary) {
  while (json.size() % 4 != 0) json += ' ';
  while (binary.size() % 4 != 0) binary += '\0';
  const std::size_t total = 12 + 8 + json.size() + (binary.empty() ? 0 : 8 + binary.size());
  if (total > 0xffffffffu) return std::nullopt;
  std::string out = "glTF";
  append_u32(out, 2);
  append_u32(out, total);
  append_u32(out, json.size());
  out += "JSON" + json;
  if (!binary.empty()) {
    append_u32(out, binary.size());
    out += std::string("BIN\0", 4) + binary;
  }
  return out;
}

}  // namespace

Result<void> write_gltf(const Scene& scene, const std::string& file, Diagnostics& notes) {
  GltfWriter writer(scene, mechanism(scene), file, notes);
  const bool embedded = std::filesystem::path(file).extension() == ".gltf";
  const std::string json = writer.run(embedded);
  notes.info({file, 0, {}}, "picture-only", "glTF holds what is seen: no mass, joints or contact");
  if (!scene.lights.empty()) writer.lacks.add(Severity::kInfo, "light", "lights are left out", "");
  writer.lacks.report();
  if (embedded) return write_atomically(file, json);
  const std::optional<std::string> out = container(json, std::move(writer.binary));
  if (!out) return Error{ErrorCode::kUnsupported, file + ": more than 4 GiB, the limit of .glb; leave meshes out"};
  return write_atomically(file, *out);
}

std::optional<std::string> glb_of(const Scene& scene, const Shape& shape, Diagnostics& notes) {
  GltfWriter writer(scene, {}, shape.path, notes);
  std::vector<std::string> top;
  writer.shape(shape, {}, top);
  if (top.empty()) return std::nullopt;
  const std::string json = writer.document(top, false);
  return container(json, std::move(writer.binary));
}

}  // namespace geoul::scene
