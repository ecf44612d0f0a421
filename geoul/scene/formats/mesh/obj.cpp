#include "geoul/scene/formats/mesh/obj.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene::mesh {
namespace {

constexpr std::size_t kMaxMtlBytes = 16 << 20;
constexpr std::size_t kMaxLibraries = 16;

// "7", from 1, or "-1", from the end: the index from 0.
bool parse_index(std::string_view word, std::size_t count, std::uint32_t& out) {
  std::int64_t value = 0;
  if (!parse_integer(word, value) || value == 0) return false;
  const std::int64_t index = value < 0 ? static_cast<std::int64_t>(count) + value : value - 1;
  out = static_cast<std::uint32_t>(index);
  return index >= 0 && index < static_cast<std::int64_t>(count);
}

// "7", "7/1", "7/1/2", "7//2".
bool parse_corner(std::string_view word, const Obj& obj, Obj::Corner& corner) {
  const std::size_t slash = word.find('/');
  if (!parse_index(word.substr(0, slash), obj.vertices.size(), corner.vertex)) return false;
  if (slash == std::string_view::npos) return true;
  const std::size_t second = word.find('/', slash + 1);
  if (second == std::string_view::npos || second + 1 == word.size()) return true;
  return parse_index(word.substr(second + 1), obj.normals.size(), corner.normal);
}

// The next word of a line that may go on in the next one behind a backslash.
std::string_view next_word(Words& words) {
  std::string_view word = words.next_on_line();
  while (word == "\\") words.skip_line(), word = words.next_on_line();
  return word;
}

std::string_view rest_of_line(Words& words) {
  std::string_view rest = words.rest.substr(0, words.rest.find('\n'));
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t' || rest.back() == '\r')) rest.remove_suffix(1);
  return rest;
}

struct Parser {
  Words words;
  std::size_t max_vertices;
  ObjFailure& failure;
  Obj obj = {};
  PolygonCutter cutter = {};
  std::vector<Obj::Corner> corners = {};
  std::vector<Vec3<float>> points = {};
  std::vector<std::array<std::uint32_t, 3>> cut = {};

  bool fail(const char* code, std::string what) {
    failure = {code, words.line, std::move(what)};
    return false;
  }
  bool too_many() {
    return fail("mesh-too-large", "there are more than " + std::to_string(max_vertices) + " vertices or corners");
  }

  bool vector(std::vector<Vec3<float>>& to, const char* what) {
    Vec3<float> v;
    for (int k = 0; k < 3; ++k) {
      if (!parse_number(next_word(words), v[k]) || !std::isfinite(v[k])) {
        return fail("bad-mesh", std::string(what) + " is not three finite numbers");
      }
    }
    to.push_back(v);
    return to.size() <= max_vertices || too_many();
  }

  bool face() {
    corners.clear(), points.clear(), cut.clear();
    for (std::string_view word = next_word(words); !word.empty() && word[0] != '#'; word = next_word(words)) {
      if (!parse_corner(word, obj, corners.emplace_back())) {
        return fail("bad-mesh", "a face names a vertex or normal that is not there");
      }
      points.push_back(obj.vertices[corners.back().vertex]);
    }
    if (corners.size() < 3) return fail("bad-mesh", "a face has less than three corners");
    if (!cutter.cut(points, cut)) return fail("mesh-too-large", "the concave polygons have too many corners");
    for (const auto& t : cut) obj.triangles.push_back({corners[t[0]], corners[t[1]], corners[t[2]]});
    return 3 * obj.triangles.size() <= max_vertices || too_many();
  }

  bool run() {
    for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
      if (word == "v" && !vector(obj.vertices, "a vertex")) return false;
      if (word == "vn" && !vector(obj.normals, "a normal")) return false;
      if (word == "f" && !face()) return false;
      if (word == "usemtl") obj.materials.emplace_back(obj.triangles.size(), rest_of_line(words));
      if (word == "mtllib" && obj.libraries.size() < kMaxLibraries) obj.libraries.push_back(rest_of_line(words));
      words.skip_line();
    }
    return true;
  }
};

using Colors = std::map<std::string, std::array<float, 4>, std::less<>>;

// newmtl, Kd, d and Tr of an MTL file; lines that break the format are not read.
void parse_mtl(std::string_view text, Colors& colors) {
  Words words{text};
  std::string name;
  std::array<double, 4> srgb{0.8, 0.8, 0.8, 1};
  const auto keep = [&] {
    if (!name.empty()) colors.emplace(name, linear_color(srgb));
  };
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    std::array<double, 3> value{};
    int count = 0;
    if (word == "newmtl") {
      keep();
      name = rest_of_line(words), srgb = {0.8, 0.8, 0.8, 1};
    } else if (word == "Kd" || word == "d" || word == "Tr") {
      while (count < 3 && parse_number(words.next_on_line(), value[static_cast<std::size_t>(count)])) ++count;
      for (double& x : value) x = std::isfinite(x) ? std::clamp(x, 0.0, 1.0) : 0;
      if (word == "Kd" && count == 3) srgb = {value[0], value[1], value[2], srgb[3]};
      if (word == "d" && count > 0) srgb[3] = value[0];
      if (word == "Tr" && count > 0) srgb[3] = 1 - value[0];
    }
    words.skip_line();
  }
  keep();
}

}  // namespace

std::optional<Obj> parse_obj(std::string_view text, std::size_t max_vertices, ObjFailure& failure) {
  Parser parser{{text}, max_vertices, failure};
  if (!parser.run()) return std::nullopt;
  return std::move(parser.obj);
}

MaybeParts read_obj(const Source& source) {
  ObjFailure failure;
  const auto obj = parse_obj(source.bytes, source.options.max_vertices, failure);
  if (!obj) {
    const bool large = std::string_view(failure.code) == "mesh-too-large";
    return source.fail(failure.code, failure.what, large ? "reduce the mesh" : "export the mesh again", failure.line);
  }
  Colors colors;
  for (const std::string_view library : obj->libraries) {
    if (const auto text = read_beside(source, library, kMaxMtlBytes)) parse_mtl(*text, colors);
  }
  std::vector<MeshPart> parts;
  std::map<std::string_view, std::size_t> part_of;
  std::size_t next = 0, part = 0;
  std::vector<bool> lacks_normals;
  for (std::size_t i = 0; i < obj->triangles.size(); ++i) {
    std::string_view material;
    const bool changes = next < obj->materials.size() && obj->materials[next].first <= i;
    while (next < obj->materials.size() && obj->materials[next].first <= i) material = obj->materials[next++].second;
    if (i == 0 || changes) {
      const auto [place, is_new] = part_of.try_emplace(material, parts.size());
      part = place->second;
      if (is_new) {
        parts.emplace_back();
        lacks_normals.push_back(false);
        if (const auto color = colors.find(material); color != colors.end()) parts.back().color = color->second;
      }
    }
    Mesh& to = parts[part].mesh;
    const auto base = static_cast<std::uint32_t>(to.vertices.size());
    for (const Obj::Corner& corner : obj->triangles[i]) {
      to.vertices.push_back(obj->vertices[corner.vertex]);
      const bool has = corner.normal != Obj::kNoNormal;
      if (!has) lacks_normals[part] = true;
      const Vec3<float> n = has ? obj->normals[corner.normal] : Vec3<float>{0, 0, 1};
      const double length = norm(Vec3d(n));
      to.normals.push_back(length > 0 ? Vec3<float>((1 / length) * Vec3d(n)) : Vec3<float>{0, 0, 1});
    }
    to.triangles.push_back({base, base + 1, base + 2});
  }
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (lacks_normals[k]) parts[k].mesh.normals.clear();
  }
  return finish(source, std::move(parts));
}

}  // namespace geoul::scene::mesh
