#include "geoul/collision/derived.h"

#include <cstring>
#include <string>
#include <type_traits>

#include "geoul/core/sha256.h"

namespace geoul::collision {
namespace {

// Counts up whenever one of the methods may give other bits than before.
constexpr std::string_view kVersion = "geoul collision 1";

template <class T>
std::string_view bytes_of(std::span<const T> items) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(items.data()), items.size_bytes()};
}

CacheKey key_of(std::string_view method, std::span<const Vec3d> points,
                std::span<const std::array<std::uint32_t, 3>> triangles, std::span<const double> parameters) {
  Sha256 hash;
  for (const std::string_view part : {kVersion, method, bytes_of(points), bytes_of(triangles), bytes_of(parameters)}) {
    const std::uint64_t size = part.size();
    hash.add(&size, sizeof size);
    hash.add(part);
  }
  return hash.finish();
}

// Numbers and arrays of plain items, one after the other; reading fails where they do not fit.
struct Writer {
  std::string bytes;
  template <class T>
  bool operator()(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return true;
  }
  template <class T>
  bool operator()(std::vector<T>& items) {
    std::uint64_t count = items.size();
    (*this)(count);
    bytes.append(bytes_of(std::span<const T>(items)));
    return true;
  }
};
struct Reader {
  std::string_view bytes;
  template <class T>
  bool operator()(T& value) {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return true;
  }
  template <class T>
  bool operator()(std::vector<T>& items) {
    std::uint64_t count = 0;
    if (!(*this)(count) || count > bytes.size() / sizeof(T)) return false;
    items.resize(count);
    if (count > 0) std::memcpy(items.data(), bytes.data(), count * sizeof(T));
    bytes.remove_prefix(count * sizeof(T));
    return true;
  }
};

template <class Archive>
bool archive(Archive& a, Hull& h, Geometry& g) {
  return a(h.vertices) && a(h.faces) && a(h.corners) && a(h.neighbour_begin) && a(h.neighbours) && a(h.xs) && a(h.ys) &&
         a(h.zs) && a(g.low) && a(g.high) && a(g.bounding_radius);
}
template <class Archive>
bool archive(Archive& a, TriangleTree& t, MeshReport& r) {
  return a(t.vertices) && a(t.triangles) && a(t.normals) && a(t.across) && a(t.edges) && a(t.edge_sides) &&
         a(t.closed) && a(t.tree.nodes) && a(t.tree.items) && a(t.tree.parent) && a(t.tree.leaf) && a(t.tree.middle) &&
         a(r.degenerate) && a(r.open_edges) && a(r.turned) && a(r.volume);
}
template <class Archive>
bool archive(Archive& a, Decomposition& d) {
  std::uint64_t count = d.hulls.size();
  if (!a(count) || count > 1'000'000) return false;
  d.hulls.resize(count);
  for (std::vector<Vec3d>& hull : d.hulls) {
    if (!a(hull)) return false;
  }
  return a(d.closed) && a(d.solid_volume) && a(d.hull_volume);
}

}  // namespace

std::optional<Geometry> derived_hull(std::span<const Vec3d> points, Cache* cache) {
  if (!cache || points.size() < kFewPoints) return make_hull(points);
  const CacheKey key = key_of("hull", points, {}, {});
  if (const auto kept = cache->find(key)) {
    auto hull = std::make_shared<Hull>();
    Geometry geometry;
    Reader reader{*kept};
    if (archive(reader, *hull, geometry) && reader.bytes.empty()) {
      geometry.kind = Kind::kHull;
      geometry.hull = std::move(hull);
      return geometry;
    }
  }
  std::optional<Geometry> made = make_hull(points);
  if (!made) return made;
  Writer writer;
  Hull hull = *made->hull;
  Geometry copy = *made;
  archive(writer, hull, copy);
  cache->keep(key, writer.bytes);
  return made;
}

TriangleTree derived_tree(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles,
                          MeshReport& report, Cache* cache) {
  if (!cache || triangles.size() < kFewTriangles) return make_triangle_tree(vertices, triangles, report);
  const CacheKey key = key_of("tree", vertices, triangles, {});
  if (const auto kept = cache->find(key)) {
    TriangleTree tree;
    Reader reader{*kept};
    if (archive(reader, tree, report) && reader.bytes.empty()) return tree;
  }
  TriangleTree tree = make_triangle_tree(vertices, triangles, report);
  Writer writer;
  archive(writer, tree, report);
  cache->keep(key, writer.bytes);
  return tree;
}

Decomposition derived_parts(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles,
                            const DecomposeOptions& options, Cache* cache, ThreadPool* pool) {
  if (!cache) return decompose(vertices, triangles, options, pool);
  const double parameters[] = {static_cast<double>(options.max_hulls), options.tolerance};
  const CacheKey key = key_of("parts", vertices, triangles, parameters);
  if (const auto kept = cache->find(key)) {
    Decomposition parts;
    Reader reader{*kept};
    if (archive(reader, parts) && reader.bytes.empty()) return parts;
  }
  Decomposition parts = decompose(vertices, triangles, options, pool);
  Writer writer;
  archive(writer, parts);
  cache->keep(key, writer.bytes);
  return parts;
}

}  // namespace geoul::collision
