#include "scenarios/attach_runs.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/dynamics/dynamics.h"
#include "scenarios/mechanics.h"

namespace geoul::scenarios {
namespace {

using namespace dynamics;
constexpr double kPi = std::numbers::pi;

Joint joint_between(JointType type, BodyId a, BodyId b) {
  Joint joint;
  joint.type = type;
  joint.parent = a, joint.child = b;
  return joint;
}

// A world whose changes of joints are judged.
struct Running {
  World world;
  AttachRun run;

  explicit Running(const Scene& scene) : world(scene) { world.options.dt = Duration::from_seconds(1e-3); }

  Forced momentum() {
    forward_kinematics(world.model, world.state.q, world.state.v, world.data);
    return dynamics::momentum(world.model, world.data);
  }
  void step() {
    const StepReport report = dynamics::step(world);
    run.solved = run.solved && report.converged && report.finite;
  }

  // By the energy of each body's change of velocity: what an inelastic impact takes.
  double impact(const scene::State& before) const {
    double sum = 0;
    for (std::size_t b = 0; b < world.scene.bodies.size(); ++b) {
      const scene::MassProperties& m = world.scene.bodies[b].mass;
      const Mat3d R = rotation_matrix(before.X_WB[b].R);
      const Vec3d dw = world.state.V_WB[b].w - before.V_WB[b].w;
      const Vec3d dv = world.state.V_WB[b].v - before.V_WB[b].v + cross(dw, R * m.center);
      const Vec3d w = transpose_times(R, dw);
      sum += 0.5 * (m.mass * dot(dv, dv) + dot(w, m.inertia * w));
    }
    return sum;
  }
  template <class Change>
  scene::JointId judged(bool adrift, Change change) {
    const scene::State before = world.state;
    const Forced P = momentum();
    double scale_f = 0, scale_n = 0, kinetic = 0;
    for (std::size_t b = 0; b < world.scene.bodies.size(); ++b) {
      const double mv = world.scene.bodies[b].mass.mass * norm(before.V_WB[b].v);
      scale_f += mv, scale_n += mv * norm(before.X_WB[b].p) + 1e-3 * mv, kinetic += mv * norm(before.V_WB[b].v) / 2;
    }
    const Result<JointChange> done = change();
    ++run.changes;
    if (!done) {
      ++run.refused;
      return {};
    }
    const Forced Q = momentum();
    if (adrift) run.momentum = std::max({run.momentum, norm(Q.f - P.f) / scale_f, norm(Q.n - P.n) / scale_n});
    for (std::size_t b = 0; b < world.scene.bodies.size(); ++b) {
      const Posed &X = before.X_WB[b], &Y = world.state.X_WB[b];
      const Quatd d = conjugate(X.R) * Y.R;
      run.jump = std::max({run.jump, norm(Y.p - X.p), 2 * norm(d.vec())});
    }
    if (adrift) run.loss = std::max(run.loss, std::abs(done->energy_loss - impact(before)) / kinetic);
    return done->joint;
  }
  scene::JointId attach(const Joint& joint, bool adrift = false) {
    return judged(adrift, [&] { return dynamics::attach(world, joint); });
  }
  void detach(scene::JointId joint, bool adrift = false) {
    judged(adrift, [&] { return dynamics::detach(world, joint); });
  }

  // Pose of b in a by the bodies' own poses, not by the model's constant.
  Transformd between(BodyId a, BodyId b) const {
    return inverse(transform(world.state.X_WB[a.index()])) * transform(world.state.X_WB[b.index()]);
  }
  void note_slip(const Transformd& held, BodyId a, BodyId b) {
    const Transformd X = between(a, b);
    const Quatd d = quaternion(transpose(held.R) * X.R);
    run.slip = std::max(run.slip, norm(X.p - held.p));
    run.turn = std::max(run.turn, 2 * norm(d.vec()));
  }
  void target(std::size_t joint, double position) {
    world.controls.target_position[static_cast<std::size_t>(world.model.layout.joints[joint].v)] = position;
  }
};

// An arm7 shifted by `at`, its names behind `prefix`; the body of its flange.
BodyId add_arm(Scene& scene, const std::string& prefix, const Vec3d& at, std::size_t joints = 7) {
  const Scene arm = arm7();
  const auto first = static_cast<int>(scene.bodies.size());
  for (std::size_t i = 0; i < joints; ++i) {
    scene::Body body = arm.bodies[i];
    body.path = prefix + body.path, body.X_WB.p += at;
    scene.bodies.push_back(body);
    Joint joint = arm.joints[i];
    joint.path = prefix + joint.path;
    if (joint.parent.valid()) {
      joint.parent.value += first;
    } else {
      joint.X_PJ.p += at;
    }
    joint.child.value += first;
    scene.joints.push_back(joint);
  }
  return BodyId::from_index(scene.bodies.size() - 1);
}

}  // namespace

AttachRun run_random_pairs(int pairs, std::uint64_t seed) {
  constexpr int kBodies = 8;
  Scene scene;
  scene.gravity = {};
  Random random(seed);
  const auto spread = [&](double s) {
    return Vec3d{random.uniform(-s, s), random.uniform(-s, s), random.uniform(-s, s)};
  };
  for (int i = 0; i < kBodies; ++i) {
    const BodyId b = add_box(scene, "/b" + std::to_string(i), random.uniform(.5, 5), {.2, .3, .1}, spread(1));
    scene.bodies[b.index()].V_WB = {spread(1), spread(1)};
    scene.bodies[b.index()].X_WB.R = random_rotation(random);
  }
  Running r(scene);
  std::vector<scene::JointId> made;
  for (int done = 0; done < 2 * pairs;) {
    const auto a = static_cast<int>(random.integer(kBodies)), b = static_cast<int>(random.integer(kBodies));
    const bool make = made.size() < 2 || (made.size() < 6 && random.uniform(0, 1) < 0.5);
    if (make && a != b) {
      const JointType type = random.uniform(0, 1) < 0.7 ? JointType::kFixed : JointType::kSpherical;
      const scene::JointId joint = r.attach(joint_between(type, BodyId{a}, BodyId{b}), true);
      if (joint.valid()) made.push_back(joint);
      ++done;
    } else if (!make) {
      const auto k = static_cast<std::size_t>(random.integer(static_cast<int>(made.size())));
      r.detach(made[k], true);
      made.erase(made.begin() + static_cast<std::ptrdiff_t>(k));
      ++done;
    }
    r.step();
  }
  return r.run;
}

AttachRun run_grasp(double mass, double seconds) {
  Scene scene;
  add_box(scene, "/upper", 1, {.5, .05, .05}, {.25, 0, 0});
  const BodyId hand = add_box(scene, "/lower", 1, {.5, .05, .05}, {.75, 0, 0});
  const BodyId object = add_box(scene, "/object", mass, {.1, .1, .1}, {1.1, 0, 0});
  add_joint(scene, JointType::kRevolute, scene::kWorld, BodyId{0}, {}, {0, 1, 0});
  add_joint(scene, JointType::kRevolute, BodyId{0}, hand, {.5, 0, 0}, {0, 1, 0});
  scene.joints[0].drive = scene.joints[1].drive = {2e4, 400, 0, 0, scene::kUnlimited};
  Running r(scene);
  const scene::JointId grasp = r.attach(joint_between(JointType::kFixed, hand, object));
  const Transformd held = r.between(hand, object);
  while (r.world.state.time.seconds() < seconds) {
    const double t = r.world.state.time.seconds();
    r.target(0, 0.6 * std::sin(2 * kPi * 0.8 * t)), r.target(1, 0.8 * std::sin(2 * kPi * 1.1 * t));
    r.step();
    r.note_slip(held, hand, object);
  }
  r.detach(grasp);
  return r.run;
}

AttachRun run_weld_to_moving_arm() {
  Scene scene;
  const BodyId end = add_arm(scene, "", {}, 6);
  const Vec3d p = scene.bodies[end.index()].X_WB.p;
  const BodyId box = add_box(scene, "/box", 2, {.1, .1, .1}, p + Vec3d{.1, 0, 0});
  const scene::JointId tray = add_joint(scene, JointType::kFixed, scene::kWorld, box, p);
  scene.joints[tray.index()].path = "/tray";
  Running r(scene);
  const auto move = [&](double until, bool holds) {
    const Transformd held = r.between(end, box);
    while (r.world.state.time.seconds() < until) {
      const double t = r.world.state.time.seconds();
      for (std::size_t j = 0; j < 6; ++j)
        r.target(j, 0.3 * std::sin(2 * kPi * (0.3 + 0.1 * static_cast<double>(j)) * t));
      r.step();
      if (holds) r.note_slip(held, end, box);
    }
  };
  move(0.4, false);
  const scene::JointId weld = r.attach(joint_between(JointType::kFixed, end, box));
  r.detach(tray);
  move(5.4, true);
  r.detach(weld);
  move(6, false);
  return r.run;
}

AttachRun run_tool_change() {
  Scene scene;
  const BodyId flange = add_arm(scene, "", {});
  const Posed X = scene.bodies[flange.index()].X_WB;
  const Vec3d along = rotation_matrix(X.R) * Vec3d{0, 0, .15};
  BodyId tools[2];
  for (int k = 0; k < 2; ++k)
    tools[k] = add_box(scene, k == 0 ? "/drill" : "/saw", 1.5 + k, {.06, .08, .2}, X.p + along + Vec3d{0, .5 * k, 0});
  Joint rack = joint_between(JointType::kFixed, scene::kWorld, tools[1]);
  rack.path = "/rack";
  rack.X_PJ = scene.bodies[tools[1].index()].X_WB;
  scene.joints.push_back(rack);
  Running r(scene);
  const auto go = [&](double base, double seconds, BodyId tool) {
    const Transformd held = tool.valid() ? r.between(flange, tool) : Transformd{};
    const double from = r.world.state.q[0], start = r.world.state.time.seconds();
    for (double t = 0; t < seconds; t = r.world.state.time.seconds() - start) {
      const double s = std::min(1.0, t / (0.8 * seconds));
      r.target(0, from + (base - from) * s * s * (3 - 2 * s));
      r.step();
      if (tool.valid()) r.note_slip(held, flange, tool);
    }
  };
  scene::JointId grip = r.attach(joint_between(JointType::kFixed, flange, tools[0]));
  go(0.8, 2, tools[0]);
  r.attach(joint_between(JointType::kFixed, scene::kWorld, tools[0]));  // laid into the rack,
  r.detach(grip);                                                       // then let go
  go(0.0, 2, {});
  grip = r.attach(joint_between(JointType::kFixed, flange, tools[1]));
  r.detach(scene::JointId::from_index(7));  // out of the rack
  go(-0.8, 2, tools[1]);
  return r.run;
}

AttachRun run_docking() {
  Scene scene;
  scene.gravity = {};
  for (int k = 0; k < 2; ++k) {
    const std::string name = k == 0 ? "/chaser" : "/target";
    const Vec3d at{1.5 * k, 0, 0};
    const BodyId hull = add_box(scene, name, 20 + 30 * k, {.6, .4, .4}, at);
    const BodyId arm = add_box(scene, name + "/arm", 3, {.4, .05, .05}, at + Vec3d{0, .45, 0});
    const scene::JointId j = add_joint(scene, JointType::kRevolute, hull, arm, at + Vec3d{0, .25, 0});
    scene.joints[j.index()].drive = {50, 5, 0, 0, scene::kUnlimited};
    const Motiond V{{0.02 * k, -0.01, 0.05 - 0.08 * k}, {0.3 - 0.35 * k, 0.02, -0.01 * k}};
    for (const BodyId b : {hull, arm})
      scene.bodies[b.index()].V_WB = {V.w, V.v + cross(V.w, scene.bodies[b.index()].X_WB.p - at)};
  }
  Running r(scene);
  const auto drift = [&](double seconds) {
    const double until = r.world.state.time.seconds() + seconds;
    while (r.world.state.time.seconds() < until) {
      r.target(0, std::sin(r.world.state.time.seconds())), r.target(1, -std::sin(2 * r.world.state.time.seconds()));
      r.step();
    }
  };
  drift(1.3);
  const scene::JointId lock = r.attach(joint_between(JointType::kFixed, BodyId{0}, BodyId{2}), true);
  const Transformd held = r.between(BodyId{0}, BodyId{2});
  for (int i = 0; i < 20; ++i) drift(0.1), r.note_slip(held, BodyId{0}, BodyId{2});
  r.detach(lock, true);
  drift(0.5);
  return r.run;
}

AttachRun run_hand_over() {
  Scene scene;
  const BodyId left = add_arm(scene, "/left", {}), right = add_arm(scene, "/right", {.9, 0, 0});
  const Vec3d p = scene.bodies[left.index()].X_WB.p, q = scene.bodies[right.index()].X_WB.p;
  const BodyId part = add_box(scene, "/part", 1, {norm(q - p), .04, .04}, 0.5 * (p + q));
  Running r(scene);
  const auto hold = [&](double seconds, BodyId hand, double swing) {
    const Transformd held = r.between(hand, part);
    const double start = r.world.state.time.seconds();
    for (double t = 0; t < seconds; t = r.world.state.time.seconds() - start) {
      const std::size_t first = hand == left ? 0 : 7;
      r.target(first + 1, swing * std::sin(kPi * t / seconds) * std::sin(kPi * t / seconds));
      r.step();
      r.note_slip(held, hand, part);
    }
  };
  const scene::JointId mine = r.attach(joint_between(JointType::kFixed, left, part));
  hold(1, left, -0.4);
  const scene::JointId yours = r.attach(joint_between(JointType::kFixed, right, part));  // a loop through both arms
  hold(0.5, left, 0);
  r.detach(mine);
  hold(1, right, -0.4);
  r.detach(yours);
  return r.run;
}

}  // namespace geoul::scenarios
