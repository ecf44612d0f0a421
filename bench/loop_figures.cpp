// Figures of closed loops: IFToMM benchmarks A02 to A05, the light cart-pole, closure over 10^6 steps and cost against
// the number of four-bars. One JSON object a line, for bench/figures. Scenes: scenarios/loops.h; reference values:
// sources named in docs/notes/dynamics.md.
#include "bench/figure.h"
#include "scenarios/allocations.h"
#include "scenarios/loops.h"

namespace geoul::bench {
namespace {

using namespace scenarios;
using dynamics::compiled;
using dynamics::Integrator;
constexpr Integrator kRk4 = Integrator::kRungeKutta4;

struct Instant {
  double t;
  Vec3d p;
};

// Largest distance from the reference points, one line each; then energy and closure.
void follow(const std::string& name, World world, std::initializer_list<Instant> reference,
            const std::function<Vec3d(const World&)>& point, double bound, double energy_bound) {
  const double e0 = world.energy();
  double closure = 0, t = 0;
  for (const Instant& r : reference) {
    closure = std::max(closure, world.run(r.t - t).closure);
    t = r.t;
    char at[32];
    std::snprintf(at, sizeof at, "%g s", t);
    at_most(name + "/error at " + at, norm(point(world) - r.p), "m", bound);
  }
  if (std::isfinite(energy_bound))
    at_most(name + "/energy at the end", std::abs(world.energy() - e0), "J", energy_bound);
  if (world.model.nrow > 0) at_most(name + "/closure", closure, "m, rad", 1e-10);
}

void four_bars() {
  const auto corner = [](const World& w) { return 2.0 * w.state.X_WB[0].p; };  // B0: the end of the first pillar
  follow("A02 N-four-bar, N 1, RK4 1 ms", World(compiled(four_bar_windows(1)), 1e-3, kRk4),
         {{10, {0.47838505776097, 0.87815017879121, 0}}}, corner, 1e-9, 1e-9);
  follow("A02 N-four-bar, N 2, RK4 1 ms", World(compiled(four_bar_windows(2)), 1e-3, kRk4),
         {{1, {-0.19502030194944, -0.98079920566217, 0}},
          {5, {-0.81131046100511, -0.58461554534898, 0}},
          {10, {0.32845811154082, 0.9445185381786, 0}}},
         corner, 1e-9, 1e-9);
  follow("A02 N-four-bar, N 40, RK4 1 ms", World(compiled(four_bar_windows(40)), 1e-3, kRk4),
         {{10, {0.18051222668673, 0.98357274058231, 0}}}, corner, 1e-8, 1e-7);
  World welded(compiled(welded_window()), 1e-3, kRk4);
  const double e0 = welded.energy();
  const double closure = welded.run(10).closure;
  at_most("loop with a welded coupler/energy over 10 s", std::abs(welded.energy() - e0), "J", 1e-7);
  at_most("loop with a welded coupler/closure", closure, "m, rad", 1e-10);
}

void andrews_figures() {
  World world(compiled(andrews()), 2.5e-6, kRk4);
  const auto layout = world.model.layout.joints;
  const auto angle = [&](std::size_t j) { return world.state.q[static_cast<std::size_t>(layout[j].q)]; };
  const auto crank = static_cast<std::size_t>(layout[0].v);
  world.controls.effort[crank] = 0.033;
  evaluate(world.model, world.options, world.controls, world.data, world.state);
  at_most("A03 Andrews/crank's acceleration at 0", std::abs(world.state.a[crank] - 14222.4439199541), "rad/s2", 1e-7);
  const double start = -.0617138900142764496, closure = world.run(0.03).closure;
  at_most("A03 Andrews, RK4 2.5 us/crank's angle at 0.03 s", std::abs(angle(0) - (15.810771195 - start)), "rad", 1e-8);
  world.run(0.02);
  at_most("A03 Andrews, RK4 2.5 us/crank's angle at 0.05 s", std::abs(angle(0) - (33.8258677669 - start)), "rad", 1e-8);
  at_most("A03 Andrews, RK4 2.5 us/crank's rate at 0.05 s", std::abs(world.state.v[crank] - 1144.535502), "rad/s",
          1e-2);
  at_most("A03 Andrews/closure", closure, "m, rad", 1e-10);
}

void bricard_figures() {
  follow(
      "A04 Bricard, RK4 1 ms", World(compiled(bricard()), 1e-3, kRk4),
      {{.5, {0.968283679, -1.224625159, 0.750146609}},
       {1, {0.510501461, -1.649167599, 0.140123115}},
       {2, {-0.969340345, -1.221246895, 0.754278011}},
       {5, {0.999999998, -1.000067258, 0.999932740}},
       {10, {0.999999964, -1.000269013, 0.999730951}}},
      [](const World& w) {
        const Posed& X = w.state.X_WB[2];  // rod 3, along z
        return X.p + rotation_matrix(X.R) * Vec3d{0, 0, 0.5};
      },
      1e-7, 1e-7);
}

void governor_figures() {
  follow(
      "A05 governor, RK4 0.2 ms", World(compiled(governor()), 2e-4, kRk4),
      {{.1, {0, 0, .5238364756}},
       {.5, {0, 0, .7432494248}},
       {1, {0, 0, .5014209224}},
       {2, {0, 0, .5059092943}},
       {5, {0, 0, .5355631037}},
       {10, {0, 0, .6196229171}}},
      [](const World& w) {
        return Vec3d{0, 0, w.state.X_WB[1].p.z};
      },
      1e-9, HUGE_VAL);  // damped springs
}

// The cart flips in 2e-7 s while the pole stands upright: the step follows the pole, dt = 0.01 sqrt(sin^2 + M/m) /
// rate.
void cart_pole_figures() {
  World world(compiled(light_cart_pole()), 1e-4, kRk4);
  const auto turn = static_cast<std::size_t>(world.model.layout.joints[1].v);
  const double e0 = world.energy();
  double peak = 0, worst = 0, last = 1, crossings = 0, steps = 0;
  for (; world.state.time.ns < 10'000'000'000; ++steps) {
    const double sine = world.state.X_WB[1].p.x - world.state.X_WB[0].p.x, rate = std::abs(world.state.v[turn]);
    world.options.dt = Duration::from_seconds(std::clamp(0.01 * std::sqrt(sine * sine + 1e-6) / rate, 2e-9, 1e-3));
    world.step();
    crossings += sine * last < 0 ? 1 : 0;
    last = sine;
    peak = std::max(peak, rate);
    worst = std::max(worst, std::abs(world.energy() - e0));
  }
  at_most("light cart-pole/crossings less 11", std::abs(crossings - 11), "", 0);
  at_most("light cart-pole/peak less 4429 rad/s", std::abs(peak - 4429), "rad/s", 1);
  at_most("light cart-pole/energy over 10 s", worst, "J", 1e-6);
  report("light cart-pole/steps, each as long as the pole allows", steps, "steps");
}

// Largest closure while 10^6 steps of 1 ms pass, and the allocations that they make.
void million(const std::string& name, const Scene& scene, Integrator integrator) {
  World world(compiled(scene), 1e-3, integrator);
  world.run(0.01);
  const long before = allocations();
  const dynamics::StepReport worst = world.run(1000);
  const long made = allocations() - before;
  at_most("10^6 steps of " + name + "/closure", worst.finite ? worst.closure : HUGE_VAL, "m, rad", 1e-10);
  at_most("10^6 steps of " + name + "/allocations", static_cast<double>(made), "", 0);
}

// W2, W3, W5 of the weld scenes, 10 s at 1/240 s: structure, so nothing may change; and what a step costs.
void welds() {
  const struct {
    const char* name;
    Scene scene;
  } kScenes[] = {
      {"W2, 30 boxes", weld_chain(30, 1)}, {"W3, tip of 1000 kg", weld_chain(6, 1000)}, {"W5, ring", weld_ring(12)}};
  for (const auto& s : kScenes) {
    World world(compiled(s.scene), 1.0 / 240, Integrator::kSymplectic);
    const auto poses = [&] {
      std::vector<Posed> all;
      for (int b = 1; b < world.model.nbody; ++b)
        all.push_back(relative_pose(world.model, world.state, BodyId{0}, BodyId{b}));
      return all;
    };
    const std::vector<Posed> start = poses();
    world.run(10);
    const std::vector<Posed> end = poses();
    double changed = 0;
    for (std::size_t i = 0; i < start.size(); ++i) changed += start[i] == end[i] ? 0 : 1;
    at_most(std::string(s.name) + "/relative poses changed after 10 s", changed, "poses", 0);
    report(std::string(s.name) + "/step", nanoseconds([&] { world.step(); }, 200) / 1000, "us");
  }
  World rocker(compiled(crank_rocker()), 1.0 / 240, Integrator::kImplicit);
  at_most("W4, four-bar closed by a weld/closure over 10 s at 1/240 s", rocker.run(10).closure, "m, rad", 1e-10);
  at_most("W4, four-bar closed by a weld/step", nanoseconds([&] { rocker.step(); }, 200) / 1000, "us", 8);
}

// One step of N four-bars, beside N = 5: linear cost keeps the time for each body.
void cost() {
  const int counts[] = {1, 2, 5, 10, 20, 40};
  std::vector<World> worlds;
  std::vector<std::vector<double>> each(std::size(counts));
  for (const int n : counts) worlds.emplace_back(compiled(four_bar_windows(n)), 1e-3, Integrator::kImplicit);
  for (World& world : worlds) world.run(0.05);
  for (int round = 0; round < 15; ++round) {
    for (std::size_t i = 0; i < worlds.size(); ++i) {
      World world = worlds[i];
      each[i].push_back(nanoseconds([&] { world.step(); }, 2000 / counts[i], 1) / (2 * counts[i] + 1));
    }
  }
  for (std::size_t i = 0; i < worlds.size(); ++i)
    report("N-four-bar, whole step/N " + std::to_string(counts[i]), median(each[i]), "ns a body");
  at_most("N-four-bar, whole step/time for a body, N 40 over N 5", median(each.back()) / median(each[2]), "times",
          1.25);
}

}  // namespace
}  // namespace geoul::bench

int main() {
  using namespace geoul::bench;
  four_bars();
  andrews_figures();
  bricard_figures();
  governor_figures();
  cart_pole_figures();
  welds();
  using geoul::dynamics::Integrator;
  million("W4, implicit", crank_rocker(), Integrator::kImplicit);
  million("W4, RK4", crank_rocker(), Integrator::kRungeKutta4);
  million("A02 N 2, implicit", four_bar_windows(2), Integrator::kImplicit);
  million("A04, implicit", bricard(), Integrator::kImplicit);
  million("A04, symplectic", bricard(), Integrator::kSymplectic);
  cost();
}
