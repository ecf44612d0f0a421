// One MJCF model as written: what <compiler> says, the default classes, and how poses are written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "geoul/scene/formats/mjcf/element.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::mjcf {

struct Compiler {
  bool degree = true;
  bool autolimits = true;
  std::string eulerseq = "xyz";            // small: about the moving axes, capital: about the fixed ones
  std::string mesh_folder;                 // of meshes and height fields
  int inertia_from_geom = 2;               // 0 never, 1 always, 2 where there is no <inertial>
  double group_least = 0, group_most = 5;  // geoms whose mass counts
  double bound_mass = 0, bound_inertia = 0;
  double total_mass = -1;  // positive: all masses are scaled to this sum
  bool balance_inertia = false;
  bool strip_path = false;
  bool fit_box = false;  // primitives fit a mesh by its bounding box, otherwise by its inertia

  double angle(double written) const;  // [rad]
};

// Classes of <default>. A class holds what its outer classes say, too.
class Defaults {
 public:
  Defaults() { classes_.try_emplace("main"); }
  void read(Document& document, const Element& root);

  // What a class says for a kind of element; null where the class does not exist.
  const Attributes* of(const std::string& name, const char* tag) const;
  bool has(const std::string& name) const { return classes_.contains(name); }
  // The actuator elements of a class, outermost first: each changes what the ones before it said.
  const std::vector<const Element*>& actuators(const std::string& name) const;

 private:
  struct Class {
    std::map<std::string, Attributes, std::less<>> tags;
    std::vector<const Element*> actuators;
  };
  void read_class(Document& document, const Element& element, const Class& outer, bool top);
  std::map<std::string, Class, std::less<>> classes_;
};

struct Model {
  Element root;
  std::string folder;
  Compiler compiler;
  Defaults defaults;

  // The element with the defaults of its own class, of `childclass`, or of "main"; tag: kind in <default>.
  Node node(Document& document, const Element& element, const char* tag, const std::string& childclass = {}) const;
};

// <compiler>, <option> and <default> of model.root. Option's gravity goes to the scene where `scene` is given.
void read_settings(Document& document, Model& model, Scene* scene);

// Names of actuators' elements, "general" first.
bool is_actuator(std::string_view tag);

// pos and the orientation by quat, axisangle, euler, xyaxes or zaxis.
Posed read_pose(Document& document, const Compiler& compiler, const Node& node, const std::string& who);
Quatd read_rotation(Document& document, const Compiler& compiler, const Node& node, const std::string& who);
// Rotation of three Euler angles [rad] in the model's sequence.
Quatd euler_rotation(const Compiler& compiler, const Vec3d& angles);
// Shortest rotation that takes z to a direction; half a turn about x where that is -z.
Quatd rotation_to(const Vec3d& direction);

// X_AB * X_BC; an identity leaves the other's bits.
Posed compose(const Posed& X_AB, const Posed& X_BC);

}  // namespace geoul::scene::mjcf
