#include "geoul/scene/formats/mjcf/couplings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace geoul::scene::mjcf {
namespace {

using urdf::printable;

bool known(const Tree& tree, Refers kind, const std::string& name) {
  switch (kind) {
    case Refers::kBody: return tree.bodies.contains(name);
    case Refers::kJoint: return tree.joints.contains(name);
    case Refers::kSite: return tree.sites.contains(name);
  }
  return false;
}

const char* word(Refers kind) { return kind == Refers::kBody ? "body" : kind == Refers::kJoint ? "joint" : "site"; }

std::string scoped(const Scope& scope, const std::string& name) { return name == "world" ? name : scope.name(name); }

Posed inverse(const Posed& X) {
  const Quatd R = conjugate(X.R);
  return {R, -(rotation_matrix(R) * X.p)};
}

struct Couplings {
  Document& document;
  const Model& model;
  const Tree& tree;
  const std::string& root;
  Scene& scene;
  urdf::Names names;
  urdf::Names tendon_names;
  std::set<std::int32_t> follows, followed;  // joints of mimics
  std::map<std::string, const Element*> tendons;

  Posed pose_of(BodyId body) const { return body.valid() ? scene.bodies[body.index()].X_WB : Posed{}; }

  // Whether an element has these attributes; otherwise an error names the first that lacks.
  bool needs(const Node& node, std::initializer_list<const char*> attributes) {
    for (const char* attribute : attributes) {
      if (!document.text(node, attribute).empty()) continue;
      document.error(*node.element, who(*node.element), "missing-attribute",
                     "<" + node.element->name + "> has no " + attribute,
                     std::string("write ") + attribute + "=\"...\"");
      return false;
    }
    return true;
  }

  // Both ends of a weld or connect: bodies, or sites with their frames.
  struct Ends {
    BodyId a, b;
    Posed X_A, X_B;
    bool sites = false;
  };
  Ends ends(const Node& node, const Scope& scope) {
    Ends e;
    e.sites = !document.text(node, "site1").empty();
    if (e.sites) {
      const Site& one = scene.sites[tree.sites.at(scope.name(document.text(node, "site1"))).index()];
      const Site& two = scene.sites[tree.sites.at(scope.name(document.text(node, "site2"))).index()];
      e.a = one.body, e.X_A = one.X_BS;
      e.b = two.body, e.X_B = two.X_BS;
      return e;
    }
    const std::string second = document.text(node, "body2");
    e.a = tree.bodies.at(scoped(scope, document.text(node, "body1")));
    e.b = second.empty() ? kWorld : tree.bodies.at(scoped(scope, second));
    return e;
  }

  void add_loop(const Element& element, const Scope& scope, const Ends& e, JointType type, const Posed& X_A,
                const Posed& X_B, bool active) {
    if (e.a == e.b) {
      document.error(element, who(element), "self-joint", "both ends are on one body", "name two bodies");
      return;
    }
    Joint joint;
    joint.type = type;
    joint.parent = e.a, joint.child = e.b;
    joint.X_PJ = X_A, joint.X_CJ = X_B;
    joint.enabled = active;
    joint.collision_enabled = true;
    joint.excluded_from_articulation = true;
    const std::string given = scope.name(document.text({&element, nullptr}, "name"));
    joint.path = root + "/equalities/" + names.unique(given.empty() ? element.name : given);
    scene.joint_sources.push_back(document.at(element, joint.path));
    scene.joints.push_back(joint);
  }

  void weld(const Node& node, const Scope& scope, bool active) {
    const Ends e = ends(node, scope);
    const std::string whom = who(*node.element);
    Posed X_A = e.X_A;
    if (!e.sites) {
      X_A = compose(inverse(pose_of(e.a)), pose_of(e.b));
      if (const auto v = document.list(node, "relpose", whom, 7, 7)) {
        const Quatd q{(*v)[3], (*v)[4], (*v)[5], (*v)[6]};
        if (squared_norm(q) > 1e-20) X_A = {normalized(q), {(*v)[0], (*v)[1], (*v)[2]}};
      }
    }
    add_loop(*node.element, scope, e, JointType::kFixed, X_A, e.X_B, active);
  }

  void connect(const Node& node, const Scope& scope, bool active) {
    const Ends e = ends(node, scope);
    Posed X_A = e.X_A, X_B = e.X_B;
    if (!e.sites) {
      if (!document.has(node, "anchor")) {
        document.error(*node.element, who(*node.element), "missing-attribute", "connect has no anchor",
                       "write anchor=\"x y z\" in the frame of body1");
        return;
      }
      X_A.p = document.vector(node, "anchor", who(*node.element), {});
      X_B = compose(compose(inverse(pose_of(e.b)), pose_of(e.a)), X_A);
    }
    add_loop(*node.element, scope, e, JointType::kSpherical, X_A, X_B, active);
  }

  void follow(const Node& node, const Scope& scope) {
    const std::string whom = who(*node.element);
    const std::string first = scope.name(document.text(node, "joint1")), written = document.text(node, "joint2");
    const JointId one = tree.joints.at(first);
    const auto coefficients = document.list(node, "polycoef", whom, 1, 5).value_or(std::vector<double>{0, 1, 0, 0, 0});
    const double a0 = coefficients[0], a1 = coefficients.size() > 1 ? coefficients[1] : 0;
    const auto beyond = coefficients.begin() + std::min<std::ptrdiff_t>(2, std::ssize(coefficients));
    const double r1 = tree.reference[one.index()];
    const auto one_degree = [&](JointId id) { return velocity_size(scene.joints[id.index()].type) == 1; };
    if (written.empty()) {  // held where the polynomial says
      if (one_degree(one)) couple(node, scope, {{one, 1}}, r1 + a0);
      return;
    }
    const JointId two = tree.joints.at(scope.name(written));
    if (one == two || !one_degree(one) || !one_degree(two)) {
      document.error(*node.element, whom, "bad-mimic", "only a hinge or slide can follow another hinge or slide",
                     "name two of them");
      return;
    }
    if (std::any_of(beyond, coefficients.end(), [](double c) { return c != 0; })) {
      document.refuse(*node.element, whom, "not-linear", "the polynomial of the two joints is not linear",
                      "write polycoef=\"a b 0 0 0\"");
      return;
    }
    const double r2 = tree.reference[two.index()];
    const bool chained = follows.contains(one.value) || follows.contains(two.value) || followed.contains(one.value);
    if (chained && a1 != 0) {
      couple(node, scope, {{one, 1}, {two, -a1}}, r1 + a0 - a1 * r2);
    } else {
      scene.mimics.push_back({one, two, a1, r1 + a0 - a1 * r2});
      follows.insert(one.value), followed.insert(two.value);
    }
  }

  void couple(const Node& node, const Scope& scope, std::vector<std::pair<JointId, double>> terms, double offset) {
    const std::string given = scope.name(document.text({node.element, nullptr}, "name"));
    Coupling coupling;
    coupling.path = root + "/equalities/" + names.unique(given.empty() ? node.element->name : given);
    coupling.terms = std::move(terms);
    coupling.offset = offset;
    scene.couplings.push_back(std::move(coupling));
  }

  // Sum of coefficient * joint of a fixed tendon into `terms`; its length at qpos0.
  std::optional<double> tendon_terms(const Element& equality, const Scope& scope, const std::string& name,
                                     double factor, std::map<std::int32_t, double>& terms) {
    const auto found = tendons.find(name);
    if (found == tendons.end()) {
      document.error(equality, who(equality), "unknown-tendon", "there is no tendon '" + printable(name) + "'",
                     "name one of <tendon>");
      return std::nullopt;
    }
    if (found->second->name != "fixed") return std::nullopt;
    double length = 0;
    for (const Element& part : found->second->children) {
      const auto joint = tree.joints.find(scope.name(document.text({&part, nullptr}, "joint")));
      if (joint == tree.joints.end() || velocity_size(scene.joints[joint->second.index()].type) != 1) {
        return std::nullopt;
      }
      const double coefficient = document.number({&part, nullptr}, "coef", who(part), 0);
      terms[joint->second.value] += factor * coefficient;
      length += coefficient * tree.reference[joint->second.index()];
    }
    return length;
  }

  // Two fixed tendons, or one and a length, tied by a linear polynomial: a sum of joints is kept.
  void tie_tendons(const Node& node, const Scope& scope) {
    const std::string whom = who(*node.element), second = document.text(node, "tendon2");
    const auto polynomial = document.list(node, "polycoef", whom, 1, 5).value_or(std::vector<double>{0, 1});
    const double a0 = polynomial[0], a1 = polynomial.size() > 1 && !second.empty() ? polynomial[1] : 0;
    const bool linear = std::all_of(polynomial.begin() + std::min<std::ptrdiff_t>(2, std::ssize(polynomial)),
                                    polynomial.end(), [](double c) { return c == 0; });
    std::map<std::int32_t, double> terms;
    const auto one = tendon_terms(*node.element, scope, document.text(node, "tendon1"), 1, terms);
    const auto two = second.empty() ? std::optional<double>{0} : tendon_terms(*node.element, scope, second, -a1, terms);
    if (!one || !two || (!linear && !second.empty())) {
      document.refuse(*node.element, whom, "not-supported",
                      "only fixed tendons of hinges and slides can be tied, linearly",
                      "use <fixed> tendons and polycoef=\"a b 0 0 0\"");
      return;
    }
    std::vector<std::pair<JointId, double>> sum;
    for (const auto& [joint, coefficient] : terms) {
      if (coefficient != 0) sum.emplace_back(JointId{joint}, coefficient);
    }
    if (!sum.empty()) couple(node, scope, std::move(sum), *one + a0 - a1 * *two);
  }

  void equality(const Element& element) {
    const Node node = model.node(document, element, "equality");
    const std::string whom = who(element);
    const bool active = document.flag(node, "active", whom, true);
    if (!active) document.info(element, whom, "inactive", "the equality is off at the start");
    if (element.name == "weld" || element.name == "connect") {
      const bool sites = !document.text(node, "site1").empty();
      const auto refers = sites ? Refers::kSite : Refers::kBody;
      if (sites ? !needs(node, {"site1", "site2"}) : !needs(node, {"body1"})) return;
      each_scope(document, tree, model, node,
                 {{sites ? "site1" : "body1", refers}, {sites ? "site2" : "body2", refers}}, [&](const Scope& scope) {
                   element.name == "weld" ? weld(node, scope, active) : connect(node, scope, active);
                 });
    } else if (element.name == "joint") {
      if (!needs(node, {"joint1"})) return;
      each_scope(document, tree, model, node, {{"joint1", Refers::kJoint}, {"joint2", Refers::kJoint}},
                 [&](const Scope& scope) {
                   if (active) follow(node, scope);
                 });
    } else if (element.name == "tendon") {
      for (const Scope& scope : tree.scopes) {
        if (active && scope.model == &model && scope.suffix.empty()) tie_tendons(node, scope);
      }
    } else if (active) {
      document.refuse(element, whom, "not-supported",
                      "equalities of kind <" + printable(element.name) + "> are not read",
                      "use weld, connect or joint");
    }
  }

  void contact(const Element& element) {
    const Node node{&element, nullptr};
    if (element.name != "exclude") {
      document.warning(element, who(element), "contact-pair",
                       "a contact pair with its own properties is not used; "
                       "geoms touch by their own masks and friction",
                       "give the geoms these properties");
      return;
    }
    if (!needs(node, {"body1", "body2"})) return;
    each_scope(document, tree, model, node, {{"body1", Refers::kBody}, {"body2", Refers::kBody}},
               [&](const Scope& scope) {
                 const BodyId a = tree.bodies.at(scoped(scope, document.text(node, "body1")));
                 const BodyId b = tree.bodies.at(scoped(scope, document.text(node, "body2")));
                 if (a != b) scene.collision_exclusions.emplace_back(a, b);
               });
  }

  // Whether a tendon pushes, pulls or holds at all, beyond what actuators do with it.
  bool acts(const Node& node, const std::string& whom) {
    bool any = document.has(node, "range") && document.word(node, "limited", whom, {"false", "true", "auto"}) != 0;
    for (const char* law : {"stiffness", "damping", "frictionloss", "armature"}) {
      const auto values = document.list(node, law, whom, 1, 3).value_or(std::vector<double>{});
      any = any || std::any_of(values.begin(), values.end(), [](double x) { return x != 0; });
    }
    return any;
  }

  // A tendon that runs straight between two sites, with one length of rest, is a spring.
  bool is_spring(const Element& element, const Node& node, const std::string& whom) {
    const auto length = document.list(node, "springlength", whom, 1, 2);
    const auto stiffness = document.list(node, "stiffness", whom, 1, 3),
               damping = document.list(node, "damping", whom, 1, 3);
    const auto linear = [](const auto& values) {
      return !values || std::all_of(values->begin() + 1, values->end(), [](double x) { return x == 0; });
    };
    return element.children.size() == 2 && element.children[0].name == "site" && element.children[1].name == "site" &&
           !document.has(node, "range") && document.number(node, "frictionloss", whom, 0) == 0 &&
           document.number(node, "armature", whom, 0) == 0 && linear(stiffness) && linear(damping) &&
           (!length || length->size() == 1 || (*length)[0] == (*length)[1]);
  }

  void add_spring(const Element& element, const Node& node, const Scope& scope) {
    const std::string whom = who(element);
    const auto end = [&](std::size_t k) {
      return tree.sites.find(scope.name(document.text({&element.children[k], nullptr}, "site")));
    };
    if (end(0) == tree.sites.end() || end(1) == tree.sites.end()) {
      document.error(element, whom, "unknown-site", "it runs to a site that does not exist", "name two sites");
      return;
    }
    const Site &a = scene.sites[end(0)->second.index()], &b = scene.sites[end(1)->second.index()];
    if (a.body == b.body) return;
    Spring spring;
    spring.a = a.body, spring.b = b.body;
    spring.p_A = a.X_BS.p, spring.p_B = b.X_BS.p;
    spring.stiffness = document.list(node, "stiffness", whom, 1, 3).value_or(std::vector<double>{0})[0];
    spring.damping = document.list(node, "damping", whom, 1, 3).value_or(std::vector<double>{0})[0];
    const auto length = document.list(node, "springlength", whom, 1, 2);
    // Without a length of rest: that at qpos0.
    spring.rest_length = length && (*length)[0] >= 0
                             ? (*length)[0]
                             : norm(compose(pose_of(a.body), a.X_BS).p - compose(pose_of(b.body), b.X_BS).p);
    const std::string given = scope.name(document.text({&element, nullptr}, "name"));
    spring.path = root + "/tendons/" + tendon_names.unique(given.empty() ? "tendon" : given);
    scene.springs.push_back(std::move(spring));
  }

  // The joint of a fixed tendon that runs over one alone, and its coefficient: length = coefficient * position.
  std::optional<std::pair<JointId, double>> only_joint(const Element& element, const Scope& scope) {
    if (element.name != "fixed" || element.children.size() != 1) return std::nullopt;
    const Element& part = element.children[0];
    const auto joint = tree.joints.find(scope.name(document.text({&part, nullptr}, "joint")));
    const double coefficient = document.number({&part, nullptr}, "coef", who(part), 0);
    if (joint == tree.joints.end() || velocity_size(scene.joints[joint->second.index()].type) != 1 ||
        coefficient == 0) {
      return std::nullopt;
    }
    return std::pair{joint->second, coefficient};
  }

  // What such a tendon does, the joint does: with L = c q, k (L - rest) along it is k c^2 (q - rest / c) at the joint,
  // d dL/dt is d c^2 dq/dt, dry friction f is |c| f. False where the joint cannot take it as well.
  bool give_to_joint(const Element& element, const Node& node, JointId id, double c) {
    const std::string whom = who(element);
    Joint& joint = scene.joints[id.index()];
    const auto values = [&](const char* name, int most) {
      return document.list(node, name, whom, 1, most).value_or(std::vector<double>{0});
    };
    const auto linear = [](const std::vector<double>& v) {
      return std::all_of(v.begin() + 1, v.end(), [](double x) { return x == 0; });
    };
    const std::vector<double> stiffness = values("stiffness", 3), damping = values("damping", 3);
    const auto length = document.list(node, "springlength", whom, 1, 2);
    const bool one_length = !length || length->size() == 1 || (*length)[0] == (*length)[1];
    if (!linear(stiffness) || !linear(damping) || (stiffness[0] != 0 && (!one_length || joint.stiffness != 0)))
      return false;
    if (document.has(node, "range") && document.word(node, "limited", whom, {"false", "true", "auto"}) != 0) {
      const auto range = document.list(node, "range", whom, 2, 2);
      if (!range || !((*range)[0] < (*range)[1])) return false;
      // MuJoCo's joint position is q here; a length is c times it.
      const double a = (*range)[0] / c, b = (*range)[1] / c;
      const bool bounded = joint.type != JointType::kContinuous;
      joint.lower = std::max(bounded ? joint.lower : -kUnlimited, std::min(a, b));
      joint.upper = std::min(bounded ? joint.upper : kUnlimited, std::max(a, b));
      if (joint.type == JointType::kContinuous) joint.type = JointType::kRevolute;
    }
    if (stiffness[0] != 0) {
      joint.stiffness = stiffness[0] * c * c;
      // Without a length of rest: that at qpos0.
      joint.spring_position = length && (*length)[0] >= 0 ? (*length)[0] / c : tree.reference[id.index()];
    }
    joint.damping += damping[0] * c * c;
    joint.friction += std::abs(c) * document.number(node, "frictionloss", whom, 0);
    joint.armature += document.number(node, "armature", whom, 0) * c * c;
    return true;
  }

  void tendon(const Element& element) {
    const Node node = model.node(document, element, "tendon");
    const std::string whom = who(element);
    if (!acts(node, whom)) {
      document.note_ignored(element);
    } else if (element.name == "spatial" && is_spring(element, node, whom)) {
      for (const Scope& scope : tree.scopes) {
        if (scope.model == &model && scope.suffix.empty()) add_spring(element, node, scope);
      }
    } else if (element.name == "spatial") {
      document.refuse(element, whom, "spatial-tendon",
                      "spatial tendons are not modelled, but for springs between two sites",
                      "leave it out, or replace it by joints");
    } else {
      bool all = true;
      for (const Scope& scope : tree.scopes) {
        if (scope.model != &model || !scope.suffix.empty()) continue;
        const auto joint = only_joint(element, scope);
        all = joint && give_to_joint(element, node, joint->first, joint->second) && all;
      }
      if (all) return;
      document.warning(element, whom, "fixed-tendon",
                       "springs, dampers, friction and limits of tendons over several joints are not modelled",
                       "give them to the joints, or couple the joints by <equality>");
    }
  }
};

}  // namespace

void each_scope(Document& document, const Tree& tree, const Model& model, const Node& node,
                const std::vector<std::pair<const char*, Refers>>& references,
                const std::function<void(const Scope&)>& apply) {
  // Plain names belong to the model itself; where they do not, to replicas, each with all of its names.
  bool any = false;
  for (const Scope& scope : tree.scopes) {
    if (scope.model != &model) continue;
    if (!document.take_work(*node.element)) return;
    const bool all = std::all_of(references.begin(), references.end(), [&](const auto& reference) {
      const std::string name = document.text(node, reference.first);
      return name.empty() || known(tree, reference.second, scoped(scope, name));
    });
    if (!all) continue;
    any = true;
    apply(scope);
    if (scope.suffix.empty() && scope.prefix.empty()) return;
  }
  if (any || tree.scopes.empty() || tree.scopes.front().model != &model) return;
  for (const auto& [attribute, kind] : references) {
    const std::string name = document.text(node, attribute);
    if (name.empty() || known(tree, kind, name)) continue;
    document.error(*node.element, who(*node.element), (std::string("unknown-") + word(kind)).c_str(),
                   std::string("there is no ") + word(kind) + " '" + printable(name) + "'", "name one of <worldbody>");
    return;
  }
  document.error(*node.element, who(*node.element), "unknown-name", "what it names is nowhere together",
                 "name parts of one replica");
}

void read_couplings(Document& document, const Model& model, const Tree& tree, const std::string& root, Scene& scene) {
  Couplings couplings{document, model, tree, root, scene, {}, {}, {}, {}, {}};
  for (const Element& section : model.root.children) {
    if (section.name != "tendon") continue;
    for (const Element& tendon : section.children) {
      couplings.tendons.emplace(document.text({&tendon, nullptr}, "name"), &tendon);
    }
  }
  for (const Element& section : model.root.children) {
    for (const Element& element : section.children) {
      if (section.name == "equality") couplings.equality(element);
      if (section.name == "contact") couplings.contact(element);
      if (section.name == "tendon") couplings.tendon(element);
      if (section.name == "sensor" || section.name == "custom" || section.name == "extension")
        document.note_ignored(element);
      if (section.name == "deformable" && element.name == "flex") {
        document.error(element, who(element), "not-supported", "deformable bodies are not read", "write rigid bodies");
      } else if (section.name == "deformable") {
        document.note_ignored(element);
      }
    }
  }
}

// ---- contact masks ----

void filter_contacts(Document& document, const Model& model, const Tree& tree, Scene& scene) {
  using Mask = std::pair<std::uint32_t, std::uint32_t>;
  constexpr std::size_t kMostPairs = 200'000, kMostMasks = 1000;
  const auto touch = [](const Mask& a, const Mask& b) {
    return (a.first & b.second) != 0 || (b.first & a.second) != 0;
  };
  std::set<Mask> all, idle;
  std::map<std::int32_t, std::set<Mask>> of_body;
  for (const ShapeMask& mask : tree.masks) {
    all.insert({mask.type, mask.affinity});
    of_body[scene.shapes[mask.shape.index()].body.value].insert({mask.type, mask.affinity});
  }
  std::map<std::set<Mask>, std::vector<BodyId>> classes;  // bodies by their shapes' masks
  for (const auto& [id, masks] : of_body) classes[masks].push_back(BodyId{id});
  const auto too_many = [&] {
    document.warning(model.root, "contact", "many-masks",
                     "contype and conaffinity separate too many bodies to say each pair; some may touch here",
                     "use fewer masks");
  };
  if (all.size() > kMostMasks || classes.size() > kMostMasks) return too_many();
  // What touches nothing at all collides no more.
  for (const Mask& bits : all) {
    if (std::none_of(all.begin(), all.end(), [&](const Mask& other) { return touch(bits, other); })) idle.insert(bits);
  }
  for (const ShapeMask& mask : tree.masks) {
    if (idle.contains({mask.type, mask.affinity})) scene.shapes[mask.shape.index()].collides = false;
  }
  std::size_t mixed = 0, pairs = 0;
  for (auto a = classes.begin(); a != classes.end(); ++a) {
    for (auto b = a; b != classes.end(); ++b) {
      std::size_t meet = 0, miss = 0;
      for (const Mask& x : a->first) {
        for (const Mask& y : b->first) (touch(x, y) ? meet : miss) += 1;
      }
      if (meet > 0 && miss > 0) ++mixed;
      for (std::size_t i = 0; meet == 0 && i < a->second.size() && pairs <= kMostPairs; ++i) {
        for (std::size_t k = a == b ? i + 1 : 0; k < b->second.size() && ++pairs <= kMostPairs; ++k) {
          scene.collision_exclusions.emplace_back(a->second[i], b->second[k]);
        }
      }
    }
  }
  if (mixed > 0) {
    document.warning(model.root, "contact", "mixed-masks",
                     "some bodies touch others with some of their geoms only (contype, conaffinity); here they touch "
                     "with all",
                     "give a body's geoms the same masks");
  }
  if (pairs > kMostPairs) too_many();
}

}  // namespace geoul::scene::mjcf
