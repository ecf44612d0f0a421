// Scene to SDF 1.11: a world with gravity, one model of all bodies in the poses of joints at zero, and a static model
// of what belongs to the world.
#include <algorithm>
#include <cmath>
#include <set>

#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/formats/write/mechanism.h"
#include "geoul/scene/formats/write/write.h"
#include "geoul/scene/formats/write/xml.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {
namespace {

using namespace write;

constexpr auto kWarn = Severity::kWarning;

struct SdfWriter {
  const Scene& scene;
  Mechanism tree;
  Followers following = followers(scene);
  MeshFiles meshes;
  Lacks lacks;
  Xml xml = {};
  Result<void> failure = {};
  // Massless bodies that are fixed to another: frames of `carrier` (-1: the world).
  struct Melted {
    bool yes = false;
    int carrier = -1;
    TransformL X;  // in the carrier
  };
  std::vector<Melted> melted = {};

  SdfWriter(const Scene& s, const std::string& file, Diagnostics& notes)
      : scene(s), tree(mechanism(s, true)), meshes(s, file), lacks(file, notes) {}

  void lack(const char* code, const std::string& what, const std::string& mend) { lacks.add(kWarn, code, what, mend); }

  void pose(const TransformL& X, const std::string& relative_to = {}) {
    const Posed p = rounded(X);
    const std::string q = text(p.R.x) + " " + text(p.R.y) + " " + text(p.R.z) + " " + text(p.R.w);
    xml.value("pose", text(p.p) + "  " + q, {{"relative_to", relative_to}, {"rotation_format", "quat_xyzw"}});
  }

  std::string name(int body) const { return body < 0 ? "world" : tree.bodies[static_cast<std::size_t>(body)]; }
  int carrier(int body) const { return body < 0 ? -1 : melted[static_cast<std::size_t>(body)].carrier; }

  void melt() {
    melted.resize(scene.bodies.size());
    for (const int b : tree.order) {
      const auto k = static_cast<std::size_t>(b);
      const Node& node = tree.nodes[k];
      const MassProperties& m = scene.bodies[k].mass;
      melted[k].carrier = b;
      if (m.mass != 0 || !(m.inertia == Sym3d{}) || node.hinge.joint < 0 || node.hinge.type != JointType::kFixed)
        continue;
      melted[k].yes = true;
      melted[k].carrier = carrier(node.parent);
      melted[k].X = (node.parent < 0 ? TransformL{} : melted[static_cast<std::size_t>(node.parent)].X) * node.X_PB;
    }
  }

  void mesh(const Result<std::string>& file, const Vec3d& scale) {
    if (!file) {
      failure = file.error();
      return;
    }
    xml.open("mesh");
    xml.value("uri", *file);
    if (!(scale == Vec3d{1, 1, 1})) xml.value("scale", text(scale));
    xml.close();
  }

  void round(const char* kind, double radius, double height) {
    xml.open(kind);
    xml.value("radius", text(radius));
    xml.value("length", text(height));
    xml.close();
  }

  void geometry(const Geometry& g) {
    xml.open("geometry");
    if (const auto* box = std::get_if<Box>(&g)) {
      xml.open("box");
      xml.value("size", text(box->size));
      xml.close();
    }
    if (const auto* s = std::get_if<Sphere>(&g)) {
      xml.open("sphere");
      xml.value("radius", text(s->radius));
      xml.close();
    }
    if (const auto* c = std::get_if<Cylinder>(&g)) round("cylinder", c->radius, c->height);
    if (const auto* c = std::get_if<Capsule>(&g)) round("capsule", c->radius, c->height);
    if (const auto* c = std::get_if<Cone>(&g)) round("cone", c->radius, c->height);
    if (const auto* m = std::get_if<TriangleMesh>(&g)) mesh(meshes.name(m->mesh), m->scale);
    if (const auto* m = std::get_if<ConvexHull>(&g)) mesh(meshes.name(m->mesh), m->scale);
    if (const auto* f = std::get_if<HeightField>(&g)) mesh(meshes.name(height_field_mesh(*f), "field"), {1, 1, 1});
    if (const auto* p = std::get_if<Plane>(&g)) {
      xml.open("plane");
      xml.value("normal", "0 0 1");
      xml.value("size", text(p->size_x > 0 ? p->size_x : 100) + " " + text(p->size_y > 0 ? p->size_y : 100));
      xml.close();
    }
    xml.close();
  }

  void surface(const Material& m) {
    xml.open("surface");
    xml.open("friction");
    xml.open("ode");
    xml.value("mu", text(m.static_friction));
    xml.value("mu2", text(m.static_friction));
    xml.close();
    if (m.torsional_friction != 0) {  // 3 pi / 16 a mu with mu = 1
      xml.open("torsional");
      xml.value("coefficient", "1");
      xml.value("patch_radius", text(m.torsional_friction * 16 / (3 * 3.14159265358979323846)));
      xml.close();
    }
    xml.close();
    if (m.restitution != 0) {
      xml.open("bounce");
      xml.value("restitution_coefficient", text(m.restitution));
      xml.close();
    }
    xml.close();
    if (m.dynamic_friction != m.static_friction) lack("friction", "friction of motion becomes that of rest", "");
    if (m.rolling_friction != 0) lack("friction", "rolling friction is left out", "");
    if (m.contact_stiffness != 0) lack("contact", "stiffness of contacts is left out", "");
  }

  void shape(const Shape& s, const TransformL& X_LB, urdf::Names& names) {
    if (std::holds_alternative<ConvexHull>(s.geometry) && s.collides) {
      lacks.add(Severity::kInfo, "convex-hull", "hulls are written as their meshes", "");
    }
    for (const bool collision : {false, true}) {
      if (collision ? !s.collides : !s.visible) continue;
      xml.open(collision ? "collision" : "visual", {{"name", names.unique(leaf(s.path))}});
      pose(X_LB * precise(s.X_BS));
      geometry(s.geometry);
      const Material m = s.material.valid() ? scene.materials[s.material.index()] : Material{};
      if (collision) surface(m);
      if (!collision && s.material.valid()) {
        xml.open("material");
        xml.value("ambient", screen_color(m.color));
        xml.value("diffuse", screen_color(m.color));
        xml.value("emissive", screen_color({m.emission[0], m.emission[1], m.emission[2], 1}));
        xml.open("pbr");
        xml.open("metal");
        xml.value("metalness", text(static_cast<double>(m.metallic)));
        xml.value("roughness", text(static_cast<double>(m.roughness)));
        xml.close();
        xml.close();
        xml.close();
      }
      xml.close();
    }
  }

  // Shapes of a body and of what is melted into it.
  void shapes(int body) {
    urdf::Names names;
    for (const Shape& s : scene.shapes) {
      if (s.body.value == body) {
        shape(s, {}, names);
      } else if (s.body.valid() && melted[s.body.index()].yes && carrier(s.body.value) == body) {
        shape(s, melted[s.body.index()].X, names);
      }
    }
  }

  void link(int b) {
    const Body& body = scene.bodies[static_cast<std::size_t>(b)];
    xml.open("link", {{"name", name(b)}});
    pose(tree.nodes[static_cast<std::size_t>(b)].X_WB);
    const MassProperties& m = body.mass;
    const Sym3d& I = m.inertia;
    xml.open("inertial");
    xml.value("pose", text(m.center) + "  0 0 0");
    xml.value("mass", text(m.mass));
    xml.open("inertia");
    const std::pair<const char*, double> entries[] = {{"ixx", I.xx}, {"ixy", I.xy}, {"ixz", I.xz},
                                                      {"iyy", I.yy}, {"iyz", I.yz}, {"izz", I.zz}};
    for (const auto& [key, value] : entries) xml.value(key, text(value));
    xml.close();
    xml.close();
    if (m.mass == 0) lack("no-mass", "links without mass between joints are refused by Gazebo", "give them a mass");
    if (!body.gravity) xml.value("gravity", "false");
    if (body.kinematic) xml.value("kinematic", "true");
    shapes(b);
    xml.close();
  }

  void axis(const Joint& j, const Vec3d& direction) {
    xml.open("axis");
    xml.value("xyz", text(direction));
    xml.open("limit");
    if (j.type != JointType::kContinuous) {
      if (!std::isinf(j.lower)) xml.value("lower", text(j.lower));
      if (!std::isinf(j.upper)) xml.value("upper", text(j.upper));
    }
    if (!std::isinf(j.effort_limit)) xml.value("effort", text(j.effort_limit));
    if (!std::isinf(j.velocity_limit)) xml.value("velocity", text(j.velocity_limit));
    xml.close();
    xml.open("dynamics");
    xml.value("damping", text(j.damping));
    xml.value("friction", text(j.friction));
    xml.value("spring_reference", text(j.spring_position));
    xml.value("spring_stiffness", text(j.stiffness));
    xml.close();
    for (const Mimic& m : following.mimics) {
      if (&scene.joints[m.joint.index()] != &j) continue;
      xml.open("mimic", {{"joint", tree.joints[m.source.index()]}});
      xml.value("multiplier", text(m.multiplier));
      xml.value("offset", text(m.offset));
      xml.value("reference", "0");
      xml.close();
    }
    xml.close();
  }

  void end(const char* which, int body) { xml.value(which, name(body)); }

  // x and y of the plane, then the angle: links without mass between.
  void planar(std::size_t index, const Joint& j) {
    lack("planar", "planar joints become two that slide and one that turns", "");
    const Vec3d& n = j.axis;
    const Quatd turn = n.z < -0.999999999 ? Quatd{0, 1, 0, 0} : normalized(Quatd{1 + n.z, -n.y, n.x, 0});
    const Mat3d R = rotation_matrix(turn);
    const TransformL X_WJ = (j.child.valid() ? tree.nodes[j.child.index()].X_WB : TransformL{}) * precise(j.X_CJ);
    std::string from = name(j.parent.value);
    for (int k = 0; k < 3; ++k) {
      const std::string step = tree.joints[index] + (k == 0 ? "_x" : k == 1 ? "_y" : "_turn");
      const std::string to = k == 2 ? name(j.child.value) : step + "_between";
      if (k < 2) {
        xml.open("link", {{"name", to}});
        pose(X_WJ);
        xml.open("inertial");
        xml.value("mass", "0");
        xml.open("inertia");
        for (const char* key : {"ixx", "iyy", "izz"}) xml.value(key, "0");
        xml.close();
        xml.close();
        xml.close();
        lack("no-mass", "links without mass between joints are refused by Gazebo", "give them a mass");
      }
      xml.open("joint", {{"name", step}, {"type", k == 2 ? "continuous" : "prismatic"}});
      pose(k == 2 ? precise(j.X_CJ) : TransformL{});
      xml.value("parent", from);
      xml.value("child", to);
      xml.open("axis");
      xml.value("xyz", text(k == 2 ? n : R.column(k)));
      xml.close();
      xml.close();
      from = to;
    }
  }

  // SDF has one frame a joint: its two ends must meet in the poses that are written, those of zero.
  bool closes(const Joint& j) const {
    const auto frame = [&](BodyId body, const Posed& X) {
      return (body.valid() ? tree.nodes[body.index()].X_WB : TransformL{}) * precise(X);
    };
    const TransformL X = inverse(frame(j.parent, j.X_PJ)) * frame(j.child, j.X_CJ);
    const Vec3d turned = log_rotation(rounded(X).R);
    const bool straight = j.type == JointType::kFixed ? norm(turned) < 1e-9 : norm(cross(turned, j.axis)) < 1e-9;
    const Vec3d apart = Vec3d(X.p);
    const bool slides = j.type == JointType::kPrismatic || j.type == JointType::kPlanar;
    return (norm(apart) < 1e-9 || slides) && (straight || j.type == JointType::kSpherical);
  }

  void joint(std::size_t index) {
    const Joint& j = scene.joints[index];
    if (j.drive.stiffness != 0 || j.drive.damping != 0) lack("drive", "drives are left out", "use a joint controller");
    if (j.armature != 0) lack("armature", "rotor inertias (armature) are left out", "");
    if (!std::isinf(j.break_force) || !std::isinf(j.break_torque)) lack("break", "break loads are left out", "");
    if (j.type == JointType::kFree) return;
    const bool child_world = !j.child.valid() || carrier(j.child.value) < 0;
    const bool parent_world = !j.parent.valid() || carrier(j.parent.value) < 0;
    const bool one_carrier = child_world && parent_world;
    if (one_carrier || carrier(j.parent.value) == carrier(j.child.value)) return;  // inside one link
    if (!closes(j)) {
      lack("loop", "joints that close loops, but not with all joints at 0, are left out", "write MJCF or USD");
      return;
    }
    if (j.type == JointType::kPlanar) return planar(index, j);
    // SDF knows no world as a child: the ends change places, and the axis its sign.
    const bool turned = child_world;
    const int parent = turned ? j.child.value : j.parent.value, child = turned ? j.parent.value : j.child.value;
    static constexpr const char* kTypes[] = {"fixed", "revolute", "continuous", "prismatic", "ball"};
    xml.open("joint", {{"name", tree.joints[index]}, {"type", kTypes[static_cast<int>(j.type)]}});
    pose(precise(turned ? j.X_PJ : j.X_CJ));
    const bool to_world = parent < 0 || carrier(parent) < 0;
    to_world ? xml.value("parent", "world") : end("parent", parent);
    end("child", child);
    if (j.type == JointType::kSpherical && j.damping != 0) lack("damping", "damping of ball joints is left out", "");
    if (velocity_size(j.type) == 1) axis(j, turned ? -j.axis : j.axis);
    xml.close();
  }

  void frame(const std::string& frame_name, int body, const TransformL& X) {
    xml.open("frame", {{"name", frame_name}, {"attached_to", name(body)}});
    pose(X);
    xml.close();
  }

  void world_model() {
    bool any = false;
    for (const Shape& s : scene.shapes) any = any || carrier(s.body.value) < 0;
    if (!any) return;
    xml.open("model", {{"name", "surroundings"}});
    xml.value("static", "true");
    xml.open("link", {{"name", "link"}});
    shapes(-1);
    xml.close();
    xml.close();
  }

  // Whether no two links of the model may touch, which is what SDF says by itself.
  bool quiet() const {
    std::set<std::pair<int, int>> never;
    const auto add = [&](BodyId a, BodyId b) { never.insert(std::minmax(carrier(a.value), carrier(b.value))); };
    for (const auto& [a, b] : scene.collision_exclusions) add(a, b);
    for (const Joint& j : scene.joints) {
      if (j.enabled && !j.collision_enabled) add(j.parent, j.child);
    }
    std::set<int> touching;
    for (const Shape& s : scene.shapes) {
      if (s.collides && carrier(s.body.value) >= 0) touching.insert(carrier(s.body.value));
    }
    for (const int a : touching) {
      for (const int b : touching) {
        if (a < b && !never.contains({a, b})) return false;
      }
    }
    return !scene.collision_exclusions.empty();
  }

  // 1.9 says all but mimics and cones, and more programs read it.
  std::string version() const {
    const bool cones = std::any_of(scene.shapes.begin(), scene.shapes.end(),
                                   [](const Shape& s) { return std::holds_alternative<Cone>(s.geometry); });
    return cones || !following.mimics.empty() ? "1.11" : "1.9";
  }

  void run() {
    melt();
    const bool silent = quiet();
    const std::string own = scene.name.empty() ? "scene" : leaf(scene.name);
    xml.open("sdf", {{"version", version()}});
    xml.open("world", {{"name", own == "world" ? "scene" : own}});
    xml.value("gravity", text(scene.gravity));
    bool links = false;
    for (const Melted& m : melted) links = links || !m.yes;
    if (links) {
      xml.open("model", {{"name", own == "surroundings" || own == "world" ? "model" : own}});
      if (!silent) xml.value("self_collide", "true");
      for (const int b : tree.order) {
        if (!melted[static_cast<std::size_t>(b)].yes) link(b);
      }
      for (std::size_t b = 0; b < melted.size(); ++b) {
        if (melted[b].yes && melted[b].carrier >= 0) frame(tree.bodies[b], melted[b].carrier, melted[b].X);
      }
      for (std::size_t j = 0; j < scene.joints.size(); ++j) {
        if (scene.joints[j].enabled) joint(j);
      }
      for (std::size_t i = 0; i < scene.sites.size(); ++i) {
        const Site& site = scene.sites[i];
        if (!site.body.valid()) continue;
        frame(tree.sites[i], site.body.value, precise(site.X_BS));
      }
      xml.close();
    }
    world_model();
    for (std::size_t i = 0; i < scene.sites.size(); ++i) {
      const Site& site = scene.sites[i];
      if (site.body.valid()) continue;
      xml.open("frame", {{"name", tree.sites[i]}});
      pose(precise(site.X_BS));
      xml.close();
    }
    xml.close();
    xml.close();
    for (int k = 0; k < following.left; ++k)
      lack("coupling", "couplings of more joints than one that follows another are left out", "write MJCF or USD");
    for (std::size_t k = 0; k < scene.springs.size(); ++k)
      lack("spring", "springs between bodies are left out", "write MJCF or USD");
    for (std::size_t k = 0; k < scene.cameras.size(); ++k)
      lacks.add(Severity::kInfo, "camera", "cameras are left out", "");
    if (!scene.collision_exclusions.empty() && !silent) {
      lack("exclusions", std::to_string(scene.collision_exclusions.size()) + " pairs that never touch are left out",
           "set collide_bitmask");
    }
    if (tree.moved) lack("start", "the start position is lost: SDF starts at zero", "set it in the simulator");
  }
};

}  // namespace

Result<void> write_sdf(const Scene& scene, const std::string& file, Diagnostics& notes) {
  SdfWriter writer(scene, file, notes);
  writer.run();
  if (!writer.failure) return writer.failure.error();
  lack_looks(scene, writer.lacks);
  writer.lacks.report();
  return write_atomically(file, writer.xml.str());
}

}  // namespace geoul::scene
