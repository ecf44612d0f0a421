// The judges: NAB's published row scores and totals, closed forms, and a search over all thresholds one by one.
#include "geoul/estimation/anomaly/nab_score.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"
#include "geoul/estimation/anomaly/nab_files.h"

namespace geoul::estimation::anomaly {
namespace {

namespace fs = std::filesystem;

const NabProfile kStandard;

NabFile flat(std::size_t rows, std::vector<NabWindow> windows) { return {"flat", std::vector<double>(rows), windows}; }

TEST(NabScore, IsOneAtTheLeftEdgeOfAWindowAndZeroAtItsRightEdge) {
  EXPECT_NEAR(nab_sigmoid(-1), std::tanh(2.5), 1e-15);  // 2 / (1 + exp(-5)) - 1 = tanh(5 / 2)
  EXPECT_EQ(nab_sigmoid(0), 0);
  EXPECT_NEAR(nab_sigmoid(1), -std::tanh(2.5), 1e-15);
  EXPECT_EQ(nab_sigmoid(3.0001), -1);
}

TEST(NabScore, ProbationIsFifteenPercentAndAtMostThatOfFiveThousandRows) {
  EXPECT_EQ(nab_probation(1000), 150u);
  EXPECT_EQ(nab_probation(1882), 282u);
  EXPECT_EQ(nab_probation(22695), 750u);
}

TEST(NabScore, NoAlarmIsZeroAndTheFirstRowOfEveryWindowIsAHundred) {
  NabFile file = flat(1000, {{300, 399}, {700, 799}});
  EXPECT_EQ(nab_normalised(nab_score(file, kStandard, 0.5).score, 2, kStandard), 0);
  file.scores[300] = file.scores[700] = 1;
  file.scores[10] = 1;  // in the probationary period: counts for nothing
  EXPECT_NEAR(nab_normalised(nab_score(file, kStandard, 0.5).score, 2, kStandard), 100, 1e-12);
}

TEST(NabScore, AnAlarmOutsideCostsItsWeightAndLessShortlyAfterAWindow) {
  NabFile file = flat(1000, {{300, 400}});
  file.scores[200] = 1;
  EXPECT_NEAR(nab_score(file, kStandard, 0.5).score, -1 - 0.11, 1e-12);
  file.scores[200] = 0;
  file.scores[410] = 1;  // a tenth of the window behind it: tanh(0.25) of the weight
  EXPECT_NEAR(nab_score(file, kStandard, 0.5).score, -1 - 0.11 * std::tanh(0.25), 1e-12);
  file.scores[410] = 0;
  file.scores[701] = 1;  // more than three widths
  EXPECT_NEAR(nab_score(file, kStandard, 0.5).score, -1 - 0.11, 1e-12);
}

TEST(NabScore, FurtherAlarmsInAWindowChangeNothing) {
  NabFile file = flat(1000, {{300, 399}});
  file.scores[320] = 1;
  const double once = nab_score(file, kStandard, 0.5).score;
  for (std::size_t i = 321; i < 400; ++i) file.scores[i] = 1;
  const NabScore all = nab_score(file, kStandard, 0.5);
  EXPECT_EQ(all.score, once);
  EXPECT_EQ(all.alarms_in, 80u);
  EXPECT_EQ(all.found, 1u);
}

TEST(NabScore, WindowsMustAscendAndLieInTheFile) {
  EXPECT_THROW((void)nab_score(flat(100, {{50, 120}}), kStandard, 0.5), ContractError);
  EXPECT_THROW((void)nab_score(flat(100, {{50, 60}, {55, 70}}), kStandard, 0.5), ContractError);
}

TEST(NabScore, TheBestThresholdIsThatOfASearchOverAllOfThem) {
  Random random(5);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<NabFile> files = {flat(400, {{20, 50}, {100, 140}, {300, 310}}), flat(300, {{200, 230}}), flat(90, {})};
    for (NabFile& file : files) {
      for (double& score : file.scores) score = std::floor(random.uniform() * 50) / 50;  // with ties
    }
    NabOptimum best;
    best.score = -4;  // of no alarm: four windows count, the first one's file lies in probation until row 60
    best.score += 1;
    for (int k = 49; k >= 0; --k) {
      double sum = 0;
      for (const NabFile& file : files) sum += nab_score(file, kStandard, k / 50.0).score;
      if (sum > best.score + 1e-12) best = {k / 50.0, sum};
    }
    const NabOptimum swept = nab_best_threshold(files, kStandard);
    EXPECT_NEAR(swept.score, best.score, 1e-9);
    EXPECT_EQ(swept.threshold, best.threshold);
  }
}

TEST(NabScore, ReproducesThePublishedRowsOfFourDetectors) {
  const fs::path nab = anomaly_data() / "nab";
  if (!fs::exists(nab)) GTEST_SKIP() << "../shared/data/anomaly/nab is absent";
  const std::string name = "machine_temperature_system_failure.csv";
  NabFile file;
  for (const NabSeries& series : read_nab_group(nab, "realKnownCause")) {
    if (series.name.ends_with(name)) file = {series.name, {}, series.windows};
  }
  for (const std::string detector : {"numenta", "random", "windowedGaussian", "null"}) {
    const NabResult published =
        read_nab_result(nab / "results" / detector / "realKnownCause" / (detector + "_" + name));
    file.scores = published.scores;
    for (const auto& [profile, rows] : {std::pair{"standard", &published.standard},
                                        {"reward_low_FP_rate", &published.low_false_positive},
                                        {"reward_low_FN_rate", &published.low_false_negative}}) {
      const double threshold = read_nab_threshold(nab, detector, profile);
      const NabScore ours = nab_score(file, read_nab_profile(nab, profile), threshold);
      ASSERT_EQ(ours.earned.size(), rows->size());
      double worst = 0;
      std::size_t nonzero = 0;
      for (std::size_t i = 0; i < rows->size(); ++i) {
        worst = std::max(worst, std::abs(ours.earned[i] - (*rows)[i]));
        nonzero += (*rows)[i] != 0;
      }
      EXPECT_LT(worst, 1e-11) << detector << " " << profile;  // printed with 12 digits
      EXPECT_GE(nonzero, 4u) << detector << " " << profile;
    }
  }
}

TEST(NabScore, NormalisesThePublishedCorpusScoresToThePublishedTotals) {
  const fs::path nab = anomaly_data() / "nab";
  if (!fs::exists(nab)) GTEST_SKIP() << "../shared/data/anomaly/nab is absent";
  // Scores of config/thresholds.json at 116 windows against results/final_results.json.
  const NabProfile profile = read_nab_profile(nab, "standard");
  EXPECT_NEAR(nab_normalised(46.634450197137596, 116, profile), read_nab_final(nab, "numenta", "standard"), 1e-9);
  EXPECT_NEAR(nab_normalised(57.66075157860638, 116, profile), read_nab_final(nab, "ARTime", "standard"), 1e-9);
  EXPECT_NEAR(nab_normalised(-116, 116, profile), read_nab_final(nab, "null", "standard"), 1e-9);
  const NabProfile low_fn = read_nab_profile(nab, "reward_low_FN_rate");
  EXPECT_NEAR(nab_normalised(26.634450197137568, 116, low_fn), read_nab_final(nab, "numenta", "reward_low_FN_rate"),
              1e-9);
}

}  // namespace
}  // namespace geoul::estimation::anomaly
