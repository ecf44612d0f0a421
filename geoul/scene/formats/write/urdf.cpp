// Scene to URDF. Every link's frame is that of the joint that holds it, as URDF has it; roots stand on a link "world"
// unless there is one root alone that is welded to the world at its origin.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/formats/write/mechanism.h"
#include "geoul/scene/formats/write/write.h"
#include "geoul/scene/formats/write/xml.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {
namespace {

using namespace write;

constexpr auto kWarn = Severity::kWarning;

struct UrdfWriter {
  const Scene& scene;
  Mechanism tree;
  Followers following = followers(scene);
  MeshFiles meshes;
  Lacks lacks;
  Xml xml = {};
  Result<void> failure = {};
  std::vector<TransformL> frame = {};  // X_BF: the link's frame in the body
  bool world = false;                  // whether there is a link "world"

  urdf::Names link_names = {}, joint_names = {};  // that are taken, for links and joints that the scene has not

  UrdfWriter(const Scene& s, const std::string& file, Diagnostics& notes)
      : scene(s), tree(mechanism(s)), meshes(s, file), lacks(file, notes) {
    link_names.reserve("world");
    for (const auto* names : {&tree.bodies, &tree.sites}) {
      for (const std::string& name : *names) link_names.reserve(name);
    }
    for (const std::string& name : tree.joints) joint_names.reserve(name);
  }

  void lack(const char* code, const std::string& what, const std::string& mend) { lacks.add(kWarn, code, what, mend); }

  const Joint* joint_of(int body) const {
    const int j = tree.nodes[static_cast<std::size_t>(body)].hinge.joint;
    return j < 0 ? nullptr : &scene.joints[static_cast<std::size_t>(j)];
  }

  std::string link_name(int body) const { return body < 0 ? "world" : tree.bodies[static_cast<std::size_t>(body)]; }

  void origin(const TransformL& X) {
    const Posed pose = rounded(X);
    xml.leaf("origin", {{"xyz", text(pose.p)}, {"rpy", rpy_text(pose.R)}});
  }

  void mesh(const Result<std::string>& name, const Vec3d& scale) {
    if (!name) {
      failure = name.error();
      return;
    }
    xml.leaf("mesh", {{"filename", *name}, {"scale", scale == Vec3d{1, 1, 1} ? "" : text(scale)}});
  }

  void geometry(const Geometry& g) {
    xml.open("geometry");
    if (const auto* box = std::get_if<Box>(&g)) xml.leaf("box", {{"size", text(box->size)}});
    if (const auto* s = std::get_if<Sphere>(&g)) xml.leaf("sphere", {{"radius", text(s->radius)}});
    if (const auto* c = std::get_if<Cylinder>(&g)) {
      xml.leaf("cylinder", {{"radius", text(c->radius)}, {"length", text(c->height)}});
    }
    if (const auto* c = std::get_if<Capsule>(&g)) {
      xml.leaf("capsule", {{"radius", text(c->radius)}, {"length", text(c->height)}});
    }
    if (const auto* c = std::get_if<Cone>(&g)) mesh(meshes.name(cone_mesh(*c, 48), "cone"), {1, 1, 1});
    if (const auto* f = std::get_if<HeightField>(&g)) mesh(meshes.name(height_field_mesh(*f), "field"), {1, 1, 1});
    if (const auto* m = std::get_if<TriangleMesh>(&g)) mesh(meshes.name(m->mesh), m->scale);
    if (const auto* m = std::get_if<ConvexHull>(&g)) mesh(meshes.name(m->mesh), m->scale);
    if (const auto* p = std::get_if<Plane>(&g)) {  // 1 cm thick, its upper face in the plane
      const double x = p->size_x > 0 ? p->size_x : 100, y = p->size_y > 0 ? p->size_y : 100;
      xml.leaf("box", {{"size", text(Vec3d{x, y, 0.01})}});
    }
    xml.close();
  }

  void shape(const Shape& s, const TransformL& X_FB) {
    TransformL X = X_FB * precise(s.X_BS);
    if (std::holds_alternative<Plane>(s.geometry)) {
      X.p += X.R * Vec3<long double>{0, 0, -0.005L};
      lack("plane", "planes become flat boxes", "put the ground into the simulator's world");
    }
    if (std::holds_alternative<Cone>(s.geometry)) lack("cone", "cones become meshes of 48 faces", "");
    if (std::holds_alternative<ConvexHull>(s.geometry) && s.collides) {
      lacks.add(Severity::kInfo, "convex-hull", "hulls are written as their meshes", "");
    }
    for (const bool collision : {false, true}) {
      if (collision ? !s.collides : !s.visible) continue;
      xml.open(collision ? "collision" : "visual", {{"name", leaf(s.path)}});
      origin(X);
      geometry(s.geometry);
      if (!collision && s.material.valid()) {
        const Material& m = scene.materials[s.material.index()];
        xml.open("material", {{"name", leaf(m.path) + "_" + std::to_string(s.material.value)}});
        xml.leaf("color", {{"rgba", screen_color(m.color)}});
        xml.close();
      }
      xml.close();
    }
    if (!s.collides || !s.material.valid()) return;
    const Material& m = scene.materials[s.material.index()];
    const Material plain;
    if (m.static_friction != plain.static_friction || m.dynamic_friction != plain.dynamic_friction ||
        m.restitution != 0 || m.torsional_friction != 0 || m.rolling_friction != 0) {
      lack("friction", "friction and bounce of shapes are left out", "give them to the simulator");
    }
  }

  void link(int body, const std::string& name) {
    const TransformL X_FB = body < 0 ? TransformL{} : inverse(frame[static_cast<std::size_t>(body)]);
    xml.open("link", {{"name", name}});
    if (body >= 0) {
      const Body& b = scene.bodies[static_cast<std::size_t>(body)];
      const MassProperties m = moved(rounded(X_FB), b.mass);
      if (m.mass != 0 || !(m.inertia == Sym3d{})) {
        xml.open("inertial");
        xml.leaf("origin", {{"xyz", text(m.center)}, {"rpy", "0 0 0"}});
        xml.leaf("mass", {{"value", text(m.mass)}});
        const Sym3d& I = m.inertia;
        xml.leaf("inertia", {{"ixx", text(I.xx)},
                             {"ixy", text(I.xy)},
                             {"ixz", text(I.xz)},
                             {"iyy", text(I.yy)},
                             {"iyz", text(I.yz)},
                             {"izz", text(I.zz)}});
        xml.close();
      }
      if (b.kinematic) lack("kinematic", "bodies moved by a given motion become free ones", "");
      if (!b.gravity) lack("gravity", "bodies without gravity get it", "");
    }
    for (const Shape& s : scene.shapes) {
      if (s.body.value == body) shape(s, X_FB);
    }
    xml.close();
  }

  void joint_values(const Joint& j, JointType type, const Vec3d& axis) {
    const bool moves = velocity_size(type) == 1;
    if (moves || type == JointType::kPlanar) xml.leaf("axis", {{"xyz", text(axis)}});
    if (moves) {
      const bool bounded = type != JointType::kContinuous;
      const bool limited = bounded || !std::isinf(j.effort_limit) || !std::isinf(j.velocity_limit);
      const auto finite = [](double x) { return text(std::isinf(x) ? std::copysign(1e16, x) : x); };
      if (limited) {
        xml.leaf("limit", {{"lower", bounded ? finite(j.lower) : ""},
                           {"upper", bounded ? finite(j.upper) : ""},
                           {"effort", finite(j.effort_limit)},
                           {"velocity", finite(j.velocity_limit)}});
      }
    }
    if (j.damping != 0 || j.friction != 0) {
      xml.leaf("dynamics", {{"damping", text(j.damping)}, {"friction", text(j.friction)}});
    }
    for (const Mimic& m : following.mimics) {
      if (&scene.joints[m.joint.index()] != &j) continue;
      xml.leaf(
          "mimic",
          {{"joint", tree.joints[m.source.index()]}, {"multiplier", text(m.multiplier)}, {"offset", text(m.offset)}});
    }
    if (j.stiffness != 0) lack("spring", "springs of joints are left out", "give them to the controller");
    if (j.armature != 0) lack("armature", "rotor inertias (armature) are left out", "");
    if (j.drive.stiffness != 0 || j.drive.damping != 0)
      lack("drive", "drives are left out", "give them to ros2_control");
    if (!std::isinf(j.break_force) || !std::isinf(j.break_torque)) lack("break", "break loads are left out", "");
    if (j.collision_enabled) lack("contact", "bodies on both sides of a joint no longer touch", "");
  }

  void joint(const std::string& name, const std::string& type, const std::string& parent, const std::string& child,
             const TransformL& X) {
    xml.open("joint", {{"name", name}, {"type", type}});
    origin(X);
    xml.leaf("parent", {{"link", parent}});
    xml.leaf("child", {{"link", child}});
  }

  // A ball joint as three that turn about x, y, z.
  void ball(int body, const TransformL& X, const std::string& parent) {
    const auto b = static_cast<std::size_t>(body);
    const std::string name = tree.joints[static_cast<std::size_t>(tree.nodes[b].hinge.joint)];
    lack("spherical", "ball joints become three joints about x, y and z", "write SDF, MJCF or USD");
    std::string from = parent;
    const char* axes[] = {"x", "y", "z"};
    for (int k = 0; k < 3; ++k) {
      const std::string to = k == 2 ? link_name(body) : link_names.unique(name + "_link_" + axes[k]);
      if (k < 2) xml.leaf("link", {{"name", to}});
      joint(joint_names.unique(name + "_" + axes[k]), "continuous", from, to, k == 0 ? X : TransformL{});
      Vec3d axis;
      axis[k] = 1;
      xml.leaf("axis", {{"xyz", text(axis)}});
      xml.close();
      from = to;
    }
  }

  void hold(int body) {
    const auto b = static_cast<std::size_t>(body);
    const Node& node = tree.nodes[b];
    const std::string parent = link_name(node.parent);
    const TransformL X_FP = node.parent < 0 ? TransformL{} : inverse(frame[static_cast<std::size_t>(node.parent)]);
    if (node.hinge.joint < 0) {
      joint(joint_names.unique(link_name(body) + "_floats"), "floating", parent, link_name(body),
            X_FP * node.X_PB * frame[b]);
      xml.close();
      return;
    }
    const Joint& j = *joint_of(body);
    const JointType type = node.hinge.type;
    if (type == JointType::kSpherical) return ball(body, X_FP * node.hinge.X_PJ, parent);
    static constexpr const char* kTypes[] = {"fixed",     "revolute", "continuous", "prismatic",
                                             "spherical", "planar",   "floating"};
    // A floating joint's frame in URDF is the child's own; at zero it is where the body starts.
    const TransformL X = type == JointType::kFree ? X_FP * node.X_PB * frame[b] : X_FP * node.hinge.X_PJ;
    joint(tree.joints[static_cast<std::size_t>(node.hinge.joint)], kTypes[static_cast<int>(type)], parent,
          link_name(body), X);
    if (type == JointType::kPlanar && node.hinge.reversed) {
      lack("reversed-planar", "planar joints whose child is nearer to the root count their positions the other way",
           "");
    }
    joint_values(j, type, node.hinge.axis);
    xml.close();
  }

  // A root alone that is welded at its origin needs no link "world": readers weld it anyway.
  bool needs_world() const {
    for (const Shape& s : scene.shapes) {
      if (!s.body.valid()) return true;
    }
    if (tree.roots.size() != 1) return true;
    const Node& root = tree.nodes[static_cast<std::size_t>(tree.roots[0])];
    return root.hinge.joint < 0 || root.hinge.type != JointType::kFixed || !(rounded(root.X_PB) == Posed{}) ||
           link_name(tree.roots[0]) == "world";
  }

  void run() {
    frame.resize(scene.bodies.size());
    for (std::size_t b = 0; b < frame.size(); ++b) {
      const Hinge& hinge = tree.nodes[b].hinge;
      if (hinge.joint >= 0 && hinge.type != JointType::kFree) frame[b] = hinge.X_CJ;
    }
    world = needs_world();
    // Readers of URDF take capsules from version 1.2 on.
    const bool capsules = std::any_of(scene.shapes.begin(), scene.shapes.end(),
                                      [](const Shape& s) { return std::holds_alternative<Capsule>(s.geometry); });
    xml.open("robot", {{"name", scene.name.empty() ? "robot" : scene.name}, {"version", capsules ? "1.2" : ""}});
    if (world) link(-1, "world");
    for (const int b : tree.order) link(b, link_name(b));
    for (const int b : tree.order) {
      if (tree.nodes[static_cast<std::size_t>(b)].parent >= 0 || world) hold(b);
    }
    if (!world) frame[static_cast<std::size_t>(tree.roots[0])] = {};
    for (std::size_t i = 0; i < scene.sites.size(); ++i) {
      const Site& site = scene.sites[i];
      if (!site.body.valid() && !world) continue;
      lacks.add(Severity::kInfo, "site", "sites become links without mass", "");
      const TransformL X_FB = site.body.valid() ? inverse(frame[site.body.index()]) : TransformL{};
      xml.leaf("link", {{"name", tree.sites[i]}});
      joint(joint_names.unique(tree.sites[i] + "_joint"), "fixed", link_name(site.body.value), tree.sites[i],
            X_FB * precise(site.X_BS));
      xml.close();
    }
    xml.close();
    if (!tree.loops.empty())
      lacks.add(kWarn, "loop", std::to_string(tree.loops.size()) + " joints that close loops are left out",
                "write SDF, MJCF or USD");
    for (int k = 0; k < following.left; ++k)
      lack("coupling", "couplings of more joints than one that follows another are left out", "write MJCF or USD");
    for (std::size_t k = 0; k < scene.springs.size(); ++k)
      lack("spring", "springs between bodies are left out", "write MJCF or USD");
    for (std::size_t k = 0; k < scene.cameras.size(); ++k)
      lacks.add(Severity::kInfo, "camera", "cameras are left out", "");
    if (tree.moved) lack("start", "the start position is lost: URDF starts at zero", "set it in the simulator");
  }

  std::string srdf() const {
    Xml out;
    out.open("robot", {{"name", scene.name.empty() ? "robot" : scene.name}});
    for (const auto& [a, b] : scene.collision_exclusions) {
      if (!a.valid() || !b.valid()) continue;
      out.leaf("disable_collisions",
               {{"link1", link_name(a.value)}, {"link2", link_name(b.value)}, {"reason", "Never"}});
    }
    out.close();
    return out.str();
  }
};

}  // namespace

Result<void> write_urdf(const Scene& scene, const std::string& file, Diagnostics& notes) {
  if (scene.bodies.empty()) {
    return Error{ErrorCode::kUnsupported, file + ": the scene has no body, and a URDF needs a link; write SDF or USD"};
  }
  UrdfWriter writer(scene, file, notes);
  writer.run();
  if (!writer.failure) return writer.failure.error();
  lack_looks(scene, writer.lacks);
  writer.lacks.report();
  if (!scene.collision_exclusions.empty()) {
    const std::string beside = std::filesystem::path(file).replace_extension(".srdf").string();
    const Result<void> written = write_atomically(beside, writer.srdf());
    if (!written) return written.error();
    notes.info({file, 0, {}}, "srdf", "pairs that never touch are in " + beside);
  }
  return write_atomically(file, writer.xml.str());
}

}  // namespace geoul::scene
