// Every trouble is said once, in words that name what and why; nothing is said of what is well.
#include "geoul/runtime/watch.h"

#include <gtest/gtest.h>

#include "geoul/dynamics/dynamics.h"
#include "geoul/runtime/simulation.h"
#include "geoul/runtime/state_messages.h"
#include "scenarios/loops.h"
#include "scenarios/mechanics.h"

namespace geoul::runtime {
namespace {

using namespace scenarios;
using dynamics::World;

// A rod of 1 m and 1 kg on a hinge about z with a drive, off its target.
scene::Scene driven_rod(double stiffness) {
  scene::Scene scene;
  const BodyId rod = add_box(scene, "/rod", 1, {1, 0.01, 0.01}, {0.5, 0, 0});
  Joint& joint = scene.joints[add_joint(scene, JointType::kRevolute, scene::kWorld, rod, {0, 0, 0}).index()];
  joint.path = "/hinge3";
  joint.drive.stiffness = stiffness;
  joint.position = 0.1;
  return scene;
}

std::vector<std::string> run(World& world, Watch& watch, int steps) {
  std::vector<std::string> said;
  for (int i = 0; i < steps; ++i) {
    const dynamics::StepReport report = dynamics::step(world);
    watch.look(world, report);
    for (std::string& line : watch.take()) said.push_back(std::move(line));
    if (!report.finite) break;
  }
  return said;
}

TEST(Watch, NamesTheDriveThatRunsAway) {
  World world(driven_rod(1e9));
  world.options.dt = Duration{2'000'000};
  world.options.integrator = dynamics::Integrator::kSemiImplicitEuler;
  Watch watch(world);
  const std::vector<std::string> said = run(world, watch, 100);
  ASSERT_FALSE(said.empty());
  EXPECT_LE(said.size(), 3u);
  EXPECT_NE(said[0].find("joint '/hinge3' moves at"), std::string::npos) << said[0];
  EXPECT_NE(said[0].find("drive gain 1e+09 N.m/rad at dt 2 ms"), std::string::npos) << said[0];
  EXPECT_NE(watch.cause(world).find("'/hinge3'"), std::string::npos);
}

TEST(Watch, SaysATroubleAtTheFirstTenthAndHundredthTime) {
  World world(driven_rod(10));
  Watch watch(world, {1e-4, 1e-9, 1e-12});  // any speed is too much
  const std::vector<std::string> said = run(world, watch, 150);
  ASSERT_EQ(said.size(), 3u);
  EXPECT_NE(said[1].find("(10 times so far)"), std::string::npos) << said[1];
  EXPECT_NE(said[2].find("(100 times so far)"), std::string::npos);
  Report report;
  watch.add_to(report);
  EXPECT_EQ(report.lines.back().name, "steps with runaway speed");
  EXPECT_EQ(report.lines.back().value, 150);
}

TEST(Watch, NamesTheLoopThatStandsOpen) {
  World world(crank_rocker());
  Watch watch(world, {1e-4, 0, 1e4});  // a closure of exactly nothing is asked for
  const std::vector<std::string> said = run(world, watch, 5);
  ASSERT_FALSE(said.empty());
  EXPECT_NE(said[0].find("the loop closed by joint '"), std::string::npos) << said[0];
}

TEST(Watch, TellsOfContactsThatWereNotSolved) {
  scene::Scene scene;
  scene.gravity = {0, 0, -9.81};
  scene::Shape floor;
  floor.path = "/floor";
  floor.geometry = scene::Plane{};
  floor.collides = true;
  scene.shapes.push_back(floor);
  for (int i = 0; i < 5; ++i) {
    scene::Shape shape;
    const std::string path = "/box" + std::to_string(i);
    shape.body = add_box(scene, path, i % 2 ? 1000 : 1, {0.1, 0.1, 0.1}, {0.01 * i, 0, 0.05 + 0.1 * i});
    shape.path = path + "/shape";
    shape.geometry = scene::Box{{0.1, 0.1, 0.1}};
    shape.collides = true;
    scene.shapes.push_back(shape);
  }
  World world(scene);
  world.options.contact_iterations = 1;
  world.options.contact_tolerance = 1e-15;
  Watch watch(world);
  const std::vector<std::string> said = run(world, watch, 20);
  ASSERT_FALSE(said.empty());
  EXPECT_NE(said[0].find("contacts were left at"), std::string::npos) << said[0];
  EXPECT_FALSE(watch.figures()[3].ok);
}

TEST(Watch, IsSilentWhereAllIsWell) {
  for (const scene::Scene& scene : {arm7(), pendulum(), crank_rocker()}) {
    World world(scene);
    Watch watch(world);
    EXPECT_TRUE(run(world, watch, 200).empty()) << scene.name;
    for (const ReportLine& line : watch.figures()) EXPECT_TRUE(line.ok) << line.name;
  }
}

// The weld of a hanging box breaks under a load that it cannot bear: the box falls, the other joint stays.
TEST(Simulation, BreaksJointsUnderTheirLoadAndGoesOn) {
  Diagnostics diagnostics;
  Twin twin;
  twin.scene.gravity = {0, 0, -10};
  const BodyId a = add_box(twin.scene, "/a", 1, {0.1, 0.1, 0.1}, {0, 0, 0});
  const BodyId b = add_box(twin.scene, "/b", 2, {0.1, 0.1, 0.1}, {0, 0, -0.1});
  add_joint(twin.scene, JointType::kPrismatic, scene::kWorld, a, {0, 0, 0});
  twin.scene.joints[0].drive = {1e5, 1e3, 0, 0, scene::kUnlimited};
  const scene::JointId weld = add_joint(twin.scene, JointType::kFixed, a, b, {0, 0, -0.05});
  twin.scene.joints[weld.index()].break_force = 15;  // 20 N hang on it
  twin.model = dynamics::compiled(twin.scene);
  twin.moving = {scene::JointId::from_index(0)};
  twin.welds = {weld};
  Simulation simulation(twin, {{}, Duration::from_seconds(1)});
  std::vector<std::string> said;
  while (simulation.step()) {
    for (std::string& line : simulation.take_warnings()) said.push_back(std::move(line));
  }
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("joint '" + twin.scene.joints[weld.index()].path + "' broke: it carried"), std::string::npos);
  const scene::State& state = simulation.snapshot().state;
  EXPECT_NEAR(state.X_WB[1].p.z, -0.1 - 5, 0.1);
  EXPECT_NEAR(state.X_WB[0].p.z, 0, 1e-3);
  EXPECT_EQ(simulation.snapshot().welds[0].position, 0);
  const std::string message = joints_message(twin, simulation.snapshot());
  EXPECT_FALSE(message.empty());
}

}  // namespace
}  // namespace geoul::runtime
