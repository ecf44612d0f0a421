// Figures of joints made and broken while the world runs. One JSON object a line, for bench/figures.
#include "bench/figure.h"
#include "geoul/dynamics/world.h"
#include "scenarios/allocations.h"
#include "scenarios/attach_runs.h"
#include "scenarios/mechanics.h"

namespace geoul::bench {
namespace {

using namespace scenarios;

// Two 7-joint arms and loose boxes, 30 bodies.
Scene workshop() {
  Scene scene;
  for (int side = 0; side < 2; ++side) {
    const Scene arm = arm7();
    const int first = static_cast<int>(scene.bodies.size());
    const std::string name = side == 0 ? "/left" : "/right";
    for (scene::Body body : arm.bodies) {
      body.path = name + body.path, body.X_WB.p.x += 2 * side;
      scene.bodies.push_back(body);
    }
    for (scene::Joint joint : arm.joints) {
      joint.path = name + joint.path;
      if (joint.parent.valid()) {
        joint.parent.value += first;
      } else {
        joint.X_PJ.p.x += 2 * side;
      }
      joint.child.value += first;
      scene.joints.push_back(joint);
    }
  }
  for (int i = 0; scene.bodies.size() < 30; ++i)
    add_box(scene, "/box" + std::to_string(i), 1, {.1, .1, .1}, {0.2 * i - 1, 1, 0.1});
  return scene;
}

void recompile() {
  dynamics::World world(workshop());
  const auto nbody = static_cast<int>(world.scene.bodies.size());
  scene::Joint weld;
  weld.parent = BodyId{7}, weld.child = BodyId{nbody - 1};
  std::vector<double> made, broken;
  long allocated = 0;
  for (int i = 0; i < 300; ++i) {
    const long before = allocations();
    double t = thread_clock();
    const auto change = attach(world, weld);
    made.push_back(thread_clock() - t);
    t = thread_clock();
    GEOUL_EXPECTS(detach(world, change->joint));
    broken.push_back(thread_clock() - t);
    if (i >= 200) allocated += allocations() - before;
  }
  at_most("attach, world of 30 bodies", median(made) / 1000, "us", 50);
  at_most("detach, world of 30 bodies", median(broken) / 1000, "us", 50);
  report("attach and detach, world of 30 bodies/allocations of a pair", static_cast<double>(allocated) / 100, "");
}

void judge(const std::string& name, const AttachRun& run, bool adrift, bool held = true) {
  if (held) {
    at_most(name + "/slip while attached", run.slip, "m", 1e-12);
    at_most(name + "/turn while attached", run.turn, "rad", 1e-12);
  }
  at_most(name + "/jump of a pose", run.jump, "m, rad", 1e-12);
  at_most(name + "/refused", run.refused, "", 0);
  at_most(name + "/steps not solved", run.solved ? 0 : 1, "", 0);
  if (!adrift) return;
  at_most(name + "/momentum", run.momentum, "relative", 1e-12);
  at_most(name + "/reported loss against the inelastic one", run.loss, "relative", 1e-10);
}

}  // namespace
}  // namespace geoul::bench

int main() {
  using namespace geoul::bench;
  recompile();
  for (const int mass : {1, 10, 50}) judge("grasp of " + std::to_string(mass) + " kg", run_grasp(mass, 10), false);
  judge("W6, box on a moving arm", run_weld_to_moving_arm(), false);
  judge("tool change", run_tool_change(), false);
  judge("docking", run_docking(), true);
  judge("hand over", run_hand_over(), false);
  judge("10,000 random pairs", run_random_pairs(10'000, 1), true, false);
}
