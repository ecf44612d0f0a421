#include "geoul/scene/formats/sdf/joints.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace geoul::scene::sdf {
namespace {

constexpr double kEndless = 1e16;  // what SDF writes for no limit

// One <axis>: what a one-degree joint takes from it.
struct Axis {
  Element element;
  Vec3d direction{0, 0, 1};  // unit, in the joint frame
  double lower = -kUnlimited, upper = kUnlimited, effort = kUnlimited, velocity = kUnlimited;
  double damping = 0, friction = 0, stiffness = 0, reference = 0;
};

struct JointReader {
  Document& document;
  Tree& tree;
  const std::string& root;
  Scene& scene;
  std::vector<std::pair<std::size_t, std::string>> gearboxes = {};  // parts, their gearbox_reference_body
  struct Follower {
    const Part* part;
    Element element;
    JointId joint;
  };
  std::vector<Follower> followers = {};
  std::map<std::pair<int, std::string>, JointId> by_name = {};  // scope and name: joints of one degree, first axis

  TransformL in_world(int scope, int frame) const {
    return tree.frames.in_world(scope) * tree.frames.frames[static_cast<std::size_t>(frame)].X;
  }
  TransformL body_in_world(BodyId body) const {
    return body.valid() ? precise(scene.bodies[body.index()].X_WB) : TransformL{};
  }

  // The body at one end, or none with an error.
  std::optional<BodyId> end(const Part& part, const char* which) {
    const Element element = part.element.child(which);
    const std::string name = element.text(), who = joint_word(part);
    if (name.empty()) {
      document.error(part.element, who, "missing-element", std::string("the joint has no <") + which + ">",
                     std::string("write <") + which + ">link</" + which + ">");
      return std::nullopt;
    }
    if (name == part.name && std::string_view(which) == "parent") {
      document.error(element, who, "self-joint", "the joint names itself", "name a link");
      return std::nullopt;
    }
    const auto target = resolve(document, tree, element, who, part.scope, name, std::string("its ") + which);
    if (!target) return std::nullopt;
    const int link = tree.frames.link_of(target->frame).value_or(-1);
    return link < 0 ? kWorld : tree.frames.frames[static_cast<std::size_t>(link)].body;
  }

  Axis axis(const Part& part, const char* which) {
    Axis out;
    const std::string who = joint_word(part);
    out.element = part.element.child(which);
    if (!out.element) {
      document.warning(part.element, who, "missing-element",
                       std::string("the joint has no <") + which + ">; it turns or slides along z",
                       std::string("write <") + which + "><xyz>0 0 1</xyz></" + which + ">");
      return out;
    }
    document.check_children(out.element, {"xyz", "limit", "dynamics", "mimic", "use_parent_model_frame"});
    direction(part, out, who);
    const Element limit = out.element.child("limit"), dynamics = out.element.child("dynamics");
    document.check_children(limit, {"lower", "upper", "effort", "velocity"});
    out.lower = document.number(limit, "lower", who, -kUnlimited, true);
    out.upper = document.number(limit, "upper", who, kUnlimited, true);
    if (out.lower <= -kEndless) out.lower = -kUnlimited;
    if (out.upper >= kEndless) out.upper = kUnlimited;
    if (out.lower > out.upper || out.lower == kUnlimited || out.upper == -kUnlimited) {
      document.error(limit, who, "reversed-limits", "lower is above upper", "exchange them");
      out.lower = -kUnlimited, out.upper = kUnlimited;
    }
    out.effort = document.number(limit, "effort", who, -1, true);
    out.velocity = document.number(limit, "velocity", who, -1, true);
    if (out.effort < 0) out.effort = kUnlimited;
    if (out.velocity < 0) out.velocity = kUnlimited;
    out.damping = document.number(dynamics, "damping", who, 0);
    out.friction = document.number(dynamics, "friction", who, 0);
    out.stiffness = document.number(dynamics, "spring_stiffness", who, 0);
    out.reference = document.number(dynamics, "spring_reference", who, 0);
    if (out.damping < 0 || out.friction < 0 || out.stiffness < 0) {
      document.error(dynamics, who, "bad-dynamics", "damping, friction or spring_stiffness is negative",
                     "write a number >= 0");
    }
    return out;
  }

  void direction(const Part& part, Axis& out, const std::string& who) {
    const Element xyz = out.element.child("xyz");
    const Vec3d given = document.vector(out.element, "xyz", who, {0, 0, 1});
    const double largest = std::max({std::abs(given.x), std::abs(given.y), std::abs(given.z)});
    if (largest == 0) {
      document.error(xyz, who, "zero-axis", "the axis has length 0", "write 0 0 1 or another direction");
      return;
    }
    const Vec3d scaled{given.x / largest, given.y / largest, given.z / largest};
    out.direction = norm(given) == 1 ? given : (1 / norm(scaled)) * scaled;
    std::string in = xyz.attribute("expressed_in");
    // Up to 1.4 always in the model, in 1.5 and 1.6 where it is said.
    const int version = part.element.source->version;
    if (version <= 104 || (version <= 106 && document.boolean(out.element, "use_parent_model_frame", who, false))) {
      in = "__model__";
    }
    if (in.empty()) return;
    const auto target = resolve(document, tree, xyz, who, part.scope, in, "expressed_in");
    if (!target) return;
    const TransformL X = inverse(in_world(part.scope, part.frame)) * tree.frames.in_world_of(*target, part.scope);
    const Vec3<long double> turned = X.R * Vec3<long double>(out.direction);
    out.direction = Vec3d((1 / norm(turned)) * turned);
  }

  void apply(const Axis& axis, Joint& joint) {
    joint.axis = axis.direction;
    if (joint.type != JointType::kContinuous) joint.lower = axis.lower, joint.upper = axis.upper;
    joint.effort_limit = axis.effort;
    joint.velocity_limit = axis.velocity;
    joint.damping = axis.damping;
    joint.friction = axis.friction;
    joint.stiffness = axis.stiffness;
    joint.spring_position = axis.stiffness > 0 ? axis.reference : 0;
    joint.position = 0;
  }

  JointId add(const Part& part, Joint joint) {
    scene.joint_sources.push_back(document.at(part.element, joint.path));
    scene.joints.push_back(std::move(joint));
    return JointId::from_index(scene.joints.size() - 1);
  }

  // A massless body between the two joints of a chain, at the joint's frame.
  BodyId between(const Part& part, const TransformL& X_WJ) {
    Body body;
    body.path = part.model->path + "/" + part.model->names.unique(part.name + "_between");
    body.source = document.at(part.element, body.path);
    body.X_WB = rounded(X_WJ);
    scene.bodies.push_back(body);
    return BodyId::from_index(scene.bodies.size() - 1);
  }

  // parent - first - massless body - second - child.
  std::pair<JointId, JointId> chain(const Part& part, const Joint& joint, const TransformL& X_WJ,
                                    const std::pair<JointType, Axis>& first, const std::pair<JointType, Axis>& second,
                                    const std::string& ending) {
    const BodyId middle = between(part, X_WJ);
    Joint a = joint, b = joint;
    a.type = first.first, b.type = second.first;
    a.child = b.parent = middle;
    a.X_CJ = b.X_PJ = {};
    apply(first.second, a);
    apply(second.second, b);
    b.path = part.model->path + "/joints/" + part.model->joints.unique(part.name + ending);
    const JointId one = add(part, std::move(a));
    if (joint.parent.valid() && joint.child.valid()) {
      scene.collision_exclusions.emplace_back(joint.parent, joint.child);
    }
    return {one, add(part, std::move(b))};
  }

  // Metres along the axis a radian.
  double pitch(const Part& part) {
    const std::string who = joint_word(part);
    const Element now = part.element.child("screw_thread_pitch"), old = part.element.child("thread_pitch");
    if (now && old) {
      document.info(old, who, "two-pitches", "thread_pitch is not used beside screw_thread_pitch");
    }
    double metres_a_turn = 1;
    if (now || (!old && part.element.source->version >= 110)) {
      metres_a_turn = document.number(part.element, "screw_thread_pitch", who, 1);
    } else {
      const double radians_a_metre = document.number(part.element, "thread_pitch", who, 1);
      metres_a_turn = radians_a_metre == 0 ? 0 : -2 * std::numbers::pi / radians_a_metre;
    }
    if (metres_a_turn != 0) return metres_a_turn / (2 * std::numbers::pi);
    document.error(part.element, who, "bad-pitch", "the pitch is 0", "write the metres of one turn");
    return 1;
  }

  void mimic(const Part& part, const Axis& axis, JointId joint) {
    const Element element = axis.element.child("mimic");
    if (element) followers.push_back({&part, element, joint});
  }

  void read(std::size_t index) {
    const Part& part = tree.joints[index];
    const std::string type = part.element.attribute("type"), who = joint_word(part);
    document.check_children(part.element, {"pose", "parent", "child", "axis", "axis2", "thread_pitch",
                                           "screw_thread_pitch", "gearbox_ratio", "gearbox_reference_body"});
    const auto parent = end(part, "parent"), child = end(part, "child");
    static constexpr const char* kTypes[] = {"revolute",  "continuous", "prismatic", "fixed",  "ball",
                                             "universal", "revolute2",  "screw",     "gearbox"};
    if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes)) {
      document.error(part.element, who, "bad-joint-type",
                     type.empty() ? "the joint has no type" : "there is no type '" + printable(type) + "'",
                     "write revolute, continuous, prismatic, fixed, ball, universal, revolute2, screw or gearbox");
      return;
    }
    if (!parent || !child) return;
    if (part.element.child("child").text() == "world") {
      document.error(part.element.child("child"), who, "child-world", "the child is the world",
                     "exchange parent and child");
      return;
    }
    if (*parent == *child) {
      document.error(part.element, who, "self-joint", "both ends are on " + body_name(scene, *parent),
                     "name two different links");
      return;
    }
    if (still(*parent) && still(*child)) {
      document.info(part.element, who, "static-joint", "the joint is left out: both ends are static");
      return;
    }
    const TransformL X_WJ = in_world(part.scope, part.frame);
    Joint joint;
    joint.path = part.path;
    joint.parent = *parent, joint.child = *child;
    joint.X_PJ = rounded(inverse(body_in_world(*parent)) * X_WJ);
    joint.X_CJ = rounded(inverse(body_in_world(*child)) * X_WJ);
    make(index, part, type, X_WJ, joint);
  }

  void make(std::size_t index, const Part& part, const std::string& type, const TransformL& X_WJ, Joint& joint) {
    const std::pair<int, std::string> key{part.scope, part.name};
    if (type == "fixed" || type == "ball") {
      joint.type = type == "fixed" ? JointType::kFixed : JointType::kSpherical;
      if (part.element.child("axis")) document.note_ignored(part.element.child("axis"));
      add(part, std::move(joint));
    } else if (type == "universal" || type == "revolute2") {
      const Axis first = axis(part, "axis"), second = axis(part, "axis2");
      const auto [a, b] =
          chain(part, joint, X_WJ, {JointType::kRevolute, first}, {JointType::kRevolute, second}, "_second");
      by_name[key] = a;
      mimic(part, first, a);
      mimic(part, second, b);
    } else if (type == "screw") {
      const Axis turn = axis(part, "axis");
      Axis travel;
      travel.direction = turn.direction;
      const auto [a, b] =
          chain(part, joint, X_WJ, {JointType::kRevolute, turn}, {JointType::kPrismatic, travel}, "_travel");
      by_name[key] = a;
      scene.couplings.push_back({part.path + "_thread", {{a, pitch(part)}, {b, -1}}, 0});
    } else if (type == "gearbox") {
      gearboxes.emplace_back(index, part.element.child("gearbox_reference_body").text());
    } else {
      joint.type = type == "revolute"     ? JointType::kRevolute
                   : type == "continuous" ? JointType::kContinuous
                                          : JointType::kPrismatic;
      const Axis only = axis(part, "axis");
      if (part.element.child("axis2")) document.note_ignored(part.element.child("axis2"));
      apply(only, joint);
      by_name[key] = add(part, std::move(joint));
      mimic(part, only, by_name[key]);
    }
  }

  bool still(BodyId body) const { return !body.valid() || statics[body.index()] != 0; }
  std::vector<char> statics = {};  // (nbody), of static models

  // The revolute joint between two bodies, and +-1: whether it turns `outer` against `reference` along `axis` (in the
  // world).
  std::optional<std::pair<JointId, double>> hinge(BodyId reference, BodyId outer, const Vec3d& axis) {
    if (at_pair.empty()) {
      for (std::size_t j = 0; j < scene.joints.size(); ++j) at_pair[key_of(scene.joints[j])].push_back(j);
    }
    const auto found = at_pair.find(std::minmax(reference.value, outer.value));
    if (found == at_pair.end()) return std::nullopt;
    for (const std::size_t j : found->second) {
      const Joint& joint = scene.joints[j];
      const bool forward = joint.parent == reference && joint.child == outer;
      const bool backward = joint.child == reference && joint.parent == outer;
      if ((!forward && !backward) || (joint.type != JointType::kRevolute && joint.type != JointType::kContinuous)) {
        continue;
      }
      const TransformL X_WJ = body_in_world(joint.parent) * precise(joint.X_PJ);
      const double along = dot(Vec3d(X_WJ.R * Vec3<long double>(joint.axis)), axis);
      if (std::abs(std::abs(along) - 1) > 1e-6) continue;
      return std::pair{JointId::from_index(j), (along > 0) == forward ? 1.0 : -1.0};
    }
    return std::nullopt;
  }

  static std::pair<std::int32_t, std::int32_t> key_of(const Joint& joint) {
    return std::minmax(joint.parent.value, joint.child.value);
  }
  std::map<std::pair<std::int32_t, std::int32_t>, std::vector<std::size_t>> at_pair = {};  // joints between two bodies

  // theta_2 = -ratio theta_1, of the child and the parent against the reference body. Source: SDF, <gearbox_ratio>.
  void gearbox(const Part& part, const std::string& reference) {
    const std::string who = joint_word(part);
    const auto parent = end(part, "parent"), child = end(part, "child");
    if (reference.empty()) {
      document.error(part.element, who, "missing-element", "a gearbox has no <gearbox_reference_body>",
                     "name the link that carries both axles");
      return;
    }
    const auto target = resolve(document, tree, part.element.child("gearbox_reference_body"), who, part.scope,
                                reference, "gearbox_reference_body");
    if (!target || !parent || !child) return;
    const int link = tree.frames.link_of(target->frame).value_or(-1);
    const BodyId body = link < 0 ? kWorld : tree.frames.frames[static_cast<std::size_t>(link)].body;
    const TransformL X_WJ = in_world(part.scope, part.frame);
    const auto world_axis = [&](const char* which) {
      return Vec3d(X_WJ.R * Vec3<long double>(axis(part, which).direction));
    };
    const auto first = hinge(body, *parent, world_axis("axis")), second = hinge(body, *child, world_axis("axis2"));
    const double ratio = document.number(part.element, "gearbox_ratio", who, 1);
    if (!first || !second || ratio == 0 || first->first == second->first) {
      document.error(part.element, who, "gearbox",
                     ratio == 0
                         ? "the ratio is 0"
                         : "no two revolute joints join its parent and child to the reference body along its axes",
                     "join both links to gearbox_reference_body by revolute joints");
      return;
    }
    scene.couplings.push_back(
        {part.path, {{first->first, ratio * first->second}, {second->first, second->second}}, std::nullopt});
  }

  // follower = multiplier (leader - reference) + offset. Chains are resolved, so that every source moves by itself.
  void follow() {
    std::vector<std::optional<Mimic>> direct(scene.joints.size());
    for (const Follower& f : followers) {
      const std::string name = f.element.attribute("joint"), who = joint_word(*f.part);
      const auto found = by_name.find({f.part->scope, name});
      if (found == by_name.end()) {
        document.error(f.element, who, "unknown-joint",
                       "it mimics '" + printable(name) +
                           "', which is no joint of one "
                           "degree in its model",
                       "name another joint");
        continue;
      }
      const std::string axis = f.element.attribute("axis");
      if (!axis.empty() && axis != "axis") {
        document.error(f.element, who, "bad-mimic", "it mimics " + printable(axis) + " of a joint, not axis",
                       "mimic the first axis");
        continue;
      }
      const double multiplier = document.number(f.element, "multiplier", who, 0);
      const double offset =
          document.number(f.element, "offset", who, 0) - multiplier * document.number(f.element, "reference", who, 0);
      direct[f.joint.index()] = Mimic{f.joint, found->second, multiplier, offset};
    }
    for (const Follower& f : followers) {
      if (!direct[f.joint.index()]) continue;
      Mimic m = *direct[f.joint.index()];
      std::size_t steps = 0;
      while (direct[m.source.index()] && steps++ <= followers.size()) {
        const Mimic& next = *direct[m.source.index()];
        m.offset += m.multiplier * next.offset;
        m.multiplier *= next.multiplier;
        m.source = next.source;
      }
      if (steps > followers.size() || m.source == m.joint) {
        document.error(f.element, joint_word(*f.part), "mimic-cycle", "it follows itself",
                       "let one of the joints move by itself");
        return;
      }
      scene.mimics.push_back(m);
      scene.joints[m.joint.index()].position = m.offset;
    }
  }

  void weld_statics() {
    statics.assign(scene.bodies.size(), 0);
    for (std::size_t b = 0; b < tree.links.size(); ++b) {
      const Part& link = tree.links[b];
      if (!link.model->is_static) continue;
      statics[b] = 1;
      Joint weld;
      weld.path = link.model->path + "/joints/" + link.model->joints.unique(link.name + "_static");
      weld.child = BodyId::from_index(b);
      weld.X_PJ = scene.bodies[b].X_WB;
      add(link, std::move(weld));
    }
  }
};

}  // namespace

void read_joints(Document& document, Tree& tree, const std::string& root, Scene& scene) {
  JointReader reader{document, tree, root, scene};
  reader.weld_statics();
  for (std::size_t j = 0; j < tree.joints.size(); ++j) reader.read(j);
  for (const auto& [index, reference] : reader.gearboxes) reader.gearbox(tree.joints[index], reference);
  reader.follow();
}

}  // namespace geoul::scene::sdf
