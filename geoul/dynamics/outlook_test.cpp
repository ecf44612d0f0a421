// What outlook() foretells, against what then happens.
#include "geoul/dynamics/outlook.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "scenarios/contacts.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

Diagnostics foretold(const Scene& scene, StepOptions options = {}) {
  Diagnostics out;
  outlook(scene, compiled(scene), options, out);
  return out;
}

// A rod of 1 m and 1 kg, hinged at its end about the vertical, driven to 0 from 0.1 rad.
Scene driven_rod(double stiffness, double damping) {
  Scene scene;
  scene.gravity = {0, 0, -9.81};
  const BodyId rod = add_box(scene, "/rod", 1, {1, 0.01, 0.01}, {0.5, 0, 0});
  Joint& joint = scene.joints[add_joint(scene, JointType::kRevolute, scene::kWorld, rod, {0, 0, 0}).index()];
  joint.path = "/hinge3";
  joint.drive = {stiffness, damping, 0, 0, scene::kUnlimited};
  joint.position = 0.1;
  return scene;
}

// Largest angle of the second half of 400 steps.
double swing(const Scene& scene, const StepOptions& options) {
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  double most = 0;
  for (int i = 0; i < 400; ++i) {
    if (!step(model, options, controls, data, state).finite) return INFINITY;
    if (i >= 200) most = std::max(most, std::abs(state.q[0]));
  }
  return most;
}

// The inertia of a box about its end, by closed form, and the rate that follows from it.
TEST(Outlook, SeesTheInertiaThatALawMoves) {
  const Model model = compiled(driven_rod(400, 3));
  const std::vector<LawRate> laws = law_rates(model, model.q_start);
  ASSERT_EQ(laws.size(), 1u);
  const double inertia = 1.0 / 12 * (1 + 0.0001) + 0.25;
  EXPECT_NEAR(laws[0].inertia, inertia, 1e-12);
  EXPECT_NEAR(laws[0].rate(), std::sqrt(400 / inertia), 1e-9);
}

// Just inside the border nothing explodes, just outside everything does; outlook knows which, for each integrator.
TEST(Outlook, ForetellsWhichDrivesExplode) {
  const double inertia = 1.0 / 12 * 1.0001 + 0.25, dt = 2e-3;
  for (const Integrator integrator :
       {Integrator::kImplicit, Integrator::kSemiImplicitEuler, Integrator::kRungeKutta4, Integrator::kSymplectic}) {
    for (const double x : {1.9, 1.99, 2.01, 2.1, 2.7, 2.9, 10.0, 1000.0}) {
      const Scene scene = driven_rod(inertia * x * x / (dt * dt), 0);
      const StepOptions options{Duration::from_seconds(dt), integrator};
      const bool exploded = !(swing(scene, options) < 10);
      const LawTrouble trouble = trouble_of(law_rates(compiled(scene), std::vector<double>{0.1}).front(), options);
      if (integrator == Integrator::kRungeKutta4 && x > 2.78 && x < 2.83) continue;
      EXPECT_EQ(trouble == LawTrouble::kUnstable, exploded) << to_string(integrator) << " at rate x dt " << x;
    }
  }
}

TEST(Outlook, NamesTheDriveItsGainTheStepAndTheMend) {
  const Diagnostics found = foretold(driven_rod(1e9, 0), {Duration{2'000'000}});
  ASSERT_TRUE(found.has("stiff-law")) << found.text();
  EXPECT_NE(found.text().find("hinge3"), std::string::npos);
  EXPECT_NE(found.text().find("drive gain 1e+09 N.m/rad at dt 2 ms"), std::string::npos) << found.text();
  EXPECT_NE(found.text().find("take dt below"), std::string::npos);
}

// The mend that it gives must be one: what obeys it is not complained of.
TEST(Outlook, ItsMendIsOne) {
  const StepOptions options{Duration{2'000'000}, Integrator::kSemiImplicitEuler};
  const Model model = compiled(driven_rod(1e9, 0));
  const LawRate law = law_rates(model, model.q_start).front();
  double ms = 0, gain = 0;
  ASSERT_EQ(std::sscanf(mend(model, law, options).c_str(), "take dt below %lf ms, or a gain below %lf", &ms, &gain), 2);
  EXPECT_EQ(trouble_of(law, {Duration::from_seconds(0.99e-3 * ms), options.integrator}), LawTrouble::kNone);
  EXPECT_FALSE(foretold(driven_rod(0.99 * gain, 0), options).has("stiff-law"));
}

TEST(Outlook, ForetellsSpringsThatExplode) {
  for (const double x : {1.9, 2.1}) {
    Scene scene;
    const BodyId a = add_box(scene, "/a", 2, {0.1, 0.1, 0.1}, {1.01, 0, 0});
    const double dt = 1e-3, stiffness = 2 * x * x / (dt * dt);
    scene.springs.push_back({"/spring", scene::kWorld, a, {}, {}, stiffness, 0, 1});
    EXPECT_EQ(foretold(scene).has("stiff-spring"), x > 2);
    const Model model = compiled(scene);
    Data data = make_data(model);
    scene::State state = make_state(model);
    const Controls controls = make_controls(model);
    for (int i = 0; i < 400; ++i) step(model, {}, controls, data, state);
    EXPECT_EQ(!(std::abs(state.X_WB[0].p.x) < 10), x > 2) << x;
  }
}

TEST(Outlook, SeesAnInertiaThatDrownsInRounding) {
  Scene scene = pendulum();
  const BodyId speck = add_box(scene, "/speck", 1e-6, {1e-4, 1e-4, 1e-4}, {-1, 0, 0});
  const scene::JointId joint = add_joint(scene, JointType::kRevolute, BodyId::from_index(0), speck, {-1, 0, 0});
  EXPECT_TRUE(foretold(scene).has("tiny-inertia"));
  scene.joints[joint.index()].armature = 1e-3;
  EXPECT_FALSE(foretold(scene).has("tiny-inertia"));
}

void make_solid(Scene& scene, BodyId body, const Vec3d& size) {
  scene::Shape shape;
  shape.path = scene.bodies[body.index()].path + "/shape";
  shape.body = body;
  shape.geometry = scene::Box{size};
  shape.collides = true;
  scene.shapes.push_back(shape);
}

TEST(Outlook, SeesWhatStartsInsideAnother) {
  for (const double gap : {-0.03, 0.0}) {
    Scene scene;
    make_solid(scene, add_box(scene, "/a", 1, {0.1, 0.1, 0.1}, {0, 0, 0}), {0.1, 0.1, 0.1});
    make_solid(scene, add_box(scene, "/b", 1, {0.1, 0.1, 0.1}, {0, 0, 0.1 + gap}), {0.1, 0.1, 0.1});
    const Diagnostics found = foretold(scene);
    EXPECT_EQ(found.has("deep-overlap"), gap < 0);
    if (gap < 0) {
      EXPECT_NE(found.text().find("'/a/shape' and '/b/shape' start 30 mm inside"), std::string::npos) << found.text();
      EXPECT_NE(found.text().find("move the second by 30 mm along (0 0 1)"), std::string::npos) << found.text();
    }
  }
}

TEST(Outlook, SeesMassesThatDoNotBelongTogether) {
  for (const double mass : {999.0, 2000.0}) {
    Scene scene;
    make_solid(scene, add_box(scene, "/a", 1, {0.1, 0.1, 0.1}, {0, 0, 0}), {0.1, 0.1, 0.1});
    make_solid(scene, add_box(scene, "/b", mass, {0.1, 0.1, 0.1}, {0, 0, 0.1}), {0.1, 0.1, 0.1});
    EXPECT_EQ(foretold(scene).has("mass-ratio"), mass > 1000);
  }
}

// The sag that is foretold is the one that comes, and a drive that is called weak falls.
TEST(Outlook, ForetellsHowGravityMovesDrives) {
  const auto arm = [](double limit) {
    Scene scene;
    scene.gravity = {0, 0, -10};
    const BodyId rod = add_box(scene, "/rod", 1, {1, 0.01, 0.01}, {0.5, 0, 0});
    Joint& joint =
        scene.joints[add_joint(scene, JointType::kRevolute, scene::kWorld, rod, {0, 0, 0}, {0, 1, 0}).index()];
    joint.drive = {100, 20, 0, 0, limit};
    return scene;
  };
  EXPECT_TRUE(foretold(arm(1000)).has("drive-sag"));
  EXPECT_FALSE(foretold(arm(1000)).has("weak-drive"));
  EXPECT_NE(foretold(arm(1000)).text().find("gravity pulls it 0.05 rad"), std::string::npos);
  const StepOptions coarse{Duration{10'000'000}};
  EXPECT_NEAR(swing(arm(1000), coarse), 0.05, 1e-3);
  EXPECT_TRUE(foretold(arm(4)).has("weak-drive"));
  EXPECT_GT(swing(arm(4), coarse), 0.5);
}

TEST(Outlook, SeesStartsAndTargetsBeyondLimits) {
  Scene scene = driven_rod(10, 1);
  scene.joints[0].lower = -0.05;
  scene.joints[0].upper = 0.05;
  EXPECT_TRUE(foretold(scene).has("beyond-limit"));
  EXPECT_FALSE(foretold(scene).has("target-beyond-limit"));
  scene.joints[0].position = 0;
  scene.joints[0].drive.target_position = 0.2;
  EXPECT_FALSE(foretold(scene).has("beyond-limit"));
  EXPECT_TRUE(foretold(scene).has("target-beyond-limit"));
}

// Scenes that run well are not complained of.
TEST(Outlook, IsSilentWhereNothingIsWrong) {
  for (const Scene& scene : {arm7(), pendulum(), four_bar_chain(5), free_box(), weld_chain(10, 100)}) {
    EXPECT_EQ(foretold(scene).text(), "") << scene.name;
  }
}

}  // namespace
}  // namespace geoul::dynamics
