// Actuators: what each kind says about force = gain * ctrl + bias, and that as a drive of one joint.
#include <algorithm>
#include <array>
#include <cmath>

#include "geoul/scene/formats/mjcf/couplings.h"

namespace geoul::scene::mjcf {
namespace {

using urdf::printable;

struct Range {
  double low = 0, high = 0;
  int limited = 2;  // 0 no, 1 yes, 2: where there is a range
  bool counts(bool autolimits) const { return limited == 1 || (limited == 2 && autolimits && (low != 0 || high != 0)); }
  double largest() const { return std::max(std::abs(low), std::abs(high)); }
};

struct Actuator {
  std::string joint, other;  // what it acts on; other: a tendon, site, body
  double gear = 1;
  bool several_gears = false;
  int gain = 0, bias = 0;  // fixed, affine, other; none, affine, other
  std::array<double, 3> gainprm{1, 0, 0}, biasprm{0, 0, 0};
  bool dynamic = false;  // it has a state of its own
  bool damping_ratio = false;
  std::string unsupported;  // the kind that cannot be said
  Range control, force;
};

struct ActuatorReader {
  Document& document;
  const Model& model;
  const Tree& tree;
  Scene& scene;

  void range(const Node& node, const char* range, const char* limited, const std::string& whom, Range& out) {
    if (const auto v = document.list(node, range, whom, 2, 2, true)) out.low = (*v)[0], out.high = (*v)[1];
    if (const int said = document.word(node, limited, whom, {"false", "true", "auto"}); said >= 0) out.limited = said;
  }

  void parameters(const Node& node, const char* attribute, const std::string& whom, std::array<double, 3>& out) {
    const auto v = document.list(node, attribute, whom, 0, 20);
    if (!v) return;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, v->size()); ++i) out[i] = (*v)[i];
  }

  void servo(const Node& node, const std::string& whom, Actuator& a) {
    a.gainprm[0] = document.number(node, "kp", whom, a.gainprm[0]);
    a.biasprm[1] = -a.gainprm[0];
    if (document.has(node, "kv")) a.biasprm[2] = -document.number(node, "kv", whom, 0), a.damping_ratio = false;
    if (document.has(node, "dampratio")) a.damping_ratio = document.number(node, "dampratio", whom, 0) != 0;
    if (document.has(node, "timeconst")) a.dynamic = document.number(node, "timeconst", whom, 0) != 0;
    a.gain = 0, a.bias = 1;
  }

  // What one element says, over what its class said.
  void apply(const Element& element, Actuator& a) {
    const Node node{&element, nullptr};
    const std::string whom = who(element);
    range(node, "ctrlrange", "ctrllimited", whom, a.control);
    range(node, "forcerange", "forcelimited", whom, a.force);
    if (const auto gear = document.list(node, "gear", whom, 1, 6)) {
      a.gear = (*gear)[0];
      a.several_gears = std::any_of(gear->begin() + 1, gear->end(), [](double g) { return g != 0; });
    }
    for (const char* target : {"joint", "jointinparent"}) {
      if (document.has(node, target)) a.joint = document.text(node, target);
    }
    for (const char* target : {"tendon", "site", "body", "cranksite"}) {
      if (document.has(node, target)) a.other = target;
    }
    if (element.name == "general") {
      if (const int g = document.word(node, "gaintype", whom, {"fixed", "affine", "muscle", "user", "dcmotor", "so3"});
          g >= 0) {
        a.gain = std::min(g, 2);
      }
      if (const int b = document.word(node, "biastype", whom, {"none", "affine", "muscle", "user", "dcmotor", "so3"});
          b >= 0) {
        a.bias = std::min(b, 2);
      }
      if (document.has(node, "dyntype")) a.dynamic = document.text(node, "dyntype") != "none";
      parameters(node, "gainprm", whom, a.gainprm);
      parameters(node, "biasprm", whom, a.biasprm);
      a.unsupported.clear();
    } else if (element.name == "motor") {
      a.gainprm = {1, 0, 0}, a.gain = a.bias = 0, a.dynamic = false, a.unsupported.clear();
    } else if (element.name == "position" || element.name == "intvelocity") {
      servo(node, whom, a);
      a.dynamic = a.dynamic || element.name == "intvelocity";
      a.unsupported.clear();
    } else if (element.name == "velocity") {
      a.gainprm[0] = document.number(node, "kv", whom, a.gainprm[0]);
      a.biasprm = {0, 0, -a.gainprm[0]};
      a.gain = 0, a.bias = 1, a.dynamic = false, a.unsupported.clear();
    } else {
      a.unsupported = element.name;
    }
  }

  // Adds force = gear (g u + b0 + b1 gear q + b2 gear v) to the joint's drive; limits add up too.
  void drive(const Element& element, const Actuator& a, double ctrl, Joint& joint, bool first) {
    const std::string whom = who(element);
    const bool autolimits = model.compiler.autolimits;
    const std::array<double, 3> bias = a.bias == 1 ? a.biasprm : std::array<double, 3>{};
    const double stiffness = -bias[1] * a.gear * a.gear;
    const double damping = a.damping_ratio ? 0 : -bias[2] * a.gear * a.gear;
    if (stiffness < 0 || damping < 0) {
      document.warning(element, whom, "actuator", "the actuator pushes its joint away from its target; left out",
                       "write biasprm with negative second and third numbers");
      return;
    }
    if (a.damping_ratio) {
      document.warning(element, whom, "actuator", "dampratio is not used, so the drive has no damping", "write kv");
    }
    double most = a.force.counts(autolimits) ? a.force.largest() * std::abs(a.gear) : kUnlimited;
    const bool motor = stiffness == 0 && damping == 0;
    if (motor && a.control.counts(autolimits)) {
      most = std::min(most, (a.control.largest() * std::abs(a.gainprm[0]) + std::abs(bias[0])) * std::abs(a.gear));
    }
    Drive& drive = joint.drive;
    const double push = a.gear * (a.gainprm[0] * ctrl + bias[0]);
    if (!motor) {
      const double k = drive.stiffness + stiffness, d = drive.damping + damping;
      if (stiffness > 0) {
        drive.target_position = (drive.stiffness * drive.target_position + push) / k;
      } else {
        drive.target_velocity = (drive.damping * drive.target_velocity + push) / d;
      }
      drive.max_force = drive.stiffness + drive.damping > 0 ? drive.max_force + most : most;
      drive.stiffness = k, drive.damping = d;
    }
    auto& sum = effort[joint.path];
    sum = first ? most : sum + most;
  }

  std::map<std::string, double> effort = {};  // of all actuators of a joint

  void read(const Element& element, double ctrl) {
    const std::string whom = who(element);
    const std::string* named = document.find({&element, nullptr}, "class");
    const std::string cls = named != nullptr ? *named : "main";
    if (!model.defaults.has(cls)) {
      document.error(element, whom, "unknown-class", "there is no default class '" + printable(cls) + "'",
                     "define it in <default>");
      return;
    }
    if (!is_actuator(element.name)) {
      document.warning(element, whom, "unknown-element", "<" + printable(element.name) + "> is no actuator",
                       "correct its name");
      return;
    }
    Actuator a;
    for (const Element* outer : model.defaults.actuators(cls)) apply(*outer, a);
    apply(element, a);
    const auto left_out = [&](const std::string& why) {
      document.warning(element, whom, "actuator", why + "; left out", "drive joints by motor, position or velocity");
    };
    if (!a.unsupported.empty())
      return left_out("actuators of kind <" + printable(a.unsupported) + "> are not modelled");
    if (a.joint.empty() && a.other.empty()) {
      document.error(element, whom, "missing-attribute", "the actuator names no joint", "write joint=\"...\"");
      return;
    }
    if (a.joint.empty())
      return left_out("it acts on a " + (a.other == "cranksite" ? "slider-crank" : a.other) + ", not a joint");
    if (a.gain == 2 || a.bias == 2 || (a.gain == 1 && (a.gainprm[1] != 0 || a.gainprm[2] != 0))) {
      return left_out("its gain or bias is not affine");
    }
    if (a.dynamic) {
      document.warning(element, whom, "actuator", "its own dynamics (dyntype, timeconst) are not modelled",
                       "expect it to act at once");
    }
    const Element target{element.name, {{"joint", a.joint}}, {}, element.file, element.line};
    each_scope(document, tree, model, {&target, nullptr}, {{"joint", Refers::kJoint}}, [&](const Scope& scope) {
      Joint& joint = scene.joints[tree.joints.at(scope.name(a.joint)).index()];
      if (velocity_size(joint.type) != 1) return left_out("it acts on a ball or free joint");
      drive(element, a, ctrl, joint, !effort.contains(joint.path));
    });
  }
};

}  // namespace

void read_actuators(Document& document, const Model& model, const Tree& tree, std::vector<double> ctrl, Scene& scene) {
  ActuatorReader reader{document, model, tree, scene};
  std::size_t count = 0;
  for (const Element& section : model.root.children) count += section.name == "actuator" ? section.children.size() : 0;
  if (!ctrl.empty() && ctrl.size() != count) {
    document.warning(model.root, "key", "wrong-count",
                     "the keyframe's ctrl has " + std::to_string(ctrl.size()) + " numbers for " +
                         std::to_string(count) + " actuators; it is not used",
                     "write one number an actuator");
    ctrl.clear();
  }
  std::size_t index = 0;
  for (const Element& section : model.root.children) {
    if (section.name != "actuator") continue;
    for (const Element& element : section.children) {
      reader.read(element, ctrl.empty() ? 0 : ctrl[index]);
      ++index;
    }
  }
  for (Joint& joint : scene.joints) {
    const auto sum = reader.effort.find(joint.path);
    if (sum != reader.effort.end()) joint.effort_limit = std::min(joint.effort_limit, sum->second);
  }
}

}  // namespace geoul::scene::mjcf
