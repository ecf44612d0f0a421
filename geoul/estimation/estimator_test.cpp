#include "geoul/estimation/estimator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "scenarios/allocations.h"
#include "scenarios/mechanics.h"
#include "scenarios/observers/estimator_trial.h"

namespace geoul::estimation {
namespace {

using scenarios::TrialPlant;

using dynamics::Model;
constexpr Duration kMillisecond{1'000'000};

EstimatorOptions arm_options(FilterMethod method = FilterMethod::kExtended) {
  EstimatorOptions o;
  o.method = method;
  o.position_deviation = 0.01, o.velocity_deviation = 0.05;
  return o;
}

bool has(const Estimate& e, FindingKind kind, int index) {
  return std::any_of(e.findings.begin(), e.findings.end(),
                     [&](const Finding& f) { return f.kind == kind && f.index == index; });
}

// Mean squared error in units of the covariance over seeded runs of the arm, at the end of each.
double mean_squared_error(FilterMethod method, int runs, int steps) {
  const Model model = dynamics::compiled(scenarios::arm7());
  double sum = 0;
  for (int run = 0; run < runs; ++run) {
    const EstimatorOptions options = arm_options(method);
    TrialPlant plant(model, options, {}, 100 + static_cast<std::uint64_t>(run));
    Estimator estimator(model, options, Time{});
    std::vector<Measurement> m;
    for (int i = 0; i < steps; ++i) {
      m.clear();
      plant.step(kMillisecond);
      plant.measure(m);
      estimator.step(plant.time, m);
    }
    sum += estimator.squared_error(plant.q, plant.v, plant.d);
  }
  return sum / runs;
}

// The mean of R draws of chi-square with 21 degrees is within 3.3 deviations, 3.3 sqrt(42 / R), in 999 of 1000 cases.
TEST(Estimator, ErrorsAreAsLargeAsTheCovarianceSays) {
  constexpr int kRuns = 40;
  const double bound = 3.3 * std::sqrt(42.0 / kRuns);
  for (FilterMethod method : {FilterMethod::kExtended, FilterMethod::kCubature}) {
    for (int steps : {20, 200}) {
      const double mean = mean_squared_error(method, kRuns, steps);
      EXPECT_NEAR(mean, 21, bound) << static_cast<int>(method) << " after " << steps << " steps";
    }
  }
}

TEST(Estimator, LateMeasurementsGiveTheBitsOfTheOrderedOnes) {
  const Model model = dynamics::compiled(scenarios::arm7());
  const EstimatorOptions options = arm_options();
  TrialPlant plant(model, options, {}, 7);
  Estimator ordered(model, options, Time{}), shuffled(model, options, Time{});
  std::vector<std::pair<Time, Measurement>> arrivals;  // each is up to 60 ms late
  std::vector<Measurement> m;
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    m.clear();
    plant.step(kMillisecond);
    plant.measure(m);
    ordered.step(plant.time, m);
    for (const Measurement& one : m) {
      const bool late = i < 240 && random.uniform() < 0.3;
      arrivals.emplace_back(plant.time + Duration{late ? 1 + random.integer(60'000'000) : 0}, one);
    }
  }
  std::stable_sort(arrivals.begin(), arrivals.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t next = 0;
  const Estimate* last = nullptr;
  for (int i = 1; i <= 300; ++i) {
    m.clear();
    const Time now = Time{} + kMillisecond * i;
    for (; next < arrivals.size() && arrivals[next].first <= now; ++next) m.push_back(arrivals[next].second);
    std::reverse(m.begin(), m.end());
    last = &shuffled.step(now, m);
  }
  ASSERT_EQ(next, arrivals.size());
  const Estimate& reference = ordered.step(plant.time, {});
  EXPECT_EQ(last->state.q, reference.state.q);
  EXPECT_EQ(last->state.v, reference.state.v);
  EXPECT_EQ(last->external, reference.external);
  EXPECT_EQ(last->covariance, reference.covariance);
  EXPECT_TRUE(last->findings.empty());
}

TEST(Estimator, SaysWhatCameTooLate) {
  const Model model = dynamics::compiled(scenarios::arm7());
  Estimator estimator(model, arm_options(), Time{});
  Measurement m{MeasurementKind::kPosition, 0, Time::from_seconds(1), 0, 1e-3, 0, {}, {}};
  estimator.step(m.time, {&m, 1});
  m.time = Time::from_seconds(0.5);
  EXPECT_TRUE(has(estimator.step(Time::from_seconds(1), {&m, 1}), FindingKind::kTooLate, -1));
}

TEST(Estimator, StepAllocatesNothingAndGivesTheSameBits) {
  const Model model = dynamics::compiled(scenarios::arm7());
  for (FilterMethod method : {FilterMethod::kExtended, FilterMethod::kCubature}) {
    const EstimatorOptions options = arm_options(method);
    TrialPlant plant(model, options, {}, 5);
    Estimator one(model, options, Time{}), two(model, options, Time{});
    std::vector<Measurement> m;
    m.reserve(64);
    for (int i = 0; i < 300; ++i) {
      m.clear();
      plant.step(kMillisecond);
      plant.measure(m);
      if (i % 30 == 0) {
        const Estimate& e = one.step(plant.time, {});
        Measurement pose{MeasurementKind::kPose, 6, plant.time, 0, 1e-3, 1e-3, {}, e.state.X_WB[6]};
        m.push_back(pose);
      }
      const long before = scenarios::allocations();
      const Estimate& a = one.step(plant.time, m);
      EXPECT_EQ(scenarios::allocations(), before);
      const Estimate& b = two.step(plant.time, m);
      ASSERT_EQ(a.covariance, b.covariance);
      ASSERT_EQ(a.state.q, b.state.q);
    }
  }
}

TEST(Estimator, AgeGrowsWhereNothingIsMeasured) {
  const Model model = dynamics::compiled(scenarios::arm7());
  Estimator estimator(model, arm_options(), Time{});
  Measurement m{MeasurementKind::kPosition, 2, Time::from_seconds(0.1), 0, 1e-3, 0, {}, {}};
  estimator.step(m.time, {&m, 1});
  const Estimate& e = estimator.step(Time::from_seconds(0.15), {});
  EXPECT_EQ(e.age[2], Duration::from_seconds(0.05));
  EXPECT_EQ(e.age[3], Duration::from_seconds(0.15));
}

TEST(Estimator, TellsAFrozenEncoder) {
  const Model model = dynamics::compiled(scenarios::arm7());
  const EstimatorOptions options = arm_options();
  TrialPlant plant(model, options, {}, 11);
  Estimator estimator(model, options, Time{});
  std::vector<Measurement> m;
  double held = 0, told = 0;
  for (int i = 0; i < 1000; ++i) {
    m.clear();
    plant.step(kMillisecond);
    plant.measure(m);
    for (Measurement& one : m) {
      if (one.kind != MeasurementKind::kPosition || one.index != 1) continue;
      if (i == 600) held = one.value;
      if (i >= 600) one.value = held;
    }
    const Estimate& e = estimator.step(plant.time, m);
    const bool now = has(e, FindingKind::kFrozen, 1);
    if (now && told == 0) told = plant.time.seconds();
    EXPECT_FALSE(now && i < 600);
    EXPECT_FALSE(has(e, FindingKind::kFrozen, 0));
    if (i == 999) {
      ASSERT_TRUE(now);
      const Finding& f = *std::find_if(e.findings.begin(), e.findings.end(),
                                       [](const Finding& x) { return x.kind == FindingKind::kFrozen; });
      EXPECT_NE(describe(f, model).find("/joint2: its encoder has repeated one value for 0.399 s, since 0.601 s"),
                std::string::npos)
          << describe(f, model);
    }
  }
  EXPECT_LT(told, 0.7);
}

TEST(Estimator, TellsAPlantThatContradictsTheModelFromTheFirstSecondOn) {
  scenarios::Scene heavy = scenarios::arm7();
  heavy.bodies[3].mass.mass *= 4;
  const Model plant_model = dynamics::compiled(heavy), model = dynamics::compiled(scenarios::arm7());
  for (bool wrong : {false, true}) {
    EstimatorOptions options = arm_options();
    options.external_rate = 0.5;
    TrialPlant plant(wrong ? plant_model : model, options, {}, 21);
    Estimator estimator(model, options, Time{});
    std::vector<Measurement> m;
    const Estimate* e = nullptr;
    for (int i = 0; i < 1200; ++i) {
      m.clear();
      plant.step(kMillisecond);
      plant.measure(m);
      e = &estimator.step(plant.time, m);
    }
    const bool told = std::any_of(e->findings.begin(), e->findings.end(),
                                  [](const Finding& f) { return f.kind == FindingKind::kContradicts; });
    EXPECT_EQ(told, wrong);
    EXPECT_EQ(has(*e, FindingKind::kContradicts, 1), wrong);
  }
}

TEST(Estimator, TellsACovarianceThatCollapses) {
  const Model model = dynamics::compiled(scenarios::pendulum());
  EstimatorOptions options;
  options.torque_noise = 1e-12, options.external_rate = 0, options.external_deviation = 1e-9;
  options.position_deviation = 1e-7, options.velocity_deviation = 1e-7;
  Estimator estimator(model, options, Time{});
  const Estimate* e = nullptr;
  for (int i = 1; i < 50; ++i) {
    Measurement m{MeasurementKind::kPosition, 0, Time{} + kMillisecond * i, 0.3 + 1e-3 * i, 1e-3, 0, {}, {}};
    e = &estimator.step(m.time, {&m, 1});
  }
  EXPECT_TRUE(has(*e, FindingKind::kCollapsed, 0));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_GT(e->covariance[i * 3 + i], 0);
}

TEST(Estimator, CovarianceStaysPositiveDefiniteOverExtremesOfNoise) {
  const Model model = dynamics::compiled(scenarios::arm7());
  EstimatorOptions options = arm_options();
  options.position_deviation = 1e3, options.velocity_deviation = 1e3, options.external_deviation = 1e4;
  Estimator estimator(model, options, Time{});
  for (int i = 1; i <= 200; ++i) {
    std::vector<Measurement> m;
    for (int k = 0; k < 7; ++k)
      m.push_back({MeasurementKind::kPosition, k, Time{} + kMillisecond * i, 0, 1e-9, 0, {}, {}});
    const Estimate& e = estimator.step(m.front().time, m);
    std::vector<double> h(21), zero(21);
    for (std::size_t k = 0; k < 21; ++k) ASSERT_GT(e.covariance[k * 21 + k], 0) << i << " " << k;
    for (std::size_t k = 0; k < 21; ++k) {
      for (std::size_t l = 0; l < k; ++l) {
        ASSERT_LE(e.covariance[k * 21 + l] * e.covariance[k * 21 + l],
                  e.covariance[k * 21 + k] * e.covariance[l * 21 + l] * (1 + 1e-9));
      }
    }
  }
}

// Accelerometer at a known place: specific force at rest is gravity's opposite.
TEST(Estimator, AnAccelerometerAtRestAgreesWithGravity) {
  const Model model = dynamics::compiled(scenarios::arm7());
  EstimatorOptions options = arm_options();
  options.external_deviation = 1e-3, options.external_rate = 1e-3;
  scene::State state = make_state(model);
  dynamics::Data data = make_data(model);
  std::vector<double> zero(7), hold(7);
  inverse_dynamics(model, state.q, zero, zero, {}, data, hold);
  Estimator estimator(model, options, Time{}, &state);
  place_bodies(model, data, state);
  std::vector<Measurement> m;
  for (int i = 0; i < 7; ++i) {
    m.push_back({MeasurementKind::kTorque, i, Time{}, hold[static_cast<std::size_t>(i)], 0, 0, {}, {}});
    m.push_back({MeasurementKind::kPosition, i, Time{}, state.q[static_cast<std::size_t>(i)], 1e-5, 0, {}, {}});
    m.push_back({MeasurementKind::kVelocity, i, Time{}, 0, 1e-5, 0, {}, {}});
  }
  const Posed X_BS{normalized(Quatd{0.5, -0.1, 0.7, 0.3}), {0.1, -0.2, 0.05}};
  Measurement f{MeasurementKind::kSpecificForce, 5, Time{}, 0, 1e-2, 0, {}, X_BS};
  f.vector = transpose_times(rotation_matrix(state.X_WB[5].R * X_BS.R), -model.gravity);
  m.push_back(f);
  const Estimate& e = estimator.step(Time{}, m);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(e.external[i], 0, 1e-6);
}

TEST(ContactWrench, FindsAForceOnTheHandWithItsInterval) {
  const Model model = dynamics::compiled(scenarios::arm7());
  EstimatorOptions options = arm_options();
  options.external_deviation = 0.1, options.external_rate = 10;
  const Vec3d force{6, -4, 9}, p_B{0.02, 0.03, 0.1};
  int inside = 0;
  constexpr int kRuns = 60;
  for (int run = 0; run < kRuns; ++run) {
    TrialPlant plant(model, options, {}, 900 + static_cast<std::uint64_t>(run));
    Estimator estimator(model, options, Time{});
    dynamics::Data data = make_data(model);
    std::vector<double> J(6 * 7);
    std::vector<Measurement> m;
    const Estimate* e = nullptr;
    for (int i = 0; i < 400; ++i) {
      forward_kinematics(model, plant.q, plant.v, data);
      body_jacobian(model, data, scene::BodyId{6}, p_B, J);
      for (std::size_t k = 0; k < 7; ++k) {
        plant.d[k] = i < 100 ? 0 : J[21 + k] * force.x + J[28 + k] * force.y + J[35 + k] * force.z;
      }
      m.clear();
      plant.step(kMillisecond);
      plant.measure(m);
      e = &estimator.step(plant.time, m);
    }
    const ContactWrench w = contact_wrench(model, data, *e, scene::BodyId{6}, p_B, true);
    for (int k = 0; k < 3; ++k) {
      const double deviation = std::sqrt(w.covariance[static_cast<std::size_t>(7 * (3 + k))]);
      inside += std::abs(w.F_W.f[k] - force[k]) < 2 * deviation;
    }
  }
  EXPECT_GE(inside, 0.9 * 3 * kRuns);  // the filter allows for a walking force: a constant one is inside more often
}

}  // namespace
}  // namespace geoul::estimation
