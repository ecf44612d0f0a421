// What the schemas mean in a Scene: copies, units, mirrored scales, one-sided joints, colliders, other engines' words.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "geoul/scene/formats/usd/usd.h"

namespace geoul::scene {
namespace {

using std::numbers::pi;

std::string header(const char* meters = "1", const char* kilograms = "1") {
  return std::string("#usda 1.0\n(\n    metersPerUnit = ") + meters + "\n    kilogramsPerUnit = " + kilograms +
         "\n    upAxis = \"Z\"\n)\n";
}
const std::string kRobot =
    "def Xform \"Robot\"\n{\n"
    "    def Xform \"base\" (\n        prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n    )\n    "
    "{\n"
    "        float physics:mass = 2\n        float3 physics:diagonalInertia = (1, 1, 1)\n    }\n"
    "    def Xform \"arm\" (\n        prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n    )\n    "
    "{\n"
    "        float physics:mass = 1\n        float3 physics:diagonalInertia = (1, 1, 1)\n"
    "        double3 xformOp:translate = (0.1, 0.2, 0.7)\n        float xformOp:rotateZ = 30\n"
    "        uniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:rotateZ\"]\n    }\n"
    "    def PhysicsRevoluteJoint \"joint\"\n    {\n        rel physics:body0 = </Robot/base>\n"
    "        rel physics:body1 = </Robot/arm>\n        point3f physics:localPos0 = (0.1, 0.2, 0.7)\n    }\n}\n";

Scene read(const std::string& text, Diagnostics& d) {
  const std::optional<Scene> scene = read_usda_text(text, "test.usda", d);
  EXPECT_TRUE(scene.has_value()) << d.text();
  return scene.value_or(Scene{});
}
Scene read(const std::string& text) {
  Diagnostics d;
  return read(text, d);
}

// The arm in its base, of every copy, must be that of the first.
void expect_same_relative_poses(const Scene& s, std::size_t copies) {
  ASSERT_EQ(s.bodies.size(), 2 * copies);
  ASSERT_EQ(s.joints.size(), copies);
  for (std::size_t i = 0; i < copies; ++i) {
    const Joint& j = s.joints[i];
    EXPECT_EQ(j.parent, BodyId::from_index(2 * i)) << i;
    EXPECT_EQ(j.child, BodyId::from_index(2 * i + 1)) << i;
    const auto in_base = [&](std::size_t k) {
      return inverse(transform(s.bodies[2 * k].X_WB)) * transform(s.bodies[2 * k + 1].X_WB);
    };
    const Transformd first = in_base(0), here = in_base(i);
    EXPECT_NEAR(norm(here.p - first.p), 0, 1e-13) << i;  // of places up to 100 m: 64 roundings of 2e-15
    EXPECT_NEAR(angle_between(quaternion(here.R), quaternion(first.R)), 0, 1e-7) << i;
    EXPECT_EQ(j.X_PJ, s.joints[0].X_PJ);
  }
}

TEST(Copies, OfReferencesAndOfInstancesHaveTheSameRelativePoses) {
  for (const char* flag : {"", "    instanceable = true\n"}) {
    std::string text = header() + "class \"Parts\"\n{\n" + kRobot + "}\n";
    text.replace(text.find("</Robot/base>"), 13, "</Parts/Robot/base>");
    text.replace(text.find("</Robot/arm>"), 12, "</Parts/Robot/arm>");
    for (int i = 0; i < 4096; ++i) {
      text += "def Xform \"env_" + std::to_string(i) + "\" (\n    references = </Parts/Robot>\n" + flag +
              ")\n{\n    double3 xformOp:translate = (" + std::to_string(1.6 * (i % 64)) + ", " +
              std::to_string(1.7 * (i / 64)) + ", 0)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n";
    }
    expect_same_relative_poses(read(text), 4096);
  }
}

TEST(Copies, OfAPointInstancerHaveTheSameRelativePoses) {
  std::string indices, positions;
  for (int i = 0; i < 4096; ++i) {
    indices += i ? ", 0" : "0";
    positions += std::string(i ? ", " : "") + "(" + std::to_string(1.5 * (i % 64)) + ", " +
                 std::to_string(1.5 * (i / 64)) + ", 0)";
  }
  std::string robot = kRobot;
  for (const char* part : {"base", "arm"}) {
    robot.replace(robot.find(std::string("</Robot/") + part), 8, "</Many/Robot/");
  }
  const Scene s =
      read(header() + "def PointInstancer \"Many\"\n{\n    rel prototypes = </Many/Robot>\n    int[] protoIndices = [" +
           indices + "]\n    point3f[] positions = [" + positions + "]\n" + robot + "}\n");
  expect_same_relative_poses(s, 4096);
  EXPECT_EQ(s.bodies[2].path, "/Many/Robot_1/base");
  EXPECT_EQ(s.bodies[2].X_WB.p, (Vec3d{1.5, 0, 0}));
}

TEST(Copies, OfAPointInstancerAreTurnedScaledAndHidden) {
  const Scene s =
      read(header() +
           "def PointInstancer \"Many\"\n{\n    rel prototypes = [</Many/box>, </ball>]\n    int[] protoIndices = [0, "
           "1, 0]\n"
           "    point3f[] positions = [(1, 0, 0), (2, 0, 0), (3, 0, 0)]\n"
           "    quath[] orientations = [(0, 0, 0, 1), (1, 0, 0, 0), (1, 0, 0, 0)]\n"
           "    float3[] scales = [(1, 2, 3), (2, 2, 2), (1, 1, 1)]\n    int64[] invisibleIds = [2]\n"
           "    double3 xformOp:translate = (0, 0, 5)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
           "    def Cube \"box\"\n    {\n        double size = 1\n        double3 xformOp:translate = (0.5, 0, 0)\n"
           "        uniform token[] xformOpOrder = [\"xformOp:translate\"]\n    }\n}\n"
           "def Sphere \"ball\"\n{\n    double radius = 1\n}\n");
  ASSERT_EQ(s.shapes.size(), 3u);  // two copies, and the sphere itself, which stands outside of the instancer
  EXPECT_EQ(s.shapes[0].path, "/Many/box_0");
  EXPECT_NEAR(norm(s.shapes[0].X_BS.p - Vec3d{0.5, 0, 5}), 0, 1e-15);
  EXPECT_NEAR(norm(std::get<Box>(s.shapes[0].geometry).size - Vec3d{1, 2, 3}), 0, 1e-15);
  EXPECT_EQ(std::get<Sphere>(s.shapes[1].geometry).radius, 2);
}

// The same cell in metres and kilograms, in centimetres and grams, and in millimetres mirrored by -0.001.
TEST(Units, GiveTheSameScene) {
  const auto cell = [](double length, double mass, const std::string& outer) {
    const auto n = [](double x) { return std::to_string(x); };
    return outer +
           "def Xform \"body\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n)\n{\n"
           "    float physics:mass = " +
           n(3 * mass) + "\n    double3 xformOp:translate = (" + n(0.4 * length) + ", " + n(-0.2 * length) + ", " +
           n(length) +
           ")\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
           "    def Cube \"hull\" (\n        prepend apiSchemas = [\"PhysicsCollisionAPI\"]\n    )\n    {\n"
           "        double size = " +
           n(0.25 * length) + "\n    }\n}\n";
  };
  const Scene m = read(header() + cell(1, 1, ""));
  const Scene cm = read(header("0.01", "0.001") + cell(100, 1000, ""));
  EXPECT_NEAR(norm(cm.bodies[0].X_WB.p - m.bodies[0].X_WB.p), 0, 1e-15);
  EXPECT_NEAR(cm.bodies[0].mass.mass, 3, 1e-12);
  EXPECT_NEAR(cm.bodies[0].mass.inertia.xx, m.bodies[0].mass.inertia.xx, 1e-15);
  EXPECT_NEAR(m.bodies[0].mass.inertia.xx, 3.0 / 6 * 0.0625, 1e-15);
  const Scene mirrored = read(header() +
                              "def Xform \"w\"\n{\n    double3 xformOp:scale = (-0.001, 0.001, 0.001)\n"
                              "    uniform token[] xformOpOrder = [\"xformOp:scale\"]\n" +
                              cell(1000, 1, "") + "}\n");
  EXPECT_NEAR(norm(mirrored.bodies[0].X_WB.p - Vec3d{-0.4, -0.2, 1}), 0, 1e-15);
  EXPECT_NEAR(mirrored.bodies[0].mass.inertia.xx, m.bodies[0].mass.inertia.xx, 1e-15);
}

TEST(Joints, WithOneSideAreFixedToTheWorld) {
  const std::string body =
      "def Xform \"b\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\"]\n)\n{\n"
      "    double3 xformOp:translate = (1, 2, 3)\n"
      "    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n";
  for (const char* side : {"0", "1"}) {
    const Scene s = read(header() + body + "def PhysicsFixedJoint \"j\"\n{\n    rel physics:body" + side +
                         " = </b>\n"
                         "    point3f physics:localPos" +
                         (*side == '0' ? "1" : "0") + " = (1, 2, 3)\n}\n");
    const Joint& j = s.joints.at(0);
    EXPECT_EQ(*side == '0' ? j.parent : j.child, BodyId{0});
    EXPECT_EQ(*side == '0' ? j.child : j.parent, kWorld);
    EXPECT_EQ((*side == '0' ? j.X_CJ : j.X_PJ).p, (Vec3d{1, 2, 3}));
  }
}

TEST(Joints, ReadTheWordsOfOtherEngines) {
  const auto joint = [](const std::string& type, const std::string& body, const char* meters = "1") {
    return read(header(meters) + "def " + type +
                " \"j\" (\n    prepend apiSchemas = [\"MjcJointAPI\", "
                "\"PhysxJointAPI\", \"PhysxJointAxisAPI:angular\"]\n)\n{\n" +
                body + "}\n")
        .joints.at(0);
  };
  const Joint mjc =
      joint("PhysicsRevoluteJoint",
            "    double mjc:armature = 0.1\n    double mjc:frictionloss = 0.2\n"
            "    double mjc:damping = 0.3\n    double mjc:stiffness = 0.4\n    double mjc:springref = 90\n");
  EXPECT_EQ(mjc.armature, 0.1);
  EXPECT_EQ(mjc.friction, 0.2);
  EXPECT_EQ(mjc.damping, 0.3);
  EXPECT_EQ(mjc.stiffness, 0.4);
  EXPECT_NEAR(mjc.spring_position, pi / 2, 1e-15);
  const Joint physx = joint("PhysicsRevoluteJoint",
                            "    float physxJoint:armature = 10000\n"
                            "    float physxJoint:maxJointVelocity = 180\n"
                            "    float physxJointAxis:angular:dynamicFrictionEffort = 10000\n",
                            "0.01");
  EXPECT_NEAR(physx.armature, 1, 1e-12);
  EXPECT_NEAR(physx.velocity_limit, pi, 1e-14);
  EXPECT_NEAR(physx.friction, 1, 1e-12);
  const Joint ours =
      joint("PhysicsPrismaticJoint", "    float physxJoint:armature = 3\n    double geoul:armature = 2\n");
  EXPECT_EQ(ours.armature, 2);
}

TEST(Joints, FollowOthersByTheWordsOfPhysxNewtonAndMujoco) {
  const std::string joints =
      "def PhysicsRevoluteJoint \"a\"\n{\n}\ndef PhysicsRevoluteJoint \"b\" (\n    prepend apiSchemas = [\"";
  const auto mimic = [&](const std::string& api, const std::string& body) {
    const Scene s = read(header() + joints + api + "\"]\n)\n{\n" + body + "}\n");
    return s.mimics.size() == 1 ? s.mimics[0] : Mimic{};
  };
  const Mimic physx =
      mimic("PhysxMimicJointAPI:rotZ",
            "    rel physxMimicJoint:rotZ:referenceJoint = </a>\n"
            "    float physxMimicJoint:rotZ:gearing = -2\n    float physxMimicJoint:rotZ:offset = 90\n");
  EXPECT_EQ(physx.multiplier, 2);
  EXPECT_NEAR(physx.offset, -pi / 2, 1e-15);
  EXPECT_EQ(physx.source, JointId{0});
  EXPECT_EQ(physx.joint, JointId{1});
  const Mimic newton = mimic("NewtonMimicAPI", "    rel newton:mimicJoint = </a>\n    float newton:mimicCoef1 = 3\n");
  EXPECT_EQ(newton.multiplier, 3);
  const Mimic mjc = mimic("MjcEqualityJointAPI", "    rel mjc:target = </a>\n    double mjc:coef0 = 0.5\n");
  EXPECT_EQ(mjc.offset, 0.5);
}

TEST(Bodies, WithoutGravityByTheWordsOfOtherEngines) {
  for (const char* word :
       {"bool physxRigidBody:disableGravity = 1", "double mjc:gravcomp = 1", "custom bool geoul:gravity = 0"}) {
    EXPECT_FALSE(read(header() + "def Xform \"b\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\"]\n)\n{\n    " +
                      word + "\n}\n")
                     .bodies.at(0)
                     .gravity)
        << word;
  }
}

std::string mesh(const std::string& more) {
  return "def Mesh \"m\" (\n    prepend apiSchemas = [\"PhysicsCollisionAPI\", \"PhysicsMeshCollisionAPI\"]\n)\n{\n"
         "    point3f[] points = [(0, 0, 0), (2, 0, 0), (0, 4, 0), (0, 0, 6)]\n    int[] faceVertexCounts = [3, 3, 3, "
         "3]\n"
         "    int[] faceVertexIndices = [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]\n" +
         more + "}\n";
}

TEST(Colliders, AreBoundedByBoxesAndSpheres) {
  const std::string turned =
      "    double3 xformOp:translate = (1, 1, 1)\n    double3 xformOp:scale = (2, 1, 1)\n"
      "    uniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:scale\"]\n";
  const Shape box = read(header() + mesh("    token physics:approximation = \"boundingCube\"\n" + turned)).shapes.at(0);
  EXPECT_EQ(std::get<Box>(box.geometry).size, (Vec3d{4, 4, 6}));
  EXPECT_EQ(box.X_BS.p, (Vec3d{3, 3, 4}));
  const Shape ball = read(header() + mesh("    token physics:approximation = \"boundingSphere\"\n")).shapes.at(0);
  EXPECT_NEAR(std::get<Sphere>(ball.geometry).radius, std::sqrt(1 + 4 + 9), 1e-15);
  EXPECT_EQ(ball.X_BS.p, (Vec3d{1, 2, 3}));
}

TEST(Meshes, LeaveOutHolesAndTurnLeftHandedFaces) {
  const Scene holed = read(header() + mesh("    int[] holeIndices = [1, 3]\n"));
  EXPECT_EQ(holed.meshes.at(0).triangles.size(), 2u);
  const Scene left = read(header() + mesh("    uniform token orientation = \"leftHanded\"\n"));
  EXPECT_EQ(left.meshes.at(0).triangles.at(0), (std::array<std::uint32_t, 3>{0, 1, 2}));
}

// Links of an articulation without self-collisions, though no joint joins a with c; merged groups are one.
TEST(Filters, ExcludeArticulationsAndMergedGroups) {
  const auto body = [](const std::string& name) {
    return "def Cube \"" + name +
           "\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsCollisionAPI\"]\n)\n{\n}\n";
  };
  const std::string bodies = body("a") + body("b") + body("c") + body("d");
  const auto joint = [](const std::string& x, const std::string& y) {
    return "def PhysicsRevoluteJoint \"" + x + y + "\"\n{\n    rel physics:body0 = </" + x +
           ">\n    rel physics:body1 = </" + y + ">\n}\n";
  };
  std::string touching = header() + bodies + joint("a", "b") + joint("b", "c");
  touching.insert(touching.find("PhysicsRigidBodyAPI") - 1, "\"PhysicsArticulationRootAPI\", ");
  std::string apart = touching;
  apart.insert(apart.find("{\n}", apart.find("\"a\"")) + 2, "    bool physxArticulation:enabledSelfCollisions = 0\n");
  EXPECT_TRUE(read(touching).collision_exclusions.empty());
  EXPECT_EQ(read(apart).collision_exclusions.size(), 3u);
  const auto group = [](const std::string& name, const std::string& member, const std::string& more) {
    return "def PhysicsCollisionGroup \"" + name +
           "\" (\n    prepend apiSchemas = [\"CollectionAPI:colliders\"]\n)\n{\n"
           "    rel collection:colliders:includes = </" +
           member + ">\n" + more + "}\n";
  };
  const std::string one = "    string physics:mergeGroup = \"one\"\n";
  const Scene merged = read(header() + bodies + group("g", "a", one + "    rel physics:filteredGroups = </other>\n") +
                            group("h", "b", one) + group("other", "c", ""));
  const std::vector<std::pair<BodyId, BodyId>> expected = {{BodyId{0}, BodyId{2}}, {BodyId{1}, BodyId{2}}};
  EXPECT_EQ(merged.collision_exclusions, expected);
}

TEST(Findings, SayWhatOfOtherEnginesIsNotRead) {
  Diagnostics d;
  read(header() +
           "def MjcActuator \"a\"\n{\n}\ndef PortalLight \"sun\"\n{\n}\ndef Xform \"b\" (\n    prepend apiSchemas = "
           "[\"PhysicsRigidBodyAPI\"]\n)\n{\n    float physxRigidBody:linearDamping = 0.5\n}\n",
       d);
  EXPECT_EQ(
      std::count_if(d.findings().begin(), d.findings().end(), [](const Finding& f) { return f.code == "not-read"; }),
      3);
}

// A generic joint that no one type is: the bodies stand where the angles and ways of the chain say.
TEST(GenericJoint, BecomesJointsOneBehindAnother) {
  const auto lock = [](const char* axis) {
    return std::string("    float limit:") + axis + ":physics:low = 1\n    float limit:" + axis +
           ":physics:high = -1\n";
  };
  const double a = 0.3, b = -0.5;  // Rx(a) Ry(b), behind 0.25 along x
  const Quatd R = Quatd{std::cos(a / 2), std::sin(a / 2), 0, 0} * Quatd{std::cos(b / 2), 0, std::sin(b / 2), 0};
  const auto number = [](double x) { return std::to_string(x); };
  std::string apis;
  for (const char* axis : {"transY", "transZ", "rotZ", "rotY"})
    apis += std::string(apis.empty() ? "" : ", ") + "\"PhysicsLimitAPI:" + axis + "\"";
  Diagnostics d;
  const Scene s = read(
      header() +
          "def Xform \"p\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n)\n{\n    float "
          "physics:mass = 1\n}\n"
          "def Xform \"c\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n)\n{\n    float "
          "physics:mass = 1\n"
          "    double3 xformOp:translate = (0.25, 0, 0)\n    quatd xformOp:orient = (" +
          number(R.w) + ", " + number(R.x) + ", " + number(R.y) + ", " + number(R.z) +
          ")\n    uniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:orient\"]\n}\n"
          "def PhysicsJoint \"j\" (\n    prepend apiSchemas = [" +
          apis + ", \"PhysicsDriveAPI:rotX\"]\n)\n{\n    rel physics:body0 = </p>\n    rel physics:body1 = </c>\n" +
          lock("transY") + lock("transZ") + lock("rotZ") +
          "    float limit:rotY:physics:low = -45\n    float limit:rotY:physics:high = 90\n"
          "    float drive:rotX:physics:stiffness = 2\n    float physics:breakForce = 7\n}\n",
      d);
  EXPECT_TRUE(d.has("joint-chain")) << d.text();
  ASSERT_EQ(s.joints.size(), 3u);
  ASSERT_EQ(s.bodies.size(), 4u);
  EXPECT_EQ(s.joints[0].path, "/j/transX");
  EXPECT_EQ(s.joints[0].type, JointType::kPrismatic);
  EXPECT_EQ(s.joints[1].type, JointType::kRevolute);
  EXPECT_EQ(s.joints[1].axis, (Vec3d{1, 0, 0}));
  EXPECT_EQ(s.joints[2].axis, (Vec3d{0, 1, 0}));
  EXPECT_NEAR(s.joints[1].drive.stiffness, 2 * 180 / pi, 1e-12);
  EXPECT_NEAR(s.joints[2].lower, -pi / 4, 1e-12);
  EXPECT_NEAR(s.joints[2].upper, pi / 2, 1e-12);
  EXPECT_TRUE(std::isinf(s.joints[0].break_force));
  EXPECT_EQ(s.joints[2].break_force, 7);
  ASSERT_EQ(s.collision_exclusions.size(), 1u);
  EXPECT_EQ(s.collision_exclusions[0], (std::pair{BodyId{0}, BodyId{1}}));
  // Six digits of the quaternion were written.
  const Transformd one = transform(s.bodies[2].X_WB), two = transform(s.bodies[3].X_WB),
                   c = transform(s.bodies[1].X_WB);
  EXPECT_NEAR(norm(one.p - Vec3d{0.25, 0, 0}), 0, 1e-15);
  EXPECT_NEAR(angle_between(quaternion(one.R), Quatd{}), 0, 1e-15);
  EXPECT_NEAR(angle_between(quaternion(two.R), Quatd{std::cos(a / 2), std::sin(a / 2), 0, 0}), 0, 3e-6);
  EXPECT_NEAR(
      angle_between(conjugate(quaternion(two.R)) * quaternion(c.R), Quatd{std::cos(b / 2), 0, std::sin(b / 2), 0}), 0,
      3e-6);
}

}  // namespace
}  // namespace geoul::scene
