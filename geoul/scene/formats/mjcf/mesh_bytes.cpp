#include "geoul/scene/formats/mjcf/mesh_bytes.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace geoul::scene::mjcf {
namespace {

std::string_view next_word(std::string_view& rest) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!rest.empty() && space(rest.front())) rest.remove_prefix(1);
  std::size_t length = 0;
  while (length < rest.size() && !space(rest[length])) ++length;
  const std::string_view word = rest.substr(0, length);
  rest.remove_prefix(length);
  return word;
}

bool read_float(std::string_view word, float& out) {
  if (word.size() > 1 && word[0] == '+') word.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  out = static_cast<float>(value);
  return failure == std::errc{} && end == word.data() + word.size() && std::isfinite(out);
}

// "7", "7/1/2", "7//2", "-1": the vertex, from 0.
bool read_index(std::string_view word, std::size_t count, std::uint32_t& out) {
  word = word.substr(0, word.find('/'));
  long value = 0;
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc{} || end != word.data() + word.size()) return false;
  const long index = value < 0 ? static_cast<long>(count) + value : value - 1;
  out = static_cast<std::uint32_t>(index);
  return value != 0 && index >= 0 && index < static_cast<long>(count);
}

}  // namespace

std::optional<Mesh> read_obj(std::string_view text, std::string& failure) {
  Mesh mesh;
  std::vector<std::uint32_t> corners;
  const auto fail = [&](int line, const char* what) {
    failure = "line " + std::to_string(line) + ": " + what;
    return std::nullopt;
  };
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view kind = next_word(rest);
    if (kind == "v") {
      Vec3<float> v;
      for (int k = 0; k < 3; ++k) {
        if (!read_float(next_word(rest), v[k])) return fail(line, "a vertex is not three finite numbers");
      }
      mesh.vertices.push_back(v);
    } else if (kind == "f") {
      corners.clear();
      for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
        if (!read_index(word, mesh.vertices.size(), corners.emplace_back())) {
          return fail(line, "a face names a vertex that is not there");
        }
      }
      if (corners.size() < 3) return fail(line, "a face has less than three corners");
      for (std::size_t k = 2; k < corners.size(); ++k) {
        mesh.triangles.push_back({corners[0], corners[k - 1], corners[k]});
      }
    }
  }
  if (mesh.vertices.size() < 3) return fail(1, "there are less than three vertices");
  return mesh;
}

std::optional<Mesh> read_msh(std::string_view bytes, std::string& failure) {
  std::int32_t count[4] = {0, 0, 0, 0};  // vertices, normals, texture coordinates, faces
  failure = "the counts do not fit the size of the file";
  if (bytes.size() < sizeof count) return std::nullopt;
  std::memcpy(count, bytes.data(), sizeof count);
  for (const std::int32_t n : count) {
    if (n < 0) return std::nullopt;
  }
  const auto size = [&](int k) { return static_cast<std::size_t>(count[k]); };
  if (bytes.size() != sizeof count + 12 * size(0) + 12 * size(1) + 8 * size(2) + 12 * size(3)) return std::nullopt;
  Mesh mesh;
  mesh.vertices.resize(size(0));
  mesh.triangles.resize(size(3));
  std::memcpy(mesh.vertices.data(), bytes.data() + sizeof count, 12 * size(0));
  std::memcpy(mesh.triangles.data(), bytes.data() + bytes.size() - 12 * size(3), 12 * size(3));
  failure = "a vertex is not finite, or a face names a vertex that is not there";
  for (const Vec3<float>& v : mesh.vertices) {
    if (!std::isfinite(v.x) || !std::isfinite(v.y) || !std::isfinite(v.z)) return std::nullopt;
  }
  for (const auto& t : mesh.triangles) {
    for (const std::uint32_t i : t) {
      if (i >= mesh.vertices.size()) return std::nullopt;
    }
  }
  return mesh;
}

}  // namespace geoul::scene::mjcf
