#include "geoul/scene/formats/mesh/mesh_check.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene {
namespace {

struct Edge {
  std::uint32_t low, high;
  bool forward;
};

std::size_t count_pieces(const Mesh& mesh) {
  std::vector<std::uint32_t> parent(mesh.vertices.size());
  std::iota(parent.begin(), parent.end(), 0u);
  const auto root = [&](std::uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  std::size_t pieces = parent.size();  // every vertex has a triangle
  for (const auto& t : mesh.triangles) {
    for (int k = 1; k < 3; ++k) {
      const std::uint32_t a = root(t[0]), b = root(t[static_cast<std::size_t>(k)]);
      if (a != b) parent[std::max(a, b)] = std::min(a, b), --pieces;
    }
  }
  return pieces;
}

void count_edges(const Mesh& mesh, MeshCheck& check) {
  std::vector<Edge> edges;
  edges.reserve(3 * mesh.triangles.size());
  for (const auto& t : mesh.triangles) {
    for (std::size_t k = 0; k < 3; ++k) {
      const std::uint32_t a = t[k], b = t[(k + 1) % 3];
      edges.push_back({std::min(a, b), std::max(a, b), a < b});
    }
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return a.low != b.low ? a.low < b.low : a.high != b.high ? a.high < b.high : a.forward < b.forward;
  });
  for (std::size_t i = 0, j = 0; i < edges.size(); i = j) {
    std::size_t forward = 0;
    while (j < edges.size() && edges[j].low == edges[i].low && edges[j].high == edges[i].high) {
      forward += edges[j++].forward;
    }
    const std::size_t count = j - i;
    if (count == 1 || (count > 2 && count % 2 == 1)) ++check.open_edges;
    if (count > 2) ++check.crowded_edges;
    if (count % 2 == 0 && 2 * forward != count) ++check.reversed_edges;
  }
}

}  // namespace

MeshCheck check_mesh(const Mesh& mesh) {
  Mesh welded;
  welded.vertices = mesh.vertices;
  welded.triangles = mesh.triangles;
  mesh::join_vertices(welded);
  MeshCheck check;
  check.triangles = welded.triangles.size();
  if (welded.triangles.empty()) return check;
  check.pieces = count_pieces(welded);
  count_edges(welded, check);
  const Vec3d origin(welded.vertices[0]);
  double volume = 0;
  for (const auto& t : welded.triangles) {
    const Vec3d a = Vec3d(welded.vertices[t[0]]) - origin, b = Vec3d(welded.vertices[t[1]]) - origin,
                c = Vec3d(welded.vertices[t[2]]) - origin;
    const double twice = norm(cross(b - a, c - a));
    if (twice == 0) ++check.flat;
    check.area += twice / 2;
    volume += dot(a, cross(b, c)) / 6;
  }
  if (check.closed() && check.oriented()) check.volume = volume;
  return check;
}

std::string complaint(const MeshCheck& check) {
  std::string text;
  const auto say = [&](std::size_t count, const char* one, const char* many) {
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + (count == 1 ? one : many);
  };
  say(check.open_edges, " open edge", " open edges");
  say(check.reversed_edges, " edge between triangles that face opposite sides",
      " edges between triangles that face opposite sides");
  if (text.empty() && check.volume < 0) text = "its triangles face inwards";
  if (text.empty() && !(check.volume > 0)) text = "it holds no volume";
  return text;
}

void turn_inside_out(Mesh& mesh) {
  for (auto& t : mesh.triangles) std::swap(t[1], t[2]);
  for (Vec3<float>& n : mesh.normals) n = -n;
}

}  // namespace geoul::scene
