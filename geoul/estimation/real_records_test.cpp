// The log of a real Panda: identified on its first half, judged on its second. bench/figures estimation has the
// figures.
#include <gtest/gtest.h>

#include "geoul/estimation/test_records.h"
#include "geoul/estimation/torque_model.h"

namespace geoul::estimation {
namespace {

TEST(PandaLog, TorqueOfTheSecondHalfIsPredictedFromTheFirst) {
  const auto first = panda_log(GEOUL_SOURCE_DIR, 0, 0.5);
  if (!first) GTEST_SKIP() << "../shared/data/panda_log is not on this machine";
  Diagnostics diagnostics;
  check_record(*first, diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  const scene::Scene scene = panda_arm(GEOUL_SOURCE_DIR);
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  const auto motions = regular_motion(*first, kPandaClock);
  // What cross-validation on the first half chooses (bench/figures estimation repeats the choice).
  FrictionShape shape;
  shape.lengths = {0.003, 0.3};
  const Layout layout = make_layout(model, columns, shape);
  const SeriesRows rows = identification_rows(model, columns, layout, motions, usual_rows(1e-3));
  const Fit fit = fit_physical(rows, layout, prior_of(model, layout), {3});
  EXPECT_TRUE(fit.converged);
  for (int l = 0; l < 7; ++l) EXPECT_GT(consistency(fit.p.segment<kLinkParameters>(kLinkParameters * l)), 0);

  const auto second = panda_log(GEOUL_SOURCE_DIR, 0.5, 1);
  const auto judged = regular_motion(*second, kPandaClock);
  ASSERT_EQ(judged.size(), 1u);
  const TorqueModel predictor = make_torque_model(model, columns, fit);
  const RowMatrix e = second->tau - at_rows(predict(predictor, judged[0]), judged[0]);
  EXPECT_LT(root_mean_square(box_filtered(box_filtered(e, 30), 30)).mean(), 0.15);
  EXPECT_LT(root_mean_square(e).mean(), 0.459);  // published model: 0.58 1.06 0.58 0.61 0.16 0.15 0.07
}

}  // namespace
}  // namespace geoul::estimation
