// Batches: world-steps a second of one core, in lanes of each instruction set, float32, with contact; and the same bits
// for any number of threads. One JSON object a line, for bench/figures. Goals: shared/reference/speed.md.
#include <chrono>
#include <filesystem>
#include <thread>

#include "bench/figure.h"
#include "geoul/dynamics/batch.h"
#include "geoul/scene/scene.h"
#include "scenarios/mechanics.h"

namespace geoul::bench {
namespace {

using namespace dynamics;
namespace fs = std::filesystem;

const fs::path kModels = fs::path(GEOUL_SOURCE_DIR) / "../shared/data/mjcf";

// A cart of 1 kg on a rail under a force, a pole of 0.1 kg and 1 m on it.
scene::Scene cartpole() {
  scene::Scene s;
  const auto cart = scenarios::add_box(s, "/cart", 1, {0.3, 0.2, 0.1}, {0, 0, 0});
  const auto pole = scenarios::add_box(s, "/pole", 0.1, {0.04, 0.04, 1}, {0, 0, 0.5});
  scenarios::add_joint(s, scene::JointType::kPrismatic, scene::kWorld, cart, {}, {1, 0, 0});
  scenarios::add_joint(s, scene::JointType::kContinuous, cart, pole, {}, {0, 1, 0});
  s.joints[0].lower = -2.4, s.joints[0].upper = 2.4, s.joints[0].effort_limit = 10;
  return s;
}

std::optional<Model> read_model(const std::string& file) {
  if (!fs::exists(kModels / file)) return std::nullopt;
  Diagnostics found;
  std::optional<scene::Scene> s = scene::read_scene((kModels / file).string(), found);
  if (!s) return std::nullopt;
  return compile(*s, found);
}

Batch started(const Model& model, int worlds, const BatchOptions& options, double scatter) {
  Batch batch = Batch::make(model, worlds, options).value();
  std::vector<double> q(static_cast<std::size_t>(model.nq)), v(static_cast<std::size_t>(model.nv));
  for (int w = 0; w < worlds; ++w) {
    Random r(11, static_cast<std::uint64_t>(w));
    batch.read_state(w, q, v);
    for (double& x : v) x += r.uniform(-scatter, scatter);
    batch.write_state(w, q, v);
  }
  return batch;
}

// World-steps a second, the median of rounds: by this thread's CPU time, or by the clock on the wall, for a pool's
// sake.
enum class Clock { kThread, kWall };
double speed(const Model& model, const BatchOptions& options, int worlds, int steps, double scatter = 0.3,
             int rounds = 9, int settle = 0, Clock clock = Clock::kThread) {
  Batch batch = started(model, worlds, options, scatter);
  if (settle > 0) batch.step(settle);
  const BatchSnapshot start = batch.snapshot();
  std::vector<double> each;
  for (int r = 0; r < rounds; ++r) {
    batch.restore(start);
    const auto wall = std::chrono::steady_clock::now();
    const double begin = thread_clock();
    const BatchReport report = batch.step(steps);
    const std::chrono::duration<double> by_wall = std::chrono::steady_clock::now() - wall;
    const double took = clock == Clock::kWall ? by_wall.count() : 1e-9 * (thread_clock() - begin);
    if (report.faults > 0) return std::nan("");
    each.push_back(worlds * steps / took);
  }
  return median(each);
}

struct Goal {
  const char* name;
  Model model;
  double dt, goal;
  int worlds, steps;
  StepOptions step = {};
};

void lanes(Goal g) {
  BatchOptions options{g.step};
  options.step.dt = Duration::from_seconds(g.dt);
  const std::string name = std::string("batch: ") + g.name;
  at_least(name + ", double", speed(g.model, options, g.worlds, g.steps), "world-steps/s", g.goal);
  for (const LaneSet set : {LaneSet::kBaseline, LaneSet::kAvx2}) {
    if (!lanes_supported(set) || set == widest_lanes()) continue;
    options.lanes = set;
    report(name + ", double, " + to_string(set), speed(g.model, options, g.worlds, g.steps), "world-steps/s");
  }
  options.lanes = widest_lanes();
  options.precision = BatchPrecision::kFloat32;
  report(name + ", float32", speed(g.model, options, g.worlds, g.steps), "world-steps/s");
  World one(g.model, g.dt, Integrator::kImplicit);
  one.options.contact = g.step.contact;
  report(name + ", one world by itself", 1e9 / nanoseconds([&] { one.step(); }, 200), "steps/s");
}

void contact(const char* name, const char* file, double dt, double goal) {
  const std::string line = std::string("batch: ") + name;
  const std::optional<Model> model = read_model(file);
  if (!model) return at_least(line + ": ../shared/data/mjcf is absent", std::nan(""), "world-steps/s", goal);
  BatchOptions options;
  options.step.dt = Duration::from_seconds(dt);
  options.step.sleep_velocity = 0;  // awake
  at_least(line, speed(*model, options, 32, 100, 0.01, 3, 600), "world-steps/s", goal);
}

// How many worlds of 203 differ in any bit from those of one thread, and the gain of a second thread.
void threads(const Model& model) {
  ThreadPool two(2), seven(7);
  BatchOptions options;
  Batch alone = started(model, 203, options, 0.3);
  alone.step(200);
  double different = 0;
  for (ThreadPool* pool : {&two, &seven}) {
    options.step.pool = pool;
    Batch batch = started(model, 203, options, 0.3);
    batch.step(200);
    std::vector<double> q(static_cast<std::size_t>(model.nq)), v(static_cast<std::size_t>(model.nv)), p = q, u = v;
    for (int w = 0; w < 203; ++w) {
      alone.read_state(w, q, v), batch.read_state(w, p, u);
      different += q != p || v != u;
    }
  }
  at_most("batch: worlds whose bits depend on the threads", different, "of 406", 0);
  options.step.pool = nullptr;
  const auto by_wall = [&] { return speed(model, options, 4096, 50, 0.3, 9, 0, Clock::kWall); };
  const double one = by_wall();
  options.step.pool = &two;
  report("batch: gain of two threads, 7-joint arm", by_wall() / one, "x");
}

// Copying a batch out and in again, against the bytes that it holds.
void snapshots(const Model& model) {
  Batch batch = started(model, 1024, {}, 0.3);
  const WorldSnapshot one = batch.snapshot(5);
  BatchSnapshot kept = batch.snapshot();
  report("batch: snapshot and restore of 1,024 arms",
         nanoseconds([&] { kept = batch.snapshot(), batch.restore(kept); }, 10) / 1024, "ns/world");
  report("batch: fork of one arm", nanoseconds([&] { batch.fork(5, 900); }, 1000), "ns");
}

int main_of() {
  const Model arm = compiled(scenarios::arm7());
  lanes({"7-joint arm with limits and drives", arm, 1e-3, 10e6, 256, 200});
  lanes({"cartpole with limits", compiled(cartpole()), 5e-3, 20e6, 1024, 100});
  StepOptions untouched;
  untouched.contact = false;
  if (const std::optional<Model> humanoid = read_model("mujoco_tests/model/humanoid/humanoid.xml")) {
    lanes({"humanoid without contact", *humanoid, 5e-3, 2.2e6, 128, 50, untouched});
  } else {
    at_least("batch: humanoid without contact: ../shared/data/mjcf is absent", std::nan(""), "world-steps/s", 2.2e6);
  }
  contact("humanoid in contact", "mujoco_tests/model/humanoid/humanoid.xml", 5e-3, 0.33e6);
  contact("A1 standing", "menagerie_2022/unitree_a1/scene.xml", 2e-3, 0.5e6);
  threads(arm);
  snapshots(arm);
  return 0;
}

}  // namespace
}  // namespace geoul::bench

int main() { return geoul::bench::main_of(); }
