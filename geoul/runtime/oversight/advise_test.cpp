#include "geoul/runtime/oversight/advise.h"

#include <gtest/gtest.h>

#include "geoul/runtime/oversight/adviser.h"
#include "geoul/runtime/server/eventually.h"
#include "scenarios/cells.h"

namespace geoul::runtime::oversight {
namespace {

using decision::Distribution;
using decision::Disturbance;
using decision::Parameter;

// A lift of 4 kg on a soft drive: a payload of m kg makes it sag by m g / k, which a declared one does not.
struct Lift {
  std::optional<Twin> twin;
  AdviceRequest request;

  Lift() {
    scene::Scene scene = scenarios::cart(4, {0, 0, 1}, 1000, 130);
    scene.joints[0].effort_limit = 200;
    Diagnostics diagnostics;
    twin = make_twin(std::move(scene), diagnostics);
    request.id = "a1";
    request.alarm = 7;
    request.now = dynamics::make_state(twin->model);
    request.made = {1'000};
    request.disturbances = {{Parameter::kPayload, 0, Distribution::normal(8, 0.1), {}, {}, {}, {}}};
    const decision::Action carry_on =
        decision::move(twin->model, request.now, {0}, std::vector<double>{0.3}, {{0.5}, {2}});
    OptionToRehearse go{"go", "carry on", carry_on, {}, 0},
        declare{"declare", "declare 8 kg and carry on", carry_on, {}, 0};
    declare.declared = DeclaredPayload{scene::BodyId{0}, {}, 8};
    OptionToRehearse half{"half", "carry on at half speed", decision::slower(carry_on, 2), {}, 0};
    OptionToRehearse hold{"hold", "hold", decision::hold(twin->model, request.now, {0}), {}, 60};
    request.options = {go, half, hold, declare};
  }
};

const Option& option(const Advice& advice, const std::string& id) {
  for (const Option& one : advice.options)
    if (one.id == id) return one;
  throw std::runtime_error("no option " + id);
}
const Consequence& consequence(const Option& option, const std::string& name) {
  for (const Consequence& one : option.consequences)
    if (one.name == name) return one;
  throw std::runtime_error("no consequence " + name);
}

TEST(Advise, RejectsWhatSagsTooFarAndRanksTheRest) {
  Lift lift;
  AdviceOptions options;
  options.draws = 20;
  const Result<Advice> advice = advise(*lift.twin, lift.request, options);
  ASSERT_TRUE(advice) << advice.error().message;
  ASSERT_EQ(advice->options.size(), 4u);
  EXPECT_EQ(advice->options[0].id, "declare");
  EXPECT_EQ(advice->options[0].rank, 1u);
  // m g / k = 0.078 m for all that does not declare it, against a bound of 0.05
  for (const char* id : {"go", "half", "hold"}) {
    const Option& one = option(*advice, id);
    EXPECT_EQ(one.rank, 0u) << id;
    EXPECT_NE(one.rejected.find("20 of 20 futures"), std::string::npos) << one.rejected;
    const double sag = 8 * 9.81 / 1000, error = consequence(one, "following error").mean;
    EXPECT_GT(error, 0.97 * sag) << id;
    EXPECT_LT(error, 1.4 * sag) << id;  // it swings before it rests
  }
  EXPECT_LT(consequence(advice->options[0], "following error").high, 0.01);
  EXPECT_FALSE(consequence(option(*advice, "go"), "following error").ok);
  EXPECT_EQ(advice->expires.ns, advice->made.ns + lift.request.life.ns);
}

TEST(Advise, WithoutTheFaultTheQuickestIsBest) {
  Lift lift;
  lift.request.disturbances = {{Parameter::kPayload, 0, Distribution::uniform(0, 0.5), {}, {}, {}, {}}};
  AdviceOptions options;
  options.draws = 10;
  const Result<Advice> advice = advise(*lift.twin, lift.request, options);
  ASSERT_TRUE(advice) << advice.error().message;
  EXPECT_EQ(option(*advice, "half").rejected, "");
  EXPECT_LT(option(*advice, "go").rank, option(*advice, "half").rank);
  EXPECT_LT(option(*advice, "half").rank, option(*advice, "hold").rank);
}

TEST(Advise, GhostEndsWhereTheActionDoes) {
  Lift lift;
  AdviceOptions options;
  options.draws = 1;
  const Result<Advice> advice = advise(*lift.twin, lift.request, options);
  ASSERT_TRUE(advice);
  const Ghost& ghost = option(*advice, "go").ghost;
  ASSERT_EQ(ghost.bodies, std::vector<std::string>{"/cart"});
  ASSERT_EQ(ghost.poses.size(), ghost.times.size() * 7);
  EXPECT_NEAR(ghost.poses[2], 0, 1e-6);
  EXPECT_NEAR(ghost.poses[ghost.poses.size() - 5], 0.3, 0.02);
}

TEST(Adviser, AnswersInOrderAndRefusesWhatItCannotTakeInWords) {
  Lift lift;
  AdviceOptions options;
  options.draws = 2;
  Adviser adviser(*lift.twin, options);
  std::size_t refused = 0, asked = 0;
  for (int i = 0; i < 40; ++i) {
    lift.request.id = "q" + std::to_string(i);
    if (adviser.ask(lift.request))
      ++asked;
    else
      ++refused;
  }
  EXPECT_GE(asked, Adviser::kMostWaiting);
  EXPECT_GT(refused, 0u);
  std::vector<Adviser::Answer> answers;
  EXPECT_TRUE(eventually([&] {
    for (Adviser::Answer& answer : adviser.take()) answers.push_back(std::move(answer));
    return answers.size() == asked;
  }));
  EXPECT_EQ(answers[0].id, "q0");
  for (const Adviser::Answer& answer : answers) EXPECT_TRUE(answer.advice);
  EXPECT_EQ(adviser.open(), 0u);
}

}  // namespace
}  // namespace geoul::runtime::oversight
