#include "geoul/collision/height_field.h"

namespace geoul::collision {
namespace {

int cell_of(double x, double x0, double dx, int count) {
  const double c = std::floor((x - x0) / dx);
  return static_cast<int>(std::clamp(c, -1.0, static_cast<double>(count)));
}

}  // namespace

void triangle_corners(const HeightGrid& grid, int t, Vec3d p_G[3]) {
  const int cell = t / 2, column = cell % (grid.columns - 1), row = cell / (grid.columns - 1);
  p_G[0] = grid.point(column, row);
  if (t % 2 == 0) {
    p_G[1] = grid.point(column + 1, row), p_G[2] = grid.point(column + 1, row + 1);
  } else {
    p_G[1] = grid.point(column + 1, row + 1), p_G[2] = grid.point(column, row + 1);
  }
}

Vec3d triangle_normal(const HeightGrid& grid, int t) {
  Vec3d p[3];
  triangle_corners(grid, t, p);
  const Vec3d n = cross(p[1] - p[0], p[2] - p[0]);
  const double l = norm(n);
  return {n.x / l, n.y / l, n.z / l};
}

void triangle_neighbours(const HeightGrid& grid, int t, int across[3]) {
  const int in_row = grid.columns - 1, cell = t / 2, column = cell % in_row, row = cell / in_row;
  if (t % 2 == 0) {  // edges: low y, high x, diagonal
    across[0] = row > 0 ? t - 2 * in_row + 1 : -1;
    across[1] = column + 1 < in_row ? t + 3 : -1;
    across[2] = t + 1;
  } else {  // edges: diagonal, high y, low x
    across[0] = t - 1;
    across[1] = row + 2 < grid.rows ? t + 2 * in_row - 1 : -1;
    across[2] = column > 0 ? t - 3 : -1;
  }
}

TriangleFace triangle_face(const HeightGrid& grid, const Transformd& X_WG, int t) {
  TriangleFace face;
  face.id = static_cast<std::uint64_t>(t);
  face.one_sided = true;
  Vec3d p[3];
  int other[3];
  triangle_corners(grid, t, p);
  triangle_neighbours(grid, t, other);
  for (int i = 0; i < 3; ++i) {
    face.p_W[i] = X_WG * p[i];
    face.shared[i] = other[i] >= 0;
    if (other[i] >= 0) face.across_W[i] = X_WG.R * triangle_normal(grid, other[i]);
  }
  return face;
}

CellRange cells(const HeightGrid& grid, const Bounds& box) {
  if (!(box.low.z <= grid.high)) return {0, -1, 0, -1};
  return {std::max(0, cell_of(box.low.x, grid.x0, grid.dx, grid.columns)),
          std::min(grid.columns - 2, cell_of(box.high.x, grid.x0, grid.dx, grid.columns)),
          std::max(0, cell_of(box.low.y, grid.y0, grid.dy, grid.rows)),
          std::min(grid.rows - 2, cell_of(box.high.y, grid.y0, grid.dy, grid.rows))};
}

namespace {

// A ray over the grid, cell by cell; keeps the nearest hit.
struct Walk {
  const HeightGrid& grid;
  const Ray& ray;
  double reach;
  TriangleRay sheared{ray};
  double nearest = Bounds::kInfinity;
  int hit = -1;

  void test(int column, int row) {
    if (column < 0 || row < 0 || column + 1 >= grid.columns || row + 1 >= grid.rows) return;
    for (int half = 0; half < 2; ++half) {
      const int t = 2 * (row * (grid.columns - 1) + column) + half;
      Vec3d c[3];
      triangle_corners(grid, t, c);
      bool front = false;
      const double at = sheared.meet(c[0], c[1], c[2], front);
      if (front && at <= reach && at < nearest) nearest = at, hit = t;
    }
  }

  // The cell beside this one where the ray, at t, runs along the wall between them nearer than rounding can tell.
  void test_beside(const int cell[2], int axis, double t, double slack) {
    const double low = (axis == 0 ? grid.x0 : grid.y0) + (axis == 0 ? grid.dx : grid.dy) * cell[axis];
    const double at = ray.o[axis] + t * ray.d[axis] - low;
    int beside[2] = {cell[0], cell[1]};
    if (at < slack) {
      --beside[axis];
    } else if (at > (axis == 0 ? grid.dx : grid.dy) - slack) {
      ++beside[axis];
    } else {
      return;
    }
    test(beside[0], beside[1]);
  }
};

}  // namespace

double cast_ray(const HeightGrid& grid, const Ray& ray, double reach, Vec3d& normal) {
  const Vec3d low{grid.x0, grid.y0, grid.low};
  const Vec3d high{grid.x0 + grid.dx * (grid.columns - 1), grid.y0 + grid.dy * (grid.rows - 1), grid.high};
  const double start = enter(ray, low, high, reach);
  if (start == Bounds::kInfinity) return start;
  const Vec3d p = ray.o + start * ray.d;
  int cell[2] = {std::clamp(cell_of(p.x, grid.x0, grid.dx, grid.columns), 0, grid.columns - 2),
                 std::clamp(cell_of(p.y, grid.y0, grid.dy, grid.rows), 0, grid.rows - 2)};
  const int count[2] = {grid.columns - 1, grid.rows - 1};
  const double slack = 1e-12 * (grid.dx + grid.dy) + 1e-15 * (norm(ray.o) + norm(high - low));
  Walk walk{grid, ray, reach};
  for (int k = 0; k < 2; ++k) walk.test_beside(cell, k, start, slack);
  for (double from = start;;) {
    double leave[2];
    for (int k = 0; k < 2; ++k) {
      const double wall = (k == 0 ? grid.x0 : grid.y0) + (k == 0 ? grid.dx : grid.dy) * (cell[k] + (ray.d[k] > 0));
      leave[k] = ray.d[k] == 0 ? Bounds::kInfinity : (wall - ray.o[k]) * ray.inverse[k];
    }
    const int out = leave[0] <= leave[1] ? 0 : 1;
    const double to = std::min(leave[out], reach);
    walk.test(cell[0], cell[1]);
    walk.test_beside(cell, 1 - out, from, slack);
    walk.test_beside(cell, 1 - out, to, slack);
    const double z0 = ray.o.z + from * ray.d.z, z1 = ray.o.z + to * ray.d.z;
    const bool below = z0 < grid.low - slack && z1<z0, above = z0> grid.high + slack && z1 > z0;
    cell[out] += ray.d[out] > 0 ? 1 : -1;
    if (walk.nearest <= to || to >= reach || below || above || cell[out] < 0 || cell[out] >= count[out]) break;
    from = to;
  }
  if (walk.hit >= 0) normal = triangle_normal(grid, walk.hit);
  return walk.nearest;
}

}  // namespace geoul::collision
