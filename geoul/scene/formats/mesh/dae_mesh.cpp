#include <algorithm>
#include <cstring>

#include "geoul/scene/formats/mesh/dae.h"

namespace geoul::scene::mesh {
namespace {

// A whole number >= 0 as an attribute; `missing` where it is not written. False for anything else.
bool whole(pugi::xml_node element, const char* attribute, std::size_t missing, std::size_t& out) {
  const pugi::xml_attribute written = element.attribute(attribute);
  std::int64_t value = 0;
  out = missing;
  if (!written) return true;
  Words words{written.value()};
  if (!parse_integer(words.next(), value) || value < 0 || !words.next().empty()) return false;
  out = static_cast<std::size_t>(value);
  return true;
}

bool is(pugi::xml_node element, const char* name) { return std::strcmp(element.name(), name) == 0; }

}  // namespace

const DaeGeometries::Array* DaeGeometries::array(pugi::xml_node element) {
  const auto [at, fresh] = arrays_.try_emplace(element.hash_value());
  Array& out = at->second;
  if (!fresh) return out.good ? &out : nullptr;
  std::size_t count = 0;
  if (!whole(element, "count", 0, count)) {
    return document_.fail(element, "count is not a whole number >= 0"), nullptr;
  }
  Words words{element.text().get()};
  for (std::string_view word = words.next(); !word.empty() && out.values.size() < count; word = words.next()) {
    float value = 0;
    if (!parse_number(word, value)) {
      return document_.fail(element, "'" + std::string(word.substr(0, 40)) + "' is not a number"), nullptr;
    }
    out.values.push_back(value);
  }
  if (out.values.size() < count) {
    document_.fail(element, "count is " + std::to_string(count) + ", but there are " +
                                std::to_string(out.values.size()) + " numbers");
    return nullptr;
  }
  out.good = true;
  return &out;
}

// A <source> of vectors, through its accessor.
bool DaeGeometries::vectors(pugi::xml_node source, Vectors& out) {
  const pugi::xml_node accessor = source.child("technique_common").child("accessor");
  const pugi::xml_node element = document_.find("float_array", accessor.attribute("source").value());
  if (!accessor || !element) return document_.fail(source, "its <accessor> names no <float_array>");
  const Array* numbers = array(element);
  if (!numbers) return false;
  std::size_t offset = 0;
  if (!whole(accessor, "count", 0, out.count) || !whole(accessor, "stride", 1, out.stride) ||
      !whole(accessor, "offset", 0, offset)) {
    return document_.fail(accessor, "count, stride and offset are not whole numbers >= 0");
  }
  // Parameters without a name are passed over; those of other names count in their order.
  std::size_t place = 0, named = 0;
  for (const pugi::xml_node param : accessor.children("param")) {
    const std::string_view name = param.attribute("name").value();
    const std::size_t k = name == "X" ? 0 : name == "Y" ? 1 : name == "Z" ? 2 : named;
    if (!name.empty() && named++ < 3 && k < 3) out.first[k] = place;
    ++place;
  }
  if (place == 0) {
    for (std::size_t k = 0; k < 3; ++k) out.first[k] = k;
    named = place = 3;
  }
  if (named < 3 || place > out.stride) {
    return document_.fail(accessor, "it gives " + std::to_string(named) + " numbers of every " +
                                        std::to_string(out.stride) + ", not three");
  }
  // The last element ends within the array; divided, so that nothing overflows.
  const std::size_t size = numbers->values.size();
  const std::size_t room = offset > size || size - offset < place ? 0 : 1 + (size - offset - place) / out.stride;
  if (out.count > room) return document_.fail(accessor, "it reaches beyond its array");
  for (std::size_t& first : out.first) first += offset;
  out.values = &numbers->values;
  return true;
}

bool DaeGeometries::inputs(pugi::xml_node primitive, Inputs& out) {
  bool has_positions = false;
  for (const pugi::xml_node input : primitive.children("input")) {
    std::size_t offset = 0;
    if (!whole(input, "offset", 0, offset) || offset >= 1000) {
      return document_.fail(input, "offset is not a whole number from 0 to 999");
    }
    out.stride = std::max(out.stride, offset + 1);
    const std::string_view semantic = input.attribute("semantic").value();
    const char* url = input.attribute("source").value();
    if (semantic == "VERTEX" && !has_positions) {
      const pugi::xml_node vertices = document_.find("vertices", url);
      if (!vertices) return document_.fail(input, "there are no <vertices> " + std::string(url));
      for (const pugi::xml_node inner : vertices.children("input")) {
        const std::string_view what = inner.attribute("semantic").value();
        const pugi::xml_node from = document_.find("source", inner.attribute("source").value());
        if (what == "POSITION" && !has_positions) {
          if (!from) return document_.fail(inner, "it names no <source>");
          if (!vectors(from, out.positions)) return false;
          has_positions = true, out.position_offset = offset;
        } else if (what == "NORMAL" && !out.has_normals && from) {
          if (!vectors(from, out.normals)) return false;
          out.has_normals = out.normals_by_vertex = true;
        }
      }
    } else if (semantic == "POSITION" && !has_positions) {
      const pugi::xml_node from = document_.find("source", url);
      if (!from) return document_.fail(input, "it names no <source>");
      if (!vectors(from, out.positions)) return false;
      has_positions = true, out.position_offset = offset;
    } else if (semantic == "NORMAL") {
      const pugi::xml_node from = document_.find("source", url);
      if (!from) return document_.fail(input, "it names no <source>");
      if (!vectors(from, out.normals)) return false;
      out.has_normals = true, out.normals_by_vertex = false, out.normal_offset = offset;
    }
  }
  return has_positions || document_.fail(primitive, "it has no positions");
}

// Appends the numbers of a <p> or <vcount>; a multiple of `stride`.
bool DaeGeometries::indices(pugi::xml_node list, std::size_t stride, std::vector<std::uint32_t>& out) {
  const std::size_t before = out.size();
  Words words{list.text().get()};
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    std::int64_t value = 0;
    if (!parse_integer(word, value) || value < 0 || value > 0xFFFFFFFFll) {
      return document_.fail(list, "'" + std::string(word.substr(0, 40)) + "' is not a whole number >= 0");
    }
    out.push_back(static_cast<std::uint32_t>(value));
  }
  return (out.size() - before) % stride == 0 ||
         document_.fail(list, std::to_string(out.size() - before) + " indices are no multiple of " +
                                  std::to_string(stride) + ", as many as a corner has");
}

// One corner as a vertex of its own.
bool DaeGeometries::add(pugi::xml_node element, const Inputs& in, std::size_t corner, DaeGroup& group) {
  const std::size_t base = corner * in.stride;
  const std::size_t position = indices_[base + in.position_offset];
  if (position >= in.positions.count) {
    return document_.fail(element, "index " + std::to_string(position) + " is beyond its " +
                                       std::to_string(in.positions.count) + " positions");
  }
  group.mesh.vertices.push_back(in.positions.at(position));
  if (!in.has_normals) return true;
  const std::size_t normal = in.normals_by_vertex ? position : indices_[base + in.normal_offset];
  if (normal >= in.normals.count) {
    return document_.fail(
        element, "index " + std::to_string(normal) + " is beyond its " + std::to_string(in.normals.count) + " normals");
  }
  group.mesh.normals.push_back(in.normals.at(normal));
  return true;
}

bool DaeGeometries::triangle(pugi::xml_node element, const Inputs& in, std::array<std::size_t, 3> corners,
                             DaeGroup& group) {
  const auto base = static_cast<std::uint32_t>(group.mesh.vertices.size());
  corners_ += 3;
  if (corners_ > document_.source.options.max_vertices) return document_.source.too_many(" vertices"), false;
  for (const std::size_t corner : corners) {
    if (!add(element, in, corner, group)) return false;
  }
  group.mesh.triangles.push_back({base, base + 1, base + 2});
  return true;
}

bool DaeGeometries::polygon(pugi::xml_node element, const Inputs& in, std::size_t first, std::size_t corners,
                            DaeGroup& group) {
  if (corners < 3) return true;  // a point or a line
  points_.clear(), cut_.clear();
  for (std::size_t k = 0; k < corners; ++k) {
    const std::size_t position = indices_[(first + k) * in.stride + in.position_offset];
    if (position >= in.positions.count) {
      return document_.fail(element, "index " + std::to_string(position) + " is beyond its " +
                                         std::to_string(in.positions.count) + " positions");
    }
    points_.push_back(in.positions.at(position));
  }
  if (!cutter_.cut(points_, cut_)) {
    document_.source.fail("mesh-too-large", "the concave polygons have too many corners", "reduce the mesh",
                          document_.line(element));
    return false;
  }
  return std::all_of(cut_.begin(), cut_.end(), [&](const auto& t) {
    return triangle(element, in, {first + t[0], first + t[1], first + t[2]}, group);
  });
}

bool DaeGeometries::primitive(pugi::xml_node element, DaeGroup& group) {
  Inputs in;
  if (!element.child("p") && !element.child("ph")) return true;  // of no corner
  if (!inputs(element, in)) return false;
  std::size_t count = 0;
  if (!whole(element, "count", 0, count)) return document_.fail(element, "count is not a whole number >= 0");
  if (is(element, "polylist") || is(element, "triangles")) {
    indices_.clear();
    for (const pugi::xml_node list : element.children("p")) {
      if (!indices(list, in.stride, indices_)) return false;
    }
    std::vector<std::uint32_t> sizes;
    if (is(element, "polylist") && !indices(element.child("vcount"), 1, sizes)) return false;
    if (is(element, "triangles")) sizes.assign(indices_.size() / in.stride / 3, 3);
    std::size_t first = 0, corners = indices_.size() / in.stride;
    for (const std::uint32_t size : sizes) {
      if (size > corners - first) return document_.fail(element, "it has fewer corners than its polygons ask for");
      if (!polygon(element, in, first, size, group)) return false;
      first += size;
    }
    if (first != corners || (count != sizes.size() && element.attribute("count"))) {
      return document_.fail(element, "count is " + std::to_string(count) + ", but there are " +
                                         std::to_string(sizes.size()) + " polygons and " +
                                         std::to_string(corners - first) + " corners more");
    }
    return true;
  }
  const bool strips = is(element, "tristrips"), fans = is(element, "trifans");
  for (const pugi::xml_node list : element.children()) {
    if (!is(list, "p") && !is(list, "ph")) continue;
    if (is(list, "ph")) document_.leave_out(list, "a hole of a polygon is filled");
    indices_.clear();
    if (!indices(is(list, "ph") ? list.child("p") : list, in.stride, indices_)) return false;
    const std::size_t corners = indices_.size() / in.stride;
    if (!strips && !fans) {
      if (!polygon(element, in, 0, corners, group)) return false;
      continue;
    }
    for (std::size_t k = 2; k < corners; ++k) {
      const std::size_t a = fans ? 0 : k - 2, b = k - 1;
      const bool turned = strips && k % 2 == 1;  // every other triangle of a strip runs the other way
      if (!triangle(element, in, {turned ? b : a, turned ? a : b, k}, group)) return false;
    }
  }
  return true;
}

const std::vector<DaeGroup>* DaeGeometries::read(pugi::xml_node geometry) {
  const auto [at, fresh] = geometries_.try_emplace(geometry.hash_value());
  auto& [good, groups] = at->second;
  if (!fresh) return good ? &groups : nullptr;
  const pugi::xml_node mesh = geometry.child("mesh");
  if (!mesh) document_.leave_out(geometry, "it holds no <mesh>, the one kind of geometry that is read");
  for (const pugi::xml_node element : mesh.children()) {
    if (!is(element, "triangles") && !is(element, "polylist") && !is(element, "polygons") &&
        !is(element, "tristrips") && !is(element, "trifans")) {
      continue;
    }
    DaeGroup& group = groups.emplace_back();
    group.symbol = element.attribute("material").value();
    if (!primitive(element, group)) return nullptr;
    if (group.mesh.triangles.empty()) groups.pop_back();
  }
  good = true;
  return &groups;
}

}  // namespace geoul::scene::mesh
