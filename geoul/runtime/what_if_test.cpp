// The job "what if" on the UR3e cell: what is physically sure of its answers, and what it says of bad words.
#include "geoul/runtime/what_if.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace geoul::runtime {
namespace {

WhatIfOptions cell(std::vector<std::string> questions) {
  WhatIfOptions out;
  out.scene = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda";
  out.questions = std::move(questions);
  out.seconds = 1;
  out.draws = 8;
  out.threads = 1;
  return out;
}

WhatIfAnswer ask(const WhatIfOptions& options) {
  Diagnostics diagnostics;
  Result<WhatIfAnswer> out = what_if(options, {}, diagnostics);
  EXPECT_TRUE(out) << (out ? "" : out.error().message) << diagnostics.text();
  return out ? std::move(out).value() : WhatIfAnswer{};
}

const WhatIfRow& row(const WhatIfAnswer& answer, const std::string& condition, const std::string& action) {
  const auto at = std::find_if(answer.rows.begin(), answer.rows.end(),
                               [&](const WhatIfRow& r) { return r.condition == condition && r.action == action; });
  EXPECT_NE(at, answer.rows.end()) << condition << " " << action;
  return *at;
}

TEST(WhatIf, PayloadTakesMoreEffortAndSlowerTakesMoreTime) {
  WhatIfOptions options = cell({"payload 3 kg", "friction 2 N.m"});
  options.to = {"elbow=1.9rad", "shoulder_pan=20deg"};
  options.seconds = 6;
  const WhatIfAnswer answer = ask(options);
  EXPECT_EQ(answer.rows.size(), 12u);  // three actions; as it is, two questions, and both
  for (const char* action : {"move", "move x1.5 time", "move x2 time"}) {
    EXPECT_GT(row(answer, "payload 3 kg", action).effort_share.median,
              row(answer, "as it is", action).effort_share.median);
    EXPECT_GT(row(answer, "all together", action).following_error.median,
              row(answer, "as it is", action).following_error.median);
  }
  EXPECT_GT(row(answer, "as it is", "move x2 time").time.median, 1.9 * row(answer, "as it is", "move").time.low);
  EXPECT_GT(row(answer, "friction 2 N.m", "move").energy.median, row(answer, "as it is", "move").energy.median + 1);
  ASSERT_EQ(answer.understood.size(), 2u);
  EXPECT_NE(answer.understood[0].find("payload 3 kg on /Cell/"), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(to_json(answer));
  EXPECT_EQ(json["rows"].size(), 12u);
  EXPECT_NE(to_text(answer).find("payload 3 kg"), std::string::npos);
}

TEST(WhatIf, AnswersAreTheSameForAnyNumberOfThreads) {
  WhatIfOptions options = cell({"payload 1 to 3 kg"});
  const std::string one = to_json(ask(options));
  options.threads = 3;
  EXPECT_EQ(to_json(ask(options)), one);
  options.seed = 2;
  EXPECT_NE(to_json(ask(options)), one);
}

TEST(WhatIf, PlotsAreWritten) {
  WhatIfOptions options = cell({"payload 1 to 3 kg"});
  options.plots = std::filesystem::temp_directory_path() / "geoul_what_if_test";
  const WhatIfAnswer answer = ask(options);
  ASSERT_EQ(answer.plots.size(), 1u);
  std::ifstream file(answer.plots[0]);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(text.find("</svg>"), std::string::npos);
  EXPECT_NE(text.find("payload 1 to 3 kg"), std::string::npos);
  std::filesystem::remove_all(options.plots);
}

TEST(WhatIf, BadWordsAreAnsweredWithWhatCanBeAsked) {
  const auto says = [](const WhatIfOptions& options, const char* what) {
    Diagnostics diagnostics;
    const Result<WhatIfAnswer> out = what_if(options, {}, diagnostics);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, ErrorCode::kBadInput);
    EXPECT_NE(out.error().message.find(what), std::string::npos) << out.error().message;
  };
  says(cell({"payload 3 apples"}), "What can be asked:");
  says(cell({"conveyor 20 % faster"}), "nothing in the scene runs at a speed of its drive");
  says(cell({"joint shoulder friction x2"}), "may be shoulder_pan, shoulder_lift");
  WhatIfOptions options = cell({});
  options.to = {"elbow=1.9furlong"};
  says(options, "the unit 'furlong' is not known");
  options.to = {"elbow"};
  says(options, "write JOINT=0.5");
  options = cell({});
  options.seconds = 1e9;
  says(options, "--seconds");
  options = cell({});
  options.scene = "nowhere.usda";
  Diagnostics diagnostics;
  EXPECT_FALSE(what_if(options, {}, diagnostics));
}

}  // namespace
}  // namespace geoul::runtime
