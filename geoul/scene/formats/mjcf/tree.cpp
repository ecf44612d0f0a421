#include "geoul/scene/formats/mjcf/tree.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

namespace geoul::scene::mjcf {

using urdf::printable;

// A joint of a body, before the bodies that it joins are known.
struct TreeReader::PendingJoint {
  const Element* element = nullptr;
  std::string name;  // of MJCF, empty: none
  Joint joint;
  Vec3d p_BJ;  // anchor
  double reference = 0;
};

TreeReader::TreeReader(Document& document, Scene& scene, Assets& assets, std::string root)
    : document_(document), scene_(scene), assets_(assets), root_(std::move(root)) {
  for (const char* name : {"world", "joints", "materials", "meshes"}) body_names_.reserve(name);
}

Tree TreeReader::read(const Model& model) {
  tree_.bodies["world"] = kWorld;
  const Scope scope{&model, {}, {}, {}};
  tree_.scopes.push_back(scope);
  urdf::Names names;
  const Parent world{kWorld, true, root_ + "/world", &names};
  for (const Element& section : model.root.children) {
    if (section.name != "worldbody") continue;
    read_content(section, world, with_class(section, scope));
    MassProperties unused;
    each(section, {}, with_class(section, scope), [&](const Element& child, const Posed& X, const Scope& inner) {
      if (child.name == "geom") read_geom(child, X, world, inner, false, unused);
    });
    each(section, {}, with_class(section, scope), [&](const Element& child, const Posed& X, const Scope& inner) {
      if (child.name == "body") read_body(child, world, X, inner);
    });
  }
  return std::move(tree_);
}

// ---- bodies ----

BodyId TreeReader::add_body(const Element& element, const std::string& path, bool is_static) {
  Body body;
  body.path = path;
  body.source = document_.at(element, path);
  scene_.bodies.push_back(std::move(body));
  tree_.is_static.push_back(is_static);
  tree_.incoming.push_back({});
  return BodyId::from_index(scene_.bodies.size() - 1);
}

void TreeReader::add_joint(const Element& element, Joint joint, const std::string& part) {
  joint.path = root_ + "/joints/" + joint_names_.unique(part);
  scene_.joint_sources.push_back(document_.at(element, joint.path));
  tree_.incoming[joint.child.index()] = JointId::from_index(scene_.joints.size());
  scene_.joints.push_back(std::move(joint));
  tree_.reference.push_back(0);
}

void TreeReader::read_body(const Element& element, const Parent& parent, const Posed& X_PF, const Scope& outer) {
  if (!document_.take(element, 1)) return;
  const Scope scope = with_class(element, outer);
  const Node node{&element, nullptr};
  const std::string written = document_.text(node, "name"), name = scope.name(written);
  const std::string whom = who(element);
  const Posed X_PB = compose(X_PF, read_pose(document_, scope.model->compiler, node, whom));
  const bool mocap = document_.flag(node, "mocap", whom, false);
  std::vector<PendingJoint> joints = read_joints(element, scope);
  if (mocap && (!joints.empty() || parent.id.valid())) {
    document_.error(element, whom, "bad-mocap", "a mocap body has joints, or is not a child of the world",
                    "make it a child of the world, without joints");
    return;
  }
  if (parent.id.valid() && std::any_of(joints.begin(), joints.end(), [](const PendingJoint& pending) {
        return pending.joint.type == JointType::kFree;
      })) {
    document_.error(element, whom, "bad-joint-type", "a free joint is on a body that is no child of the world",
                    "move the body to <worldbody>");
    return;
  }
  const std::string part = body_names_.unique(name.empty() ? "body" : name);
  // The chain's bodies stand before the body itself, so that parents come first.
  BodyId last = parent.id;
  const bool is_static = joints.empty() && !mocap && parent.is_static;
  std::vector<BodyId> chain;
  for (std::size_t k = 0; k + 1 < joints.size(); ++k) {
    const std::string joint = joints[k].name.empty() ? "joint" + std::to_string(k) : joints[k].name;
    chain.push_back(add_body(element, root_ + "/" + body_names_.unique(part + "__" + joint), false));
  }
  const BodyId id = add_body(element, root_ + "/" + part, is_static);
  if (!name.empty() && !tree_.bodies.try_emplace(name, id).second) {
    document_.error(element, whom, "duplicate-name", "there are two bodies of the name '" + printable(name) + "'",
                    "give every body a name of its own");
  }
  for (std::size_t k = 0; k < joints.size(); ++k) {
    PendingJoint& pending = joints[k];
    Joint joint = pending.joint;
    joint.parent = last;
    joint.child = k + 1 < joints.size() ? chain[k] : id;
    last = joint.child;
    // Frames of the chain coincide with the body's at the written pose; each joint's frame stands at its anchor.
    const Posed X_BJ{{}, pending.p_BJ};
    joint.X_PJ = joint.type == JointType::kFree ? Posed{} : k == 0 ? compose(X_PB, X_BJ) : X_BJ;
    joint.X_CJ = X_BJ;
    if (joint.type == JointType::kRevolute || joint.type == JointType::kContinuous) {
      joint.X_CJ.R = exp_rotation(pending.reference * joint.axis);
    } else if (joint.type == JointType::kPrismatic) {
      joint.X_CJ.p += pending.reference * joint.axis;
    }
    joint.collision_enabled = parent.is_static && k == 0;
    const std::string joint_part = pending.name.empty() ? part + "_joint" : pending.name;
    const auto joint_id = JointId::from_index(scene_.joints.size());
    add_joint(*pending.element, std::move(joint), joint_part);
    tree_.reference.back() = pending.reference;
    tree_.coordinates.push_back(joint_id);
    if (!pending.name.empty() && !tree_.joints.try_emplace(pending.name, joint_id).second) {
      document_.error(*pending.element, who(*pending.element), "duplicate-name",
                      "there are two joints of the name '" + printable(pending.name) + "'",
                      "give every joint a name of its own");
    }
  }
  if (joints.size() > 1 && !parent.is_static) scene_.collision_exclusions.emplace_back(parent.id, id);
  if (joints.empty() && !mocap) {
    Joint weld;
    weld.parent = parent.id, weld.child = id;
    weld.X_PJ = X_PB;
    add_joint(element, weld, part + "_fixed");
  }
  Body& body = scene_.bodies[id.index()];
  body.X_WB = X_PB;  // what a mocap body keeps; others are placed by their joints, free ones from here
  if (mocap) {
    body.kinematic = true;
    tree_.mocap.push_back(id);
  }
  const double compensation = document_.number(node, "gravcomp", whom, 0);
  body.gravity = compensation != 1;
  if (compensation != 0 && compensation != 1) {
    document_.warning(element, whom, "gravcomp", "gravity is compensated by a factor other than 1; taken as 0",
                      "write gravcomp=\"1\" or leave it out");
  }

  urdf::Names names;
  const Parent self{id, is_static, root_ + "/" + part, &names};
  read_content(element, self, scope);
  const Compiler& compiler = scope.model->compiler;
  const auto inertial = std::find_if(element.children.begin(), element.children.end(),
                                     [](const Element& child) { return child.name == "inertial"; });
  const bool has_inertial = inertial != element.children.end();
  const bool weighs = compiler.inertia_from_geom == 1 || (compiler.inertia_from_geom == 2 && !has_inertial);
  MassProperties mass;
  each(element, {}, scope, [&](const Element& child, const Posed& X, const Scope& inner) {
    if (child.name == "geom") read_geom(child, X, self, inner, weighs, mass);
  });
  if (has_inertial) {
    const auto written_mass = read_inertial(*inertial, scope, whom);
    if (!weighs && written_mass) mass = *written_mass;
  }
  scene_.bodies[id.index()].mass = mass;
  finish_mass(element, compiler, scene_.bodies[id.index()]);
  each(element, {}, scope, [&](const Element& child, const Posed& X, const Scope& inner) {
    if (child.name == "body") read_body(child, self, X, inner);
  });
}

// What is neither a joint, nor a geom, nor a body.
void TreeReader::read_content(const Element& element, const Parent& body, const Scope& scope) {
  each(element, {}, scope, [&](const Element& child, const Posed& X, const Scope& inner) {
    if (child.name == "site") {
      read_site(child, X, body, inner);
    } else if (child.name == "camera") {
      read_camera(child, X, body, inner);
    } else if (child.name == "composite" || child.name == "flexcomp" || child.name == "plugin") {
      document_.error(child, who(child), "not-supported",
                      "<" + child.name + "> is not read: it makes bodies or forces of its own",
                      "write rigid bodies, or leave it out");
    } else if (child.name == "light") {
      document_.note_ignored(child);
    } else if (child.name != "geom" && child.name != "body" && child.name != "joint" && child.name != "freejoint" &&
               child.name != "inertial") {
      document_.warning(child, who(child), "unknown-element", "<" + printable(child.name) + "> means nothing here",
                        "remove it, or correct its name");
    }
  });
}

// ---- joints ----

std::vector<TreeReader::PendingJoint> TreeReader::read_joints(const Element& element, const Scope& scope) {
  std::vector<PendingJoint> joints;
  int degrees = 0;
  bool ball = false;
  each(element, {}, scope, [&](const Element& child, const Posed& X, const Scope& inner) {
    if (child.name != "joint" && child.name != "freejoint") return;
    if (!document_.take(child, 1)) return;
    PendingJoint& pending = joints.emplace_back();
    pending.element = &child;
    read_joint(child, X, inner, pending);
    const JointType type = pending.joint.type;
    degrees += velocity_size(type);
    if (ball && type != JointType::kPrismatic) {
      document_.error(child, who(child), "bad-joint-type", "a rotation follows a ball in the same body",
                      "put a body between them");
    }
    ball = ball || type == JointType::kSpherical;
  });
  if (degrees > 6) {
    document_.error(element, who(element), "too-many-joints", "the body has more than 6 degrees of freedom",
                    "put a body between its joints");
  }
  return joints;
}

void TreeReader::read_joint(const Element& element, const Posed& X_BF, const Scope& scope, PendingJoint& out) {
  const Node node = element.name == "freejoint" ? Node{&element, nullptr}
                                                : scope.model->node(document_, element, "joint", scope.childclass);
  const std::string whom = who(element);
  const Compiler& compiler = scope.model->compiler;
  Joint& joint = out.joint;
  out.name = scope.name(document_.text({&element, nullptr}, "name"));
  int type = element.name == "freejoint" ? 0 : document_.word(node, "type", whom, {"free", "ball", "slide", "hinge"});
  if (type < 0) type = 3;
  constexpr JointType kTypes[] = {JointType::kFree, JointType::kSpherical, JointType::kPrismatic, JointType::kRevolute};
  joint.type = kTypes[type];
  const bool one = type >= 2;
  if (type == 0 && document_.word(node, "align", whom, {"false", "true", "auto"}) == 1) {
    document_.warning(element, whom, "aligned-free",
                      "the body keeps its own frame; MuJoCo would move it to the inertia's",
                      "expect keyframes to speak of another frame");
  }
  if (type != 0) out.p_BJ = X_BF.p + rotation_matrix(X_BF.R) * document_.vector(node, "pos", whom, {});
  joint.armature = document_.number(node, "armature", whom, 0);
  const auto damping = document_.list(node, "damping", whom, 1, 3),
             stiffness = document_.list(node, "stiffness", whom, 1, 3);
  for (const auto& polynomial : {damping, stiffness}) {
    if (polynomial && std::any_of(polynomial->begin() + 1, polynomial->end(), [](double c) { return c != 0; })) {
      document_.warning(element, whom, "not-supported", "only the first coefficient of stiffness or damping is used",
                        "expect a linear spring and damper");
    }
  }
  if (damping) joint.damping = (*damping)[0];
  const double spring = stiffness ? (*stiffness)[0] : 0, friction = document_.number(node, "frictionloss", whom, 0);
  for (const double value : {joint.armature, joint.damping, spring, friction}) {
    if (value < 0) {
      document_.error(element, whom, "bad-value", "armature, damping, stiffness or frictionloss is negative",
                      "write a number >= 0");
      break;
    }
  }
  if (!one) {
    if (spring != 0 || friction != 0) {
      document_.warning(element, whom, "not-supported",
                        "springs and friction of balls and free joints are not modelled", "use hinges");
    }
    if (type == 1 && document_.word(node, "limited", whom, {"false", "true", "auto"}) != 0 &&
        document_.has(node, "range")) {
      document_.warning(element, whom, "not-supported", "the limit of a ball is not modelled", "use hinges");
    }
    return;
  }
  joint.stiffness = spring, joint.friction = friction;
  const bool hinge = type == 3;
  const auto angle = [&](double x) { return hinge ? compiler.angle(x) : x; };
  out.reference = angle(document_.number(node, "ref", whom, 0));
  joint.spring_position = angle(document_.number(node, "springref", whom, 0));
  const Vec3d axis = rotation_matrix(X_BF.R) * document_.vector(node, "axis", whom, {0, 0, 1});
  const double length = norm(axis);
  if (!(length > 1e-14)) {
    document_.error(element, whom, "zero-axis", "the axis has length 0", "write axis=\"0 0 1\" or another direction");
  } else {
    joint.axis = length == 1 ? axis : Vec3d{axis.x / length, axis.y / length, axis.z / length};
  }
  if (document_.has(node, "springdamper")) {
    document_.warning(element, whom, "not-supported", "springdamper is not used", "write stiffness and damping");
  }
  read_limits(node, scope, whom, out);
}

void TreeReader::read_limits(const Node& node, const Scope& scope, const std::string& whom, PendingJoint& out) {
  const Compiler& compiler = scope.model->compiler;
  Joint& joint = out.joint;
  const bool hinge = joint.type == JointType::kRevolute;
  // A range counts where `limited` is true, or where it is left out and autolimits is on.
  const auto range_of = [&](const char* range, const char* limited) -> std::optional<std::pair<double, double>> {
    const auto values = document_.list(node, range, whom, 2, 2, true);
    const int said = document_.word(node, limited, whom, {"false", "true", "auto"});
    const bool given = values && ((*values)[0] != 0 || (*values)[1] != 0);
    if (said == 0) return std::nullopt;
    if (said != 1 && given && !compiler.autolimits) {
      document_.error(*node.element, whom, "unsaid-limits",
                      std::string("there is a ") + range + ", but autolimits is off and " + limited + " is not said",
                      std::string("write ") + limited + "=\"true\"");
      return std::nullopt;
    }
    if (said != 1 && !given) return std::nullopt;
    const double low = values ? (*values)[0] : 0, high = values ? (*values)[1] : 0;
    if (said != 1 && !(low < high)) {
      document_.warning(*node.element, whom, "empty-range", std::string(range) + " is empty, so there is no limit",
                        "write two numbers, the smaller first");
      return std::nullopt;
    }
    if (low == high) {
      document_.error(*node.element, whom, "empty-limits",
                      std::string(limited) + " is true, but the two numbers of " + range + " are equal",
                      "write two numbers, the smaller first");
      return std::nullopt;
    }
    if (!(low < high)) {  // kept as they are written, for who mends them
      document_.error(*node.element, whom, "reversed-limits",
                      std::string(range) + ": the first number is above the second", "exchange them");
    }
    return std::pair{low, high};
  };
  if (const auto range = range_of("range", "limited")) {
    joint.lower = hinge ? compiler.angle(range->first) : range->first;
    joint.upper = hinge ? compiler.angle(range->second) : range->second;
  } else if (hinge) {
    joint.type = JointType::kContinuous;
  }
  if (const auto force = range_of("actuatorfrcrange", "actuatorfrclimited")) {
    joint.effort_limit = std::max(std::abs(force->first), std::abs(force->second));
    if (force->first != -force->second) {
      document_.warning(*node.element, whom, "one-sided-force",
                        "actuatorfrcrange is not symmetric; the larger side is used", "write -x x");
    }
  }
}

// ---- mass ----

std::optional<MassProperties> TreeReader::read_inertial(const Element& element, const Scope& scope,
                                                        const std::string& whom) {
  const Node node{&element, nullptr};
  const Posed X_BI = read_pose(document_, scope.model->compiler, node, whom);
  MassProperties own;
  if (!document_.has(node, "mass") || (!document_.has(node, "pos"))) {
    document_.error(element, whom, "missing-attribute", "<inertial> has no mass or no pos",
                    "write pos=\"x y z\" mass=\"...\"");
    return std::nullopt;
  }
  own.mass = document_.number(node, "mass", whom, 0);
  if (own.mass < 0) document_.error(element, whom, "negative-mass", "the mass is negative", "write a mass in kg");
  const auto full = document_.list(node, "fullinertia", whom, 6, 6),
             diagonal = document_.list(node, "diaginertia", whom, 3, 3);
  if (full && diagonal) {
    document_.error(element, whom, "two-inertias", "diaginertia and fullinertia are both written", "keep one");
  }
  if (full) {
    own.inertia = {(*full)[0], (*full)[1], (*full)[2], (*full)[3], (*full)[4], (*full)[5]};
    if (X_BI.R != Quatd{}) {
      document_.error(element, whom, "two-orientations", "fullinertia and an orientation are both written", "keep one");
    }
  } else if (diagonal) {
    own.inertia = {(*diagonal)[0], (*diagonal)[1], (*diagonal)[2], 0, 0, 0};
  }
  return moved(X_BI, own);
}

// Bounds and balance, of principal moments.
void TreeReader::finish_mass(const Element& element, const Compiler& compiler, Body& body) {
  MassProperties& mass = body.mass;
  mass.mass = std::max(mass.mass, compiler.bound_mass);
  const bool bounded = compiler.bound_inertia > 0;
  if (!bounded && !compiler.balance_inertia) return;
  Principal principal = principal_axes(mass.inertia);
  Vec3d& m = principal.moments;
  const Vec3d before = m;
  for (int k = 0; k < 3; ++k) m[k] = std::max(m[k], compiler.bound_inertia);
  if (compiler.balance_inertia && m.y + m.z < m.x * (1 - 1e-12)) {
    const double mean = (m.x + m.y + m.z) / 3;
    document_.warning(element, who(element), "balanced-inertia",
                      "the inertia breaks the triangle inequality; balanceinertia makes it a sphere's",
                      "write the inertia that the body has");
    m = {mean, mean, mean};
  }
  if (m != before) mass.inertia = inertia_of(principal);
}

}  // namespace geoul::scene::mjcf
