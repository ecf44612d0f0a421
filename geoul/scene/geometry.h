// Shapes: what is seen and what touches. All lengths in metres, in the shape's own frame.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/scene/ids.h"

namespace geoul::scene {

struct Box {
  Vec3d size{1, 1, 1};  // full edge lengths
};
struct Sphere {
  double radius = 0.5;
};
// Capsule, cylinder and cone stand along z, centred at the origin; the capsule's height excludes its caps.
struct Capsule {
  double radius = 0.5;
  double height = 1;
};
struct Cylinder {
  double radius = 0.5;
  double height = 1;
};
struct Cone {
  double radius = 0.5;  // at z = -height/2; the tip is at z = +height/2
  double height = 1;
};
// Half space below z = 0; size is what a viewer draws (0: as large as it likes).
struct Plane {
  double size_x = 0;
  double size_y = 0;
};
// Surface of a mesh, scaled per axis in the shape frame.
struct TriangleMesh {
  MeshId mesh;
  Vec3d scale{1, 1, 1};
};
// Convex hull of a mesh's vertices, or several hulls that together stand for what the mesh encloses.
struct ConvexHull {
  static constexpr int kMostHulls = 256;
  MeshId mesh;
  Vec3d scale{1, 1, 1};
  int max_hulls = 1;  // more: where it touches, a convex decomposition into at most so many
};
// Heights on a regular grid centred at the origin, row by row along x.
struct HeightField {
  int columns = 0;    // along x, at least 2
  int rows = 0;       // along y, at least 2
  double size_x = 1;  // extent
  double size_y = 1;
  std::vector<float> heights;  // (rows x columns) [m]
};

using Geometry = std::variant<Box, Sphere, Capsule, Cylinder, Cone, Plane, TriangleMesh, ConvexHull, HeightField>;

struct Mesh {
  std::string path;                                     // USD path or file it came from
  std::vector<Vec3<float>> vertices;                    // (nvertex) [m]
  std::vector<Vec3<float>> normals;                     // (nvertex), unit; or empty
  std::vector<std::array<std::uint32_t, 3>> triangles;  // (ntriangle), counter-clockwise seen from outside
};

// What a shape looks like and how it touches. Colours linear, 0 to 1.
struct Material {
  std::string path;
  std::array<float, 4> color{0.7f, 0.7f, 0.7f, 1.0f};  // r g b alpha
  float metallic = 0;
  float roughness = 0.6f;
  std::array<float, 3> emission{0, 0, 0};
  double static_friction = 0.5;  // Coulomb
  double dynamic_friction = 0.5;
  double restitution = 0;
  double torsional_friction = 0;  // moment about the normal over the normal force [m]
  double rolling_friction = 0;    // moment across the normal over the normal force [m]
  double contact_stiffness = 0;   // of one contact point, per point [N/m]; 0: rigid
  double contact_damping = 0;     // [N.s/m], with contact_stiffness
  double density = 0;             // [kg/m3]; 0: not given
};

struct Shape {
  std::string path;
  BodyId body;  // kWorld: part of the world
  Posed X_BS;   // pose in the body frame (in the world for kWorld)
  Geometry geometry;
  MaterialId material;  // visual and physical; -1: the defaults of Material
  bool visible = true;
  bool collides = false;
};

}  // namespace geoul::scene
