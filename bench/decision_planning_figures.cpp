// Figures of decision: futures. See bench/figures and docs/notes/decision.md.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "bench/figure.h"
#include "geoul/core/random.h"
#include "geoul/decision/futures/futures.h"
#include "geoul/decision/test_scenes.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/scene/scene.h"

namespace {

using namespace geoul;
using namespace geoul::decision;

double process_seconds() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// Ten motions to random places, 100 draws each: payload at the last body, friction of all joints, drive speed of the
// start, gravity of a floor that is not level.
void futures_of(const std::string& name, const scene::Scene& scene) {
  const dynamics::Model model = dynamics::compiled(scene);
  const scene::State now = make_state(model);
  const std::vector<int> degrees = controlled_degrees(model);
  const std::size_t n = degrees.size();
  const MotionLimits limits{std::vector<double>(n, 1.0), std::vector<double>(n, 3)};
  Random random(7);
  std::vector<Action> actions;
  for (int a = 0; a < 10; ++a) {
    std::vector<double> goal;
    for (std::size_t k = 0; k < n; ++k) goal.push_back(now.q[k] + random.uniform(-0.7, 0.7));
    actions.push_back(move(model, now, degrees, goal, limits));
  }
  int hand = 0;
  for (int b = 0; b < model.nbody; ++b) {
    if (model.bodies[static_cast<std::size_t>(b)].link == model.nlink - 1) hand = b;
  }
  const std::vector<Disturbance> disturbances = {
      {Parameter::kPayload, hand, Distribution::uniform(0, 1.5), {0, 0, 0.05}, {}, {}, {}},
      {Parameter::kFriction, -1, Distribution::uniform(0, 1), {}, {}, {}, {}},
      {Parameter::kStartPosition, -1, Distribution::normal(0, 0.002), {}, {}, {}, {}},
      {Parameter::kGravityFactor, -1, Distribution::normal(1, 0.005), {}, {}, {}, {}}};
  FutureOptions options;
  options.draws = 100;
  ThreadPool pool(2);
  options.pool = &pool;
  const double cpu = process_seconds();
  const auto begin = std::chrono::steady_clock::now();
  const Result<Futures> out = foresee(model, now, actions, disturbances, options);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double used = process_seconds() - cpu;
  if (!out) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), out.error().message.c_str());
    bench::at_most("futures/" + name + "/wall", NAN, "s", 10);
    return;
  }
  int hits = 0, failures = 0;
  for (const Future& f : out->all) hits += f.failure == Failure::kHit, failures += f.failure != Failure::kNone;
  bench::at_most("futures/" + name + "/wall", wall, "s", 10);
  bench::at_most("futures/" + name + "/cpu", used, "s", 20);
  bench::at_least("futures/" + name + "/in_lanes", out->in_lanes, "worlds", 1000);
  bench::report("futures/" + name + "/pairs", static_cast<double>(out->clearance.pairs.size()), "pairs");
  bench::report("futures/" + name + "/failures", failures, "of 1000");
  bench::report("futures/" + name + "/hits", hits, "of 1000");
}

}  // namespace

int main() {
  futures_of("arm7", arm7_cell());
  Diagnostics diagnostics;
  const std::optional<scene::Scene> cell =
      scene::read_scene(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda", diagnostics);
  if (!cell) {
    std::fputs(diagnostics.text().c_str(), stderr);
    return 1;
  }
  futures_of("ur3e_cell", *cell);
  return 0;
}
