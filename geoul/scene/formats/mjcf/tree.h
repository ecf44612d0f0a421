// The bodies, joints, geoms, sites and cameras under <worldbody> into a scene.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "geoul/scene/formats/mjcf/assets.h"
#include "geoul/scene/formats/mjcf/model.h"
#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::mjcf {

// Which model an element is of, and what its names get: from <attach> and <replicate>.
struct Scope {
  const Model* model = nullptr;
  std::string childclass, prefix, suffix;

  std::string name(const std::string& written) const { return written.empty() ? written : prefix + written + suffix; }
};

// Bits of contype and conaffinity of a shape that collides.
struct ShapeMask {
  ShapeId shape;
  std::uint32_t type = 1, affinity = 1;
};

// What the couplings need to know of the tree. Names are those of MJCF.
struct Tree {
  std::map<std::string, BodyId, std::less<>> bodies;  // with "world"
  std::map<std::string, JointId, std::less<>> joints;
  std::map<std::string, SiteId, std::less<>> sites;
  std::vector<JointId> coordinates;  // joints of qpos, in its order
  std::vector<double> reference;     // (njoint of the tree) qpos0 of one-degree joints
  std::vector<JointId> incoming;     // (nbody) joint that holds it in the tree; none: mocap
  std::vector<BodyId> mocap;
  std::vector<char> is_static;  // (nbody) fixed to the world, through whatever
  std::vector<ShapeMask> masks;
  bool sliding = false;       // whether any geom that touches has a condim of 3 or more
  std::vector<Scope> scopes;  // every model, prefix and suffix that elements were read under; the first: the file's own
};

class TreeReader {
 public:
  TreeReader(Document& document, Scene& scene, Assets& assets, std::string root);

  // Everything under the <worldbody> sections of a model. Bodies' X_WB is left to the start state.
  Tree read(const Model& model);

 private:
  struct PendingJoint;
  struct Parent {  // a body that is being read
    BodyId id;
    bool is_static = true;
    std::string path;
    urdf::Names* names = nullptr;  // of its shapes, sites and cameras
  };
  using Visit = std::function<void(const Element&, const Posed& X_BF, const Scope&)>;

  // Calls visit for every child, those in frames, replicates and attached models too.
  void each(const Element& element, const Posed& X_BF, const Scope& scope, const Visit& visit);
  void replicate(const Element& element, const Posed& X_BF, const Scope& scope, const Visit& visit);
  void attach(const Element& element, const Posed& X_BF, const Scope& scope, const Visit& visit);
  const Model* attached_model(const Element& element, const Scope& scope);
  const Model* find_attached(const Element& element, const Scope& scope);
  const Element* find_named(const Model& model, const char* kind, const std::string& name);
  void note_scope(const Scope& scope);
  const Model* opened(const Element& asset, const Model& from);
  Scope with_class(const Element& element, const Scope& scope);

  void read_body(const Element& element, const Parent& parent, const Posed& X_PF, const Scope& scope);
  void read_content(const Element& element, const Parent& body, const Scope& scope);
  std::vector<PendingJoint> read_joints(const Element& element, const Scope& scope);
  void read_joint(const Element& element, const Posed& X_BF, const Scope& scope, PendingJoint& out);
  void read_limits(const Node& node, const Scope& scope, const std::string& whom, PendingJoint& out);
  BodyId add_body(const Element& element, const std::string& path, bool is_static);
  void add_joint(const Element& element, Joint joint, const std::string& part);
  std::optional<MassProperties> read_inertial(const Element& element, const Scope& scope, const std::string& whom);
  void finish_mass(const Element& element, const Compiler& compiler, Body& body);

  // ---- geoms.cpp ----
  void read_geom(const Element& element, const Posed& X_BF, const Parent& body, const Scope& scope, bool weighs,
                 MassProperties& mass);
  std::optional<Geometry> primitive(const Node& node, int type, const Scope& scope, const std::string& whom,
                                    Posed& X_BG, std::optional<Vec3d>& ellipsoid);
  std::optional<Geometry> fitted(const Node& node, int type, const Scope& scope, const std::string& whom, Posed& X_BG,
                                 std::optional<Vec3d>& ellipsoid);
  bool from_to(const Node& node, const std::string& whom, std::vector<double>& size, int type, Posed& X);
  std::optional<Geometry> sized(const Node& node, int type, const std::vector<double>& size, const std::string& whom,
                                std::optional<Vec3d>& ellipsoid);
  void weigh(const Node& node, const std::string& whom, const Posed& X_BG, const std::optional<Solid>& solid,
             MassProperties& sum);
  std::optional<Solid> solid_of(const Node& node, const Geometry& geometry, const std::optional<Vec3d>& ellipsoid,
                                const std::string& whom);
  MaterialId surface(const Node& node, const Scope& scope, const std::string& whom, bool touches);
  void read_site(const Element& element, const Posed& X_BF, const Parent& body, const Scope& scope);
  void read_camera(const Element& element, const Posed& X_BF, const Parent& body, const Scope& scope);

  Document& document_;
  Scene& scene_;
  Assets& assets_;
  std::string root_;
  Tree tree_;
  urdf::Names body_names_, joint_names_;
  std::map<const Element*, std::unique_ptr<Model>> attached_;  // by <model> asset
  Vec3d field_box_;  // full sizes of the box that the last height field weighs as
  int depth_ = 0;    // of models in models
  int level_ = 0;    // of nested elements, attached ones too
  std::set<std::tuple<const Model*, std::string, std::string>> scope_keys_;
  std::map<std::tuple<const Model*, std::string, std::string>, const Element*> named_;  // by kind and name
  std::map<std::pair<const Model*, std::string>, const Model*> by_name_;                // of attached models
};

}  // namespace geoul::scene::mjcf
