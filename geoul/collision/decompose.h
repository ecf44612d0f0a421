// Convex decomposition: a surface that is not convex as a few hulls that together stand for its solid.
//
// The solid is cut by planes along its own main directions (those of its largest faces). What lies in a cell between
// cuts is the solid within a box, whose hull is exact: that of the surface clipped to the box and of the box's corners
// inside the solid. So no cut has to be capped, and meshes need not be manifold. The cell that wastes most (volume of
// its hull less that of its solid) is cut next, by the plane after which the hulls of both halves are smallest, among
// planes through reflex edges and evenly spread ones; at the end cells whose common hull wastes little are joined.
// Sources: greedy cutting by planes and joining as in Mamou and Ghorbel, "A simple and efficient approach for 3D mesh
// approximate convex decomposition", ICIP 2009, and Wei et al., "Approximate convex decomposition for 3D meshes with
// collision-aware concavity and tree search" (CoACD), SIGGRAPH 2022; the exact cells and the choice of planes are ours.
//
// A mesh that is not closed has no volume: its cells waste all of their hulls, so that the hulls hug the surface.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/core/parallel.h"

namespace geoul::collision {

struct DecomposeOptions {
  int max_hulls = 32;  // at least 1
  double tolerance =
      0.02;  // waste of all hulls over the volume of the solid at which no more is cut (open: of the hull)
};

struct Decomposition {
  std::vector<std::vector<Vec3d>> hulls;  // corners of each, in the frame of the mesh; empty for a flat mesh
  bool closed = false;                    // every edge runs as often in one direction as in the other
  double solid_volume = 0;                // [m3] of a closed mesh
  double hull_volume = 0;                 // [m3] sum over hulls
};

// All vertices finite, all indices within them. Same bits with any pool and without one. Work is bounded by max_hulls
// times some 30 planes, each O(ntriangle).
Decomposition decompose(std::span<const Vec3d> vertices, std::span<const std::array<std::uint32_t, 3>> triangles,
                        const DecomposeOptions& options, ThreadPool* pool = nullptr);

// Volume of the hull of points [m3]; 0 where they are flat.
double hull_volume(std::span<const Vec3d> points);

}  // namespace geoul::collision
