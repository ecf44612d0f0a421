// STL, text and binary. Source: 3D Systems, StereoLithography Interface Specification (1989). Normals of facets are
// left out: they follow from the corners.
#include <bit>
#include <cstring>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene::mesh {
namespace {

constexpr std::size_t kHeader = 84, kFacet = 50;

static_assert(std::endian::native == std::endian::little, "binary meshes are read as they lie in memory");

bool is(std::string_view word, std::string_view lower) {
  if (word.size() != lower.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if ((word[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

MaybeParts read_binary(const Source& source, std::size_t count) {
  if (3 * count > source.options.max_vertices) return source.too_many(" corners");
  std::vector<MeshPart> parts(1);
  Mesh& mesh = parts[0].mesh;
  mesh.vertices.resize(3 * count);
  mesh.triangles.resize(count);
  const char* at = source.bytes.data() + kHeader;
  for (std::size_t i = 0; i < count; ++i, at += kFacet) {
    std::memcpy(&mesh.vertices[3 * i], at + 12, 36);
    const auto v = static_cast<std::uint32_t>(3 * i);
    mesh.triangles[i] = {v, v + 1, v + 2};
  }
  return finish(source, std::move(parts));
}

MaybeParts read_text(const Source& source) {
  std::vector<MeshPart> parts(1);
  Mesh& mesh = parts[0].mesh;
  Words words{source.bytes};
  std::size_t corners = 0;
  const auto bad = [&](const char* what) { return source.fail("bad-mesh", what, "export the mesh again", words.line); };
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    if (is(word, "vertex")) {
      Vec3<float> v;
      for (int k = 0; k < 3; ++k) {
        if (!parse_number(words.next_on_line(), v[k])) return bad("a vertex is not three numbers");
      }
      if (++corners > 3) return bad("a facet has more than three corners");
      mesh.vertices.push_back(v);
      if (mesh.vertices.size() > source.options.max_vertices) return source.too_many(" corners");
    } else if (is(word, "solid") || is(word, "endsolid")) {
      words.skip_line();  // a name
    } else if (is(word, "normal")) {
      for (int k = 0; k < 3; ++k) words.next_on_line();
    } else if (is(word, "endloop")) {
      if (corners != 3) return bad("a facet has fewer than three corners");
      const auto v = static_cast<std::uint32_t>(mesh.vertices.size());
      mesh.triangles.push_back({v - 3, v - 2, v - 1});
      corners = 0;
    } else if (!is(word, "facet") && !is(word, "outer") && !is(word, "loop") && !is(word, "endfacet")) {
      return bad("a word is none of STL's");
    }
  }
  if (corners != 0 || mesh.triangles.empty()) return bad("it ends inside a facet, or holds none");
  return finish(source, std::move(parts));
}

}  // namespace

MaybeParts read_stl(const Source& source) {
  const std::string_view bytes = source.bytes;
  const bool solid = bytes.substr(0, 5) == "solid" || bytes.substr(0, 5) == "SOLID";
  std::uint32_t count = 0;
  if (bytes.size() >= kHeader) std::memcpy(&count, bytes.data() + 80, 4);
  const bool exact = bytes.size() >= kHeader && (bytes.size() - kHeader) == kFacet * std::size_t{count};
  // Some programs begin a binary file with the word solid, too.
  if (solid && !exact && bytes.substr(0, 2000).find('\0') == std::string_view::npos) return read_text(source);
  if (bytes.size() < kHeader) return source.fail("bad-mesh", "it is shorter than the header of a binary STL");
  if ((bytes.size() - kHeader) / kFacet < count) {
    return source.fail("bad-mesh", "the header counts " + std::to_string(count) + " facets, but the file holds " +
                                       std::to_string((bytes.size() - kHeader) / kFacet));
  }
  return read_binary(source, count);
}

}  // namespace geoul::scene::mesh
