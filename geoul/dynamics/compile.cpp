#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/dynamics/compile_constraints.h"
#include "geoul/dynamics/compile_work.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/model.h"
#include "geoul/dynamics/scalar_kernels.h"
#include "geoul/dynamics/weld_loops.h"

namespace geoul::dynamics {
namespace {

using scene::BodyId;
using scene::Joint;
using scene::JointType;
using scene::kUnlimited;

constexpr int kGround = -1;

struct Compiler {
  const scene::Scene& scene;
  const Model* before;
  CompileWork& work;
  Model& model;
  Diagnostics& diagnostics;
  std::size_t errors_before = diagnostics.error_count();
  RigidGroups& rigid = work.rigid;
  SpanningTree& spanning = work.spanning;
  std::vector<bool>&joint_done = work.joint_done, &placed = work.placed;
  std::vector<Precise>& X_LG = work.X_LG;
  std::vector<int>& last_link = work.last_link;
  int nball = 0;
  Precise after_slides = {};  // frame in which the links after slides go on

  bool failed() const { return diagnostics.error_count() > errors_before; }

  int group_of(BodyId body) const {
    if (!body.valid()) return kGround;
    const int g = rigid.group_of[body.index()];
    return rigid.grounded[static_cast<std::size_t>(g)] ? kGround : g;
  }
  std::vector<std::size_t>& edges_of(int group) {
    return work.edges[group < 0 ? rigid.groups.size() : static_cast<std::size_t>(group)];
  }
  const Group& group(int g) const { return rigid.groups[static_cast<std::size_t>(g)]; }

  // Everything that push_back fills is emptied; the rest is assigned.
  void reset() {
    model.nq = model.nv = model.nrow = 0;
    model.constraint_size = 0;
    model.links.clear(), model.laws.clear(), model.bodies.clear(), model.body_gravity.clear();
    for (Tree& tree : model.trees) work.spare_bodies.push_back(std::move(tree.bodies));
    for (Island& island : model.islands) work.spare_bodies.push_back(std::move(island.all.bodies));
    model.trees.clear(), model.islands.clear(), model.constraints.clear();
    model.row_first.clear(), model.row_at.clear();
    model.q_start.clear(), model.v_start.clear();
    model.contact.reset();
    X_LG.assign(rigid.groups.size(), Precise{});
    last_link.assign(rigid.groups.size(), -1);
    placed.assign(rigid.groups.size(), false);
    joint_done.assign(scene.joints.size(), false);
  }
  std::vector<int> spare_bodies() const {
    if (work.spare_bodies.empty()) return {};
    std::vector<int> bodies = std::move(work.spare_bodies.back());
    work.spare_bodies.pop_back();
    bodies.clear();
    return bodies;
  }

  void run() {
    reset();
    model.name = scene.name;
    model.gravity = scene.gravity;
    model.nbody = static_cast<int>(scene.bodies.size());
    model.njoint = static_cast<int>(scene.joints.size());
    model.joints = scene.joints;
    model.sites = scene.sites;
    model.joint_link.assign(scene.joints.size(), -1);
    model.joint_reversed.assign(scene.joints.size(), false);
    model.layout.joints.assign(scene.joints.size(), {});
    collect_edges();
    grow_trees();
    place_bodies_on_links();
    model.nlink = static_cast<int>(model.links.size());
    model.layout.nq = model.nq;
    model.layout.nv = model.nv;
    check_inertia();
    prepare_groups();
    place_springs();
    if (!failed()) add_constraints(scene, rigid, X_LG, spanning, model, diagnostics);
    if (!failed()) model.contact = set_up_contact(scene, model, before ? before->contact.get() : nullptr, diagnostics);
  }

  void collect_edges() {
    if (work.edges.size() < rigid.groups.size() + 1) work.edges.resize(rigid.groups.size() + 1);
    for (std::vector<std::size_t>& at : work.edges) at.clear();
    for (std::size_t j = 0; j < scene.joints.size(); ++j) {
      const Joint& joint = scene.joints[j];
      if (!joint.enabled || joint.type == JointType::kFixed) continue;
      edges_of(group_of(joint.parent)).push_back(j);
      edges_of(group_of(joint.child)).push_back(j);
    }
  }

  bool kinematic(std::size_t g) const {
    return std::any_of(rigid.groups[g].bodies.begin(), rigid.groups[g].bodies.end(),
                       [&](int b) { return scene.bodies[static_cast<std::size_t>(b)].kinematic; });
  }

  // Trees from bodies with a given motion, then from the ground, then from floating bases; those of one island behind
  // each other.
  void grow_trees() {
    std::vector<bool>& given = work.given;
    given.assign(rigid.groups.size(), false);
    for (std::size_t g = 0; g < rigid.groups.size(); ++g) {
      given[g] = !rigid.grounded[g] && kinematic(g);
      if (!rigid.grounded[g]) continue;
      placed[g] = true;
      X_LG[g] = rigid.X_WG[g];
    }
    span(scene, rigid, given, work.spanning_work, spanning);
    using Root = CompileWork::Root;
    std::vector<Root>& roots = work.roots;
    roots.clear();
    const auto island_of = [&](int g) { return spanning.island[static_cast<std::size_t>(g)]; };
    for (std::size_t g = 0; g < given.size(); ++g) {
      if (given[g]) roots.push_back({island_of(static_cast<int>(g)), static_cast<int>(g), 0});
    }
    for (const std::size_t j : edges_of(kGround)) {
      const int child = group_of(scene.joints[j].child);
      const int moved = child < 0 ? group_of(scene.joints[j].parent) : child;
      if (moved >= 0 && spanning.in_tree[j]) roots.push_back({island_of(moved), kGround, j});
    }
    for (const int g : spanning.floating) roots.push_back({island_of(g), g, 0});
    std::vector<int>& rank = work.rank;  // islands in the order of their first root
    rank.assign(rigid.groups.size(), -1);
    int islands = 0;
    for (const Root& r : roots) {
      int& at = rank[static_cast<std::size_t>(r.island)];
      if (at < 0) at = islands++;
    }
    const auto before_it = [&](const Root& a, const Root& b) {
      return rank[static_cast<std::size_t>(a.island)] < rank[static_cast<std::size_t>(b.island)];
    };
    // mostly sorted already; std::stable_sort would allocate
    if (!std::is_sorted(roots.begin(), roots.end(), before_it)) std::stable_sort(roots.begin(), roots.end(), before_it);
    int island = -1;
    for (const Root& r : roots) {
      const std::size_t trees = model.trees.size();
      start_tree([&] {
        r.group == kGround ? hang(r.joint, kGround) : float_base(r.group, given[static_cast<std::size_t>(r.group)]);
      });
      if (model.trees.size() == trees) continue;
      if (r.island != island) {
        Island& next = model.islands.emplace_back();
        const Tree& first = model.trees.back();
        next.all = {first.begin, first.end, first.q_begin, first.q_end, first.v_begin, first.v_end, spare_bodies()};
        next.tree_begin = static_cast<int>(trees);
      }
      island = r.island;
      extend(model.islands.back(), model.trees.back());
    }
  }

  void extend(Island& island, const Tree& tree) const {
    island.tree_end = static_cast<int>(model.trees.size());
    island.all.end = tree.end, island.all.q_end = tree.q_end, island.all.v_end = tree.v_end;
  }

  template <class Grow>
  void start_tree(Grow grow) {
    Tree tree;
    tree.begin = static_cast<int>(model.links.size()), tree.q_begin = model.nq, tree.v_begin = model.nv;
    grow();
    tree.end = static_cast<int>(model.links.size()), tree.q_end = model.nq, tree.v_end = model.nv;
    if (tree.end == tree.begin) return;
    tree.bodies = spare_bodies();
    model.trees.push_back(std::move(tree));
  }

  // Depth first, so that the links of a tree and of every branch stand together.
  void hang(std::size_t first, int from) {
    std::vector<CompileWork::Open>& open = work.open;
    open.assign(1, {first, from});
    while (!open.empty()) {
      const CompileWork::Open next = open.back();
      open.pop_back();
      const Joint& joint = scene.joints[next.joint];
      if (joint_done[next.joint] || !spanning.in_tree[next.joint]) continue;
      const bool reversed = !(group_of(joint.parent) == next.from && !is_placed(group_of(joint.child)));
      const int to = group_of(reversed ? joint.parent : joint.child);
      joint_done[next.joint] = true;
      add_joint(next.joint, reversed, next.from, to);
      const std::vector<std::size_t>& more = edges_of(to);
      for (auto it = more.rbegin(); it != more.rend(); ++it) {
        if (!joint_done[*it]) open.push_back({*it, to});
      }
    }
  }

  bool is_placed(int g) const { return g < 0 || placed[static_cast<std::size_t>(g)]; }

  void float_base(int g, bool prescribed) {
    const auto index = static_cast<std::size_t>(g);
    Inertiad sum{};
    for (const Inertiad& I : group(g).inertia_G) sum += I;
    Precise X_GL;  // at the centre of mass: turning and moving do not mix
    if (sum.m > 0 && !prescribed) X_GL.p = (1 / static_cast<long double>(sum.m)) * Vec3<long double>(sum.h);
    const Precise X_WL = rigid.X_WG[index] * X_GL;
    const scene::Body& root = scene.bodies[static_cast<std::size_t>(group(g).bodies[0])];
    placed[index] = true;
    X_LG[index] = inverse(X_GL);
    const std::size_t first = model.links.size();
    add_slides(kGround, Precise{}, 3, {});
    add_ball({});
    model.links.back().group = g;
    last_link[index] = static_cast<int>(model.links.size()) - 1;
    for (std::size_t i = first; i < model.links.size(); ++i) model.links[i].prescribed = prescribed;
    const Vec3d p(X_WL.p);
    const Quatd r = Quatd(quaternion(X_WL.R));
    const Vec3d v = root.V_WB.v + cross(root.V_WB.w, p - root.X_WB.p), w = transpose_times(Mat3d(X_WL.R), root.V_WB.w);
    model.q_start.insert(model.q_start.end(), {p.x, p.y, p.z, r.w, r.x, r.y, r.z});
    model.v_start.insert(model.v_start.end(), {v.x, v.y, v.z, w.x, w.y, w.z});
    for (int k = 0; k < 6; ++k) {
      JointLaw law;
      law.q = k < 3 ? model.links[first].q + k : -1;
      model.laws.push_back(law);
    }
    for (const std::size_t j : edges_of(g)) {
      if (!joint_done[j]) hang(j, g);
    }
  }

  // ---- links of one joint ----

  Precise frame_on(int g, BodyId body, const Posed& X_BJ) const {
    if (!body.valid()) return precise(X_BJ);
    const Precise X_GJ = rigid.X_GB[body.index()] * precise(X_BJ);
    return X_LG[static_cast<std::size_t>(g < 0 ? rigid.group_of[body.index()] : g)] * X_GJ;
  }

  int link_of(int g) const { return g < 0 ? -1 : last_link[static_cast<std::size_t>(g)]; }

  void add_link(Link link, LinkMotion motion) {
    link.motion = motion;
    link.q = model.nq;
    link.v = model.nv;
    if (motion == LinkMotion::kBall) link.ball = nball++;
    model.nq += motion == LinkMotion::kBall ? 4 : 1;
    model.nv += kernels::degrees(motion);
    model.links.push_back(link);
  }

  // Slides along x, y (and z) of the frame F on link `parent`; the last one's frame is turned back by add_ball or
  // add_turn.
  void add_slides(int parent, const Precise& X_PF, int count, scene::JointId joint) {
    constexpr Vec3d kAxes[] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    static const Precise turn[] = {{z_to(kAxes[0]), {}}, {z_to(kAxes[1]), {}}, {z_to(kAxes[2]), {}}};
    static const Transformd next[] = {Transformd(turn[0]), Transformd(inverse(turn[0]) * turn[1]),
                                      Transformd(inverse(turn[1]) * turn[2])};
    static const Precise after[] = {inverse(turn[0]), inverse(turn[1]), inverse(turn[2])};
    for (int i = 0; i < count; ++i) {
      Link link;
      link.parent = i == 0 ? parent : static_cast<int>(model.links.size()) - 1;
      link.joint = joint;
      link.X_PF = i == 0 && !(X_PF == Precise{}) ? Transformd(X_PF * turn[0]) : next[i];
      add_link(link, LinkMotion::kSlide);
    }
    after_slides = after[count - 1];
  }

  void add_ball(scene::JointId joint) {
    Link link;
    link.parent = static_cast<int>(model.links.size()) - 1;
    link.joint = joint;
    link.X_PF = Transformd(after_slides);
    add_link(link, LinkMotion::kBall);
  }

  void add_joint(std::size_t j, bool reversed, int from, int to) {
    const Joint& joint = scene.joints[j];
    const auto id = scene::JointId::from_index(j);
    const BodyId near = reversed ? joint.child : joint.parent, far = reversed ? joint.parent : joint.child;
    Precise X_PF = frame_on(from, near, reversed ? joint.X_CJ : joint.X_PJ);
    Precise X_GL = rigid.X_GB[far.index()] * precise(reversed ? joint.X_PJ : joint.X_CJ);
    const bool along_axis = joint.type != JointType::kSpherical && joint.type != JointType::kFree;
    if (along_axis) {
      const bool one = scene::velocity_size(joint.type) == 1;
      const Precise turn{z_to(reversed && one ? -joint.axis : joint.axis), {}};
      X_PF = X_PF * turn;
      X_GL = X_GL * turn;
    }
    const int parent = link_of(from);
    const int first_q = model.nq, first_v = model.nv;
    Link link;
    link.parent = parent;
    link.joint = id;
    link.X_PF = Transformd(X_PF);
    switch (joint.type) {
      case JointType::kRevolute:
      case JointType::kContinuous: add_link(link, LinkMotion::kTurn); break;
      case JointType::kPrismatic: add_link(link, LinkMotion::kSlide); break;
      case JointType::kSpherical: add_link(link, LinkMotion::kBall); break;
      case JointType::kPlanar:
        add_slides(parent, X_PF, 2, id);
        link.parent = static_cast<int>(model.links.size()) - 1;
        link.X_PF = Transformd(after_slides);
        add_link(link, LinkMotion::kTurn);
        break;
      case JointType::kFree:
        add_slides(parent, X_PF, 3, id);
        add_ball(id);
        break;
      case JointType::kFixed: break;
    }
    model.links.back().group = to;
    placed[static_cast<std::size_t>(to)] = true;
    X_LG[static_cast<std::size_t>(to)] = inverse(X_GL);
    last_link[static_cast<std::size_t>(to)] = static_cast<int>(model.links.size()) - 1;
    model.joint_link[j] = static_cast<int>(model.links.size()) - 1;
    model.joint_reversed[j] = reversed;
    model.layout.joints[j] = {first_q, model.nq - first_q, first_v, model.nv - first_v};
    add_laws(joint, first_q);
    add_start(j, near, far, X_GL, X_PF);
  }

  void add_laws(const Joint& joint, int first_q) {
    const int n = scene::velocity_size(joint.type);
    for (int k = 0; k < n; ++k) {
      JointLaw law;
      law.armature = joint.armature;
      law.damping = joint.damping;
      law.q = joint.type == JointType::kSpherical || (joint.type == JointType::kFree && k >= 3) ? -1 : first_q + k;
      if (n == 1) {
        law.friction = joint.friction;
        law.stiffness = joint.stiffness;
        law.spring_position = joint.spring_position;
        law.drive_stiffness = joint.drive.stiffness;
        law.drive_damping = joint.drive.damping;
        law.drive_limit = std::min(joint.drive.max_force, joint.effort_limit);
        if (joint.type != JointType::kContinuous) {
          law.lower = joint.lower;
          law.upper = joint.upper;
        }
        law.velocity_limit = joint.velocity_limit;
      }
      model.laws.push_back(law);
    }
  }

  // Start position and velocity of a joint, measured between its two bodies where they are not given.
  void add_start(std::size_t j, BodyId near, BodyId far, const Precise& X_GL, const Precise& X_LF) {
    const Joint& joint = scene.joints[j];
    if (joint.position && joint.velocity && scene::velocity_size(joint.type) == 1) {
      model.q_start.push_back(*joint.position);
      model.v_start.push_back(*joint.velocity);
      return;
    }
    const Precise X_BL = inverse(rigid.X_GB[far.index()]) * X_GL;
    const Precise X_WL = precise(scene.bodies[far.index()].X_WB) * X_BL;
    Precise X_WF = X_LF;
    Motiond V_near{};
    if (near.valid()) {
      // F on the near body: through the group frame, since X_LF is on its link
      const auto g = static_cast<std::size_t>(rigid.group_of[near.index()]);
      const Precise X_BF = inverse(X_LG[g] * rigid.X_GB[near.index()]) * X_LF;
      X_WF = precise(scene.bodies[near.index()].X_WB) * X_BF;
      V_near = scene.bodies[near.index()].V_WB;
      V_near.v += cross(V_near.w, Vec3d(X_WL.p) - scene.bodies[near.index()].X_WB.p);
    }
    Motiond V_far = scene.bodies[far.index()].V_WB;
    V_far.v += cross(V_far.w, Vec3d(X_WL.p) - scene.bodies[far.index()].X_WB.p);
    const Precise X_FL = inverse(X_WF) * X_WL;
    const Vec3d v_F = transpose_times(Mat3d(X_WF.R), V_far.v - V_near.v);
    const Vec3d w_L = transpose_times(Mat3d(X_WL.R), V_far.w - V_near.w);
    const Quatd r(quaternion(X_FL.R));
    const Vec3d p(X_FL.p);
    const double angle = static_cast<double>(std::atan2(X_FL.R.r1.x - X_FL.R.r0.y, X_FL.R.r0.x + X_FL.R.r1.y));
    std::vector<double>& q = model.q_start;
    std::vector<double>& v = model.v_start;
    switch (joint.type) {
      case JointType::kRevolute:
      case JointType::kContinuous:
        q.push_back(joint.position.value_or(within(angle, joint)));
        v.push_back(joint.velocity.value_or(w_L.z));
        if (!joint.position) warn_apart(j, norm(p), angle_between(r, exp_rotation(Vec3d{0, 0, angle})));
        break;
      case JointType::kPrismatic:
        q.push_back(joint.position.value_or(p.z));
        v.push_back(joint.velocity.value_or(v_F.z));
        if (!joint.position) warn_apart(j, std::hypot(p.x, p.y), angle_between(r, Quatd{}));
        break;
      case JointType::kSpherical:
        q.insert(q.end(), {r.w, r.x, r.y, r.z});
        v.insert(v.end(), {w_L.x, w_L.y, w_L.z});
        warn_apart(j, norm(p), 0);
        break;
      case JointType::kPlanar:
        q.insert(q.end(), {p.x, p.y, angle});
        v.insert(v.end(), {v_F.x, v_F.y, w_L.z});
        warn_apart(j, std::abs(p.z), angle_between(r, exp_rotation(Vec3d{0, 0, angle})));
        break;
      case JointType::kFree:
        q.insert(q.end(), {p.x, p.y, p.z, r.w, r.x, r.y, r.z});
        v.insert(v.end(), {v_F.x, v_F.y, v_F.z, w_L.x, w_L.y, w_L.z});
        break;
      case JointType::kFixed: break;
    }
  }

  // The measured angle knows no whole turns: take the one inside the limits, if any.
  static double within(double angle, const Joint& joint) {
    constexpr double kTurn = 6.283185307179586;
    for (const double turn : {0.0, kTurn, -kTurn}) {
      if (angle + turn >= joint.lower && angle + turn <= joint.upper) return angle + turn;
    }
    return angle;
  }

  void warn_apart(std::size_t j, double distance, double angle) {
    if (distance <= 1e-4 && angle <= 1e-4) return;
    char text[96];
    std::snprintf(text, sizeof text, "the joint's frames are %.3g m and %.3g rad apart at the start pose", distance,
                  angle);
    diagnostics.warning(joint_location(scene, j), "joint-apart",
                        std::string(text) + ": the joint wins and the child is moved",
                        "make the bodies' poses agree with the joint's frames");
  }

  // ---- after the trees ----

  void place_bodies_on_links() {
    model.body_paths.resize(scene.bodies.size());
    work.X_LB.resize(scene.bodies.size());
    work.shares.resize(scene.bodies.size());
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      const auto g = static_cast<std::size_t>(rigid.group_of[b]);
      Precise& X_LB = work.X_LB[b];
      X_LB = rigid.node_of[b] == 0 ? X_LG[g] : X_LG[g] * rigid.X_GB[b];
      const int link = rigid.grounded[g] ? -1 : last_link[g];
      model.bodies.push_back(
          {link, static_cast<int>(g), Transformd(rigid.X_GB[b]), Transformd(X_LB), share(b).pose_LB});
      model.body_gravity.push_back(scene.bodies[b].gravity);
      model.body_paths[b] = scene.bodies[b].path;
      if (link < 0) continue;
      const auto tree = std::upper_bound(model.trees.begin(), model.trees.end(), link,
                                         [](int l, const Tree& t) { return l < t.end; });
      tree->bodies.push_back(static_cast<int>(b));
      const auto island = std::upper_bound(model.islands.begin(), model.islands.end(), link,
                                           [](int l, const Island& i) { return l < i.all.end; });
      island->all.bodies.push_back(static_cast<int>(b));
    }
    for (std::size_t g = 0; g < rigid.groups.size(); ++g) {
      Group& group = rigid.groups[g];
      group.link = rigid.grounded[g] ? -1 : last_link[g];
      group.X_LG = Transformd(X_LG[g]);
      if (group.link < 0) continue;
      Inertia<long double> sum{};
      Link& link = model.links[static_cast<std::size_t>(group.link)];
      for (const int b : group.bodies) {
        const auto body = static_cast<std::size_t>(b);
        const Inertia<long double>& I = share(body).I_L;
        sum += I;
        if (!scene.bodies[body].gravity) {
          link.weightless_mass += static_cast<double>(I.m);
          link.weightless_moment += Vec3d(I.h);
        }
      }
      link.inertia = Inertiad(sum);
    }
  }

  const CompileWork::Share& share(std::size_t body) {
    CompileWork::Share& s = work.shares[body];
    const scene::MassProperties& m = scene.bodies[body].mass;
    if (!s.known || !(s.X_LB == work.X_LB[body]) || !(s.mass == m)) {
      const auto I_B = Inertia<long double>(inertia_about_origin(m.mass, m.center, m.inertia));
      s = {work.X_LB[body], m, rounded(work.X_LB[body]), to_parent(work.X_LB[body], I_B), true};
    }
    return s;
  }

  // Every degree of freedom must carry inertia, at the start pose at least.
  void check_inertia() {
    if (failed()) return;
    std::vector<LinkData>& links = work.links;
    links.resize(model.links.size());
    kernels::kinematics(model, 0, model.nlink, model.q_start.data(), model.v_start.data(), links.data());
    kernels::composite_inertia(model, 0, model.nlink, links.data());
    for (int i = 0; i < model.nlink; ++i) {
      const Link& link = model.links[static_cast<std::size_t>(i)];
      if (link.prescribed) continue;
      const Inertiad& Ic = links[static_cast<std::size_t>(i)].Ic;
      const double armature = model.laws[static_cast<std::size_t>(link.v)].armature;
      const Sym3d& I = Ic.I;
      double least = link.motion == LinkMotion::kSlide ? Ic.m : I.zz;
      if (link.motion == LinkMotion::kBall) least = scene::principal_moments(I).x;
      const double scale = link.motion == LinkMotion::kSlide ? 0 : 1e-13 * (I.xx + I.yy + I.zz);
      if (least + armature > scale) continue;
      Location where{};
      if (link.joint.valid()) where = joint_location(scene, link.joint.index());
      if (!link.joint.valid()) {
        int last = i;
        while (model.links[static_cast<std::size_t>(last)].group < 0) ++last;
        const Group& g = group(model.links[static_cast<std::size_t>(last)].group);
        where = scene.bodies[static_cast<std::size_t>(g.bodies[0])].source;
        where.path = scene.bodies[static_cast<std::size_t>(g.bodies[0])].path;
      }
      const bool massless = !(Ic.m > 0);
      diagnostics.error(where, massless ? "no-mass" : "no-inertia",
                        massless ? "nothing that moves here has any mass: its acceleration would be infinite"
                                 : "what moves here has no inertia about one of its axes of motion",
                        massless ? "write a positive mass, or weld it to something that has one"
                                 : "write the inertia, or an armature at the joint");
      while (i + 1 < model.nlink && model.links[static_cast<std::size_t>(i + 1)].joint == link.joint &&
             model.links[static_cast<std::size_t>(i)].group < 0) {
        ++i;  // the other degrees of the same joint
      }
    }
  }

  void place_springs() {
    for (const scene::Spring& s : scene.springs) {
      const auto end = [&](BodyId body, const Vec3d& p, int& link, Vec3d& at) {
        link = body.valid() ? model.bodies[body.index()].link : -1;
        at = body.valid() ? model.bodies[body.index()].X_LB * p : p;
      };
      SpringElement spring{-1, -1, {}, {}, s.stiffness, s.damping, s.rest_length};
      end(s.a, s.p_A, spring.link_a, spring.p_A);
      end(s.b, s.p_B, spring.link_b, spring.p_B);
      if (spring.link_a == spring.link_b) continue;  // between parts of one rigid group it only squeezes
      const auto island =
          std::upper_bound(model.islands.begin(), model.islands.end(), std::max(spring.link_a, spring.link_b),
                           [](int l, const Island& i) { return l < i.all.end; });
      island->springs.push_back(spring);
    }
  }

  void prepare_groups() {
    model.groups = rigid.groups;
    for (Group& group : model.groups) prepare_weld_loops(group);
  }
};

}  // namespace

bool compile_into(const scene::Scene& scene, Trust trust, const Model* before, CompileWork& work, Model& model,
                  Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  if (trust == Trust::kNone) scene::validate(scene, diagnostics);
  if (diagnostics.error_count() > errors) return false;
  find_rigid_groups(scene, diagnostics, work.rigid_work, work.rigid);
  if (diagnostics.error_count() > errors) return false;
  Compiler compiler{scene, before, work, model, diagnostics};
  compiler.run();
  return !compiler.failed();
}

std::optional<Model> compile(const scene::Scene& scene, Diagnostics& diagnostics) {
  CompileWork work;
  Model model;
  if (!compile_into(scene, Trust::kNone, nullptr, work, model, diagnostics)) return std::nullopt;
  return model;
}

Model compiled(const scene::Scene& scene) {
  Diagnostics diagnostics;
  std::optional<Model> model = compile(scene, diagnostics);
  if (!model) throw ContractError(diagnostics.text());
  return std::move(*model);
}

}  // namespace geoul::dynamics
