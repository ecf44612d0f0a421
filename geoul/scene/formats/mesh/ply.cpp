// PLY, text and binary of both byte orders. Source: G. Turk, The PLY Polygon File Format (1994). Read: x y z and nx ny
// nz of the element vertex, the list vertex_indices (vertex_index) of the element face. Colours are not read.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene::mesh {
namespace {

enum class Order { kText, kLittle, kBig };
enum class Type { kInt8, kUint8, kInt16, kUint16, kInt32, kUint32, kFloat, kDouble };
constexpr std::size_t kSize[] = {1, 1, 2, 2, 4, 4, 4, 8};
constexpr std::size_t kMostElements = 32, kMostProperties = 256;

struct Property {
  std::string_view name;
  Type type = Type::kFloat;
  std::optional<Type> count;  // of a list
};
struct ElementKind {
  std::string_view name;
  std::size_t count = 0;
  std::vector<Property> properties;
  std::size_t least_bytes() const;  // of one, in binary
};

std::size_t ElementKind::least_bytes() const {
  std::size_t sum = 0;
  for (const Property& p : properties) sum += kSize[static_cast<int>(p.count.value_or(p.type))];
  return sum;
}

std::optional<Type> type_of(std::string_view word) {
  constexpr std::string_view kNames[][2] = {{"char", "int8"},     {"uchar", "uint8"},   {"short", "int16"},
                                            {"ushort", "uint16"}, {"int", "int32"},     {"uint", "uint32"},
                                            {"float", "float32"}, {"double", "float64"}};
  for (int i = 0; i < 8; ++i) {
    if (word == kNames[i][0] || word == kNames[i][1]) return static_cast<Type>(i);
  }
  return std::nullopt;
}

template <class T>
double load(const char* at, bool swap) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, at, sizeof(T));
  if (swap) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

double load(const char* at, Type type, bool swap) {
  switch (type) {
    case Type::kInt8: return load<std::int8_t>(at, swap);
    case Type::kUint8: return load<std::uint8_t>(at, swap);
    case Type::kInt16: return load<std::int16_t>(at, swap);
    case Type::kUint16: return load<std::uint16_t>(at, swap);
    case Type::kInt32: return load<std::int32_t>(at, swap);
    case Type::kUint32: return load<std::uint32_t>(at, swap);
    case Type::kFloat: return load<float>(at, swap);
    case Type::kDouble: break;
  }
  return load<double>(at, swap);
}

struct Ply {
  const Source& source;
  Order order = Order::kText;
  std::vector<ElementKind> elements = {};
  Words words = {};
  std::vector<MeshPart> parts = std::vector<MeshPart>(1);
  PolygonCutter cutter = {};
  std::vector<std::uint32_t> corners = {};
  std::vector<Vec3<float>> points = {};
  std::vector<std::array<std::uint32_t, 3>> cut = {};

  bool fail(std::string what, const char* code = "bad-mesh") {
    source.fail(code, std::move(what), "export the mesh again", words.line);
    return false;
  }

  bool header() {
    words.rest = source.bytes;
    if (words.next() != "ply") return fail("it does not begin with 'ply'");
    bool has_format = false;
    for (;;) {
      const std::string_view word = words.next();
      if (word == "end_header") break;
      if (word == "format") {
        const std::string_view kind = words.next_on_line();
        has_format = true;
        if (kind == "ascii")
          order = Order::kText;
        else if (kind == "binary_little_endian")
          order = Order::kLittle;
        else if (kind == "binary_big_endian")
          order = Order::kBig;
        else
          return fail("its format is none of ascii, binary_little_endian and binary_big_endian");
      } else if (word == "element") {
        ElementKind element{words.next_on_line(), 0, {}};
        std::int64_t count = -1;
        if (!parse_integer(words.next_on_line(), count) || count < 0) return fail("an element has no count");
        element.count = static_cast<std::size_t>(count);
        if (elements.size() == kMostElements) return fail("there are too many kinds of elements", "mesh-too-large");
        elements.push_back(std::move(element));
      } else if (word == "property") {
        if (elements.empty() || !property(elements.back())) return fail("a property is not well formed");
      } else if (word != "comment" && word != "obj_info") {
        return fail(word.empty() ? "the header does not end" : "the header holds a word that is none of PLY's");
      }
      words.skip_line();
    }
    words.skip_line();
    return has_format || fail("the header names no format");
  }

  bool property(ElementKind& element) {
    if (element.properties.size() == kMostProperties) return false;
    Property p;
    std::string_view word = words.next_on_line();
    if (word == "list") {
      p.count = type_of(words.next_on_line());
      if (!p.count || *p.count == Type::kFloat || *p.count == Type::kDouble) return false;
      word = words.next_on_line();
    }
    const auto type = type_of(word);
    if (!type) return false;
    p.type = *type;
    p.name = words.next_on_line();
    element.properties.push_back(p);
    return !p.name.empty();
  }

  // The next number of the body.
  bool read(Type type, double& value) {
    if (order == Order::kText) return parse_number(words.next(), value);
    const std::size_t size = kSize[static_cast<int>(type)];
    if (words.rest.size() < size) return false;
    value = load(words.rest.data(), type, order == Order::kBig);
    words.rest.remove_prefix(size);
    return true;
  }

  bool face(const Property& list, double count) {
    Mesh& mesh = parts[0].mesh;
    corners.clear(), points.clear(), cut.clear();
    for (double i = 0; i < count; ++i) {
      double index = -1;
      if (!read(list.type, index)) return fail("it ends inside a face");
      if (!(index >= 0) || index != std::floor(index) || index >= static_cast<double>(mesh.vertices.size())) {
        return fail("a face names a vertex that is not there");
      }
      corners.push_back(static_cast<std::uint32_t>(index));
      points.push_back(mesh.vertices[corners.back()]);
    }
    if (!cutter.cut(points, cut)) return fail("the concave polygons have too many corners", "mesh-too-large");
    for (const auto& t : cut) mesh.triangles.push_back({corners[t[0]], corners[t[1]], corners[t[2]]});
    return mesh.triangles.size() <= source.options.max_vertices || fail("it has too many triangles", "mesh-too-large");
  }

  bool element(const ElementKind& kind) {
    const bool is_vertex = kind.name == "vertex", is_face = kind.name == "face";
    const std::size_t least = order == Order::kText ? 2 * kind.properties.size() : kind.least_bytes();
    if (kind.count > 0 && least == 0) return fail("an element has no property");
    if (kind.count > 0 && kind.count > (words.rest.size() + 1) / least) {
      return fail("the header counts more elements than the file holds");
    }
    Mesh& mesh = parts[0].mesh;
    if (is_vertex) {
      if (kind.count > source.options.max_vertices) return source.too_many(" vertices"), false;
      constexpr std::string_view kNames[] = {"x", "y", "z", "nx", "ny", "nz"};
      std::vector<int> axis;
      int found[2] = {0, 0};
      for (const Property& p : kind.properties) {
        const auto at = p.count ? std::end(kNames) : std::find(std::begin(kNames), std::end(kNames), p.name);
        axis.push_back(at == std::end(kNames) ? -1 : static_cast<int>(at - std::begin(kNames)));
        if (axis.back() >= 0) ++found[axis.back() / 3];
      }
      if (found[0] != 3) return fail("vertices have no x, y and z");
      if (!mesh.vertices.empty()) return fail("there are two elements 'vertex'");
      mesh.vertices.resize(kind.count);
      if (found[1] == 3) mesh.normals.resize(kind.count);
      for (std::size_t i = 0; i < kind.count; ++i) {
        for (std::size_t p = 0; p < axis.size(); ++p) {
          double value = 0;
          if (!scalar_or_list(kind.properties[p], value)) return false;
          if (axis[p] >= 0 && axis[p] < 3) mesh.vertices[i][axis[p]] = static_cast<float>(value);
          if (axis[p] >= 3 && found[1] == 3) mesh.normals[i][axis[p] - 3] = static_cast<float>(value);
        }
      }
      return true;
    }
    for (std::size_t i = 0; i < kind.count; ++i) {
      for (const Property& p : kind.properties) {
        const bool corners_of_face = is_face && p.count && (p.name == "vertex_indices" || p.name == "vertex_index");
        double count = 0;
        if (!corners_of_face) {
          if (!scalar_or_list(p, count)) return false;
        } else if (!read(*p.count, count) || !(count >= 0)) {
          return fail("it ends inside a face");
        } else if (!face(p, count)) {
          return false;
        }
      }
    }
    if (kind.name == "tristrips" && kind.count > 0) {
      return fail("triangle strips are not read", "mesh-not-supported");
    }
    return true;
  }

  // The value, or a list passed over.
  bool scalar_or_list(const Property& p, double& value) {
    if (!read(p.count.value_or(p.type), value)) return fail("it ends inside an element, or holds no number");
    if (!p.count) return true;
    if (!(value >= 0)) return fail("a list has a negative count");
    double ignored = 0;
    for (double k = 0; k < value; ++k) {
      if (!read(p.type, ignored)) return fail("it ends inside a list");
    }
    return true;
  }
};

}  // namespace

MaybeParts read_ply(const Source& source) {
  Ply ply{source};
  if (!ply.header()) return std::nullopt;
  for (const ElementKind& kind : ply.elements) {
    if (!ply.element(kind)) return std::nullopt;
  }
  Mesh& mesh = ply.parts[0].mesh;
  for (Vec3<float>& n : mesh.normals) {
    const double length = norm(Vec3d(n));
    n = length > 0 && std::isfinite(length) ? Vec3<float>((1 / length) * Vec3d(n)) : Vec3<float>{0, 0, 1};
  }
  return finish(source, std::move(ply.parts));
}

}  // namespace geoul::scene::mesh
