// A body is pulled where it is told to, let go, and never by a command that makes no sense.
#include "geoul/runtime/drag.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "geoul.pb.h"
#include "geoul/runtime/simulation.h"
#include "geoul/runtime/state_messages.h"
#include "scenarios/mechanics.h"

namespace geoul::runtime {
namespace {

using namespace scenarios;

Twin free_boxes() {
  Twin twin;
  twin.scene.gravity = {};
  add_box(twin.scene, "/box", 2, {0.1, 0.2, 0.3}, {0, 0, 1});
  add_box(twin.scene, "/other", 1, {0.1, 0.1, 0.1}, {1, 0, 1});
  const BodyId ground = add_box(twin.scene, "/ground", 1, {1, 1, 0.1}, {0, 0, 0});
  add_joint(twin.scene, JointType::kFixed, scene::kWorld, ground, {0, 0, 0});
  twin.model = dynamics::compiled(twin.scene);
  return twin;
}

TEST(Drag, BringsTheGrippedPointToItsTarget) {
  const Twin twin = free_boxes();
  Simulation simulation(twin, {});
  const Vec3d corner{0.05, 0.1, 0.15}, target{0.5, -0.3, 1.4};
  ASSERT_TRUE(simulation.drag(7, {"/box", corner, target, {}, {}}));
  for (int i = 0; i < 20000; ++i) simulation.step();
  const Posed& X_WB = simulation.snapshot().state.X_WB[0];
  EXPECT_LT(norm(X_WB.p + rotation_matrix(X_WB.R) * corner - target),
            0.02);                                        // it goes on turning about the point, and pulls outwards
  EXPECT_EQ(simulation.snapshot().state.X_WB[1].p.x, 1);  // the other one stays
}

// The default spring is critical: no overshoot of a point at the centre of mass, in the time of its rate.
TEST(Drag, ItsDefaultSpringIsCritical) {
  const Twin twin = free_boxes();
  Simulation simulation(twin, {});
  ASSERT_TRUE(simulation.drag(1, {"/box", {}, {0.1, 0, 1}, {}, {}}));
  const double rate = 4 * std::acos(-1.0);
  for (int i = 1; i <= 1000; ++i) {
    simulation.step();
    const double t = 1e-3 * i, x = 0.1 * (1 - (1 + rate * t) * std::exp(-rate * t));
    EXPECT_NEAR(simulation.snapshot().state.X_WB[0].p.x, x, 1e-3) << t;
  }
}

TEST(Drag, LettingGoLeavesTheBodyToItself) {
  const Twin twin = free_boxes();
  Simulation simulation(twin, {});
  ASSERT_TRUE(simulation.drag(1, {"/box", {}, {1, 0, 1}, {}, {}}));
  ASSERT_TRUE(simulation.drag(2, {"/other", {}, {1, 1, 1}, {}, {}}));
  for (int i = 0; i < 50; ++i) simulation.step();
  simulation.release(1);
  simulation.step();
  const double v = simulation.snapshot().state.V_WB[0].v.x;
  EXPECT_GT(v, 0.1);
  for (int i = 0; i < 50; ++i) simulation.step();
  EXPECT_NEAR(simulation.snapshot().state.V_WB[0].v.x, v, 1e-12);
  EXPECT_GT(simulation.snapshot().state.V_WB[1].v.y, 0.1);  // the other client still pulls
  simulation.release(2);
  simulation.step();
  EXPECT_TRUE(simulation.world()->controls.wrenches.empty());
}

// Every bad command is refused by name, and what was dragged before goes on.
TEST(Drag, RefusesWhatMakesNoSense) {
  const Twin twin = free_boxes();
  Simulation simulation(twin, {});
  ASSERT_TRUE(simulation.drag(1, {"/box", {}, {1, 0, 1}, {}, {}}));
  const double nan = std::numeric_limits<double>::quiet_NaN(), huge = 1e300;
  const auto refused = [&](const Drag& drag, const std::string& words) {
    const Result<void> done = simulation.drag(1, drag);
    ASSERT_FALSE(done) << words;
    EXPECT_NE(done.error().message.find(words), std::string::npos) << done.error().message;
  };
  refused({"/bix", {}, {}, {}, {}}, "did you mean '/box'");
  refused({"/box", {nan, 0, 0}, {}, {}, {}}, "not a number");
  refused({"/box", {}, {0, huge, 0}, {}, {}}, "10 km");
  refused({"/box", {}, {}, -1, {}}, "negative");
  refused({"/box", {}, {}, nan, {}}, "negative or not a number");
  refused({"/box", {}, {}, {}, nan}, "negative or not a number");
  refused({"/box", {}, {}, huge, {}}, "too stiff for a step of 1.000 ms: take at most");
  refused({"/ground", {}, {}, {}, {}}, "belongs to the ground");
  ASSERT_EQ(simulation.drags()->pulls().size(), 1u);
  EXPECT_EQ(simulation.drags()->pulls().at(1).drag.target_W.x, 1);
}

// The stiffest spring that is taken is still stable, at the farthest corner of a thin rod.
TEST(Drag, TheStiffestSpringThatIsTakenIsStable) {
  Twin twin;
  twin.scene.gravity = {};
  add_box(twin.scene, "/rod", 1, {1, 0.01, 0.01}, {0, 0, 0});
  twin.model = dynamics::compiled(twin.scene);
  Simulation simulation(twin, {});
  const Result<void> refused = simulation.drag(1, {"/rod", {0.5, 0, 0}, {0.5, 0.01, 0}, 1e18, {}});
  ASSERT_FALSE(refused);
  double most = 0, damping = 0;
  const std::string& words = refused.error().message;
  ASSERT_EQ(std::sscanf(words.c_str() + words.find("at most"), "at most %lf N/m and %lf", &most, &damping), 2);
  ASSERT_TRUE(simulation.drag(1, {"/rod", {0.5, 0, 0}, {0.5, 0.01, 0}, 0.99 * most, 0.5 * damping}));
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(simulation.step());
  EXPECT_LT(norm(simulation.snapshot().state.X_WB[0].p), 1);
}

TEST(Drag, CommandsAreReadFromBytes) {
  ::geoul::DragCommand command;
  EXPECT_FALSE(parse_drag_command(command.SerializeAsString())->has_value());  // lets go
  command.set_body("/box");
  EXPECT_FALSE(parse_drag_command(command.SerializeAsString()));
  command.mutable_point()->set_x(1);
  command.mutable_target()->set_y(2);
  const auto drag = parse_drag_command(command.SerializeAsString());
  ASSERT_TRUE(drag && drag->has_value());
  EXPECT_EQ((*drag)->point_B.x, 1);
  EXPECT_EQ((*drag)->target_W.y, 2);
  EXPECT_FALSE((*drag)->stiffness);
  EXPECT_FALSE(parse_drag_command("\xff\xff nonsense"));
}

// What the messages say is what the simulation holds: a box on the ground, its contacts' forces and its weld's wrench.
TEST(Drag, ContactsAndWrenchesAreToldInTheWorldFrame) {
  Twin twin;
  twin.scene.gravity = {0, 0, -10};
  const BodyId box = add_box(twin.scene, "/box", 2, {0.2, 0.2, 0.2}, {0, 0, 0.1});
  const BodyId arm = add_box(twin.scene, "/arm", 1, {0.2, 0.2, 0.2}, {1, 0, 1});
  twin.scene.joints[add_joint(twin.scene, JointType::kFixed, scene::kWorld, arm, {0.5, 0, 1}).index()].path = "/weld";
  scene::Shape floor, cube;
  floor.path = "/floor";
  floor.geometry = scene::Plane{};
  cube.path = "/cube";
  cube.body = box;
  cube.geometry = scene::Box{{0.2, 0.2, 0.2}};
  floor.collides = cube.collides = true;
  twin.scene.shapes = {floor, cube};
  twin.model = dynamics::compiled(twin.scene);
  Simulation simulation(twin, {});
  for (int i = 0; i < 100; ++i) simulation.step();
  ::geoul::Contacts contacts;
  ASSERT_TRUE(contacts.ParseFromString(contacts_message(*simulation.world())));
  ASSERT_GE(contacts.contacts_size(), 3);
  double up = 0;
  for (const auto& c : contacts.contacts()) {
    const double sign = c.shape1() == "/cube" ? 1 : -1;
    up += sign * c.force().z();
    EXPECT_NEAR(sign * c.normal().z(), 1, 1e-12);
  }
  EXPECT_NEAR(up, 20, 1e-6);
  ::geoul::Wrenches wrenches;
  ASSERT_TRUE(wrenches.ParseFromString(wrenches_message(twin, simulation.snapshot())));
  ASSERT_EQ(wrenches.wrenches_size(), 1);
  EXPECT_EQ(wrenches.wrenches(0).joint(), "/weld");
  EXPECT_NEAR(wrenches.wrenches(0).position().x(), 0.5, 1e-12);
  EXPECT_NEAR(wrenches.wrenches(0).force().z(), 10, 1e-9);
  EXPECT_NEAR(wrenches.wrenches(0).torque().y(), -5, 1e-9);
}

}  // namespace
}  // namespace geoul::runtime
