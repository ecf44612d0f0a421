#include "geoul/scene/formats/mjcf/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::mjcf {
namespace {

using urdf::printable;

constexpr std::array<std::string_view, 14> kActuators = {
    "general", "motor",    "position", "velocity", "intvelocity", "damper", "cylinder",
    "muscle",  "adhesion", "plugin",   "dcmotor",  "orientation", "pid",    "intvelocity"};

Vec3d unit_or_zero(const Vec3d& v) {
  const double largest = std::max({std::abs(v.x), std::abs(v.y), std::abs(v.z)});
  if (!(largest > 1e-14)) return {};
  const Vec3d scaled{v.x / largest, v.y / largest, v.z / largest};
  return (1 / norm(scaled)) * scaled;
}

void read_compiler(Document& document, Model& model, const Element& element) {
  const std::string whom = "compiler";
  const Node node{&element, nullptr};
  Compiler& c = model.compiler;
  if (const int angle = document.word(node, "angle", whom, {"radian", "degree"}); angle >= 0) c.degree = angle == 1;
  c.autolimits = document.flag(node, "autolimits", whom, c.autolimits);
  if (const std::string* seq = document.find(node, "eulerseq")) {
    const bool good = seq->size() == 3 && seq->find_first_not_of("xyzXYZ") == std::string::npos;
    if (good) c.eulerseq = *seq;
    if (!good) {
      document.error(element, whom, "bad-word", "eulerseq is '" + printable(*seq) + "'",
                     "write three of x y z (moving axes) or X Y Z (fixed axes)");
    }
  }
  if (document.word(node, "coordinate", whom, {"local", "global"}) == 1) {
    document.error(element, whom, "global-coordinates", "global coordinates were removed from MJCF",
                   "convert the model to local ones with MuJoCo 2.3.3 or older");
  }
  if (const std::string* assets = document.find(node, "assetdir")) c.mesh_folder = *assets;
  if (const std::string* meshes = document.find(node, "meshdir")) c.mesh_folder = *meshes;
  const int from = document.word(node, "inertiafromgeom", whom, {"false", "true", "auto"});
  if (from >= 0) c.inertia_from_geom = from;
  if (const auto range = document.list(node, "inertiagrouprange", whom, 2, 2)) {
    c.group_least = (*range)[0], c.group_most = (*range)[1];
  }
  c.bound_mass = document.number(node, "boundmass", whom, c.bound_mass);
  c.bound_inertia = document.number(node, "boundinertia", whom, c.bound_inertia);
  c.total_mass = document.number(node, "settotalmass", whom, c.total_mass);
  c.balance_inertia = document.flag(node, "balanceinertia", whom, c.balance_inertia);
  c.strip_path = document.flag(node, "strippath", whom, c.strip_path);
  if (document.flag(node, "alignfree", whom, false)) {
    document.warning(element, whom, "aligned-free",
                     "bodies keep their own frames; MuJoCo would move free ones to the inertia's",
                     "expect keyframes to speak of other frames");
  }
  c.fit_box = document.flag(node, "fitaabb", whom, c.fit_box);
  if (c.bound_mass < 0 || c.bound_inertia < 0) {
    document.error(element, whom, "bad-value", "boundmass or boundinertia is negative", "write a number >= 0");
  }
}

// What carries meaning for us: gravity, and fluids, which are not modelled. The rest steers MuJoCo's own solver.
void read_option(Document& document, const Element& element, Scene& scene) {
  const std::string whom = "option";
  const Node node{&element, nullptr};
  scene.gravity = document.vector(node, "gravity", whom, scene.gravity);
  for (const char* fluid : {"density", "viscosity"}) {
    if (document.number(node, fluid, whom, 0) != 0) {
      document.warning(element, whom, "fluid", std::string("forces of a fluid of this ") + fluid + " are not modelled",
                       "expect bodies to move as in a vacuum");
    }
  }
  for (const Element& flag : element.children) {
    if (flag.name != "flag") {
      document.note_ignored(flag);
      continue;
    }
    const Node flags{&flag, nullptr};
    if (document.word(flags, "gravity", "flag", {"enable", "disable"}) == 1) scene.gravity = {};
    for (const char* name : {"contact", "constraint", "equality", "limit", "spring", "damper", "actuation"}) {
      if (document.word(flags, name, "flag", {"enable", "disable"}) != 1) continue;
      document.warning(flag, "flag", "disabled", std::string(name) + " is disabled in MuJoCo, but not here",
                       "remove these elements from the model");
    }
  }
}

}  // namespace

bool is_actuator(std::string_view tag) {
  return std::find(kActuators.begin(), kActuators.end(), tag) != kActuators.end();
}

double Compiler::angle(double written) const { return degree ? written / 180 * std::numbers::pi : written; }

// ---- defaults ----

void Defaults::read_class(Document& document, const Element& element, const Class& outer, bool top) {
  const std::string* given = document.find({&element, nullptr}, "class");
  const std::string name = given != nullptr ? *given : top ? "main" : "";
  if (name.empty()) {
    document.error(element, "default", "missing-attribute", "a default class has no name", "write class=\"...\"");
    return;
  }
  if (!top && classes_.contains(name)) {
    document.error(element, "default '" + printable(name) + "'", "duplicate-name", "this class is defined already",
                   "give every class a name of its own");
    return;
  }
  Class made = top && classes_.contains(name) ? classes_[name] : outer;
  for (const Element& child : element.children) {
    if (child.name == "default") continue;
    if (is_actuator(child.name)) {
      made.actuators.push_back(&child);
      continue;
    }
    Attributes& attributes = made.tags[child.name];
    // Another way to write an orientation replaces what an outer class wrote.
    constexpr const char* kWays[] = {"quat", "axisangle", "euler", "xyaxes", "zaxis"};
    const auto written = [&](const char* way) { return child.attributes.contains(way); };
    if (std::any_of(std::begin(kWays), std::end(kWays), written)) {
      for (const char* way : kWays) attributes.erase(way);
    }
    for (const auto& item : child.attributes) {
      if (item.first != "class") attributes[item.first] = item.second;
    }
  }
  classes_[name] = made;
  for (const Element& child : element.children) {
    if (child.name == "default") read_class(document, child, made, false);
  }
}

void Defaults::read(Document& document, const Element& root) {
  for (const Element& section : root.children) {
    if (section.name == "default") read_class(document, section, classes_["main"], true);
  }
}

const Attributes* Defaults::of(const std::string& name, const char* tag) const {
  static const Attributes kNone;
  const auto found = classes_.find(name);
  if (found == classes_.end()) return nullptr;
  const auto attributes = found->second.tags.find(tag);
  return attributes != found->second.tags.end() ? &attributes->second : &kNone;
}

const std::vector<const Element*>& Defaults::actuators(const std::string& name) const {
  static const std::vector<const Element*> kNone;
  const auto found = classes_.find(name);
  return found != classes_.end() ? found->second.actuators : kNone;
}

Node Model::node(Document& document, const Element& element, const char* tag, const std::string& childclass) const {
  const std::string* own = document.find({&element, nullptr}, "class");
  const std::string& name = own != nullptr ? *own : childclass.empty() ? "main" : childclass;
  const Attributes* attributes = defaults.of(name, tag);
  if (attributes == nullptr) {
    document.error(element, who(element), "unknown-class", "there is no default class '" + printable(name) + "'",
                   "define it in <default>");
  }
  return {&element, attributes};
}

void read_settings(Document& document, Model& model, Scene* scene) {
  Scene unused;
  for (const Element& section : model.root.children) {
    if (section.name == "compiler") read_compiler(document, model, section);
    if (section.name == "option") read_option(document, section, scene != nullptr ? *scene : unused);
  }
  model.defaults.read(document, model.root);
}

// ---- poses ----

Quatd rotation_to(const Vec3d& direction) {
  const Vec3d z = unit_or_zero(direction);
  const Vec3d across{-z.y, z.x, 0};
  const double s = norm(across);
  if (s < 1e-10) return z.z < 0 ? Quatd{0, 1, 0, 0} : Quatd{};
  const double half = std::atan2(s, z.z) / 2;
  const double k = std::sin(half) / s;
  return {std::cos(half), k * across.x, k * across.y, 0};
}

Quatd euler_rotation(const Compiler& compiler, const Vec3d& angles) {
  Quatd q;
  for (int i = 0; i < 3; ++i) {
    if (angles[i] == 0) continue;
    const char axis = compiler.eulerseq[static_cast<std::size_t>(i)];
    Vec3d about;
    about[(axis | 0x20) - 'x'] = std::sin(angles[i] / 2);
    const Quatd turn{std::cos(angles[i] / 2), about.x, about.y, about.z};
    q = axis >= 'a' ? q * turn : turn * q;
  }
  return normalized(q);
}

Quatd read_rotation(Document& document, const Compiler& compiler, const Node& node, const std::string& whom) {
  const auto degenerate = [&](const char* attribute) {
    document.error(*node.element, whom, "zero-axis", std::string(attribute) + " has a direction of length 0",
                   "write a direction");
    return Quatd{};
  };
  // An element's own way of writing beats its class's.
  int ways = 0;
  for (const char* way : {"quat", "axisangle", "euler", "xyaxes", "zaxis"}) {
    ways += node.element->attributes.contains(way) ? 1 : 0;
  }
  if (ways > 1) {
    document.error(*node.element, whom, "two-orientations", "the orientation is written in two ways", "keep one");
    return {};
  }
  const Node asked = ways > 0 ? Node{node.element, nullptr} : node;
  if (const auto v = document.list(asked, "axisangle", whom, 4, 4)) {
    const Vec3d axis = unit_or_zero({(*v)[0], (*v)[1], (*v)[2]});
    if (axis == Vec3d{}) return degenerate("axisangle");
    const double half = compiler.angle((*v)[3]) / 2;
    return normalized(Quatd{std::cos(half), std::sin(half) * axis.x, std::sin(half) * axis.y, std::sin(half) * axis.z});
  }
  if (const auto v = document.list(asked, "euler", whom, 3, 3)) {
    return euler_rotation(compiler, {compiler.angle((*v)[0]), compiler.angle((*v)[1]), compiler.angle((*v)[2])});
  }
  if (const auto v = document.list(asked, "xyaxes", whom, 6, 6)) {
    const Vec3d x = unit_or_zero({(*v)[0], (*v)[1], (*v)[2]});
    Vec3d y{(*v)[3], (*v)[4], (*v)[5]};
    y = unit_or_zero(y - dot(x, y) * x);
    if (x == Vec3d{} || y == Vec3d{}) return degenerate("xyaxes");
    return quaternion(transpose(Mat3d{x, y, cross(x, y)}));
  }
  if (const auto v = document.list(asked, "zaxis", whom, 3, 3)) {
    const Vec3d z{(*v)[0], (*v)[1], (*v)[2]};
    return unit_or_zero(z) == Vec3d{} ? degenerate("zaxis") : rotation_to(z);
  }
  if (const auto v = document.list(asked, "quat", whom, 4, 4)) {
    const double largest = std::max({std::abs((*v)[0]), std::abs((*v)[1]), std::abs((*v)[2]), std::abs((*v)[3])});
    if (!(largest > 1e-14)) return degenerate("quat");
    const Quatd q{(*v)[0], (*v)[1], (*v)[2], (*v)[3]};
    if (squared_norm(q) == 1) return q;
    return normalized(Quatd{q.w / largest, q.x / largest, q.y / largest, q.z / largest});
  }
  return {};
}

Posed read_pose(Document& document, const Compiler& compiler, const Node& node, const std::string& whom) {
  return {read_rotation(document, compiler, node, whom), document.vector(node, "pos", whom, {})};
}

Posed compose(const Posed& X_AB, const Posed& X_BC) {
  if (X_AB == Posed{}) return X_BC;
  if (X_BC == Posed{}) return X_AB;
  const Quatd R = X_AB.R == Quatd{} ? X_BC.R : X_BC.R == Quatd{} ? X_AB.R : normalized(X_AB.R * X_BC.R);
  return {R, X_AB.p + rotation_matrix(X_AB.R) * X_BC.p};
}

}  // namespace geoul::scene::mjcf
