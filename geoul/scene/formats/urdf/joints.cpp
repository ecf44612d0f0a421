#include "geoul/scene/formats/urdf/joints.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

namespace geoul::scene::urdf {
namespace {

std::optional<JointType> type_of(std::string_view name) {
  constexpr std::pair<std::string_view, JointType> kTypes[] = {
      {"fixed", JointType::kFixed},         {"revolute", JointType::kRevolute}, {"continuous", JointType::kContinuous},
      {"prismatic", JointType::kPrismatic}, {"planar", JointType::kPlanar},     {"floating", JointType::kFree}};
  for (const auto& [word, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

bool one_degree(JointType type) { return velocity_size(type) == 1; }

struct JointReader {
  Document& document;
  const LinkIds& links;
  const std::string& root;
  Scene& scene;
  std::map<std::string, JointId, std::less<>> ids;
  std::map<std::string, int, std::less<>> first_line;
  std::vector<pugi::xml_node> nodes;  // of scene.joints
  Names names;

  std::optional<BodyId> end(pugi::xml_node joint, const char* which, const std::string& who) {
    const pugi::xml_node node = joint.child(which);
    const char* name = node.attribute("link").value();
    if (*name == 0) {
      document.error(node ? node : joint, who, "missing-element", std::string("the joint has no <") + which + " link>",
                     std::string("write <") + which + " link=\"...\"/>");
      return std::nullopt;
    }
    const auto found = links.find(name);
    if (found != links.end()) return found->second;
    document.error(node, who, "unknown-link", std::string("its ") + which + " '" + printable(name) + "' does not exist",
                   "name a <link> of this file");
    return std::nullopt;
  }

  void axis(pugi::xml_node node, Joint& joint, const std::string& who) {
    joint.axis = {1, 0, 0};
    const pugi::xml_node axis = node.child("axis");
    if (!one_degree(joint.type) && joint.type != JointType::kPlanar) {
      joint.axis = {0, 0, 1};
      return;
    }
    if (!axis) return;
    if (!axis.attribute("xyz")) {
      document.error(axis, who, "missing-attribute", "<axis> has no xyz", "write xyz=\"0 0 1\"");
      return;
    }
    const auto xyz = document.numbers<3>(axis, "xyz", who);
    if (!xyz) return;
    const Vec3d given{(*xyz)[0], (*xyz)[1], (*xyz)[2]};
    const double largest = std::max({std::abs(given.x), std::abs(given.y), std::abs(given.z)});
    if (largest == 0) {
      document.error(axis, who, "zero-axis", "the axis has length 0", "write xyz=\"0 0 1\" or another direction");
      return;
    }
    // A unit vector keeps its bits; scaling by the largest first keeps tiny and huge ones from under- and overflow.
    const double length = norm(given);
    const Vec3d scaled{given.x / largest, given.y / largest, given.z / largest};
    const double scaled_length = norm(scaled);
    joint.axis =
        length == 1 ? given : Vec3d{scaled.x / scaled_length, scaled.y / scaled_length, scaled.z / scaled_length};
    if (std::abs(length - 1) > 1e-6) {
      document.diagnostics().info(document.at(axis, who), "axis-not-unit", "the axis is brought to unit length");
    }
  }

  // A limit of force or speed. Missing or zero is said, since simulation depends on it.
  double bound(pugi::xml_node limit, const char* attribute, const std::string& who) {
    if (!limit.attribute(attribute)) {
      if (limit) {
        document.warning(limit, who, "missing-attribute",
                         std::string("<limit> has no ") + attribute + "; taken as unlimited",
                         std::string("write ") + attribute + "=\"...\"");
      }
      return kUnlimited;
    }
    const double value = document.number(limit, attribute, who, kUnlimited, true);
    if (value < 0) {
      document.error(limit, who, "bad-limit", std::string(attribute) + " is negative", "write a number >= 0");
      return kUnlimited;
    }
    if (value == 0) {
      document.warning(limit, who, "zero-limit", std::string(attribute) + " is 0: the joint cannot be driven",
                       "write what the motor can do");
    }
    return value;
  }

  void limits(pugi::xml_node node, Joint& joint, const std::string& who) {
    const pugi::xml_node limit = node.child("limit");
    const bool bounded = joint.type == JointType::kRevolute || joint.type == JointType::kPrismatic;
    if (!limit && bounded) {
      document.error(node, who, "missing-element", std::string("a ") + to_string(joint.type) + " joint needs a <limit>",
                     joint.type == JointType::kRevolute
                         ? "write <limit lower=... upper=... effort=... velocity=.../>, or type=\"continuous\""
                         : "write <limit lower=... upper=... effort=... velocity=.../>");
      return;
    }
    if (!limit) return;
    if (!one_degree(joint.type)) {
      if (joint.type != JointType::kFixed) document.note_ignored(limit);
      return;
    }
    joint.effort_limit = bound(limit, "effort", who);
    joint.velocity_limit = bound(limit, "velocity", who);
    if (!bounded) return;
    joint.lower = document.number(limit, "lower", who, 0, true);
    joint.upper = document.number(limit, "upper", who, 0, true);
    if (joint.lower > joint.upper) {
      document.error(limit, who, "reversed-limits", "lower is above upper", "exchange them");
    } else if (joint.lower == joint.upper) {
      document.warning(limit, who, "locked-joint", "lower equals upper: the joint cannot move",
                       "widen the limits, or write type=\"fixed\"");
    }
  }

  void dynamics(pugi::xml_node node, Joint& joint, const std::string& who) {
    const pugi::xml_node dynamics = node.child("dynamics");
    if (!dynamics) return;
    for (const auto& [attribute, to] : {std::pair{"damping", &joint.damping}, std::pair{"friction", &joint.friction}}) {
      *to = document.number(dynamics, attribute, who, 0);
      if (*to < 0) {
        document.error(dynamics, who, "bad-dynamics", std::string(attribute) + " is negative", "write a number >= 0");
      }
    }
    // Values of fixed joints mean nothing; friction is modelled for one degree of freedom.
    if (joint.type == JointType::kFixed) joint.damping = 0;
    if (!one_degree(joint.type)) joint.friction = 0;
  }

  void read(pugi::xml_node node) {
    const std::string name = node.attribute("name").value();
    const std::string who = "joint '" + printable(name) + "'";
    document.check_children(node, who, {"origin", "parent", "child", "axis", "limit", "dynamics", "mimic"});
    if (name.empty()) {
      document.error(node, "joint", "missing-name", "a joint has no name", "write name=\"...\"");
      return;
    }
    if (const auto [place, is_new] = first_line.try_emplace(name, document.line(node)); !is_new) {
      document.error(node, who, "duplicate-name",
                     "this name is used for a joint on line " + std::to_string(place->second) + " already",
                     "give every joint a name of its own");
      return;
    }
    const std::string_view type_name = node.attribute("type").value();
    const auto type = type_of(type_name);
    if (!type) {
      document.error(node, who, "bad-joint-type",
                     type_name.empty() ? "the joint has no type" : "there is no type '" + printable(type_name) + "'",
                     "write revolute, continuous, prismatic, fixed, floating or planar");
    }
    Joint joint;
    joint.type = type.value_or(JointType::kFixed);
    const auto parent = end(node, "parent", who), child = end(node, "child", who);
    joint.X_PJ = document.origin(node, who);
    axis(node, joint, who);
    limits(node, joint, who);
    dynamics(node, joint, who);
    if (one_degree(joint.type)) joint.position = 0;
    if (!parent || !child || !type) return;
    if (*parent == *child) {
      document.error(node, who, "self-joint", "parent and child are the same link", "name two links");
      return;
    }
    joint.parent = *parent;
    joint.child = *child;
    const std::string part = names.unique(name);
    joint.path = root + "/joints/" + part;
    if (part != name) {
      document.diagnostics().info(document.at(node, who), "renamed", "its path is " + joint.path,
                                  "use letters, digits and _");
    }
    ids[name] = JointId::from_index(scene.joints.size());
    scene.joint_sources.push_back(document.at(node, joint.path));
    scene.joints.push_back(std::move(joint));
    nodes.push_back(node);
  }

  // What each joint follows directly: source, multiplier, offset.
  std::vector<std::optional<Mimic>> direct_mimics() {
    std::vector<std::optional<Mimic>> direct(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const pugi::xml_node mimic = nodes[i].child("mimic");
      if (!mimic) continue;
      const std::string who = "joint '" + printable(nodes[i].attribute("name").value()) + "'";
      const char* name = mimic.attribute("joint").value();
      if (*name == 0) {
        document.error(mimic, who, "missing-attribute", "<mimic> has no joint", "write joint=\"...\"");
        continue;
      }
      const auto source = ids.find(name);
      if (source == ids.end()) {
        // A joint that exists and is broken has its own finding.
        if (!first_line.contains(name)) {
          document.error(mimic, who, "unknown-joint", "it mimics '" + printable(name) + "', which does not exist",
                         "name a <joint> of this file");
        }
        continue;
      }
      Mimic m{JointId::from_index(i), source->second, document.number(mimic, "multiplier", who, 1),
              document.number(mimic, "offset", who, 0)};
      if (scene.joints[i].type == JointType::kFixed) {
        document.warning(mimic, who, "mimic-ignored", "a fixed joint cannot follow another", "remove <mimic>");
      } else if (!one_degree(scene.joints[i].type) || !one_degree(scene.joints[m.source.index()].type)) {
        document.error(mimic, who, "bad-mimic",
                       "a " + std::string(to_string(scene.joints[i].type)) + " joint cannot follow '" +
                           printable(name) + "', which is " + to_string(scene.joints[m.source.index()].type),
                       "let one-degree joints follow one-degree joints");
      } else {
        direct[i] = m;
      }
    }
    return direct;
  }

  // Chains a -> b -> c become a -> c, so that every source moves by itself.
  void read_mimics() {
    const auto direct = direct_mimics();
    std::vector<char> state(direct.size(), 0);  // 0 new, 1 open, 2 done
    std::vector<std::optional<Mimic>> resolved(direct.size());
    std::vector<std::size_t> chain;
    for (std::size_t start = 0; start < direct.size(); ++start) {
      chain.clear();
      std::size_t i = start;
      while (direct[i] && state[i] == 0) {
        state[i] = 1;
        chain.push_back(i);
        i = direct[i]->source.index();
      }
      if (direct[i] && state[i] == 1) {
        document.error(
            nodes[i].child("mimic"), "joint '" + printable(nodes[i].attribute("name").value()) + "'", "mimic-cycle",
            "it follows itself, through " + printable(nodes[direct[i]->source.index()].attribute("name").value()),
            "let one of the joints move by itself");
      }
      while (!chain.empty()) {
        const std::size_t k = chain.back();
        chain.pop_back();
        state[k] = 2;
        Mimic m = *direct[k];
        if (const auto& next = resolved[m.source.index()]) {
          m.offset += m.multiplier * next->offset;
          m.multiplier *= next->multiplier;
          m.source = next->source;
        }
        resolved[k] = m;
      }
    }
    for (const auto& m : resolved) {
      if (!m) continue;
      scene.mimics.push_back(*m);
      scene.joints[m->joint.index()].position = m->offset;
    }
  }

  void check_start() {
    for (std::size_t i = 0; i < scene.joints.size(); ++i) {
      const Joint& joint = scene.joints[i];
      const double q = joint.position.value_or(0);
      if (!one_degree(joint.type) || joint.lower > joint.upper || (q >= joint.lower && q <= joint.upper)) continue;
      document.diagnostics().info(
          document.at(nodes[i], "joint '" + printable(nodes[i].attribute("name").value()) + "'"),
          "start-outside-limits", "its zero position is outside its limits",
          "set a start position before you simulate");
    }
  }
};

// Pose of the child's joint frame in the parent's at the joint's start.
Transform<long double> at_start(const Joint& joint) {
  using std::cos, std::sin;
  Transform<long double> X;
  const long double q = joint.position.value_or(0);
  if (q == 0) return X;
  const Vec3<long double> axis(joint.axis);
  if (joint.type == JointType::kPrismatic) {
    X.p = q * axis;
  } else {
    X.R = rotation_matrix(exp_rotation(q * axis));
  }
  return X;
}

Transform<long double> precise(const Posed& X) {
  return {rotation_matrix(normalized(Quat<long double>(X.R))), Vec3<long double>(X.p)};
}

}  // namespace

void read_joints(Document& document, pugi::xml_node robot, const LinkIds& links, const std::string& root,
                 Scene& scene) {
  JointReader reader{document, links, root, scene, {}, {}, {}, {}};
  for (const pugi::xml_node node : robot.children("joint")) reader.read(node);
  reader.read_mimics();
  reader.check_start();
}

void finish_tree(Document& document, pugi::xml_node robot, bool fixed_base, const std::string& root, Scene& scene) {
  const std::size_t nbody = scene.bodies.size();
  std::vector<std::size_t> incoming(nbody, scene.joints.size());
  std::vector<std::vector<std::size_t>> outgoing(nbody);
  const auto fail = [&](const Location& where, const char* code, std::string message, std::string mend) {
    document.diagnostics().error(where, code, std::move(message), std::move(mend));
  };
  const auto leaf = [&](std::size_t body) { return scene.bodies[body].path.substr(root.size() + 1); };
  bool tree = true;
  for (std::size_t j = 0; j < scene.joints.size(); ++j) {
    const std::size_t child = scene.joints[j].child.index();
    if (incoming[child] != scene.joints.size()) {
      fail(scene.joint_sources[j], "two-parents",
           "link '" + leaf(child) + "' is the child of " + scene.joints[incoming[child]].path + " already",
           "a URDF is a tree: close loops in USD instead");
      tree = false;
      continue;
    }
    incoming[child] = j;
    outgoing[scene.joints[j].parent.index()].push_back(j);
  }
  std::vector<std::size_t> order;  // every body after its parent
  for (std::size_t b = 0; b < nbody; ++b) {
    if (incoming[b] == scene.joints.size()) order.push_back(b);
  }
  if (order.size() > 1 && tree) {  // a link with two parents has two roots above it: one finding is enough
    for (std::size_t k = 1; k < order.size(); ++k) {
      fail(scene.bodies[order[k]].source, "several-roots", "no joint holds this link, nor '" + leaf(order[0]) + "'",
           "join one of them to the other");
    }
    tree = false;
  }
  if (nbody == 0) {
    document.error(robot, "", "no-link", "the robot has no link", "write at least one <link>");
    return;
  }
  std::vector<char> reached(nbody, 0);
  const bool has_root = !order.empty();
  const std::size_t first = has_root ? order[0] : 0;
  for (const std::size_t b : order) reached[b] = 1;
  for (std::size_t k = 0; k < order.size(); ++k) {
    for (const std::size_t j : outgoing[order[k]]) {
      const std::size_t child = scene.joints[j].child.index();
      reached[child] = 1;
      order.push_back(child);
    }
  }
  for (std::size_t b = 0; b < nbody; ++b) {
    if (reached[b]) continue;
    fail(scene.joint_sources[incoming[b]], "cycle", "link '" + leaf(b) + "' hangs on itself: its parents form a ring",
         "a URDF is a tree: remove one joint of the ring");
    tree = false;
    break;
  }
  if (!tree) return;

  std::vector<Transform<long double>> X_WB(nbody);
  for (const std::size_t b : order) {
    if (incoming[b] == scene.joints.size()) continue;
    const Joint& joint = scene.joints[incoming[b]];
    X_WB[b] = X_WB[joint.parent.index()] * precise(joint.X_PJ) * at_start(joint);
    scene.bodies[b].X_WB = {Quatd(quaternion(X_WB[b].R)), Vec3d(X_WB[b].p)};
  }
  if (!fixed_base && leaf(first) != "world") return;
  Joint weld;
  weld.path = root + "/joints/" + leaf(first) + "_to_world";
  for (int n = 2; find_joint(scene, weld.path); ++n) {
    weld.path = root + "/joints/" + leaf(first) + "_to_world_" + std::to_string(n);
  }
  weld.child = BodyId::from_index(first);
  scene.joint_sources.push_back({scene.bodies[first].source.file, scene.bodies[first].source.line, weld.path});
  scene.joints.push_back(std::move(weld));
}

}  // namespace geoul::scene::urdf
