#include "geoul/runtime/site_draft.h"

#include <gtest/gtest.h>

#include "geoul/runtime/bindings.h"
#include "geoul/runtime/jobs.h"

namespace geoul::runtime {
namespace {

std::vector<link::OfferedSignal> numbered(std::initializer_list<const char*> families, int first, const char* unit) {
  std::vector<link::OfferedSignal> out;
  for (const char* family : families) {
    for (int i = first; i < first + 6; ++i) {
      std::string name = family;
      name.replace(name.find('#'), 1, std::to_string(i));
      out.push_back({name, link::ValueType::kDouble, unit, "", false, "0.5"});
    }
  }
  return out;
}

struct Drafted {
  SiteDraft draft;
  std::optional<Site> site;
  Diagnostics diagnostics;
};

Drafted draft(const std::vector<link::OfferedSignal>& offered) {
  Drafted out;
  static const std::optional<Twin> twin = [] {
    Diagnostics diagnostics;
    return load_twin(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda", diagnostics);
  }();
  LinkSpec link;
  link.url = "rtde://127.0.0.1";
  out.draft = draft_site(*twin, "cell.usda", link, offered);
  out.site = parse_site(out.draft.text, GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/draft.yaml", out.diagnostics);
  if (out.site) {
    EXPECT_TRUE(bind(*out.site, *twin, Feed::kLive, out.diagnostics)) << out.diagnostics.text();
  }
  return out;
}

TEST(SiteDraft, BindsARobotsControllerByNumbers) {
  const Drafted d = draft(numbered({"target_q_#", "actual_q_#", "actual_qd_#", "actual_current_#", "actual_TCP_pose_#",
                                    "joint_temperatures_#", "target_moment_#"},
                                   0, ""));
  ASSERT_TRUE(d.site) << d.diagnostics.text() << d.draft.text;
  ASSERT_EQ(d.site->joints.size(), 6u);
  EXPECT_EQ(d.site->joints[2].joint.path, "/Cell/UR3e/Joints/elbow");
  EXPECT_EQ(d.site->joints[2].position.column, "actual_q_2");
  EXPECT_EQ(d.site->joints[2].velocity->column, "actual_qd_2");
  EXPECT_EQ(d.site->joints[2].current->column, "actual_current_2");
  EXPECT_EQ(d.draft.summary, "6 of 6 joints bound to 18 of 42 signals");
  EXPECT_NE(d.draft.text.find("#   plant/actual_TCP_pose_3"), std::string::npos);
}

TEST(SiteDraft, BindsByTheJointsOwnNamesAndKeepsUnits) {
  std::vector<link::OfferedSignal> offered;
  for (const char* joint : {"wrist_3", "wrist_2", "wrist_1", "elbow", "shoulder_lift", "shoulder_pan"}) {
    offered.push_back(
        {"cell/ur3e/" + std::string(joint) + "/ActualPosition", link::ValueType::kDouble, "deg", "", false, ""});
  }
  const Drafted d = draft(offered);
  ASSERT_TRUE(d.site) << d.diagnostics.text() << d.draft.text;
  ASSERT_EQ(d.site->joints.size(), 6u);
  EXPECT_EQ(d.site->joints[0].position.column, "cell/ur3e/shoulder_pan/ActualPosition");
  EXPECT_FALSE(d.site->joints[0].velocity);
  ASSERT_EQ(d.site->links[0].signals.size(), 6u);
  EXPECT_NEAR(d.site->links[0].signals[0].unit.to_si(180), 3.14159265, 1e-8);
}

TEST(SiteDraft, LeavesOpenWhatDoesNotFit) {
  const Drafted d = draft({{"line/speed of \"belt\"\n", link::ValueType::kDouble, "m/min", "", false, "3"},
                           {"line/name", link::ValueType::kText, "", "", false, "a\nb"}});
  EXPECT_FALSE(d.site);  // nothing is bound: a person must decide
  EXPECT_TRUE(d.diagnostics.has("bad-value")) << d.diagnostics.text();
  EXPECT_NE(d.draft.text.find("# - joint: \"/Cell/UR3e/Joints/elbow\""), std::string::npos) << d.draft.text;
  EXPECT_EQ(d.draft.summary, "0 of 6 joints bound to 0 of 2 signals");
}

TEST(SiteDraft, ReadsMeaningsFromNamesAndUnits) {
  EXPECT_EQ(meaning_of("ns=2;s=Axis1.ActualPosition", "deg"), Meaning::kPosition);
  EXPECT_EQ(meaning_of("Axis1.ActualSpeed", "rad/s"), Meaning::kVelocity);
  EXPECT_EQ(meaning_of("Axis1.ActualSpeed", "%"), Meaning::kVelocity);  // a bare number
  EXPECT_EQ(meaning_of("Axis1.ActualPosition", "bar"), Meaning::kNone);
  EXPECT_EQ(meaning_of("motor1/current", "A"), Meaning::kCurrent);
  EXPECT_EQ(meaning_of("MotorTemperature", "degC"), Meaning::kNone);
}

TEST(SiteDraft, InitWritesNothingOverAFile) {
  SiteInitOptions options;
  options.scene = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda";
  options.plant.url = "csv:" GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv";
  options.out = GEOUL_SOURCE_DIR "/README.md";
  Diagnostics diagnostics;
  const Result<std::string> done = init_site(options, diagnostics);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("--force"), std::string::npos);
}

}  // namespace
}  // namespace geoul::runtime
