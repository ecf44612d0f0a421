// Height fields: a regular grid of heights, centred at the origin of the shape's frame G; the solid is below. Every
// cell is two triangles, cut from its lowest (x, y) corner to its highest. Nothing is stored but the heights.
#pragma once

#include <vector>

#include "geoul/collision/mesh.h"

namespace geoul::collision {

struct HeightGrid {
  int columns = 2, rows = 2;    // of heights, along x and y
  double dx = 1, dy = 1;        // cell size
  double x0 = 0, y0 = 0;        // of the first height
  std::vector<double> heights;  // (rows x columns)
  double low = 0, high = 0;     // of all heights

  Vec3d point(int column, int row) const {
    return {x0 + dx * column, y0 + dy * row, heights[static_cast<std::size_t>(row * columns + column)]};
  }
};

// Corners of triangle t = 2 (row (columns - 1) + column) + half of a cell; half 0 is the one below the diagonal (at
// the cell's high-x, low-y corner). Counter-clockwise seen from above; edge 2 of half 0 and edge 0 of half 1 are the
// diagonal.
void triangle_corners(const HeightGrid& grid, int t, Vec3d p_G[3]);
// Triangles across edges 0 to 2; -1: none.
void triangle_neighbours(const HeightGrid& grid, int t, int across[3]);
Vec3d triangle_normal(const HeightGrid& grid, int t);
TriangleFace triangle_face(const HeightGrid& grid, const Transformd& X_WG, int t);

// First and last cell along x and y that the box (in G) can meet; none where first > last.
struct CellRange {
  int column0, column1, row0, row1;
};
CellRange cells(const HeightGrid& grid, const Bounds& box);

// Calls visit(t) for all triangles in cells that the box (in G) meets, in ascending order.
template <class Visit>
void query(const HeightGrid& grid, const Bounds& box, Visit&& visit) {
  const CellRange r = cells(grid, box);
  for (int row = r.row0; row <= r.row1; ++row) {
    for (int column = r.column0; column <= r.column1; ++column) {
      const double* h = grid.heights.data() + row * grid.columns + column;
      const double* above = h + grid.columns;
      if (box.low.z > std::max(std::max(h[0], h[1]), std::max(above[0], above[1]))) continue;
      if (box.high.z < std::min(std::min(h[0], h[1]), std::min(above[0], above[1]))) continue;
      const int t = 2 * (row * (grid.columns - 1) + column);
      visit(t);
      visit(t + 1);
    }
  }
}

// Where a ray first meets the surface from above before reach, and the normal; infinite where it does not. Walks the
// cells under the ray. Source: Amanatides and Woo, "A fast voxel traversal algorithm", Eurographics 1987.
double cast_ray(const HeightGrid& grid, const Ray& ray, double reach, Vec3d& normal);

}  // namespace geoul::collision
