// Questions in words: what is understood, and what is refused with which words.
#include "geoul/decision/futures/question.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "geoul/dynamics/model.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

dynamics::Model arm_and_belt() {
  Scene scene = arm7();
  const BodyId belt = add_box(scene, "/cell/belt", 5, {0.1, 0.1, 0.1}, {3, 0, 0});
  const scene::JointId id = add_joint(scene, JointType::kPrismatic, scene::kWorld, belt, {3, 0, 0}, {1, 0, 0});
  Joint& joint = scene.joints[id.index()];
  joint.path = "/cell/belt_drive";
  joint.drive.damping = 100, joint.drive.target_velocity = 0.2;
  return dynamics::compiled(scene);
}

Disturbance one(const std::string& sentence, const dynamics::Model& model) {
  const Result<Question> out = understand(sentence, model);
  EXPECT_TRUE(out) << (out ? "" : out.error().message);
  if (!out || out->disturbances.size() != 1) return {};
  return out->disturbances[0];
}

TEST(Question, SentencesOfTheCommandLineAreUnderstood) {
  const dynamics::Model model = arm_and_belt();
  const auto expect = [&](const char* sentence, Parameter parameter, int target, double a, double b = 0) {
    const Disturbance d = one(sentence, model);
    EXPECT_EQ(d.parameter, parameter) << sentence;
    EXPECT_EQ(d.target, target) << sentence;
    EXPECT_NEAR(d.value.a, a, 1e-12) << sentence;
    EXPECT_NEAR(d.value.b, b, 1e-12) << sentence;
    EXPECT_EQ(d.value.kind == Distribution::Kind::kConstant, b == 0) << sentence;
  };
  expect("payload 3 kg", Parameter::kPayload, 6, 3);
  expect("what if payload 3kg?", Parameter::kPayload, 6, 3);
  expect("payload 500 g on link5", Parameter::kPayload, 4, 0.5);
  expect("payload 1 to 3 kg", Parameter::kPayload, 6, 1, 3);
  expect("payload 2 +- 0.5 kg", Parameter::kPayload, 6, 1.5, 2.5);
  expect("joint 3 friction doubles", Parameter::kFrictionFactor, 2, 2);
  expect("friction of joint 3 x2", Parameter::kFrictionFactor, 2, 2);
  expect("joint3 friction x2", Parameter::kFrictionFactor, 2, 2);
  expect("friction joint4 4 N.m", Parameter::kFriction, 3, 4);
  expect("friction x0.8 to 1.2", Parameter::kFrictionFactor, -1, 0.8, 1.2);
  expect("conveyor 20 % faster", Parameter::kDriveSpeed, 7, 1.2);
  expect("belt_drive 20% slower", Parameter::kDriveSpeed, 7, 0.8);
  expect("damping 50 % less", Parameter::kDampingFactor, -1, 0.5);
  expect("gain joint1 halves", Parameter::kDriveGain, 0, 0.5);
  expect("mass /link2 10 % heavier", Parameter::kMassFactor, 1, 1.1);
  expect("gravity 9.81 m/s2", Parameter::kGravityFactor, -1, 1);
  expect("contact friction x0.5", Parameter::kContactFriction, -1, 0.5);
  const Disturbance noise = one("noise 2 mrad", model);
  EXPECT_EQ(noise.value.kind, Distribution::Kind::kNormal);
  EXPECT_NEAR(noise.value.b, 0.002, 1e-15);
  const Disturbance push = one("push 50 N on link7 along -y after 1 s for 300 ms", model);
  EXPECT_EQ(push.direction_W, (Vec3d{0, -1, 0}));
  EXPECT_EQ(push.begin.ns, 1'000'000'000);
  EXPECT_EQ(push.length.ns, 300'000'000);
  const Disturbance placed = one("payload 3 kg on link7 at 0 10 -50 mm", model);
  EXPECT_NEAR(placed.point.y, 0.01, 1e-15);
  EXPECT_NEAR(placed.point.z, -0.05, 1e-15);
  EXPECT_NEAR(one("payload 3 kg", model).point.z, 0.061, 1e-12);  // centre of mass of link7
  EXPECT_EQ(understand("payload 3 kg", model)->understood, "payload 3 kg on /link7 at its centre of mass");
}

TEST(Question, WhatIsNotUnderstoodIsSaidWithWhatCanBe) {
  const dynamics::Model model = arm_and_belt();
  const auto says = [&](const std::string& sentence, const char* what) {
    const Result<Question> out = understand(sentence, model);
    ASSERT_FALSE(out) << sentence;
    EXPECT_NE(out.error().message.find(what), std::string::npos) << out.error().message;
    EXPECT_NE(out.error().message.find("What can be asked:\n  payload 3 kg"), std::string::npos);
  };
  says("", "it says nothing");
  says("make it nice", "no word of it is known");
  says("payload 3", "of what mass? Say a number of kg, g, t");
  says("payload 3 lb", "of what mass?");
  says("payload -1 kg", "must not be negative");
  says("friction elbow x2", "there is no joint 'elbow'");
  says("friction joint 12 x2", "there are 8, counted from 1");
  says("friction join x2", "may be joint1, joint2");
  says("friction joint1", "of what size?");
  says("payload 3 kg on lnk5", "did you mean 'link5'");
  says("gravity 9.8 m/s2 today", "'today' is not understood");
  says("push 5 N along up", "along what?");
  says("payload 1e999 kg", "is no number");
  says(std::string(500, 'x'), "longer than 400");
  EXPECT_FALSE(understand("conveyor x2", dynamics::compiled(arm7())));
}

}  // namespace
}  // namespace geoul::decision
