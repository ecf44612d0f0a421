#include "geoul/collision/decompose.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/collision/cells.h"
#include "geoul/core/contract.h"

namespace geoul::collision {
namespace {

constexpr double kSpread = 0.05;    // weight of how far the halves spread: of cuts that save alike, the one across
constexpr double kThinnest = 0.01;  // of the cell: no cut so near to its end
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// Every edge runs as often in one direction as in the other.
bool balanced(const TriangleTree& mesh) {
  std::vector<std::pair<int, int>> forward, backward;
  for (const auto& t : mesh.triangles) {
    for (std::size_t k = 0; k < 3; ++k) {
      forward.emplace_back(t[k], t[(k + 1) % 3]);
      backward.emplace_back(t[(k + 1) % 3], t[k]);
    }
  }
  std::sort(forward.begin(), forward.end());
  std::sort(backward.begin(), backward.end());
  return forward == backward;
}

// Planes worth trying, in a fixed order: reflex edges within the cell, longest first, then evenly spread ones.
std::vector<Plane> planes_of(const Body& body, const Cell& cell) {
  const bool large = cell.polygons.normals.size() > 20'000;
  const std::size_t most_reflex = large ? 4 : 6;
  const int even = large ? 3 : 5;
  Bounds box;
  for (const Vec3d& p : points_of(cell)) include(box, p);
  std::vector<Plane> planes;
  for (int axis = 0; axis < 3; ++axis) {
    const double low = box.low[axis], span = box.high[axis] - low;
    if (!(span > 1e-6 * body.extent)) continue;
    const double first = low + kThinnest * span, last = low + (1 - kThinnest) * span;
    const auto& all = body.reflex[index(axis)];
    auto from = std::lower_bound(all.begin(), all.end(), std::pair{first, 0.0});
    const auto to = std::lower_bound(all.begin(), all.end(), std::pair{last, 0.0});
    std::vector<std::pair<double, double>> within(from, to);
    std::stable_sort(within.begin(), within.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (std::size_t i = 0; i < std::min(within.size(), most_reflex); ++i) planes.push_back({axis, within[i].first});
    for (int i = 1; i <= even; ++i) planes.push_back({axis, low + span * i / (even + 1)});
  }
  return planes;
}

// Volume of the hulls of both halves, and a little of how long they are: a first cut of a ring saves nothing, but the
// one across makes halves that the next cuts save on.
double cost(const Body& body, const Cell& cell, const Plane& plane) {
  double sum = 0;
  for (const bool above : {false, true}) {
    const std::vector<Vec3d> points = thinned(points_of(half(body, cell, plane, above)));
    const double volume = hull_volume(points);
    if (!(volume > 0)) return kInfinity;
    Bounds box;
    for (const Vec3d& p : points) include(box, p);
    const Vec3d size = box.high - box.low, whole = cell.high - cell.low;
    sum += volume * (1 + kSpread * dot(size, size) / dot(whole, whole));
  }
  return sum;
}

struct Decomposer {
  Body body;
  const DecomposeOptions& options;
  ThreadPool* pool;
  std::vector<Cell> cells = {};
  double allowed = 0;  // waste at which it is enough [m3]

  void measure(Cell& cell) const {
    cell.hull = hull_volume(points_of(cell));
    cell.solid = solid_volume(body, cell.low, cell.high);
  }

  void start() {
    Cell cell;
    Bounds box;
    for (const Vec3d& v : body.surface.vertices) include(box, v);
    cell.low = box.low, cell.high = box.high;
    for (std::size_t t = 0; t < body.surface.triangles.size(); ++t) {
      for (const int v : body.surface.triangles[t]) cell.polygons.points.push_back(body.surface.vertices[index(v)]);
      cell.polygons.begin.push_back(static_cast<int>(cell.polygons.points.size()));
      cell.polygons.normals.push_back(body.surface.normals[t]);
    }
    measure(cell);
    allowed = options.tolerance * (body.closed ? cell.solid : cell.hull);
    cells.push_back(std::move(cell));
  }

  double waste() const {
    double sum = 0;
    for (const Cell& cell : cells) sum += std::max(cell.hull - cell.solid, 0.0);
    return sum;
  }

  bool cut(Cell& cell) {
    const std::vector<Plane> planes = planes_of(body, cell);
    std::vector<double> costs(planes.size(), kInfinity);
    const auto evaluate = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) costs[i] = cost(body, cell, planes[i]);
    };
    if (pool) {
      pool->parallel_for(planes.size(), 1, evaluate);
    } else {
      evaluate(0, planes.size());
    }
    const auto best = std::min_element(costs.begin(), costs.end());
    if (best == costs.end() || *best == kInfinity) return false;
    const Plane& plane = planes[static_cast<std::size_t>(best - costs.begin())];
    Cell above = half(body, cell, plane, true);
    cell = half(body, cell, plane, false);
    measure(cell), measure(above);
    cells.push_back(std::move(above));
    return true;
  }

  void run() {
    std::vector<char> whole;  // cells that no plane cuts
    while (static_cast<int>(cells.size()) < options.max_hulls && waste() > allowed) {
      whole.resize(cells.size(), 0);
      std::size_t worst = cells.size();
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (whole[i] != 0 || cells[i].hull - cells[i].solid <= 0) continue;
        if (worst == cells.size() || cells[i].hull - cells[i].solid > cells[worst].hull - cells[worst].solid) worst = i;
      }
      if (worst == cells.size()) return;
      if (!cut(cells[worst])) whole[worst] = 1;
    }
  }
};

// Joins pairs whose common hull adds least, while all stays within the allowed waste.
void join(std::vector<std::vector<Vec3d>>& hulls, std::vector<double>& volumes, double spare) {
  const auto together = [&](std::size_t i, std::size_t k) {
    std::vector<Vec3d> points = hulls[i];
    points.insert(points.end(), hulls[k].begin(), hulls[k].end());
    return points;
  };
  std::vector<std::vector<double>> added(hulls.size(), std::vector<double>(hulls.size(), kInfinity));
  const auto update = [&](std::size_t i, std::size_t k) {
    added[i][k] = hull_volume(together(i, k)) - volumes[i] - volumes[k];
  };
  for (std::size_t i = 0; i < hulls.size(); ++i) {
    for (std::size_t k = i + 1; k < hulls.size(); ++k) update(i, k);
  }
  for (;;) {
    std::size_t a = 0, b = 0;
    double least = kInfinity;
    for (std::size_t i = 0; i < hulls.size(); ++i) {
      for (std::size_t k = i + 1; k < hulls.size(); ++k) {
        if (added[i][k] < least) least = added[i][k], a = i, b = k;
      }
    }
    if (!(least <= spare)) return;
    spare -= std::max(least, 0.0);
    hulls[a] = make_hull(together(a, b))->hull->vertices;
    volumes[a] = hull_volume(hulls[a]);
    const auto erase = [&](auto& list) { list.erase(list.begin() + static_cast<std::ptrdiff_t>(b)); };
    erase(hulls), erase(volumes), erase(added);
    for (auto& row : added) erase(row);
    for (std::size_t i = 0; i < hulls.size(); ++i) {
      if (i != a) update(std::min(i, a), std::max(i, a));
    }
  }
}

}  // namespace

double hull_volume(std::span<const Vec3d> points) {
  const auto made = make_hull(points);
  if (!made) return 0;
  const Hull& hull = *made->hull;
  const Vec3d o = hull.vertices[0];
  double sum = 0;
  for (const HullFace& face : hull.faces) {
    const auto corner = [&](int k) { return hull.vertices[index(hull.corners[index(face.first + k)])] - o; };
    for (int k = 2; k < face.count; ++k) sum += dot(corner(0), cross(corner(k - 1), corner(k)));
  }
  return sum / 6;
}

Decomposition decompose(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles,
                        const DecomposeOptions& options, ThreadPool* pool) {
  GEOUL_EXPECTS(options.max_hulls >= 1 && options.tolerance >= 0);
  Decomposition out;
  const Mat3d R = main_directions(vertices, triangles);
  std::vector<Vec3d> turned;
  turned.reserve(vertices.size());
  for (const Vec3d& v : vertices) turned.push_back(R * v);
  MeshReport report;
  Decomposer work{{make_triangle_tree(turned, triangles, report), false, 0, {}}, options, pool};
  Body& body = work.body;
  if (body.surface.triangles.empty()) return out;
  Bounds box;
  for (const Vec3d& v : body.surface.vertices) include(box, v);
  const Vec3d size = box.high - box.low;
  body.extent = std::max({size.x, size.y, size.z});
  body.closed = out.closed = balanced(body.surface);
  find_reflex_edges(body);
  work.start();
  if (!(work.cells[0].hull > 0)) return out;  // flat
  out.solid_volume = work.cells[0].solid;
  if (body.closed && !(out.solid_volume > 1e-9 * work.cells[0].hull)) {  // its sides lie on each other
    body.closed = out.closed = false;
    work.allowed = options.tolerance * work.cells[0].hull;
  }
  work.run();
  std::vector<double> volumes;
  for (const Cell& cell : work.cells) {
    const auto hull = make_hull(points_of(cell));
    if (!hull) continue;
    out.hulls.push_back(hull->hull->vertices);
    volumes.push_back(cell.hull);
  }
  join(out.hulls, volumes, std::max(work.allowed - work.waste(), 1e-9 * work.allowed));
  for (const double volume : volumes) out.hull_volume += volume;
  for (auto& hull : out.hulls) {
    for (Vec3d& p : hull) p = transpose_times(R, p);
  }
  return out;
}

}  // namespace geoul::collision
