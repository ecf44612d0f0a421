// View: what the passes of the schema reader share. Each pass reads one family of schemas from a composed stage into
// a Scene: bodies (UsdPhysics rigid bodies and mass), shapes (UsdGeom), materials (UsdShade), joints, filters.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/stage.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::usd {

// Affine map x -> R (S x) + p: a pose, and what a scale left before it. Poses alone compose without rounding of their
// own, so what is written as translate and orient is read bit for bit.
struct Frame {
  Posed X;
  Mat3d S = Mat3d::identity();
  bool scaled = false;

  Vec3d operator*(const Vec3d& p) const;
};
Frame operator*(const Frame& X_AB, const Frame& X_BC);
// From a linear map: Gram-Schmidt gives R, the rest is S; a mirrored map has a negative first entry of S.
Frame frame_of(const Mat3d& linear, const Vec3d& p);

// Where a prim stands.
struct Placement {
  BodyId body;     // the nearest rigid body at or above the prim
  Frame in_body;   // of the prim in that body (in the world for kWorld)
  Frame in_world;  // at the start
  bool visible = true;
};

struct View {
  const Stage& stage;
  Diagnostics& diagnostics;
  Scene& scene;
  AssetFiles& files;
  double meters = 0.01;                                                      // per unit of length
  double kilograms = 1;                                                      // per unit of mass
  std::vector<Placement> placements = {};                                    // (nprim)
  std::map<std::pair<std::string, std::string>, MaterialId> materials = {};  // visual and physical prim
  std::map<std::vector<const void*>, MeshId> meshes = {};                    // by the values that make them
  std::map<std::string, TextureId> textures = {};  // by file; -1: what could not be read, said once
  std::size_t texture_bytes = 0;
  std::map<int, JointId> joints = {};  // by prim
  std::vector<Frame> points = {};      // poses of the copies of PointInstancers, by Prim::point
  std::vector<double> densities = {};  // (nshape) [kg/m3] of the mass API on the shape; 0: none
  std::vector<double> masses = {};     // (nshape) [kg] likewise

  const Placement& placement(const Prim& prim) const {
    return placements[static_cast<std::size_t>(&prim - stage.prims().data())];
  }
  int index(const Prim& prim) const { return static_cast<int>(&prim - stage.prims().data()); }

  // Attributes. None where nothing is written; a value of another type or not finite is an error and none.
  std::optional<Resolved> attribute(const Prim& prim, const std::string& name) const;
  std::optional<double> number(const Prim& prim, const std::string& name) const;    // finite
  std::optional<double> extended(const Prim& prim, const std::string& name) const;  // also +-inf
  std::optional<Vec3d> vector(const Prim& prim, const std::string& name) const;
  std::optional<Vec3d> extended_vector(const Prim& prim, const std::string& name) const;
  std::optional<Quatd> quaternion(const Prim& prim, const std::string& name) const;  // of unit length
  std::optional<std::string> token(const Prim& prim, const std::string& name) const;
  std::optional<bool> flag(const Prim& prim, const std::string& name) const;
  const Value::Reals* reals(const Prim& prim, const std::string& name, int components) const;
  const Value::Integers* integers(const Prim& prim, const std::string& name) const;
  // A number that may not be negative; `fallback` where none is written.
  double positive(const Prim& prim, const std::string& name, double fallback) const;
  // Warns of a property that its schema, which is not applied to the prim, would own; it is read all the same.
  bool applies(const Prim& prim, const std::string& api, const std::string& property) const;
  // The prim that a relationship names; none where it names nothing. More than one or a missing prim
  // is an error (a warning, and none, where the relationship is `optional`).
  const Prim* target(const Prim& prim, const std::string& relationship, bool& broken, bool optional = false) const;

  void error(const Prim& prim, const std::string& property, const char* code, std::string message,
             std::string mend = {}) const;
  void warning(const Prim& prim, const std::string& property, const char* code, std::string message,
               std::string mend = {}) const;
};

// A quaternion of unit length to rounding keeps its bits, any other is normalised; none for zero.
std::optional<Quatd> unit_quaternion(const Quatd& q);

// Local transform of a prim by its xformOps [m]; `reset` tells that it starts from the world.
Frame local_frame(const View& view, const Prim& prim, bool& reset);

// What other engines' attributes say (see vendors.cpp): of a joint, whether gravity pulls a body, of a material, joints
// that follow others; and what of theirs, of lights and actuators is not read, an info finding for each kind.
void read_vendor_joint(const View& view, const Prim& prim, Joint& joint);
bool vendor_gravity(const View& view, const Prim& prim);
void read_vendor_material(const View& view, const Prim& prim, Material& material);
void read_vendor_mimics(View& view, const Prim& prim, JointId joint);
void report_unread(const View& view);

// The material that a prim binds for the first of these purposes that it binds one for ("": all); none where nothing
// is.
const Prim* bound_material(const View& view, const Prim& shape, std::initializer_list<const char*> purposes);
// Metadata `interpolation` of the strongest opinion on an attribute that has it.
std::string interpolation(const View& view, const Prim& prim, const std::string& attribute, const char* otherwise);

// The mesh of a Mesh prim: vertices, faces cut into triangles, and what looks need (meshes.cpp); `bake`, where given,
// is applied to it. Materials of GeomSubsets: set k + 1 is the k-th of `subsets`. None, and a finding, where it is
// broken.
std::vector<const Prim*> material_subsets(const View& view, const Prim& mesh);
std::optional<Mesh> read_mesh(const View& view, const Prim& prim, const std::vector<const Prim*>& subsets,
                              const Frame* bake);
// The values that the mesh is made of: equal lists, equal meshes.
std::vector<const void*> mesh_sources(const View& view, const Prim& prim, const std::vector<const Prim*>& subsets);

// Copies the prototypes of PointInstancers to their points, before the passes; `stage` is the view's.
void expand_instancers(Stage& stage, View& view);

// The passes, in order.
void place_prims(View& view);  // bodies, sites, cameras, and where each prim stands
void read_shapes(View& view);  // shapes and their meshes
MaterialId read_material(View& view, const Prim& shape);
void read_lights(View& view);
void read_mass(View& view);     // mass properties of the bodies; needs the shapes
void read_joints(View& view);   // joints and mimics
void read_filters(View& view);  // pairs of bodies that never touch

}  // namespace geoul::scene::usd
