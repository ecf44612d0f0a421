#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

TEST(Compile, AChainOfWeldsToTheWorldHasNoLink) {
  const Model model = compiled(weld_chain(10, 1));
  EXPECT_EQ(model.nlink, 0);
  EXPECT_EQ(model.nv, 0);
  EXPECT_EQ(model.groups.size(), 1u);
}

TEST(Compile, AFloatingGroupIsOneLinkOfSixDegrees) {
  const Model model = compiled(weld_ring(12));
  EXPECT_EQ(model.nv, 6);
  EXPECT_EQ(model.nq, 7);
  ASSERT_EQ(model.groups.size(), 1u);
  EXPECT_EQ(model.groups[0].loops.size(), 1u);
  EXPECT_NEAR(model.links.back().inertia.m, 12, 1e-14);
  EXPECT_NEAR(norm(model.links.back().inertia.h), 0, 1e-14);  // the frame is at the centre of mass
}

TEST(Compile, AnOpenLoopOfWeldsIsNamedWithItsJointsAndGap) {
  Scene scene = weld_ring(12);
  scene.joints[5].X_CJ.p.x += 2e-6;
  Diagnostics d;
  EXPECT_FALSE(compile(scene, d));
  EXPECT_TRUE(d.has("open-weld-loop")) << d.text();
  EXPECT_NE(d.text().find("2e-06 m"), std::string::npos) << d.text();
  EXPECT_NE(d.text().find("/weld5"), std::string::npos) << d.text();
  scene = weld_ring(12);
  scene.joints[5].X_CJ.p.x += 0.5e-6;
  Diagnostics fine;
  EXPECT_TRUE(compile(scene, fine)) << fine.text();
}

TEST(Compile, ALoopThroughTheWorldThatIsTwistedIsNamed) {
  Scene scene = weld_chain(5, 1);
  Joint second;
  second.path = "/second";
  second.parent = BodyId{4};
  second.X_CJ = {exp_rotation(Vec3d{0, 0, 3e-6}), {4, 0, 0}};  // on the world
  scene.joints.push_back(second);
  Diagnostics d;
  EXPECT_FALSE(compile(scene, d));
  EXPECT_TRUE(d.has("open-weld-loop")) << d.text();
  EXPECT_NE(d.text().find("3e-06 rad"), std::string::npos) << d.text();
}

TEST(Compile, NamesWhatItCannotMove) {
  Scene massless = weld_chain(2, 1, {}, false);
  for (scene::Body& body : massless.bodies) body.mass = {};
  Diagnostics a;
  EXPECT_FALSE(compile(massless, a));
  EXPECT_TRUE(a.has("no-mass")) << a.text();
  EXPECT_EQ(a.error_count(), 1u) << a.text();

  Scene point = pendulum();
  point.joints[0].axis = {1, 0, 0};  // through the bob
  Diagnostics b;
  EXPECT_FALSE(compile(point, b));
  EXPECT_TRUE(b.has("no-inertia")) << b.text();
}

TEST(Compile, WarnsOfAJointBetweenPartsOfOneRigidGroup) {
  Scene scene = weld_chain(2, 1);
  add_joint(scene, JointType::kRevolute, BodyId{0}, BodyId{1}, {0.5, 0, 0});
  Diagnostics d;
  EXPECT_TRUE(compile(scene, d));
  EXPECT_TRUE(d.has("idle-joint")) << d.text();
}

TEST(Compile, AMasslessBodyWeldedToAHeavyOneIsFine) {
  Scene scene = weld_chain(2, 1, {}, false);
  scene.bodies[1].mass = {};
  EXPECT_EQ(compiled(scene).nv, 6);
}

TEST(Compile, WarnsWhereTheJointContradictsTheStartPose) {
  Scene scene = weld_chain(3, 1);
  scene.bodies[2].X_WB.p.z += 0.01;
  Diagnostics d;
  const auto model = compile(scene, d);
  ASSERT_TRUE(model);
  EXPECT_TRUE(d.has("joint-apart")) << d.text();
  EXPECT_EQ(make_state(*model).X_WB[2].p, (Vec3d{2, 0, 0}));
}

TEST(Compile, MeasuresTheStartOfEveryKindOfJoint) {
  for (int seed = 0; seed < 50; ++seed) {
    Scene scene = random_tree(8, static_cast<std::uint64_t>(seed), seed % 2 == 1);
    Random r(static_cast<std::uint64_t>(seed), 1);
    const Model first = compiled(scene);
    scene::State state = make_state(first);
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {  // the start is where the bodies were written
      ASSERT_LE(norm(state.X_WB[b].p - scene.bodies[b].X_WB.p), 1e-12) << seed;
      ASSERT_LE(angle_between(state.X_WB[b].R, scene.bodies[b].X_WB.R), 1e-12) << seed;
    }
    // Anywhere else, with any velocity: written back as a start, it is measured again.
    std::vector<double> v(state.v.size());
    for (double& x : v) x = r.uniform(-1, 1);
    integrate_position(first, state.q, v, 1.0, state.q);
    for (double& x : state.v) x = r.uniform(-1, 1);
    Data data = make_data(first);
    place_bodies(first, data, state);
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      scene.bodies[b].X_WB = state.X_WB[b];
      scene.bodies[b].V_WB = state.V_WB[b];
    }
    const Model again = compiled(scene);
    for (std::size_t k = 0; k < v.size(); ++k) ASSERT_NEAR(again.v_start[k], state.v[k], 1e-11) << seed;
    const scene::State restarted = make_state(again);
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      ASSERT_LE(norm(restarted.X_WB[b].p - state.X_WB[b].p), 1e-12) << seed;
      ASSERT_LE(angle_between(restarted.X_WB[b].R, state.X_WB[b].R), 1e-12) << seed;
      ASSERT_LE(norm(restarted.V_WB[b].v - state.V_WB[b].v), 1e-11) << seed;
    }
  }
}

}  // namespace
}  // namespace geoul::dynamics
