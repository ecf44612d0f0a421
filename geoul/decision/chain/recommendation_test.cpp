#include "geoul/decision/chain/recommendation.h"

#include <gtest/gtest.h>

#include <limits>

namespace geoul::decision::chain {
namespace {

Recommendation some() {
  Recommendation r;
  r.id = "c1", r.action = "open valve 2 to 40 %", r.reason = "the tank would overflow in 9 min";
  r.made = Time::from_seconds(100), r.futures = 200, r.uncertainty = "the inflow is estimated, not measured";
  r.data = {{"tank/level", Time::from_seconds(97), "3.1 m", 0.02}};
  r.consequences = {{"level", "m", 2.4, 2.2, 2.6, 0.95, Duration::from_seconds(600)}};
  r.alternatives = {
      {"do nothing", {{"level", "m", 4.1, 3.9, 4.3, 0.95, Duration::from_seconds(600)}}, true, "it overflows"}};
  return r;
}

TEST(Recommendation, SaysDataPredictionUncertaintyAndAlternatives) {
  Diagnostics diagnostics;
  check(some(), diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  const std::string text = words(some(), Time::from_seconds(102));
  for (const char* part :
       {"open valve 2", "because the tank", "2.4 m in 600 s (95 % within 2.2 to 2.6)", "200 futures",
        "inflow is estimated", "tank/level = 3.1 m +- 0.02, 5 s old", "rejected: do nothing, because it"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(oldest_data(some(), Time::from_seconds(102)).ns, 5'000'000'000);
}

TEST(Recommendation, WhatLacksABoundIsNotShown) {
  const auto codes = [](void (*spoil)(Recommendation&)) {
    Recommendation r = some();
    spoil(r);
    Diagnostics diagnostics;
    check(r, diagnostics);
    return diagnostics.findings().empty() ? std::string() : diagnostics.findings()[0].code;
  };
  EXPECT_EQ(codes([](Recommendation& r) { r.data.clear(); }), "no-data");
  EXPECT_EQ(codes([](Recommendation& r) { r.data[0].newest = Time::from_seconds(101); }), "future-data");
  EXPECT_EQ(codes([](Recommendation& r) { r.data[0].deviation = -1; }), "no-spread");
  EXPECT_EQ(codes([](Recommendation& r) { r.consequences.clear(); }), "no-consequence");
  EXPECT_EQ(codes([](Recommendation& r) { r.consequences[0].low = 2.5; }), "no-spread");
  EXPECT_EQ(codes([](Recommendation& r) { r.consequences[0].high = std::numeric_limits<double>::infinity(); }),
            "no-spread");
  EXPECT_EQ(codes([](Recommendation& r) { r.consequences[0].expected = std::numeric_limits<double>::quiet_NaN(); }),
            "no-spread");
  EXPECT_EQ(codes([](Recommendation& r) { r.consequences[0].confidence = 0; }), "no-confidence");
  EXPECT_EQ(codes([](Recommendation& r) { r.uncertainty.clear(); }), "no-uncertainty");
  EXPECT_EQ(codes([](Recommendation& r) { r.alternatives.clear(); }), "no-alternative");
  EXPECT_EQ(codes([](Recommendation& r) { r.alternatives[0].why.clear(); }), "no-why");
}

TEST(Recommendation, JsonIsWhatItSays) {
  Recommendation r = some();
  r.reason = "a \"quote\",\na line and a \\";
  r.alternatives[0].consequences[0].high = std::numeric_limits<double>::infinity();
  EXPECT_EQ(
      to_json(r),
      R"({"id":"c1","action":"open valve 2 to 40 %","reason":"a \"quote\",\u000aa line and a \\",)"
      R"("made_ns":100000000000,"uncertainty":"the inflow is estimated, not measured","futures":200,)"
      R"("data":[{"signal":"tank/level","newest_ns":97000000000,"value":"3.1 m","deviation":0.02}],)"
      R"("consequences":[{"quantity":"level","unit":"m","expected":2.4,"low":2.2,"high":2.6,"confidence":0.95,"ahead_s":600}],)"
      R"("alternatives":[{"action":"do nothing","rejected":true,"why":"it overflows",)"
      R"("consequences":[{"quantity":"level","unit":"m","expected":4.1,"low":3.9,"high":null,"confidence":0.95,"ahead_s":600}]}]})");
}

}  // namespace
}  // namespace geoul::decision::chain
