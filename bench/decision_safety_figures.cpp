// The safety filter: random encounters with people who move as badly as the contract allows, and how long a step takes.
//   decision_safety_figures encounters [PART OF]   part PART of OF parts of a million encounters (1 of 4)
//   decision_safety_figures broken [N]             N encounters (2,000) with each assumption broken: there must be harm
//   decision_safety_figures time [N]               step times over N encounters (4,000), CPU time of the thread
#include <cstdlib>
#include <cstring>
#include <limits>

#include "bench/figure.h"
#include "geoul/decision/safety/encounters.h"

using namespace geoul;
using namespace geoul::decision::safety;

namespace {

void encounters(long part, long of) {
  constexpr long kAll = 1'000'000;
  const long first = kAll * (part - 1) / of, last = kAll * part / of;
  Encounters trial;
  EncounterResult sum;
  for (long seed = first; seed < last; ++seed) {
    EncounterOptions options;
    options.check_stops = seed % 100 == 0;
    add(sum, trial.run(std::uint64_t(seed), options));
  }
  const std::string name = "safety/encounters/" + std::to_string(part) + "_of_" + std::to_string(of) + "/";
  bench::at_least(name + "encounters", double(last - first), "", double(kAll / of));
  bench::at_most(name + "violations", sum.violations(), "", 0);
  bench::report(name + "nearest while moving", sum.nearest, "m");
  bench::report(name + "steps", sum.steps, "");
  bench::report(name + "passed", 100.0 * sum.passed / sum.steps, "%");
  bench::report(name + "changed", 100.0 * sum.changed / sum.steps, "%");
  bench::report(name + "stopping", 100.0 * sum.stopping / sum.steps, "%");
  bench::report(name + "held", 100.0 * sum.held / sum.steps, "%");
  bench::report(name + "projections that the line search mended", 100.0 * sum.unprojected / sum.steps, "%");
  bench::report(name + "travel", sum.travelled / double(last - first), "rad");
}

void broken(long n) {
  struct Case {
    const char* name;
    EncounterOptions options;
  };
  EncounterOptions person, reaction, noise, tracking;
  person.person_speed = 3, reaction.reaction = 15, noise.noise = 10, tracking.tracking = 20;
  const Case cases[] = {{"people 3 times as fast", person},
                        {"reaction 15 times as late", reaction},
                        {"noise 10 times as great", noise},
                        {"tracking 20 times as bad", tracking}};
  for (const Case& c : cases) {
    Encounters trial;
    EncounterResult sum;
    for (long seed = 0; seed < n; ++seed) add(sum, trial.run(std::uint64_t(seed), c.options));
    std::fprintf(stderr, "%s: people %d things %d limits %d\n", c.name, sum.touched_people, sum.touched_things,
                 sum.beyond_limits);
    bench::at_least(std::string("safety/broken/") + c.name, sum.violations(), "", 1);
  }
}

void time_steps(long n) {
  Encounters trial;
  EncounterOptions options;
  std::vector<double> each, one(std::size_t(options.cycles));
  options.step_ns = one.data();
  for (long seed = 0; seed < n; ++seed) {
    trial.run(std::uint64_t(seed), options);
    for (const double ns : one) {
      if (ns > 0) each.push_back(1e-3 * ns);
    }
  }
  std::sort(each.begin(), each.end());
  const auto at = [&](double part) { return each[std::size_t(part * double(each.size() - 1))]; };
  bench::report("safety/step/median", at(0.5), "us");
  bench::at_most("safety/step/p99", at(0.99), "us", 50);
  bench::report("safety/step/p99.9", at(0.999), "us");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  const auto number = [&](int i, long otherwise) { return argc > i ? std::atol(argv[i]) : otherwise; };
  if (part == "encounters") return encounters(number(2, 1), number(3, 4)), 0;
  if (part == "broken") return broken(number(2, 2000)), 0;
  if (part == "time") return time_steps(number(2, 4000)), 0;
  std::fputs("decision_safety_figures: say encounters, broken or time\n", stderr);
  return 2;
}
