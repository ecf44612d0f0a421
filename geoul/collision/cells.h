// The solid of a mesh within boxes: what decompose() cuts.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "geoul/collision/mesh.h"

namespace geoul::collision {

// Convex polygons of a surface, with the outward normal of the triangle that each was cut from.
struct Polygons {
  std::vector<Vec3d> points;
  std::vector<int> begin{0};  // (npolygon + 1) into points
  std::vector<Vec3d> normals;
};

// The solid, or the surface where it is not closed, in the frame along which it is cut.
struct Body {
  TriangleTree surface;
  bool closed = false;
  double extent = 0;                                             // of its bounds, longest edge
  std::array<std::vector<std::pair<double, double>>, 3> reflex;  // by axis: coordinate of reflex edges and their length
};

struct Cell {
  Vec3d low, high;
  Polygons polygons;           // the surface within
  std::vector<Vec3d> corners;  // of the box that lie in the solid
  double hull = 0;             // volumes
  double solid = 0;
};

struct Plane {
  int axis = 0;
  double at = 0;
};

// Every edge that two triangles share at an inward angle and that is perpendicular to an axis.
void find_reflex_edges(Body& body);

// Part of the cell on one side of a plane: its box, polygons and corners; volumes are left alone.
Cell half(const Body& body, const Cell& cell, const Plane& plane, bool above);

// What half() would give to a hull: points only. `thin`: of many points those outermost in a raster.
std::vector<Vec3d> points_of(const Cell& cell);
std::vector<Vec3d> thinned(std::vector<Vec3d> points);

// Volume of the solid within the box; 0 for an open surface. O(ntriangle).
double solid_volume(const Body& body, const Vec3d& low, const Vec3d& high);

// Orthonormal rows along the largest faces; the identity where no direction stands out.
Mat3d main_directions(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles);

}  // namespace geoul::collision
