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
#include "geoul/scene/formats/write/write.h"
#include "geoul/scene/formats/write/xml.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {
namespace {

using namespace write;

using std::numbers::pi;

// Rings of a surface of revolution about z, from the lowest point up: radius and height, with the normal's slope.
struct Ring {
  double radius, z, normal_out, normal_z;
};

Mesh revolved(const std::vector<Ring>& rings) {
  constexpr std::uint32_t kAround = 32;
  Mesh mesh;
  for (const Ring& ring : rings) {
    for (std::uint32_t i = 0; i <= kAround; ++i) {
      const double angle = 2 * pi * i / kAround, c = std::cos(angle), s = std::sin(angle);
      mesh.vertices.push_back(Vec3<float>(Vec3d{ring.radius * c, ring.radius * s, ring.z}));
      mesh.normals.push_back(Vec3<float>(Vec3d{ring.normal_out * c, ring.normal_out * s, ring.normal_z}));
    }
  }
  for (std::uint32_t r = 0; r + 1 < rings.size(); ++r) {
    for (std::uint32_t i = 0; i < kAround; ++i) {
      const std::uint32_t a = r * (kAround + 1) + i, b = a + 1, c = a + kAround + 1, d = c + 1;
      if (rings[r].radius > 0) mesh.triangles.push_back({a, b, d});
      if (rings[r + 1].radius > 0) mesh.triangles.push_back({a, d, c});
    }
  }
  return mesh;
}

// Half circle of a cap: from angle `low` to `high` [rad] over the horizon, centred at height z.
void cap(std::vector<Ring>& rings, double radius, double z, double low, double high) {
  constexpr int kSteps = 8;
  for (int k = 0; k <= kSteps; ++k) {
    const double angle = low + (high - low) * k / kSteps;
    const double out = std::abs(std::abs(angle) - pi / 2) < 1e-12 ? 0 : std::cos(angle);
    rings.push_back({radius * out, z + radius * std::sin(angle), out, std::sin(angle)});
  }
}

Mesh box_mesh(const Vec3d& size) {
  Mesh mesh;
  for (int axis = 0; axis < 3; ++axis) {
    for (const double side : {-1.0, 1.0}) {
      Vec3d n, u, v;
      n[axis] = side;
      u[(axis + 1) % 3] = side;
      v[(axis + 2) % 3] = 1;
      const auto first = static_cast<std::uint32_t>(mesh.vertices.size());
      for (const auto& [a, b] : {std::pair{-1.0, -1.0}, {1.0, -1.0}, {1.0, 1.0}, {-1.0, 1.0}}) {
        const Vec3d p = n + a * u + b * v;
        mesh.vertices.push_back(Vec3<float>(Vec3d{p.x * size.x / 2, p.y * size.y / 2, p.z * size.z / 2}));
        mesh.normals.push_back(Vec3<float>(n));
      }
      mesh.triangles.push_back({first, first + 1, first + 2});
      mesh.triangles.push_back({first, first + 2, first + 3});
    }
  }
  return mesh;
}

struct GltfWriter {
  const Scene& scene;
  Mechanism tree;
  Lacks lacks;
  std::string binary = {};
  std::vector<std::string> views = {}, accessors = {}, meshes = {}, materials = {}, nodes = {}, cameras = {};
  std::map<std::int32_t, std::array<int, 3>> shared = {};                       // accessors of scene meshes
  std::map<std::pair<std::array<int, 3>, std::int32_t>, int> made_meshes = {};  // by accessors and material
  std::map<std::int32_t, int> made_materials = {};

  GltfWriter(const Scene& s, const std::string& file, Diagnostics& notes)
      : scene(s), tree(mechanism(s)), lacks(file, notes) {}

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

  int vectors(const std::vector<Vec3<float>>& values, bool bounds) {
    const std::size_t offset = binary.size();
    Vec3<float> low = values.front(), high = low;
    for (const Vec3<float>& v : values) {
      const float f[3] = {v.x, v.y, v.z};
      binary.append(reinterpret_cast<const char*>(f), sizeof f);
      for (int k = 0; k < 3; ++k) low[k] = std::min(low[k], v[k]), high[k] = std::max(high[k], v[k]);
    }
    std::string more;
    if (bounds) {
      const auto three = [](const Vec3<float>& v) {
        return list(std::array{number(static_cast<double>(v.x)), number(static_cast<double>(v.y)),
                               number(static_cast<double>(v.z))});
      };
      more = ",\"min\":" + three(low) + ",\"max\":" + three(high);
    }
    accessors.push_back("{\"bufferView\":" + std::to_string(view(offset, binary.size() - offset, 34962)) +
                        ",\"componentType\":5126,\"type\":\"VEC3\",\"count\":" + std::to_string(values.size()) + more +
                        "}");
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
    const std::size_t offset = binary.size();
    for (const auto& t : mesh.triangles) binary.append(reinterpret_cast<const char*>(t.data()), sizeof t);
    accessors.push_back(
        "{\"bufferView\":" + std::to_string(view(offset, binary.size() - offset, 34963)) +
        ",\"componentType\":5125,\"type\":\"SCALAR\",\"count\":" + std::to_string(3 * mesh.triangles.size()) + "}");
    out[2] = static_cast<int>(accessors.size()) - 1;
    return out;
  }

  int material(MaterialId id) {
    const auto [place, is_new] = made_materials.try_emplace(id.value, static_cast<int>(materials.size()));
    if (!is_new) return place->second;
    const Material m = id.valid() ? scene.materials[id.index()] : Material{};
    const auto n = [](float x) { return number(std::clamp(static_cast<double>(x), 0.0, 1.0)); };
    materials.push_back(
        "{\"name\":" + quoted(id.valid() ? leaf(m.path) : "plain") + ",\"pbrMetallicRoughness\":{\"baseColorFactor\":" +
        list(std::array{n(m.color[0]), n(m.color[1]), n(m.color[2]), n(m.color[3])}) +
        ",\"metallicFactor\":" + n(m.metallic) + ",\"roughnessFactor\":" + n(m.roughness) +
        "},\"emissiveFactor\":" + list(std::array{n(m.emission[0]), n(m.emission[1]), n(m.emission[2])}) +
        ",\"doubleSided\":true" + (m.color[3] < 1 ? ",\"alphaMode\":\"BLEND\"" : "") + "}");
    return place->second;
  }

  int mesh(const std::array<int, 3>& parts, MaterialId id, const std::string& name) {
    const auto [place, is_new] = made_meshes.try_emplace({parts, id.value}, static_cast<int>(meshes.size()));
    if (!is_new) return place->second;
    meshes.push_back(
        "{\"name\":" + quoted(name) + ",\"primitives\":[{\"attributes\":{\"POSITION\":" + std::to_string(parts[0]) +
        (parts[1] >= 0 ? ",\"NORMAL\":" + std::to_string(parts[1]) : "") + "},\"indices\":" + std::to_string(parts[2]) +
        ",\"material\":" + std::to_string(material(id)) + "}]}");
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

  void content(int body, std::vector<std::string>& children) {
    for (const Shape& s : scene.shapes) {
      if (s.body.value != body || !s.visible) continue;
      const auto parts = surface_of(s.geometry);
      if (!parts) continue;
      Vec3d scale{1, 1, 1};
      if (const auto* m = std::get_if<TriangleMesh>(&s.geometry)) scale = m->scale;
      if (const auto* m = std::get_if<ConvexHull>(&s.geometry)) scale = m->scale;
      const int id = mesh(*parts, s.material, leaf(s.path));
      children.push_back(std::to_string(node(leaf(s.path), s.X_BS, scale, ",\"mesh\":" + std::to_string(id), {})));
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
    const Quatd up{std::sqrt(0.5), -std::sqrt(0.5), 0, 0};  // z up to y up
    const int root = node(scene.name.empty() ? "scene" : scene.name, {up, {}}, {1, 1, 1}, "", top);
    std::string json = "{\"asset\":{\"version\":\"2.0\",\"generator\":\"geoul\"},\"scene\":0,\"scenes\":[{\"nodes\":[" +
                       std::to_string(root) + "]}],\"nodes\":" + list(nodes);
    const auto add = [&](const char* key, const std::vector<std::string>& values) {
      if (!values.empty()) json += std::string(",\"") + key + "\":" + list(values);
    };
    add("meshes", meshes);
    add("materials", materials);
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

}  // namespace

Result<void> write_gltf(const Scene& scene, const std::string& file, Diagnostics& notes) {
  GltfWriter writer(scene, file, notes);
  const bool embedded = std::filesystem::path(file).extension() == ".gltf";
  std::string json = writer.run(embedded);
  notes.info({file, 0, {}}, "picture-only", "glTF holds what is seen: no mass, joints or contact");
  if (embedded) return write_atomically(file, json);
  while (json.size() % 4 != 0) json += ' ';
  while (writer.binary.size() % 4 != 0) writer.binary += '\0';
  const std::size_t total = 12 + 8 + json.size() + (writer.binary.empty() ? 0 : 8 + writer.binary.size());
  if (total > 0xffffffffu) {
    return Error{ErrorCode::kUnsupported, file + ": more than 4 GiB, the limit of .glb; leave meshes out"};
  }
  std::string out = "glTF";
  append_u32(out, 2);
  append_u32(out, total);
  append_u32(out, json.size());
  out += "JSON" + json;
  if (!writer.binary.empty()) {
    append_u32(out, writer.binary.size());
    out += std::string("BIN\0", 4) + writer.binary;
  }
  return write_atomically(file, out);
}

}  // namespace geoul::scene
