#include "geoul/decision/safety/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/core/random.h"
#include "geoul/decision/safety/encounters.h"
#include "geoul/decision/safety/gaps.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/allocations.h"

namespace geoul::decision::safety {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A filter that is stepped by its own clock, with a plant that is where the reference is.
struct Bench {
  std::shared_ptr<const Robot> robot;
  Filter filter;
  Time now{0};
  std::vector<double> wish = std::vector<double>(7, 0.0), measured = std::vector<double>(7, 0.0);
  std::vector<BodyPart> people;
  Inputs in;

  explicit Bench(std::shared_ptr<const Robot> r = trial_robot(), const Contract& contract = trial_contract())
      : robot(std::move(r)), filter(robot, contract) {
    filter.reset(robot->model.q_start, now);
  }
  void fill() {
    for (int j = 0; j < 7; ++j) measured[std::size_t(j)] = filter.reference()[std::size_t(j)].start.q;
    in.now = in.people_seen = in.position_measured = in.tool_force_measured = now;
    for (BodyPart& part : people) part.measured = now;
    in.acceleration = wish, in.position = measured, in.people = people;
  }
  Decision step() {
    const Decision out = filter.step(in);
    now = now + filter.contract().cycle;
    return out;
  }
  Decision toward(std::vector<double> velocity) {
    for (std::size_t j = 0; j < 7; ++j) {
      wish[j] =
          toward_velocity(filter.reference()[j].start, velocity[j], robot->options.limits[j], filter.contract().cycle);
    }
    fill();
    return step();
  }
  double speed(int j) const { return filter.reference()[std::size_t(j)].start.v; }
  double position(int j) const { return filter.reference()[std::size_t(j)].start.q; }
};

bool names(const Decision& decision, Cause cause) {
  for (int i = 0; i < decision.reasons; ++i) {
    if (decision.reason[i].cause == cause) return true;
  }
  return false;
}

TEST(SafetyFilter, NobodyIsTouchedInRandomEncounters) {
  Encounters trial;
  EncounterResult sum;
  EncounterOptions options;
  options.check_stops = true;
  for (std::uint64_t seed = 0; seed < 400; ++seed) add(sum, trial.run(5'000'000 + seed, options));
  EXPECT_EQ(sum.touched_people, 0);
  EXPECT_EQ(sum.touched_things, 0);
  EXPECT_EQ(sum.beyond_limits, 0);
  EXPECT_EQ(sum.bad_stops, 0);  // induction: behind every step there is a stop that keeps everything
  // The trial is no idle one: the robot moves, and is stopped often.
  EXPECT_GT(sum.travelled, 100);
  EXPECT_GT(sum.changed, 1'000);
  EXPECT_GT(sum.stopping, 500);
  EXPECT_LT(sum.nearest, 0.1);
}

TEST(SafetyFilter, EveryBrokenAssumptionShows) {
  EncounterOptions person, reaction, noise, tracking;
  person.person_speed = 3, reaction.reaction = 15, noise.noise = 10, tracking.tracking = 20;
  for (const EncounterOptions& options : {person, reaction, noise, tracking}) {
    Encounters trial;
    EncounterResult sum;
    for (std::uint64_t seed = 0; seed < 3000 && sum.violations() == 0; ++seed) add(sum, trial.run(seed, options));
    EXPECT_GT(sum.violations(), 0);
  }
}

TEST(SafetyFilter, TheSameEncounterEndsInTheSameBits) {
  Encounters one, other;
  other.run(99, {});  // what was before does not matter
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const EncounterResult a = one.run(seed, {}), b = other.run(seed, {});
    EXPECT_EQ(a.travelled, b.travelled);
    EXPECT_EQ(a.nearest, b.nearest);
    EXPECT_EQ(a.changed, b.changed);
  }
}

TEST(SafetyFilter, AStepAllocatesNothing) {
  Bench bench;
  bench.people.push_back({{{0.9, 0.1, 0.3}, {0.9, 0.1, 1.4}, 0.2}, {}, 0});
  bench.wish.assign(7, 3.0);
  bench.fill();
  bench.step();
  const long before = scenarios::allocations();
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 7; ++j) bench.measured[std::size_t(j)] = bench.position(j);
    bench.in.now = bench.in.people_seen = bench.in.position_measured = bench.in.tool_force_measured = bench.now;
    bench.people[0].measured = bench.now;
    bench.step();
  }
  EXPECT_EQ(scenarios::allocations(), before);
}

TEST(SafetyFilter, WhatHarmsNobodyPassesUnchanged) {
  Bench bench;
  for (int i = 0; i < 60; ++i) {
    const double v = i < 20 ? 0.3 : i < 40 ? -0.3 : 0;
    const Decision decision = bench.toward({v, 0, v, 0, 0, 0, v});
    EXPECT_EQ(decision.verdict, Verdict::kPassed) << i << ": " << words(bench.filter, decision);
    for (int j = 0; j < 7; ++j) {
      EXPECT_NEAR(bench.filter.reference()[std::size_t(j)].start.a, bench.wish[std::size_t(j)], 1e-9);
    }
  }
}

TEST(SafetyFilter, JointLimitsAreReachedAndNotPassed) {
  Bench bench;
  Decision last;
  for (int i = 0; i < 400; ++i) last = bench.toward({0, 0, 0, 0, 0, 0, 5});
  EXPECT_LE(bench.position(6), 2.9);
  EXPECT_GT(bench.position(6), 2.85);
  EXPECT_NEAR(bench.speed(6), 0, 0.05);  // it creeps up on the limit
  EXPECT_TRUE(names(last, Cause::kJointLimit));
  EXPECT_NE(words(bench.filter, last).find("/joint7"), std::string::npos);
}

TEST(SafetyFilter, AFenceIsApproachedAndNotTouched) {
  Bench bench;
  Decision last;
  double margin = 1e9;
  bool named = false;
  for (int i = 0; i < 500; ++i) {
    last = bench.toward({1.0, 0.4, 0, 0, 0, 0, 0});
    margin = std::min(margin, last.margin), named = named || names(last, Cause::kObstacle);
  }
  EXPECT_TRUE(named) << words(bench.filter, last);
  EXPECT_GE(margin, 0);
  EXPECT_LT(margin, 0.02);
}

TEST(SafetyFilter, APersonStopsTheRobotAndItGoesOnWhenThePersonIsGone) {
  Bench bench;
  bench.people.push_back({{{0.5, -0.45, 0.4}, {0.5, -0.45, 0.7}, 0.1}, {}, 0});
  Decision last;
  for (int i = 0; i < 100; ++i) last = bench.toward({-0.8, 0, 0, 0, 0, 0, 0});
  EXPECT_NEAR(bench.speed(0), 0, 0.2);
  EXPECT_TRUE(names(last, Cause::kPerson));
  EXPECT_GT(last.separation.total(), last.separation.S_h);
  EXPECT_NE(words(bench.filter, last).find("person"), std::string::npos);
  bench.people.clear();
  for (int i = 0; i < 40; ++i) last = bench.toward({-0.8, 0, 0, 0, 0, 0, 0});
  EXPECT_NEAR(bench.speed(0), -0.8, 0.05);
}

// What is left out of a command that must change is less than what the stop would leave out.
TEST(SafetyFilter, AChangeIsSmallerThanTheStop) {
  Bench bench;
  for (int i = 0; i < 30; ++i) bench.toward({-0.3, 0, 0, 0, 0, 0.5, 0.5});
  int changed = 0;
  for (int i = 0; i < 300; ++i) {
    const auto reference = bench.filter.reference();
    double stop = 0;
    std::vector<JointState> stopped;
    for (int j = 0; j < 7; ++j) stopped.push_back(at(reference[std::size_t(j)], 0.01));
    const Decision d = bench.toward({1.0, 0.4, 0, 0, 0, 0.5, -0.5});
    for (int j = 0; j < 7; ++j) {
      const double off = (stopped[std::size_t(j)].a - bench.wish[std::size_t(j)]) /
                         bench.robot->options.limits[std::size_t(j)].acceleration;
      stop += off * off;
    }
    if (d.verdict != Verdict::kChanged) continue;
    ++changed;
    EXPECT_LE(d.change, std::sqrt(stop) + 1e-6) << i;
  }
  EXPECT_GT(changed, 10);
}

TEST(SafetyFilter, BadDataStopTheRobotInWords) {
  struct Case {
    const char* name;
    Cause cause;
    const char* words;
    void (*spoil)(Bench&);
  };
  const Case cases[] = {
      {"nobody proposes", Cause::kNoProposal, "nobody proposed", [](Bench& b) { b.in.acceleration = {}; }},
      {"not a number", Cause::kNotFinite, "no number", [](Bench& b) { b.wish[3] = kNaN; }},
      {"old people", Cause::kOldPeople, "measurement of people",
       [](Bench& b) { b.in.people_seen = b.now - Duration{200'000'000}; }},
      {"people of the future", Cause::kOldPeople, "measurement of people",
       [](Bench& b) { b.in.people_seen = b.now + Duration{1}; }},
      {"old joints", Cause::kOldPlant, "not measured lately",
       [](Bench& b) { b.in.position_measured = b.now - Duration{200'000'000}; }},
      {"no joints", Cause::kOldPlant, "not measured lately", [](Bench& b) { b.in.position = {}; }},
      {"diverged", Cause::kDiverged, "/joint2", [](Bench& b) { b.measured[1] += 0.05; }},
      {"not a place", Cause::kDiverged, "/joint2", [](Bench& b) { b.measured[1] = kNaN; }},
      {"distrust", Cause::kDistrust, "contradict", [](Bench& b) { b.in.trusted = false; }},
      {"force", Cause::kToolForce, "force at the tool", [](Bench& b) { b.in.tool_force = 200; }},
      {"force that is no number", Cause::kToolForce, "force at the tool", [](Bench& b) { b.in.tool_force = kNaN; }},
  };
  for (const Case& c : cases) {
    Contract contract = trial_contract();
    contract.tool_force = 100;
    Bench bench(trial_robot(), contract);
    for (int i = 0; i < 40; ++i) bench.toward({0.4, 0, 0, 0, 0, 0, 0.4});
    ASSERT_NEAR(bench.speed(6), 0.4, 0.05) << c.name;
    Decision d;
    for (int i = 0; i < 60; ++i) {
      bench.fill();
      c.spoil(bench);
      d = bench.step();
      EXPECT_TRUE(names(d, c.cause)) << c.name;
      EXPECT_TRUE(d.verdict == Verdict::kHeld || d.verdict == Verdict::kStopping) << c.name;
    }
    EXPECT_EQ(d.verdict, Verdict::kHeld) << c.name;
    EXPECT_EQ(bench.speed(6), 0) << c.name;
    EXPECT_NE(words(bench.filter, d).find(c.words), std::string::npos) << words(bench.filter, d);
  }
}

TEST(SafetyFilter, MissedStepsAreTakenAsStopsAndEarlyOnesChangeNothing) {
  Bench bench;
  for (int i = 0; i < 40; ++i) bench.toward({0, 0, 0, 0, 0, 0, 0.5});
  const double before = bench.position(6);
  Profile stop = bench.filter.reference()[6];
  bench.now = bench.now + Duration{1'000'000'000};
  const Decision late = bench.toward({0, 0, 0, 0, 0, 0, 0.5});
  EXPECT_TRUE(names(late, Cause::kLate));
  EXPECT_NEAR(late.reference[6].start.q, at(stop, 1.0).q, 1e-9);
  EXPECT_GT(late.reference[6].start.q, before);
  const double stands = bench.position(6);
  bench.now = bench.now - Duration{30'000'000};
  bench.fill();
  const Decision early = bench.step();
  EXPECT_TRUE(names(early, Cause::kLate));
  EXPECT_EQ(bench.position(6), stands);
}

TEST(SafetyFilter, NamedPointsKeepTheirPlanesAndSpeed) {
  const auto base = trial_robot();
  RobotOptions options = base->options;
  KeptPoint tool;
  tool.name = "tool", tool.link = 6, tool.p_L = {0, 0, 0.18}, tool.speed = 0.25;
  dynamics::Data data = dynamics::make_data(base->model);
  dynamics::forward_kinematics(base->model, base->model.q_start, base->model.v_start, data);
  const Vec3d at_start = data.links[6].X_WL * tool.p_L;
  tool.planes.push_back({"the ceiling", {0, 0, 1}, at_start.z + 0.05});
  options.points = {tool};
  Robot changed = *base;
  changed.options.points = {tool};
  changed.options.points[0].reach = base->capsules[6].reach;
  Bench bench(std::make_shared<const Robot>(changed));
  double highest = -1, fastest = 0;
  bool plane = false, speed = false;
  for (int i = 0; i < 300; ++i) {
    const Decision d = bench.toward({0.8, -0.5, 0, 0.5, 0, 0, 0});
    plane = plane || names(d, Cause::kWorkspace), speed = speed || names(d, Cause::kSpeed);
    std::vector<double> q(7), v(7);
    for (int j = 0; j < 7; ++j) q[std::size_t(j)] = bench.position(j), v[std::size_t(j)] = bench.speed(j);
    dynamics::forward_kinematics(base->model, q, v, data);
    const Motiond V = data.links[6].V;  // in the link's frame
    fastest = std::max(fastest, norm(V.v + cross(V.w, tool.p_L)));
    highest = std::max(highest, (data.links[6].X_WL * tool.p_L).z);
  }
  EXPECT_TRUE(plane && speed);
  EXPECT_LE(highest, at_start.z + 0.05);
  EXPECT_GT(highest, at_start.z + 0.01);
  EXPECT_LE(fastest, 0.25);
  EXPECT_GT(fastest, 0.1);
}

TEST(SafetyFilter, TorquesStayWithinTheirLimits) {
  Robot robot = *trial_robot();
  dynamics::Data data = dynamics::make_data(robot.model);
  std::vector<double> tau(7), zero(7);
  dynamics::inverse_dynamics(robot.model, robot.model.q_start, zero, zero, {}, data, tau);
  robot.options.torque.assign(7, 1e9);
  robot.options.torque[0] = 2;  // no gravity about the first axis: all of it is for acceleration
  Bench bench(std::make_shared<const Robot>(robot));
  bool named = false;
  for (int i = 0; i < 30; ++i) {
    const Decision d = bench.toward({2, 0, 0, 0, 0, 0, 0});
    named = named || names(d, Cause::kTorque);
    std::vector<double> q(7), v(7), a(7);
    for (int j = 0; j < 7; ++j) {
      const JointState s = bench.filter.reference()[std::size_t(j)].start;
      q[std::size_t(j)] = s.q, v[std::size_t(j)] = s.v, a[std::size_t(j)] = s.a;
    }
    dynamics::inverse_dynamics(robot.model, q, v, a, {}, data, tau);
    if (d.verdict == Verdict::kStopping) continue;
    EXPECT_LE(std::abs(tau[0]), 2 + 1e-9);
  }
  EXPECT_TRUE(named);
}

TEST(SafetyFilter, WithAContactSpeedTheRobotCreepsNearPeople) {
  Contract contract = trial_contract();
  contract.contact_speed = 0.1;
  Bench bench(trial_robot(), contract);
  bench.people.push_back({{{0.5, -0.45, 0.4}, {0.5, -0.45, 0.7}, 0.1}, {}, 0});
  const double start = bench.position(0);
  double fastest = 0;
  dynamics::Data data = dynamics::make_data(bench.robot->model);
  for (int i = 0; i < 200; ++i) {
    const Decision d = bench.toward({-0.8, 0, 0, 0, 0, 0, 0});
    std::vector<double> q(7), v(7);
    for (int j = 0; j < 7; ++j) q[std::size_t(j)] = bench.position(j), v[std::size_t(j)] = bench.speed(j);
    dynamics::forward_kinematics(bench.robot->model, q, v, data);
    const Capsule& tool = bench.robot->capsules[6].shape;
    if (d.distance < 0.1) fastest = std::max(fastest, norm(data.links[6].V.v + cross(data.links[6].V.w, tool.b)));
  }
  EXPECT_LT(bench.position(0), start - 0.1);
  EXPECT_LE(fastest, 0.1);
  EXPECT_GT(fastest, 0.05);
}

// The bounds of gaps.h against the motions themselves: what is left is never more than what is really left.
TEST(Gaps, NoMotionLeavesLessThanTheBoundSays) {
  const auto robot = trial_robot();
  const Contract contract = trial_contract();
  dynamics::Data data = dynamics::make_data(robot->model);
  Random random(8);
  std::vector<double> q(7), v(7);
  std::vector<Gap> gaps;
  gaps.reserve(512);
  int seen = 0, directed = 0;
  for (int trial = 0; trial < 3'000; ++trial) {
    std::vector<double> start(7);
    Motions motions;
    for (int j = 0; j < 7; ++j) {
      start[std::size_t(j)] = random.uniform(-2.5, 2.5);
      Travel& t = motions.travel[std::size_t(j)];
      t.low = -random.uniform(0, 0.4), t.high = random.uniform(0, 0.4), t.time = 0.1;
    }
    dynamics::forward_kinematics(robot->model, start, v, data);
    const Vec3d p{random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(0, 1.5)};
    const BodyPart part{{p, p, 0.1}, Time{0}, 0};
    double nearest = 0;
    find_gaps({*robot, contract, data, {&part, 1}, Time{0}, motions}, gaps, nearest);
    for (const Gap& gap : gaps) {
      if (gap.cause != Cause::kPerson) continue;
      const Separation needed = separation_of(*robot, contract, gap, motions);
      const double bound = gap.distance - needed.S_s - needed.Z_r;  // least distance along any such motion
      for (int k = 0; k < 5; ++k) {
        for (int j = 0; j < 7; ++j) {
          const Travel& t = motions.travel[std::size_t(j)];
          const double slack = robot->options.tracking[std::size_t(j)];
          q[std::size_t(j)] = start[std::size_t(j)] + random.uniform(t.low - slack, t.high + slack);
          if (k < 2)
            q[std::size_t(j)] = start[std::size_t(j)] + (random.uniform() < 0.5 ? t.low - slack : t.high + slack);
        }
        dynamics::Data moved = dynamics::make_data(robot->model);
        dynamics::forward_kinematics(robot->model, q, v, moved);
        const RobotCapsule& c = robot->capsules[std::size_t(gap.subject)];
        const Vec3d a = moved.links[std::size_t(c.link)].X_WL * c.shape.a,
                    b = moved.links[std::size_t(c.link)].X_WL * c.shape.b;
        const double l2 = dot(b - a, b - a), s = l2 > 0 ? std::clamp(dot(p - a, b - a) / l2, 0.0, 1.0) : 0;
        const double real = norm(p - (a + s * (b - a))) - c.shape.radius - 0.1;
        EXPECT_GE(real, bound - 1e-9);
        ++seen, directed += bound > real - 0.02;
      }
    }
  }
  EXPECT_GT(seen, 10'000);
  EXPECT_GT(directed, 10);  // some bounds are nearly met
}

}  // namespace
}  // namespace geoul::decision::safety
