#include "geoul/dynamics/compile_constraints.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/dynamics/constraints.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::dynamics {
namespace {

using scene::BodyId;
using scene::Joint;
using scene::JointId;
using scene::JointType;

constexpr double kClosed = 1e-9;  // [m, rad] of the start pose

int rows_of(JointType type) {
  switch (type) {
    case JointType::kRevolute:
    case JointType::kContinuous:
    case JointType::kPrismatic: return 5;
    case JointType::kSpherical:
    case JointType::kPlanar: return 3;
    case JointType::kFixed: return 6;
    default: return 0;
  }
}

struct Adder {
  const scene::Scene& scene;
  const RigidGroups& rigid;
  const std::vector<Precise>& X_LG;
  const SpanningTree& spanning;
  Model& model;
  Diagnostics& diagnostics;

  int link_of(BodyId body) const { return body.valid() ? model.bodies[body.index()].link : -1; }

  Transformd frame(BodyId body, const Posed& X_BJ, const Vec3d& axis, JointType type) const {
    Precise X = precise(X_BJ);
    if (body.valid()) X = X_LG[static_cast<std::size_t>(rigid.group_of[body.index()])] * (rigid.X_GB[body.index()] * X);
    if (type != JointType::kSpherical) X = X * Precise{z_to(axis), {}};
    return Transformd(X);
  }

  void add_loop(std::size_t j) {
    const Joint& joint = scene.joints[j];
    const Location where = joint_location(scene, j);
    Constraint c;
    c.joint = JointId::from_index(j);
    c.link_a = link_of(joint.parent);
    c.link_b = link_of(joint.child);
    c.rows = rows_of(joint.type);
    if (c.rows == 0) return;  // free: holds nothing
    if (c.link_a == c.link_b) {
      diagnostics.warning(where, "idle-joint", "both its bodies are parts of one rigid group: it cannot move",
                          "remove the joint, or the fixed joints beside it");
      return;
    }
    if (joint.drive.stiffness != 0 || joint.drive.damping != 0) {
      diagnostics.error(where, "loop-drive", "every joint of this loop is driven, and one of them must close it",
                        "leave one joint of the loop without a drive");
      return;
    }
    if (joint.friction != 0 || joint.stiffness != 0 || joint.damping != 0 || joint.armature != 0 ||
        std::isfinite(joint.lower) || std::isfinite(joint.upper)) {
      diagnostics.warning(where, "loop-law", "it closes a loop: its limits, friction, spring and damping do not act",
                          "give them to another joint of the loop");
    }
    c.X_AJ = frame(joint.parent, joint.X_PJ, joint.axis, joint.type);
    c.X_BJ = frame(joint.child, joint.X_CJ, joint.axis, joint.type);
    model.constraints.push_back(c);
  }

  void add_coupling(const std::string& path, const std::vector<std::pair<JointId, double>>& terms,
                    const std::optional<double>& offset) {
    Constraint c;
    c.rows = 1;
    for (const auto& [id, coefficient] : terms) {
      const scene::JointAddress& at = model.layout.joints[id.index()];
      if (at.nv != 1 || model.joint_link[id.index()] < 0) {
        Location where = joint_location(scene, id.index());
        diagnostics.error(where, "coupling-joint",
                          "the coupling " + path + " needs a joint of one degree of freedom that closes no loop",
                          "couple another joint");
        return;
      }
      c.terms.push_back({at.q, at.v, coefficient});
    }
    double sum = 0;
    for (const CouplingTerm& t : c.terms) sum += t.coefficient * model.q_start[static_cast<std::size_t>(t.q)];
    c.offset = offset.value_or(sum);
    model.constraints.push_back(c);
  }

  int tree_of(int v) const {
    const auto at =
        std::upper_bound(model.trees.begin(), model.trees.end(), v, [](int x, const Tree& t) { return x < t.v_end; });
    return static_cast<int>(at - model.trees.begin());
  }

  void find_parts(Constraint& c) const {
    std::vector<int> trees;
    for (const int link : {c.link_a, c.link_b}) {
      if (link >= 0) trees.push_back(tree_of(model.links[static_cast<std::size_t>(link)].v));
    }
    for (const CouplingTerm& t : c.terms) trees.push_back(tree_of(t.v));
    std::sort(trees.begin(), trees.end());
    trees.erase(std::unique(trees.begin(), trees.end()), trees.end());
    for (const int t : trees) {
      const Tree& tree = model.trees[static_cast<std::size_t>(t)];
      c.parts.push_back({t, tree.v_begin, tree.v_end - tree.v_begin, 0});
    }
  }

  static bool meet(const Constraint& a, const Constraint& b) {
    return std::any_of(a.parts.begin(), a.parts.end(), [&](const ConstraintPart& p) {
      return std::any_of(b.parts.begin(), b.parts.end(), [&](const ConstraintPart& o) { return o.tree == p.tree; });
    });
  }

  // Reverse Cuthill-McKee over constraints [begin, end) that share trees.
  void order(std::size_t begin, std::size_t end) {
    const std::size_t n = end - begin;
    std::vector<std::vector<std::size_t>> near(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        if (meet(model.constraints[begin + i], model.constraints[begin + k]))
          near[i].push_back(k), near[k].push_back(i);
      }
    }
    std::vector<std::size_t> sequence;
    std::vector<bool> seen(n, false);
    const auto fewer = [&](std::size_t a, std::size_t b) { return near[a].size() < near[b].size(); };
    while (sequence.size() < n) {
      std::size_t start = n;
      for (std::size_t i = 0; i < n; ++i) {
        if (!seen[i] && (start == n || fewer(i, start))) start = i;
      }
      seen[start] = true;
      sequence.push_back(start);
      for (std::size_t at = sequence.size() - 1; at < sequence.size(); ++at) {
        std::vector<std::size_t> next;
        for (const std::size_t k : near[sequence[at]]) {
          if (!seen[k]) seen[k] = true, next.push_back(k);
        }
        std::stable_sort(next.begin(), next.end(), fewer);
        sequence.insert(sequence.end(), next.begin(), next.end());
      }
    }
    std::vector<Constraint> sorted;
    for (auto it = sequence.rbegin(); it != sequence.rend(); ++it) sorted.push_back(model.constraints[begin + *it]);
    std::move(sorted.begin(), sorted.end(), model.constraints.begin() + static_cast<std::ptrdiff_t>(begin));
  }

  // Islands own their constraints and rows one behind another.
  void lay_out() {
    const auto island_of = [&](const Constraint& c) {
      const int tree = c.parts.front().tree;
      const auto at = std::upper_bound(model.islands.begin(), model.islands.end(), tree,
                                       [](int t, const Island& i) { return t < i.tree_end; });
      return at - model.islands.begin();
    };
    for (Constraint& c : model.constraints) find_parts(c);
    std::stable_sort(model.constraints.begin(), model.constraints.end(),
                     [&](const Constraint& a, const Constraint& b) { return island_of(a) < island_of(b); });
    std::size_t at = 0;
    for (std::size_t i = 0; i < model.islands.size(); ++i) {
      std::size_t end = at;
      while (end < model.constraints.size() && island_of(model.constraints[end]) == static_cast<std::ptrdiff_t>(i))
        ++end;
      order(at, end);
      Island& island = model.islands[i];
      island.constraint_begin = static_cast<int>(at);
      island.row_begin = model.nrow;
      for (; at < end; ++at) number(at, island.constraint_begin);
      island.constraint_end = static_cast<int>(end);
      island.row_end = model.nrow;
    }
    model.row_at.push_back(0);
    for (const Constraint& c : model.constraints) {
      for (int r = 0; r < c.rows; ++r) {
        const int first = model.constraints[static_cast<std::size_t>(c.meetings.front().other)].row;
        model.row_first.push_back(first);
        model.row_at.push_back(model.row_at.back() + static_cast<std::size_t>(c.row + r - first + 1));
      }
    }
  }

  void number(std::size_t at, int first) {
    Constraint& c = model.constraints[at];
    c.row = model.nrow;
    model.nrow += c.rows;
    for (ConstraintPart& part : c.parts) {
      part.at = model.constraint_size;
      model.constraint_size += static_cast<std::size_t>(part.n * c.rows);
    }
    for (auto k = static_cast<std::size_t>(first); k <= at; ++k) {
      const Constraint& o = model.constraints[k];
      for (const ConstraintPart& a : c.parts) {
        for (const ConstraintPart& b : o.parts) {
          if (a.tree == b.tree) c.meetings.push_back({static_cast<int>(k), a.at, b.at, a.n});
        }
      }
    }
  }

  void close() {
    Data data = make_data(model);
    for (const Island& island : model.islands) {
      if (!constrained(island)) continue;
      forward_kinematics(model, model.q_start, model.v_start, data);
      const double before = constraint_error(model, island, model.q_start, data);
      const std::vector<double> at_first = data.constraints.error;
      const double after = project(model, island, data, model.q_start, model.v_start);
      if (before <= 1e-4 && after <= kClosed) continue;
      const std::vector<double>& error = after <= kClosed ? at_first : data.constraints.error;
      int worst = island.row_begin;
      for (int r = worst; r < island.row_end; ++r) {
        if (std::abs(error[static_cast<std::size_t>(r)]) > std::abs(error[static_cast<std::size_t>(worst)])) worst = r;
      }
      for (int k = island.constraint_begin; k < island.constraint_end; ++k) {
        const Constraint& c = model.constraints[static_cast<std::size_t>(k)];
        if (worst >= c.row && worst < c.row + c.rows) report(c, before, after);
      }
    }
  }

  void report(const Constraint& c, double before, double after) {
    const Location where = c.joint.valid() ? joint_location(scene, c.joint.index()) : Location{};
    char text[64];
    std::snprintf(text, sizeof text, "%.3g m or rad", after <= kClosed ? before : after);
    if (after <= kClosed) {
      diagnostics.warning(where, "joint-apart",
                          std::string("its loop or coupling is open by ") + text +
                              " at the start pose: the joints are moved until it closes",
                          "make the start positions agree");
    } else {
      diagnostics.error(where, "open-loop",
                        std::string("the loop does not close: ") + text + " are left, however its joints move",
                        "check the joint's frames and the lengths of the parts");
    }
  }

  void run() {
    for (std::size_t j = 0; j < scene.joints.size(); ++j) {
      const Joint& joint = scene.joints[j];
      const bool closes = joint.type == JointType::kFixed ? joint.by_equations : !spanning.in_tree[j];
      if (joint.enabled && closes) add_loop(j);
    }
    for (const scene::Mimic& m : scene.mimics) {
      add_coupling("of " + scene.joints[m.joint.index()].path + " to " + scene.joints[m.source.index()].path,
                   {{m.joint, 1}, {m.source, -m.multiplier}}, m.offset);
    }
    for (const scene::Coupling& c : scene.couplings) add_coupling(c.path, c.terms, c.offset);
    lay_out();
    if (!model.constraints.empty()) close();
  }
};

}  // namespace

void add_constraints(const scene::Scene& scene, const RigidGroups& rigid, const std::vector<Precise>& X_LG,
                     const SpanningTree& spanning, Model& model, Diagnostics& diagnostics) {
  Adder{scene, rigid, X_LG, spanning, model, diagnostics}.run();
}

}  // namespace geoul::dynamics
