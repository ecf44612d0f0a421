// Every finding on a minimal bad file, and silence on its good neighbour: testdata/doctor/{bad,good}/CODE.ENDING.
#include "geoul/runtime/check.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;

const fs::path kData = fs::path(GEOUL_SOURCE_DIR) / "geoul/runtime/testdata/doctor";

std::vector<fs::path> cases() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(kData / "bad")) {
    if (entry.is_regular_file()) out.push_back(entry.path().filename());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string text(const CheckedFile& file) {
  std::string out;
  for (const CheckedFinding& f : file.findings) out += to_string(f.finding) + " [" + f.finding.code + "]\n";
  return out;
}

class Sandbox : public testing::Test {
 protected:
  Sandbox() { fs::create_directories(folder); }
  ~Sandbox() override { fs::remove_all(folder); }
  std::string write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << content;
    return (folder / name).string();
  }
  fs::path folder = fs::temp_directory_path() / ("geoul_check_test_" + std::to_string(::getpid()));
};

TEST(Check, FindsEachFaultInItsBadFileAndNothingInItsGoodNeighbour) {
  ASSERT_GE(cases().size(), 29u);
  for (const fs::path& name : cases()) {
    const std::string code = name.stem();
    const CheckedFile bad = check_file((kData / "bad" / name).string());
    EXPECT_TRUE(bad.has(code)) << name << "\n" << text(bad);
    for (const CheckedFinding& f : bad.findings) {
      EXPECT_FALSE(f.finding.code == code && (f.finding.message.empty() || f.finding.mend.empty())) << name;
    }
    const CheckedFile good = check_file((kData / "good" / name).string());
    EXPECT_TRUE(good.ok && good.count(Severity::kWarning) == 0 && !good.has(code)) << name << "\n" << text(good);
  }
}

TEST(Check, EveryOwnCodeOfTheDoctorHasACase) {
  const std::set<std::string> elsewhere = {"duplicate-path", "zero-size", "mesh-huge",
                                           "unused-mesh"};  // doctor_test.cpp
  std::set<std::string> tested = elsewhere;
  for (const fs::path& name : cases()) tested.insert(name.stem());
  std::ifstream stream(fs::path(GEOUL_SOURCE_DIR) / "geoul/scene/doctor/codes.cpp");
  std::string line;
  int own = 0;
  while (std::getline(stream, line)) {
    const std::size_t at = line.find("{{\"");
    if (at == std::string::npos) continue;
    const std::string code = line.substr(at + 3, line.find('"', at + 3) - at - 3);
    if (!scene::doctor::is_own(code)) continue;
    ++own;
    EXPECT_TRUE(tested.contains(code)) << code << " has no test";
  }
  EXPECT_GE(own, 25);
}

TEST_F(Sandbox, WhatIsMendedPassesTheCheck) {
  int mended = 0;
  for (const fs::path& name : cases()) {
    const std::string code = name.stem();
    const scene::doctor::Code* known = scene::doctor::find_code(code);
    if (!known || known->remedy == scene::doctor::Remedy::kByHand) continue;
    const std::string out = (folder / (code + ".usda")).string();
    Diagnostics diagnostics;
    const auto result = mend_file((kData / "bad" / name).string(), out, {code}, {}, diagnostics);
    ASSERT_TRUE(result) << name << ": " << result.error().message;
    ASSERT_FALSE(result->changes.empty()) << name;
    EXPECT_EQ(result->changes[0].code, code);
    EXPECT_FALSE(result->changes[0].words.empty());
    const CheckedFile again = check_file(out);
    EXPECT_FALSE(again.has(code)) << name << "\n" << text(again);
    EXPECT_TRUE(again.ok) << name << "\n" << text(again);
    ++mended;
  }
  EXPECT_GE(mended, 15);
}

// Refused by the reader of MJCF all the same where nobody mends.
TEST_F(Sandbox, ReversedLimitsOfMjcfAreMendedToo) {
  const std::string file = (folder / "reversed.xml").string(), out = (folder / "mended.xml").string();
  std::ofstream(file) << "<mujoco><compiler angle=\"radian\"/><worldbody><body name=\"part\" pos=\"0 0 1\">"
                         "<joint name=\"hinge\" axis=\"0 1 0\" range=\"1 -1\" limited=\"true\"/>"
                         "<geom type=\"box\" size=\"0.05 0.05 0.05\" mass=\"1\"/></body></worldbody></mujoco>";
  const CheckedFile bad = check_file(file);
  EXPECT_FALSE(bad.ok);
  EXPECT_TRUE(bad.has("reversed-limits")) << text(bad);
  EXPECT_EQ(bad.count(Severity::kError), 1u) << text(bad);
  Diagnostics plain, diagnostics;
  EXPECT_FALSE(scene::read_scene(file, plain));
  const auto mended = mend_file(file, out, {}, {}, diagnostics);
  ASSERT_TRUE(mended) << diagnostics.text();
  ASSERT_EQ(mended->changes.size(), 1u);
  EXPECT_EQ(mended->changes[0].code, "reversed-limits");
  const auto again = scene::read_scene(out, diagnostics);
  ASSERT_TRUE(again) << diagnostics.text();
  ASSERT_EQ(again->joints.size(), 1u);
  EXPECT_EQ(again->joints[0].lower, -1);
  EXPECT_EQ(again->joints[0].upper, 1);
}

TEST_F(Sandbox, AMendNobodyAskedForIsNotMade) {
  Diagnostics diagnostics;
  const std::string out = (folder / "out.usda").string();
  const auto guess = mend_file((kData / "bad/millimetres.urdf").string(), out, {}, {}, diagnostics);
  ASSERT_TRUE(guess);
  EXPECT_TRUE(guess->changes.empty() && guess->out.empty() && !fs::exists(out));
  EXPECT_FALSE(mend_file((kData / "bad/too-dense.urdf").string(), out, {"too-dense"}, {}, diagnostics));
  EXPECT_FALSE(mend_file((kData / "bad/degrees.urdf").string(), out, {"degreees"}, {}, diagnostics));
  EXPECT_FALSE(mend_file((kData / "bad/degrees.urdf").string(), (folder / "out.txt").string(), {}, {}, diagnostics));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(Sandbox, AFolderGivesTheSameForAnyNumberOfThreads) {
  CheckOptions one, four;
  one.threads = 1, four.threads = 4;
  const auto a = check_folder(kData.string(), one, {}), b = check_folder(kData.string(), four, {});
  ASSERT_TRUE(a && b);
  EXPECT_EQ(to_json(a->files, a->parts), to_json(b->files, b->parts));
  EXPECT_TRUE(std::is_sorted(a->files.begin(), a->files.end(), [](const CheckedFile& x, const CheckedFile& y) {
    return fs::path(x.file) < fs::path(y.file);
  }));
  EXPECT_FALSE(check_folder((folder / "nowhere").string(), one, {}));
  EXPECT_FALSE(check_folder(folder.string(), one, {}));
}

TEST_F(Sandbox, PartsOfOtherFilesAreNotReportedTwice) {
  const std::string cube = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n";
  write("meshes/used.obj", cube);
  write("meshes/lone.obj", cube);
  write("arm.urdf",
        "<robot name='arm'><link name='a'><collision><geometry><mesh filename='package://pack/meshes/used.obj'/>"
        "</geometry></collision></link></robot>");
  write("robot.xml", "<mujoco><worldbody><body><geom size='1'/><joint/></body></worldbody></mujoco>");
  write("scene.xml", "<mujoco><include file='robot.xml'/></mujoco>");
  write("other.xml", "<package><name>no scene</name></package>");
  write(".hidden/x.urdf", "<robot/>");
  std::vector<double> fractions;
  const auto found = check_folder(folder.string(), {}, [&](double f, const std::string&) { fractions.push_back(f); });
  ASSERT_TRUE(found);
  std::vector<std::string> names;
  for (const CheckedFile& file : found->files) names.push_back(fs::path(file.file).filename());
  EXPECT_EQ(names, (std::vector<std::string>{"arm.urdf", "lone.obj", "scene.xml"}));
  EXPECT_EQ(found->parts.size(), 2u);
  EXPECT_EQ(fractions.size(), 5u);
  EXPECT_EQ(fractions.back(), 1);
}

// A file of a kind without units that is large for a part; the same mesh in a scene of its own is the author's affair.
TEST_F(Sandbox, AMeshFileInMillimetresIsSaidAndMended) {
  const auto tetrahedron = [](int size) {
    const std::string s = std::to_string(size);
    return "v 0 0 0\nv " + s + " 0 0\nv 0 " + s + " 0\nv 0 0 " + s + "\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n";
  };
  const std::string part = write("part.obj", tetrahedron(200));
  EXPECT_TRUE(check_file(part).has("mesh-millimetres"));
  EXPECT_FALSE(check_file(write("small.obj", tetrahedron(1))).has("mesh-millimetres"));
  const std::string scene = write("scene.xml",
                                  "<mujoco><asset><mesh name='m' file='part.obj'/></asset><worldbody>"
                                  "<geom type='mesh' mesh='m'/></worldbody></mujoco>");
  EXPECT_FALSE(check_file(scene).has("mesh-millimetres"));
  Diagnostics diagnostics;
  const auto mended = mend_file(part, (folder / "part.usda").string(), {"mesh-millimetres"}, {}, diagnostics);
  ASSERT_TRUE(mended);
  EXPECT_TRUE(mended->after->findings.empty()) << text(*mended->after);
}

TEST(Check, JsonHoldsWhatItsSchemaSays) {
  const CheckedFile file = check_file((kData / "bad/bad-inertia.urdf").string());
  const auto json = nlohmann::json::parse(to_json({file}));
  const auto& item = json.at("files").at(0);
  EXPECT_EQ(item.at("ok"), false);
  EXPECT_EQ(item.at("errors"), 1);
  const auto& finding = item.at("findings").at(0);
  EXPECT_EQ(finding.at("severity"), "error");
  EXPECT_EQ(finding.at("code"), "bad-inertia");
  EXPECT_EQ(finding.at("line"), 3);
  EXPECT_EQ(finding.at("path"), "/arm/part");
  EXPECT_EQ(finding.at("remedy"), "automatic");
  for (const char* key : {"file", "message", "why", "mend"})
    EXPECT_FALSE(finding.at(key).get<std::string>().empty()) << key;
}

// A box in the floor is not mended by letting it fall through.
TEST_F(Sandbox, OnlyOverlapsOfOneMechanismMayBeExcluded) {
  const CheckedFile arm = check_file((kData / "bad/deep-overlap.xml").string());
  ASSERT_EQ(arm.findings.size(), 1u);
  EXPECT_EQ(arm.findings[0].mending, Mending::kOnRequest);
  const std::string box = write("box.xml",
                                "<mujoco><worldbody><geom type='plane' size='1 1 1'/><body pos='0 0 0.05'><freejoint/>"
                                "<geom type='box' size='0.1 0.1 0.1' mass='1'/></body></worldbody></mujoco>");
  const CheckedFile sunk = check_file(box);
  ASSERT_TRUE(sunk.has("deep-overlap")) << text(sunk);
  for (const CheckedFinding& f : sunk.findings) EXPECT_EQ(f.mending, Mending::kByHand) << f.finding.code;
}

TEST(Check, IgnoresTheCodesItIsTold) {
  CheckOptions options;
  options.ignore = {"bad-inertia"};
  EXPECT_TRUE(check_file((kData / "bad/bad-inertia.urdf").string(), options).findings.empty());
}

// Robots whose files hold inertias that no solid has: refused by `geoul sim`, read and mended here.
TEST_F(Sandbox, MendsRealRobotsThatAreRefused) {
  const fs::path robots = fs::path(GEOUL_SOURCE_DIR) / "../shared/data/urdf/example_robot_data/robots";
  if (!fs::exists(robots)) GTEST_SKIP() << "../shared/data is absent";
  for (const char* name :
       {"tiago_description/robots/tiago.urdf", "icub_description/robots/icub.urdf",
        "romeo_description/urdf/romeo_small.urdf", "allegro_hand_description/urdf/allegro_left_hand.urdf"}) {
    const std::string out = (folder / "mended.usda").string();
    const std::string file = (robots / name).string();
    Diagnostics diagnostics;
    const auto mended = mend_file(file, out, {}, {}, diagnostics);
    ASSERT_TRUE(mended) << name << ": " << mended.error().message;
    EXPECT_TRUE(mended->after->ok) << name << "\n" << text(*mended->after);
    EXPECT_FALSE(mended->after->has("bad-inertia")) << name;
  }
}

}  // namespace
}  // namespace geoul::runtime
