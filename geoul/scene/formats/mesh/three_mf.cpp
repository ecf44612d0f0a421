// 3MF: the objects that the build names, with their components and transforms. Source: 3MF Consortium, 3MF Core
// Specification 1.3 (2022), chapters 2 to 5. Units go to metres, z is up; colours from <basematerials>. Other
// extensions are not read: where one is required, the file is refused by name.
#include <algorithm>
#include <cmath>
#include <map>

#include "geoul/scene/formats/mesh/parts.h"
#include "geoul/scene/formats/mesh/xml_scan.h"
#include "geoul/scene/formats/zip.h"

namespace geoul::scene::mesh {
namespace {

constexpr std::size_t kMaxModelBytes = std::size_t{128} << 20;
constexpr std::size_t kMaxRelationBytes = 1 << 20;
constexpr int kDeepest = 64;

using Color = std::array<float, 4>;
using ColorIndex = std::optional<std::pair<std::int64_t, std::int64_t>>;  // group, index

struct Component {
  std::int64_t object = 0;
  Affine X;
};
struct Object {
  std::vector<Vec3<float>> vertices;
  std::vector<std::array<std::uint32_t, 3>> triangles;
  std::vector<ColorIndex> colors;  // (ntriangle)
  ColorIndex color;
  std::vector<Component> components;
  bool is_solid = true;     // false: of type "support" or "other"
  std::size_t corners = 0;  // with all components
  int depth = 1;
};

std::optional<double> unit_of(std::string_view unit) {
  if (unit.empty() || unit == "millimeter") return 1e-3;
  if (unit == "micron") return 1e-6;
  if (unit == "centimeter") return 1e-2;
  if (unit == "meter") return 1.0;
  if (unit == "inch") return 0.0254;
  if (unit == "foot") return 0.3048;
  return std::nullopt;
}

// "#RRGGBB" or "#RRGGBBAA", sRGB.
std::optional<Color> color_of(std::string_view text) {
  if ((text.size() != 7 && text.size() != 9) || text[0] != '#') return std::nullopt;
  std::array<double, 4> srgb{0, 0, 0, 1};
  for (std::size_t i = 0; 2 * i + 2 < text.size(); ++i) {
    int value = 0;
    for (const char c : text.substr(1 + 2 * i, 2)) {
      const int digit = c >= '0' && c <= '9'                     ? c - '0'
                        : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                 : -1;
      if (digit < 0) return std::nullopt;
      value = 16 * value + digit;
    }
    srgb[i] = value / 255.0;
  }
  return linear_color(srgb);
}

struct Model {
  const Source& source;
  XmlScan scan;
  double meter = 1e-3;
  std::map<std::int64_t, Object> objects = {};
  std::map<std::int64_t, std::vector<std::optional<Color>>> colors = {};
  std::vector<Component> build = {};
  std::vector<MeshPart> parts = {};
  std::map<std::optional<Color>, std::size_t> part_of = {};

  bool fail(std::string what, const char* code = "bad-mesh") {
    source.fail(code, std::move(what), "export the mesh again", scan.line);
    return false;
  }
  std::optional<std::int64_t> integer(std::string_view attribute) const {
    std::int64_t value = 0;
    return parse_integer(scan.value(attribute), value) && value >= 0 ? std::optional(value) : std::nullopt;
  }

  // "m00 m01 m02 m10 ... m32" of a row vector: the columns of ours, then the shift.
  bool transform(Affine& X) {
    if (!scan.has("transform")) return true;
    Words words{scan.value("transform")};
    double m[12];
    for (double& x : m) {
      if (!parse_number(words.next(), x) || !std::isfinite(x)) return fail("a transform is not twelve numbers");
    }
    X = {{{m[0], m[3], m[6]}, {m[1], m[4], m[7]}, {m[2], m[5], m[8]}}, {m[9], m[10], m[11]}};
    return true;
  }

  bool component(std::vector<Component>& to) {
    const auto id = integer("objectid");
    Component c;
    if (!id || !transform(c.X)) return id ? false : fail("a component or item names no object");
    for (const auto& [key, value] : scan.attributes) {
      if (key.size() > 5 && key.substr(key.size() - 5) == ":path") {
        return fail("parts in other files (production extension) are not read", "mesh-not-supported");
      }
    }
    c.object = *id;
    to.push_back(c);
    return to.size() <= source.options.max_nodes || fail("there are too many components", "mesh-too-large");
  }

  bool triangle(Object& object) {
    std::array<std::uint32_t, 3> t{};
    constexpr std::string_view kNames[] = {"v1", "v2", "v3"};
    for (std::size_t k = 0; k < 3; ++k) {
      const auto v = integer(kNames[k]);
      if (!v || *v >= static_cast<std::int64_t>(object.vertices.size())) {
        return fail("a triangle names a vertex that is not there");
      }
      t[k] = static_cast<std::uint32_t>(*v);
    }
    object.triangles.push_back(t);
    const auto group = integer("pid"), index = integer("p1");
    object.colors.push_back(group && index          ? ColorIndex({*group, *index})
                            : index && object.color ? ColorIndex({object.color->first, *index})
                                                    : object.color);
    return 3 * object.triangles.size() <= source.options.max_vertices || (source.too_many(" corners"), false);
  }

  // An object's components name objects before it (clause 4.2), so that sizes are known at once and there is no ring.
  bool close(std::int64_t id, Object object) {
    object.corners = 3 * object.triangles.size();
    for (const Component& c : object.components) {
      const auto part = objects.find(c.object);
      if (part == objects.end()) return fail("a component names an object that does not come before it");
      object.corners = std::min(object.corners + part->second.corners, source.options.max_vertices + 1);
      object.depth = std::max(object.depth, part->second.depth + 1);
    }
    if (object.depth > kDeepest) return fail("components nest too deeply", "mesh-too-large");
    return objects.emplace(id, std::move(object)).second || fail("two objects have one id");
  }

  bool read() {
    std::optional<std::int64_t> id, group;
    Object object;
    for (;;) {
      const XmlScan::Tag tag = scan.next();
      if (tag == XmlScan::Tag::kEnd) break;
      if (tag == XmlScan::Tag::kBroken) return fail("its XML is not well formed, or has a document type");
      if (tag == XmlScan::Tag::kClose || (scan.name == "object" && scan.empty)) {
        if (scan.name == "object" && id && !close(*id, std::move(object))) return false;
        if (scan.name == "object") id.reset(), object = {};
        continue;
      }
      if (!open(id, group, object)) return false;
    }
    return !build.empty() || fail("the build holds no item", "empty-mesh");
  }

  bool open(std::optional<std::int64_t>& id, std::optional<std::int64_t>& group, Object& object) {
    const std::string_view name = scan.name;
    if (name == "model") {
      const auto unit = unit_of(scan.value("unit"));
      if (!unit) return fail("its unit is none of 3MF's");
      meter = *unit;
      const std::string_view required = scan.value("requiredextensions");
      if (!required.empty()) {
        return fail("it requires the extensions '" + std::string(required.substr(0, 64)) + "', which are not read",
                    "mesh-not-supported");
      }
    } else if (name == "basematerials") {
      group = integer("id");
    } else if (name == "base" && group) {
      colors[*group].push_back(color_of(scan.value("displaycolor")));
    } else if (name == "object") {
      id = integer("id");
      if (!id) return fail("an object has no id");
      object = {};
      const std::string_view type = scan.value("type");
      object.is_solid = type != "support" && type != "other";
      const auto pid = integer("pid");
      if (pid) object.color = {*pid, integer("pindex").value_or(0)};
    } else if (id && name == "vertex") {
      Vec3d v;
      if (!parse_number(scan.value("x"), v.x) || !parse_number(scan.value("y"), v.y) ||
          !parse_number(scan.value("z"), v.z)) {
        return fail("a vertex is not three numbers");
      }
      object.vertices.push_back(Vec3<float>(v));
      return object.vertices.size() <= source.options.max_vertices || (source.too_many(" vertices"), false);
    } else if (id && name == "triangle") {
      return triangle(object);
    } else if (id && name == "component") {
      return component(object.components);
    } else if (name == "item") {
      return component(build);
    }
    return true;
  }

  Mesh& part(const ColorIndex& index) {
    std::optional<Color> color;
    if (const auto group = index ? colors.find(index->first) : colors.end(); group != colors.end()) {
      const auto at = static_cast<std::size_t>(index->second);
      if (at < group->second.size()) color = group->second[at];
    }
    const auto [place, is_new] = part_of.try_emplace(color, parts.size());
    if (is_new) parts.emplace_back().color = color;
    return parts[place->second].mesh;
  }

  void place(const Object& object, const Affine& X) {
    std::map<ColorIndex, Mesh> by_color;
    for (std::size_t i = 0; i < object.triangles.size(); ++i) {
      Mesh& mesh = by_color[object.colors[i]];
      const auto base = static_cast<std::uint32_t>(mesh.vertices.size());
      for (const std::uint32_t v : object.triangles[i]) mesh.vertices.push_back(object.vertices[v]);
      mesh.triangles.push_back({base, base + 1, base + 2});
    }
    for (const auto& [color, mesh] : by_color) append(mesh, X, part(color));
    for (const Component& c : object.components) place(objects.at(c.object), X * c.X);
  }

  bool run() {
    if (!read()) return false;
    std::size_t corners = 0;
    for (const Component& item : build) {
      const auto object = objects.find(item.object);
      if (object == objects.end()) return fail("an item of the build names an object that is not there");
      if (object->second.is_solid) corners += object->second.corners;
      if (corners > source.options.max_vertices) return source.too_many(" corners"), false;
    }
    const Affine top{Mat3d::diagonal({meter, meter, meter}), {}};
    for (const Component& item : build) {
      const Object& object = objects.at(item.object);
      if (object.is_solid) place(object, top * item.X);
    }
    return true;
  }
};

// The model's file: what the package's relations name, else where every program writes it.
std::string model_name(const Source& source, const std::vector<zip::Entry>& entries) {
  for (const zip::Entry& entry : entries) {
    if (entry.name != "_rels/.rels") continue;
    const auto text = zip::content(source.bytes, entry, kMaxRelationBytes);
    if (!text) break;
    XmlScan scan(*text);
    for (auto tag = scan.next(); tag == XmlScan::Tag::kOpen || tag == XmlScan::Tag::kClose; tag = scan.next()) {
      const std::string_view type = scan.value("Type");
      if (scan.name != "Relationship" || type.size() < 8 || type.substr(type.size() - 8) != "/3dmodel") continue;
      std::string_view target = scan.value("Target");
      if (target.substr(0, 1) == "/") target.remove_prefix(1);
      return std::string(target);
    }
  }
  return "3D/3dmodel.model";
}

}  // namespace

MaybeParts read_3mf(const Source& source) {
  zip::Fault fault;
  const auto directory = zip::read_directory(source.bytes, fault);
  if (!directory) return source.fail("bad-mesh", "it cannot be unpacked: " + fault.message);
  const std::string name = model_name(source, directory->entries);
  for (const zip::Entry& entry : directory->entries) {
    if (entry.name != name) continue;
    if (entry.size > kMaxModelBytes) return source.fail("mesh-too-large", "the model in it is too large");
    const auto text = zip::content(source.bytes, entry, kMaxModelBytes);
    if (!text) return source.fail("bad-mesh", "the model in the archive is damaged, or packed in a way not read");
    Model model{source, XmlScan(*text)};
    if (!model.run()) return std::nullopt;
    return finish(source, std::move(model.parts));
  }
  return source.fail("bad-mesh", "there is no model in the archive");
}

}  // namespace geoul::scene::mesh
