#include "geoul/collision/cells.h"

#include <algorithm>
#include <cmath>

namespace geoul::collision {
namespace {

constexpr double kSnap = 1e-6;   // of the extent: a point so near to a plane lies on it; vertices are 32-bit numbers
constexpr double kNudge = 1e-6;  // of the box: how far inside a corner is asked whether it is in the solid
constexpr std::size_t kFewPoints = 3000;
constexpr int kRaster = 20;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// The part of a polygon on one side of a plane; empty where it has no area there.
void clip(std::span<const Vec3d> polygon, const Vec3d& normal, int axis, double at, bool above, double snap,
          std::vector<Vec3d>& out) {
  out.clear();
  const double sign = above ? 1 : -1;
  const auto height = [&](const Vec3d& p) {
    const double h = sign * (p[axis] - at);
    return std::abs(h) <= snap ? 0 : h;
  };
  bool inside = false, outside = false;
  for (const Vec3d& p : polygon) {
    const double h = height(p);
    inside |= h > 0, outside |= h < 0;
  }
  if (!inside) {  // in the plane: it bounds the side that its solid lies on
    if (!outside && sign * normal[axis] < 0) out.assign(polygon.begin(), polygon.end());
    return;
  }
  if (!outside) {
    out.assign(polygon.begin(), polygon.end());
    return;
  }
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const Vec3d &a = polygon[i], &b = polygon[(i + 1) % polygon.size()];
    const double ha = height(a), hb = height(b);
    if (ha >= 0) out.push_back(a);
    if ((ha > 0 && hb < 0) || (ha < 0 && hb > 0)) {
      Vec3d cut = a + (ha / (ha - hb)) * (b - a);
      cut[axis] = at;
      out.push_back(cut);
    }
  }
}

// Twice the signed area of a polygon seen along `axis`, and that times the mean height, over its triangles.
struct Column {
  double area = 0, volume = 0;
};
Column column(std::span<const Vec3d> polygon, int axis) {
  const int u = (axis + 1) % 3, v = (axis + 2) % 3;
  Column sum;
  for (std::size_t k = 2; k < polygon.size(); ++k) {
    const Vec3d &a = polygon[0], &b = polygon[k - 1], &c = polygon[k];
    const double area = ((b[u] - a[u]) * (c[v] - a[v]) - (b[v] - a[v]) * (c[u] - a[u])) / 2;
    sum.area += area;
    sum.volume += area * (a[axis] + b[axis] + c[axis]) / 3;
  }
  return sum;
}

}  // namespace

Cell half(const Body& body, const Cell& cell, const Plane& plane, bool above) {
  Cell out;
  out.low = cell.low, out.high = cell.high;
  (above ? out.low : out.high)[plane.axis] = plane.at;
  std::vector<Vec3d> part;
  const double snap = kSnap * body.extent;
  for (std::size_t i = 0; i + 1 < cell.polygons.begin.size(); ++i) {
    const auto first = index(cell.polygons.begin[i]), count = index(cell.polygons.begin[i + 1]) - first;
    const std::span<const Vec3d> polygon(cell.polygons.points.data() + first, count);
    clip(polygon, cell.polygons.normals[i], plane.axis, plane.at, above, snap, part);
    if (part.size() < 3) continue;
    out.polygons.points.insert(out.polygons.points.end(), part.begin(), part.end());
    out.polygons.begin.push_back(static_cast<int>(out.polygons.points.size()));
    out.polygons.normals.push_back(cell.polygons.normals[i]);
  }
  if (!body.closed) return out;
  for (const Vec3d& corner : cell.corners) {
    if (above ? corner[plane.axis] >= plane.at : corner[plane.axis] <= plane.at) out.corners.push_back(corner);
  }
  const Vec3d middle = 0.5 * (out.low + out.high);
  const int u = (plane.axis + 1) % 3, v = (plane.axis + 2) % 3;
  for (int k = 0; k < 4; ++k) {
    Vec3d corner;
    corner[plane.axis] = plane.at;
    corner[u] = k % 2 == 0 ? out.low[u] : out.high[u];
    corner[v] = k < 2 ? out.low[v] : out.high[v];
    if (is_inside(body.surface, corner + kNudge * (middle - corner))) out.corners.push_back(corner);
  }
  return out;
}

std::vector<Vec3d> points_of(const Cell& cell) {
  std::vector<Vec3d> points = cell.polygons.points;
  points.insert(points.end(), cell.corners.begin(), cell.corners.end());
  return points;
}

std::vector<Vec3d> thinned(std::vector<Vec3d> points) {
  if (points.size() <= kFewPoints) return points;
  Bounds box;
  for (const Vec3d& p : points) include(box, p);
  std::vector<int> kept;
  for (int axis = 0; axis < 3; ++axis) {
    const int u = (axis + 1) % 3, v = (axis + 2) % 3;
    std::vector<int> lowest(kRaster * kRaster, -1), highest(kRaster * kRaster, -1);
    const auto place = [&](const Vec3d& p, int k) {
      const double span = box.high[k] - box.low[k];
      return span > 0 ? std::clamp(static_cast<int>((p[k] - box.low[k]) / span * kRaster), 0, kRaster - 1) : 0;
    };
    for (int i = 0; i < static_cast<int>(points.size()); ++i) {
      const Vec3d& p = points[index(i)];
      const std::size_t at = index(place(p, u) * kRaster + place(p, v));
      if (lowest[at] < 0 || p[axis] < points[index(lowest[at])][axis]) lowest[at] = i;
      if (highest[at] < 0 || p[axis] > points[index(highest[at])][axis]) highest[at] = i;
    }
    for (const std::vector<int>* list : {&lowest, &highest}) {
      for (const int i : *list) {
        if (i >= 0) kept.push_back(i);
      }
    }
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  std::vector<Vec3d> few;
  for (const int i : kept) few.push_back(points[index(i)]);
  return few;
}

// Along each line parallel to x the solid is where it was entered and not left: its length within the box is the sum
// over crossings of the clamped x, leaving ones positive. So the volume is the integral of clamped x over the
// triangles' shadows within the box.
double solid_volume(const Body& body, const Vec3d& low, const Vec3d& high) {
  if (!body.closed) return 0;
  const double snap = kSnap * body.extent;
  double volume = 0;
  std::vector<Vec3d> polygon, part;
  const Vec3d none;
  const auto cut = [&](int axis, double at, bool above) {
    clip(polygon, none, axis, at, above, snap, part);
    polygon.swap(part);
  };
  for (std::size_t t = 0; t < body.surface.triangles.size(); ++t) {
    polygon.clear();
    Bounds box;
    for (const int v : body.surface.triangles[t]) {
      polygon.push_back(body.surface.vertices[index(v)]);
      include(box, polygon.back());
    }
    if (box.high.y <= low.y || box.low.y >= high.y || box.high.z <= low.z || box.low.z >= high.z) continue;
    for (int axis = 1; axis < 3; ++axis) {
      if (box.low[axis] < low[axis]) cut(axis, low[axis], true);
      if (box.high[axis] > high[axis]) cut(axis, high[axis], false);
    }
    if (polygon.size() < 3) continue;
    const Column whole = column(polygon, 0);
    if (box.high.x <= low.x) {
      volume += low.x * whole.area;
    } else if (box.low.x >= high.x) {
      volume += high.x * whole.area;
    } else {
      const std::vector<Vec3d> uncut = polygon;
      cut(0, low.x, true);
      const double below = whole.area - column(polygon, 0).area;
      const double above_low = column(polygon, 0).area;
      cut(0, high.x, false);
      const Column middle = column(polygon, 0);
      volume += low.x * below + middle.volume + high.x * (above_low - middle.area);
    }
  }
  return std::max(volume, 0.0);
}

void find_reflex_edges(Body& body) {
  const TriangleTree& mesh = body.surface;
  for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
    for (std::size_t e = 0; e < 3; ++e) {
      const int other = mesh.across[t][e];
      if (other < static_cast<int>(t)) continue;
      const int a = mesh.triangles[t][e], b = mesh.triangles[t][(e + 1) % 3];
      const Vec3d &p = mesh.vertices[index(a)], &q = mesh.vertices[index(b)];
      double above = 0;
      for (const int v : mesh.triangles[index(other)]) above += dot(mesh.normals[t], mesh.vertices[index(v)] - p);
      if (above <= 1e-5 * body.extent) continue;
      for (int axis = 0; axis < 3; ++axis) {
        if (std::abs(p[axis] - q[axis]) <= kSnap * body.extent) {
          body.reflex[index(axis)].emplace_back(p[axis], norm(q - p));
        }
      }
    }
  }
  for (auto& list : body.reflex) {  // edges in one plane become one
    std::sort(list.begin(), list.end());
    std::size_t kept = 0;
    for (const auto& [at, length] : list) {
      if (kept > 0 && at - list[kept - 1].first <= kSnap * body.extent) {
        list[kept - 1].second += length;
      } else {
        list[kept++] = {at, length};
      }
    }
    list.resize(kept);
  }
}

Mat3d main_directions(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles) {
  constexpr std::size_t kMostClusters = 64;
  constexpr double kSame = 0.99985;  // cosine of one degree
  struct Cluster {
    Vec3d sum;
    double area = 0;
  };
  std::vector<std::pair<double, Vec3d>> faces;
  double total = 0;
  for (const auto& [a, b, c] : triangles) {
    const Vec3d n = cross(vertices[b] - vertices[a], vertices[c] - vertices[a]);
    const double area = norm(n);
    if (!(area > 0)) continue;
    faces.emplace_back(area, (1 / area) * n);
    total += area;
  }
  std::stable_sort(faces.begin(), faces.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Cluster> clusters;
  for (const auto& [area, n] : faces) {
    const auto same = std::find_if(clusters.begin(), clusters.end(), [&, &normal = n](const Cluster& c) {
      return std::abs(dot(c.sum, normal)) >= kSame * norm(c.sum);
    });
    if (same == clusters.end() && clusters.size() == kMostClusters) continue;
    Cluster& into = same == clusters.end() ? clusters.emplace_back() : *same;
    into.sum += (dot(into.sum, n) < 0 ? -area : area) * n;
    into.area += area;
  }
  std::stable_sort(clusters.begin(), clusters.end(),
                   [](const Cluster& a, const Cluster& b) { return a.area > b.area; });
  if (clusters.empty() || clusters[0].area < 0.05 * total) return Mat3d::identity();
  const auto unit = [](Vec3d v) {
    for (int k = 0; k < 3; ++k) {  // along an axis exactly where it is along an axis nearly
      if (std::abs(v[k]) >= (1 - 1e-7) * norm(v)) v = {}, v[k] = 1;
    }
    return (1 / norm(v)) * v;
  };
  const Vec3d first = unit(clusters[0].sum);
  Vec3d second = std::abs(first.x) < 0.6 ? Vec3d{1, 0, 0} : Vec3d{0, 1, 0};
  for (std::size_t i = 1; i < clusters.size(); ++i) {
    const Vec3d n = (1 / norm(clusters[i].sum)) * clusters[i].sum;
    if (std::abs(dot(n, first)) > 0.1) continue;
    second = n;
    break;
  }
  second = unit(second - dot(second, first) * first);
  return {first, second, cross(first, second)};
}

}  // namespace geoul::collision
