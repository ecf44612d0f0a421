// Shapes: what is seen and what touches. All lengths in metres, in the shape's own frame.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
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

// One pair a corner of a triangle: s to the right, t upwards from the lower left of an image.
struct TextureCoordinates {
  std::string name;                      // "st"
  std::vector<std::array<float, 2>> st;  // (3 ntriangle)

  bool operator==(const TextureCoordinates&) const = default;
};

struct Mesh {
  std::string path;                                     // USD path or file it came from
  std::vector<Vec3<float>> vertices;                    // (nvertex) [m]
  std::vector<Vec3<float>> normals;                     // (nvertex), unit; or empty
  std::vector<std::array<std::uint32_t, 3>> triangles;  // (ntriangle), counter-clockwise seen from outside

  // What only looks need, by corner: of triangle t those at 3 t, 3 t + 1, 3 t + 2. Each may be empty. Who changes
  // triangles changes these too: remove_triangles(), turn_triangles().
  std::vector<Vec3<float>> corner_normals = {};   // (3 ntriangle), unit; they count before normals
  std::vector<std::array<float, 4>> colors = {};  // (3 ntriangle), linear r g b alpha; see Material::mesh_colors
  std::vector<TextureCoordinates> textures = {};  // by name
  std::vector<std::uint32_t> face_sets = {};      // (ntriangle), 0: of none; see Shape::set_materials
};

// Leaves out the triangles (ntriangle) that are not kept, with all that belongs to them.
void remove_triangles(Mesh& mesh, const std::vector<bool>& kept);
// Makes every triangle run the other way round; normals stay.
void turn_triangles(Mesh& mesh);

// A picture as its file holds it, PNG or JPEG (image.h tells which). Copies share the bytes.
struct Texture {
  std::string path;  // file it came from, or member of a package: "robot.usdz[textures/arm.png]"
  std::shared_ptr<const std::string> bytes;
};

// How a picture is laid on a mesh and what is taken from it.
struct TextureMap {
  enum class Wrap { kBlack, kClamp, kRepeat, kMirror };  // outside of 0 to 1; black: r g b alpha are 0 there

  TextureId texture;        // -1: none
  int channel = 0;          // of a number: 0 red, 1 green, 2 blue, 3 alpha
  std::string coordinates;  // name of the mesh's TextureCoordinates
  Wrap wrap_s = Wrap::kBlack, wrap_t = Wrap::kBlack;
  bool srgb = false;                                         // r g b are coded as sRGB (IEC 61966-2-1)
  std::array<float, 4> scale{1, 1, 1, 1}, bias{0, 0, 0, 0};  // value = scale x linear texel + bias
  // Where to look: turned counter-clockwise by rotation [rad] (st_scale x st), then moved.
  std::array<float, 2> st_scale{1, 1}, st_translation{0, 0};
  float st_rotation = 0;

  bool operator==(const TextureMap&) const = default;
};

// What a shape looks like and how it touches. Colours linear, 0 to 1. A map counts in place of its number.
// Source of the look: UsdPreviewSurface Specification 2.6.
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

  float opacity_threshold = 0;  // above 0: what is less opaque is not there, all else is opaque
  float ior = 1.5f;
  float clearcoat = 0, clearcoat_roughness = 0.01f;
  bool mesh_colors = false;  // the mesh's colours count in place of color
  TextureMap color_map, opacity_map, metallic_map, roughness_map, emission_map, occlusion_map;
  TextureMap normal_map;  // in the surface's tangent frame, -1 to 1: usually scale 2, bias -1
};

struct Shape {
  std::string path;
  BodyId body;  // kWorld: part of the world
  Posed X_BS;   // pose in the body frame (in the world for kWorld)
  Geometry geometry;
  MaterialId material;  // visual and physical; -1: the defaults of Material
  bool visible = true;
  bool collides = false;
  std::vector<MaterialId> set_materials = {};  // looks by the mesh's face_sets; -1 and sets beyond: material
};

}  // namespace geoul::scene
