// Scene to MJCF: bodies in bodies, joints in the poses of zero, equalities for loops, tendons for couplings and
// springs. Massless bodies between joints melt into the body behind them, as MuJoCo writes several joints.
#include <algorithm>
#include <cmath>

#include "geoul/scene/formats/mjcf/solid.h"
#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/formats/write/mechanism.h"
#include "geoul/scene/formats/write/write.h"
#include "geoul/scene/formats/write/xml.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {
namespace {

using namespace write;

constexpr auto kWarn = Severity::kWarning;

// One hinge or slide of a body: where it stands in the body at zero.
struct Degree {
  int joint;  // of the scene
  std::string name;
  bool slide;
  Vec3d position, axis;
};

struct Part {
  int parent = -1;  // body that it hangs on
  TransformL X_PB;  // at zero
  std::vector<Degree> degrees;
  bool gone = false;         // melted into its child
  int ball = -1, free = -1;  // scene joints
  bool floating = false;
  bool mocap = false;
};

struct MjcfWriter {
  const Scene& scene;
  Mechanism tree;
  MeshFiles meshes;
  Lacks lacks;
  Xml xml = {};
  Xml assets = {};
  Result<void> failure = {};
  std::vector<Part> parts = {};
  std::vector<std::vector<int>> children = {};
  std::vector<int> roots = {};
  std::map<std::pair<std::int32_t, std::string>, std::string> mesh_assets = {};
  std::vector<std::string> qpos = {};
  std::vector<char> degree_of = {};  // (njoint) whether the joint is one hinge or slide of the file

  urdf::Names joint_names = {};  // that are taken, for joints that the scene has not

  MjcfWriter(const Scene& s, const std::string& file, Diagnostics& notes)
      : scene(s), tree(mechanism(s)), meshes(s, file), lacks(file, notes) {
    for (const std::string& name : tree.joints) joint_names.reserve(name);
  }

  void lack(const char* code, const std::string& what, const std::string& mend) { lacks.add(kWarn, code, what, mend); }
  const std::string& joint_name(std::size_t j) const { return tree.joints[j]; }
  std::string body_name(int b) const { return b < 0 ? "world" : tree.bodies[static_cast<std::size_t>(b)]; }

  // ---- the tree ----

  Degree degree(const Node& node, bool slide, const Vec3d& axis, const std::string& ending = {}) {
    const auto j = static_cast<std::size_t>(node.hinge.joint);
    const TransformL& X = node.hinge.X_CJ;
    const std::string name = ending.empty() ? joint_name(j) : joint_names.unique(joint_name(j) + ending);
    return {node.hinge.joint, name, slide, Vec3d(X.p), Vec3d(X.R * Vec3<long double>(axis))};
  }

  void make_parts() {
    parts.resize(scene.bodies.size());
    degree_of.assign(scene.joints.size(), 0);
    for (const int b : tree.order) {
      const Node& node = tree.nodes[static_cast<std::size_t>(b)];
      Part& part = parts[static_cast<std::size_t>(b)];
      part.parent = node.parent;
      part.X_PB = node.X_PB;
      part.mocap = scene.bodies[static_cast<std::size_t>(b)].kinematic;
      const JointType type = node.hinge.type;
      if (node.hinge.joint < 0) {
        part.floating = !part.mocap;
      } else if (type == JointType::kFree) {
        part.floating = node.parent < 0;
        if (node.parent >= 0) lack("free", "free joints between two bodies become fixed", "");
        part.free = node.hinge.joint;
      } else if (type == JointType::kSpherical) {
        part.ball = node.hinge.joint;
      } else if (type == JointType::kPlanar) {
        const Vec3d& n = node.hinge.axis;
        const Mat3d R =
            rotation_matrix(n.z < -0.999999999 ? Quatd{0, 1, 0, 0} : normalized(Quatd{1 + n.z, -n.y, n.x, 0}));
        part.degrees = {degree(node, true, R.column(0), "_x"), degree(node, true, R.column(1), "_y"),
                        degree(node, false, n, "_turn")};
        lack("planar", "planar joints become two slides and a hinge", "");
      } else if (type != JointType::kFixed) {
        part.degrees = {degree(node, type == JointType::kPrismatic, node.hinge.axis)};
        degree_of[static_cast<std::size_t>(node.hinge.joint)] = 1;
      }
    }
  }

  bool bare(int b) const {
    const MassProperties& m = scene.bodies[static_cast<std::size_t>(b)].mass;
    if (m.mass != 0 || !(m.inertia == Sym3d{}) || scene.bodies[static_cast<std::size_t>(b)].kinematic) return false;
    const auto on = [&](const auto& item) { return item.body.value == b; };
    const auto excluded = [&](const auto& pair) { return pair.first.value == b || pair.second.value == b; };
    return std::none_of(scene.shapes.begin(), scene.shapes.end(), on) &&
           std::none_of(scene.sites.begin(), scene.sites.end(), on) &&
           std::none_of(scene.cameras.begin(), scene.cameras.end(), on) &&
           std::none_of(scene.collision_exclusions.begin(), scene.collision_exclusions.end(), excluded) &&
           std::none_of(scene.springs.begin(), scene.springs.end(),
                        [&](const Spring& s) { return s.a.value == b || s.b.value == b; }) &&
           std::none_of(tree.loops.begin(), tree.loops.end(), [&](int j) {
             const Joint& joint = scene.joints[static_cast<std::size_t>(j)];
             return joint.parent.value == b || joint.child.value == b;
           });
  }

  // A body without mass that moves by hinges and carries one body that does too: its joints go to that body.
  void melt() {
    for (const int b : tree.order) {
      Part& part = parts[static_cast<std::size_t>(b)];
      const Node& node = tree.nodes[static_cast<std::size_t>(b)];
      if (part.degrees.empty() || node.children.size() != 1 || !bare(b)) continue;
      Part& next = parts[static_cast<std::size_t>(node.children[0])];
      if (next.ball >= 0 || next.free >= 0 || next.floating || next.mocap) continue;
      const TransformL X_CB = inverse(next.X_PB);
      std::vector<Degree> all;
      for (Degree d : part.degrees) {
        d.position = Vec3d(X_CB * Vec3<long double>(d.position));
        d.axis = Vec3d(X_CB.R * Vec3<long double>(d.axis));
        all.push_back(d);
      }
      all.insert(all.end(), next.degrees.begin(), next.degrees.end());
      next.degrees = std::move(all);
      next.X_PB = part.X_PB * next.X_PB;
      next.parent = part.parent;
      part.gone = true;
    }
    children.resize(parts.size());
    for (const int b : tree.order) {
      const Part& part = parts[static_cast<std::size_t>(b)];
      if (part.gone) continue;
      if (part.floating || part.mocap || part.parent < 0) {
        roots.push_back(b);
      } else {
        children[static_cast<std::size_t>(part.parent)].push_back(b);
      }
    }
  }

  // ---- shapes ----

  std::string mesh_asset(const Result<std::string>& file, const Vec3d& scale, std::int32_t id) {
    if (!file) {
      failure = file.error();
      return {};
    }
    const auto [place, is_new] =
        mesh_assets.try_emplace({id, text(scale)}, "mesh_" + std::to_string(mesh_assets.size()));
    if (is_new) {
      // A shell: a mesh that is only seen may be open or flat. Masses of bodies do not come from it.
      assets.leaf("mesh", {{"name", place->second},
                           {"file", *file},
                           {"inertia", "shell"},
                           {"scale", scale == Vec3d{1, 1, 1} ? "" : text(scale)}});
    }
    return place->second;
  }

  std::string field_asset(const HeightField& f, const Shape& s, double& lowest) {
    const auto [low, high] = std::minmax_element(f.heights.begin(), f.heights.end());
    const double span = std::max(static_cast<double>(*high) - *low, 1e-9);
    lowest = *low;
    std::string heights;
    for (const float h : f.heights)
      heights += (heights.empty() ? "" : " ") + text((static_cast<double>(h) - *low) / span);
    const std::string name = "field_" + leaf(s.path);
    assets.leaf("hfield", {{"name", name},
                           {"nrow", std::to_string(f.rows)},
                           {"ncol", std::to_string(f.columns)},
                           {"size", text(f.size_x / 2) + " " + text(f.size_y / 2) + " " + text(span) + " 0.01"},
                           {"elevation", heights}});
    return name;
  }

  void geom(const Shape& s, std::size_t index) {
    Posed X = s.X_BS;
    std::string type, size, mesh, field;
    const Geometry& g = s.geometry;
    if (const auto* b = std::get_if<Box>(&g)) type = "box", size = text(0.5 * b->size);
    if (const auto* b = std::get_if<Sphere>(&g)) type = "sphere", size = text(b->radius);
    if (const auto* c = std::get_if<Capsule>(&g)) type = "capsule", size = text(c->radius) + " " + text(c->height / 2);
    if (const auto* c = std::get_if<Cylinder>(&g))
      type = "cylinder", size = text(c->radius) + " " + text(c->height / 2);
    if (const auto* p = std::get_if<Plane>(&g)) {
      type = "plane", size = text(p->size_x / 2) + " " + text(p->size_y / 2) + " 1";
      if (s.body.valid()) lack("plane", "a plane on a moving body is refused by MuJoCo", "make it a box");
    }
    const auto id = static_cast<std::int32_t>(index);
    if (const auto* m = std::get_if<TriangleMesh>(&g)) {
      type = "mesh", mesh = mesh_asset(meshes.name(m->mesh), m->scale, m->mesh.value);
      if (s.collides) lack("mesh-contact", "meshes touch as their convex hulls", "split them into convex parts");
    }
    if (const auto* m = std::get_if<ConvexHull>(&g)) {
      type = "mesh", mesh = mesh_asset(meshes.name(m->mesh), m->scale, m->mesh.value);
    }
    if (const auto* c = std::get_if<Cone>(&g)) {
      type = "mesh", mesh = mesh_asset(meshes.name(cone_mesh(*c, 48), "cone"), {1, 1, 1}, -2 - id);
      lacks.add(Severity::kInfo, "cone", "cones become meshes of 48 faces", "");
    }
    if (const auto* f = std::get_if<HeightField>(&g)) {
      double lowest = 0;
      type = "hfield", field = field_asset(*f, s, lowest);
      X.p += rotation_matrix(X.R) * Vec3d{0, 0, lowest};
    }
    const Material m = s.material.valid() ? scene.materials[s.material.index()] : Material{};
    std::string friction, condim;
    if (s.collides) {
      friction = text(m.static_friction) + " " + text(m.torsional_friction) + " " + text(m.rolling_friction);
      if (m.rolling_friction != 0) {
        condim = "6";
      } else if (m.torsional_friction != 0) {
        condim = "4";
      }
      if (m.restitution != 0) lack("restitution", "bounce is left out", "set solref");
      if (m.dynamic_friction != m.static_friction) lack("friction", "friction of motion becomes that of rest", "");
      if (m.contact_stiffness != 0) lack("contact", "stiffness of contacts is left out", "set solref");
    }
    xml.leaf("geom", {{"name", leaf(s.path) + "_" + std::to_string(index)},
                      {"type", type},
                      {"pos", text(X.p)},
                      {"quat", quaternion_text(X.R)},
                      {"size", size},
                      {"mesh", mesh},
                      {"hfield", field},
                      {"rgba", s.material.valid() || s.visible ? screen_color(m.color) : ""},
                      {"contype", s.collides ? "" : "0"},
                      {"conaffinity", s.collides ? "" : "0"},
                      {"group", s.visible ? "2" : "3"},
                      {"friction", friction},
                      {"condim", condim}});
  }

  void content(int body) {
    for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
      if (scene.shapes[i].body.value == body) geom(scene.shapes[i], i);
    }
    for (std::size_t i = 0; i < scene.sites.size(); ++i) {
      const Site& s = scene.sites[i];
      if (s.body.value != body) continue;
      xml.leaf("site", {{"name", tree.sites[i]}, {"pos", text(s.X_BS.p)}, {"quat", quaternion_text(s.X_BS.R)}});
    }
    loop_sites(body);
    for (std::size_t i = 0; i < scene.cameras.size(); ++i) {
      const Camera& c = scene.cameras[i];
      if (c.body.value != body) continue;
      xml.leaf("camera", {{"name", leaf(c.path) + "_" + std::to_string(i)},
                          {"pos", text(c.X_BC.p)},
                          {"quat", quaternion_text(c.X_BC.R)},
                          {"fovy", text(c.vertical_fov * 180 / 3.14159265358979323846)}});
    }
    for (std::size_t i = 0; i < scene.springs.size(); ++i) {
      const Spring& s = scene.springs[i];
      if (s.a.value == body) xml.leaf("site", {{"name", "spring_" + std::to_string(i) + "_a"}, {"pos", text(s.p_A)}});
      if (s.b.value == body) xml.leaf("site", {{"name", "spring_" + std::to_string(i) + "_b"}, {"pos", text(s.p_B)}});
    }
  }

  // ---- joints ----

  void joint(const Degree& d) {
    const Joint& j = scene.joints[static_cast<std::size_t>(d.joint)];
    const bool planar = j.type == JointType::kPlanar;
    const bool limited = !planar && j.type != JointType::kContinuous && (!std::isinf(j.lower) || !std::isinf(j.upper));
    const auto end = [](double x) { return text(std::isinf(x) ? std::copysign(1e10, x) : x); };
    const auto given = [](double x) { return x == 0 ? std::string() : text(x); };
    // MuJoCo wants the lower number below the upper one: what is equal is opened by less than rounding.
    const double upper = j.upper > j.lower ? j.upper : j.upper + 1e-13 * std::max(1.0, std::abs(j.upper));
    const double strength = std::max(j.effort_limit, 1e-13);
    const bool effort = !planar && !std::isinf(j.effort_limit);
    xml.leaf("joint", {{"name", d.name},
                       {"type", d.slide ? "slide" : "hinge"},
                       {"pos", text(d.position)},
                       {"axis", text(d.axis)},
                       {"range", limited ? end(j.lower) + " " + end(upper) : ""},
                       {"damping", given(j.damping)},
                       {"frictionloss", given(j.friction)},
                       {"armature", given(j.armature)},
                       {"stiffness", given(j.stiffness)},
                       {"springref", j.stiffness != 0 ? given(j.spring_position) : ""},
                       {"actuatorfrcrange", effort ? text(-strength) + " " + text(strength) : ""}});
    qpos.push_back(text(planar ? 0.0 : start_of(j, d.joint)));
    if (!std::isinf(j.velocity_limit))
      lacks.add(Severity::kInfo, "velocity-limit", "limits of velocity are left out", "");
    if (!std::isinf(j.break_force) || !std::isinf(j.break_torque)) lack("break", "break loads are left out", "");
  }

  // Position at the start: as given, or as the bodies stand.
  double start_of(const Joint& j, int) const {
    if (j.position) return *j.position;
    const auto X_W = [&](BodyId b) { return b.valid() ? precise(scene.bodies[b.index()].X_WB) : TransformL{}; };
    const TransformL X = inverse(X_W(j.parent) * precise(j.X_PJ)) * (X_W(j.child) * precise(j.X_CJ));
    if (j.type == JointType::kPrismatic) return static_cast<double>(dot(X.p, Vec3<long double>(j.axis)));
    return static_cast<double>(dot(log_rotation(quaternion(X.R)), Vec3<long double>(j.axis)));
  }

  void push_pose(const Quatd& R, const Vec3d* p) {
    if (p != nullptr) qpos.push_back(text(*p));
    qpos.push_back(quaternion_text(R));
  }

  // MuJoCo takes a full inertia only where its moments are well above 0: others go as moments and axes.
  void inertial(const MassProperties& m) {
    const Sym3d& I = m.inertia;
    std::string full, moments, axes;
    const Vec3d eigen = principal_moments(I);
    const bool negative = eigen.x < -1e-9 * eigen.z;
    if (negative) lack("bad-inertia", "inertias with a negative moment are refused by MuJoCo", "mend them");
    if (eigen.x > 1e-12 || negative) {
      full = text({I.xx, I.yy, I.zz}) + " " + text({I.xy, I.xz, I.yz});
    } else if (I.xy == 0 && I.xz == 0 && I.yz == 0) {
      moments = text({I.xx, I.yy, I.zz});
    } else {
      const mjcf::Principal principal = mjcf::principal_axes(I);
      const Vec3d& p = principal.moments;
      moments = text({std::max(0.0, p.x), std::max(0.0, p.y), std::max(0.0, p.z)});
      axes = quaternion_text(quaternion(principal.axes));
    }
    xml.leaf("inertial", {{"pos", text(m.center)},
                          {"mass", text(m.mass)},
                          {"fullinertia", full},
                          {"diaginertia", moments},
                          {"quat", axes}});
  }

  void body(int b) {
    const auto k = static_cast<std::size_t>(b);
    const Part& part = parts[k];
    const Body& own = scene.bodies[k];
    const bool top = part.floating || part.mocap;
    const Posed X = top ? own.X_WB : rounded(part.X_PB);
    xml.open("body", {{"name", body_name(b)},
                      {"pos", text(X.p)},
                      {"quat", quaternion_text(X.R)},
                      {"mocap", part.mocap ? "true" : ""},
                      {"gravcomp", own.gravity ? "" : "1"}});
    if (own.mass.mass != 0 || !(own.mass.inertia == Sym3d{})) inertial(own.mass);
    if (part.floating) {
      xml.leaf("freejoint", {{"name", part.free >= 0 ? joint_name(static_cast<std::size_t>(part.free))
                                                     : joint_names.unique(body_name(b) + "_floats")}});
      push_pose(own.X_WB.R, &own.X_WB.p);
    }
    if (part.ball >= 0) {
      const Joint& j = scene.joints[static_cast<std::size_t>(part.ball)];
      const Node& node = tree.nodes[k];
      xml.leaf("joint", {{"name", joint_name(static_cast<std::size_t>(part.ball))},
                         {"type", "ball"},
                         {"pos", text(Vec3d(node.hinge.X_CJ.p))},
                         {"damping", j.damping == 0 ? "" : text(j.damping)},
                         {"armature", j.armature == 0 ? "" : text(j.armature)}});
      const TransformL X_WP =
          part.parent < 0 ? TransformL{} : precise(scene.bodies[static_cast<std::size_t>(part.parent)].X_WB);
      push_pose(rounded(inverse(part.X_PB) * (inverse(X_WP) * precise(own.X_WB))).R, nullptr);
    }
    for (const Degree& d : part.degrees) joint(d);
    content(b);
    for (const int c : children[k]) body(c);
    xml.close();
  }

  // ---- what is beside the tree ----

  // Loops join sites, one on each body, because MuJoCo would place the second end of an anchor by the pose of zero,
  // where a loop need not close. A second pair of sites marks the axis of a hinge.
  static bool is_hinge(const Joint& j) { return j.type == JointType::kRevolute || j.type == JointType::kContinuous; }

  void loop_sites(int body) {
    const auto site = [&](const std::string& name, const Posed& X, const Vec3d& offset) {
      const Vec3d p = X.p + rotation_matrix(X.R) * offset;
      xml.leaf("site", {{"name", name}, {"pos", text(p)}, {"quat", quaternion_text(X.R)}});
    };
    for (const int index : tree.loops) {
      const Joint& j = scene.joints[static_cast<std::size_t>(index)];
      const std::string name = "loop_" + joint_name(static_cast<std::size_t>(index));
      for (const bool child : {true, false}) {
        if ((child ? j.child : j.parent).value != body) continue;
        const Posed& X = child ? j.X_CJ : j.X_PJ;
        site(name + (child ? "_child" : "_parent"), X, {});
        if (is_hinge(j)) site(name + (child ? "_child_axis" : "_parent_axis"), X, 0.1 * j.axis);
      }
    }
  }

  void loop(std::size_t index) {
    const Joint& j = scene.joints[index];
    const std::string &name = joint_name(index), site = "loop_" + name;
    const auto join = [&](const char* kind, const std::string& as, const std::string& ending) {
      xml.leaf(kind, {{"name", as}, {"site1", site + "_parent" + ending}, {"site2", site + "_child" + ending}});
    };
    if (j.type == JointType::kFixed) {
      join("weld", name, "");
    } else if (j.type == JointType::kSpherical) {
      join("connect", name, "");
    } else if (is_hinge(j)) {
      join("connect", name, "");
      join("connect", name + "_axis", "_axis");
      if (j.damping != 0 || j.friction != 0 || !std::isinf(j.lower) || !std::isinf(j.upper)) {
        lack("loop-law", "limits, damping and friction of joints that close loops are left out", "");
      }
    } else {
      lack("loop", std::string("a ") + to_string(j.type) + " joint that closes a loop is left out", "write USD");
    }
  }

  void equalities() {
    xml.open("equality");
    for (const int j : tree.loops) loop(static_cast<std::size_t>(j));
    for (const Mimic& m : scene.mimics) {
      xml.leaf("joint", {{"joint1", joint_name(m.joint.index())},
                         {"joint2", joint_name(m.source.index())},
                         {"polycoef", text(m.offset) + " " + text(m.multiplier) + " 0 0 0"}});
    }
    for (std::size_t k = 0; k < scene.couplings.size(); ++k) {
      const Coupling& c = scene.couplings[k];
      double offset = c.offset.value_or(0);
      if (!c.offset) {
        for (const auto& [id, weight] : c.terms) offset += weight * start_of(scene.joints[id.index()], 0);
      }
      xml.leaf("tendon", {{"tendon1", coupling_name(k)}, {"polycoef", text(offset) + " 0 0 0 0"}});
    }
    xml.close();
    if (scene.couplings.empty() && scene.springs.empty()) return;
    xml.open("tendon");
    for (std::size_t k = 0; k < scene.couplings.size(); ++k) {
      xml.open("fixed", {{"name", coupling_name(k)}});
      for (const auto& [id, weight] : scene.couplings[k].terms) {
        if (!degree_of[id.index()]) lack("coupling", "a coupling of a joint that is not in the tree", "write USD");
        xml.leaf("joint", {{"joint", joint_name(id.index())}, {"coef", text(weight)}});
      }
      xml.close();
    }
    for (std::size_t k = 0; k < scene.springs.size(); ++k) {
      const Spring& s = scene.springs[k];
      const std::string site = "spring_" + std::to_string(k);
      xml.open("spatial", {{"name", leaf(s.path) + "_" + std::to_string(k)},
                           {"stiffness", text(s.stiffness)},
                           {"damping", text(s.damping)},
                           {"springlength", text(s.rest_length)}});
      xml.leaf("site", {{"site", site + "_a"}});
      xml.leaf("site", {{"site", site + "_b"}});
      xml.close();
    }
    xml.close();
  }

  std::string coupling_name(std::size_t k) const { return leaf(scene.couplings[k].path) + "_" + std::to_string(k); }

  // force = k (target - q) + d (target velocity - v), as an affine actuator; its control is in the keyframe.
  void actuators(std::vector<std::string>& ctrl) {
    xml.open("actuator");
    for (std::size_t i = 0; i < scene.joints.size(); ++i) {
      const Joint& j = scene.joints[i];
      const Drive& d = j.drive;
      if ((d.stiffness == 0 && d.damping == 0) || !degree_of[i]) continue;
      const bool position = d.stiffness > 0;
      const double gain = position ? d.stiffness : d.damping;
      const double push = position ? d.damping * d.target_velocity : 0;
      xml.leaf("general",
               {{"name", joint_name(i)},
                {"joint", joint_name(i)},
                {"biastype", "affine"},
                {"gainprm", text(gain)},
                {"biasprm", text(push) + " " + text(-d.stiffness) + " " + text(-d.damping)},
                {"forcerange", std::isinf(d.max_force) ? "" : text(-d.max_force) + " " + text(d.max_force)}});
      ctrl.push_back(text(position ? d.target_position : d.target_velocity));
    }
    xml.close();
  }

  void contacts() {
    xml.open("contact");
    const auto exclude = [&](int a, int b) {
      if (a < 0 || b < 0 || parts[static_cast<std::size_t>(a)].gone || parts[static_cast<std::size_t>(b)].gone) return;
      xml.leaf("exclude", {{"body1", body_name(a)}, {"body2", body_name(b)}});
    };
    for (const auto& [a, b] : scene.collision_exclusions) exclude(a.value, b.value);
    for (const Joint& j : scene.joints) {
      if (j.enabled && !j.collision_enabled) exclude(j.parent.value, j.child.value);
      if (j.collision_enabled) lack("contact", "bodies on both sides of a joint may not touch in MuJoCo", "");
    }
    xml.close();
  }

  static std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
  }

  std::string run() {
    make_parts();
    melt();
    xml.open("mujoco", {{"model", scene.name.empty() ? "scene" : scene.name}});
    xml.leaf("compiler", {{"angle", "radian"}, {"autolimits", "true"}, {"inertiafromgeom", "false"}});
    xml.leaf("option", {{"gravity", text(scene.gravity)}});
    xml.open("worldbody");
    content(-1);
    for (const int b : roots) body(b);
    xml.close();
    contacts();
    equalities();
    std::vector<std::string> ctrl;
    actuators(ctrl);
    if (!qpos.empty()) {
      xml.open("keyframe");
      xml.leaf("key", {{"name", "start"}, {"qpos", joined(qpos)}, {"ctrl", joined(ctrl)}});
      xml.close();
    }
    xml.close();
    // The assets are known when the bodies are written.
    std::string out = xml.str();
    std::string block = assets.str().substr(assets.str().find('\n') + 1);
    if (!block.empty()) {
      block = "  <asset>\n" + block + "  </asset>\n";
      out.insert(out.find("  <worldbody>"), block);
    }
    return out;
  }
};

}  // namespace

Result<void> write_mjcf(const Scene& scene, const std::string& file, Diagnostics& notes) {
  MjcfWriter writer(scene, file, notes);
  const std::string content = writer.run();
  if (!writer.failure) return writer.failure.error();
  lack_looks(scene, writer.lacks);
  writer.lacks.report();
  return write_atomically(file, content);
}

}  // namespace geoul::scene
