// What the checks of the doctor ask of a scene, worked out once: which shapes and joints a body has, which bodies hold
// together, how far they reach, and what the triangles of a mesh are like.
#pragma once

#include <string>
#include <vector>

#include "geoul/scene/doctor/extent.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::doctor {

// Vertices of equal position are taken as one.
struct MeshFacts {
  std::size_t degenerate = 0;  // triangles whose height is below 1e-9 of their longest edge
  std::size_t duplicate = 0;   // triangles of the same three corners in the same turn as an earlier one
  std::size_t open_edges = 0;  // edges not used as often one way as the other
  bool bad_indices = false;    // a triangle names no vertex, or a vertex is not finite: nothing else is known
  double volume = 0;           // by signed tetrahedra; means something where closed [units of the mesh, cubed]
  bool closed() const { return open_edges == 0 && !bad_indices; }
};
// O(n log n).
MeshFacts mesh_facts(const Mesh& mesh);

// Bodies that fixed joints hold together. Frames are the bodies' poses at the start.
struct RigidGroup {
  std::vector<BodyId> bodies;
  bool held = false;           // by the world, or a body of it is moved by a given motion
  bool jointed = false;        // a joint that is not fixed ends on it
  bool shapes_known = true;    // no mesh of it is missing
  double mass = 0;             // [kg]
  std::vector<Placed> shapes;  // with extent, in the world
  Bounds reach;                // of shapes, in the world
};

class Patient {
 public:
  // The scene must outlive it. Ids out of range are left alone.
  explicit Patient(const Scene& scene);

  const Scene& scene;
  std::vector<std::vector<ShapeId>> shapes_of;  // (nbody)
  std::vector<std::vector<JointId>> joints_of;  // (nbody) enabled
  std::vector<int> group_of;                    // (nbody)
  std::vector<RigidGroup> groups;               // in the order of their first body
  std::vector<ShapeId> first_user;              // (nmesh) of a mesh; -1: no shape uses it
  std::vector<MeshFacts> meshes;                // (nmesh)

  const RigidGroup& group(BodyId body) const { return groups[static_cast<std::size_t>(group_of[body.index()])]; }
  // Shapes of one body with extent, in its own frame; the visible ones where nothing collides.
  std::vector<Placed> own_shapes(BodyId body, bool colliding) const;

  Location at(BodyId body) const;
  Location at(JointId joint) const;
  Location at(ShapeId shape) const;
  // "mesh 'arm.stl' of /robot/arm/collision": at its first shape
  Location at(MeshId mesh) const;

 private:
  void find_groups();
};

// The mesh of a shape and its scale; none where its geometry is no mesh or names none that exists.
struct MeshUse {
  MeshId mesh;
  Vec3d scale;
  bool hull = false;
};
std::optional<MeshUse> mesh_use(const Scene& scene, const Shape& shape);

// "%.3g"
std::string number(double x);
// "(1, 2, 3)"
std::string numbers(const Vec3d& v);
// "1 body", "3 bodies"
std::string counted(std::size_t n, const char* one, const char* many);
// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names, std::size_t most = 5);

}  // namespace geoul::scene::doctor
