#include "geoul/runtime/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "geoul/runtime/current_fit.h"
#include "geoul/runtime/svg_plot.h"

namespace geoul::runtime {
namespace {

TEST(Report, IsNotOkWhereAFigureIsBeyondItsBoundOrNotANumber) {
  Report report;
  report.add("error", 1, "mm", 1);
  report.add("reported", 1e9, "mm");
  EXPECT_TRUE(report.ok());
  report.add("too much", 1.01, "mm", 1);
  report.add("nothing", std::nan(""), "mm", 1);
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(report.missed(), 2u);
}

TEST(Report, IsWrittenAsATableAndAsJson) {
  Report report;
  report.title = "t";
  report.add("error \"x\"", 0.5, "mm", 1, "n");
  report.add("weld", 2.2e-16, "m");
  report.tables.push_back({"by joint", {"RMSE"}, {{"elbow", {0.25}}, {"none", {std::nan("")}}}});
  const std::string text = to_text(report);
  EXPECT_NE(text.find("ok  error \"x\""), std::string::npos) << text;
  EXPECT_NE(text.find("2.20e-16"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["lines"][0]["name"], "error \"x\"");
  EXPECT_EQ(json["lines"][1]["bound"], nullptr);
  EXPECT_EQ(json["tables"][0]["rows"][1]["values"][0], nullptr);
}

TEST(ShortNumber, KeepsFourDigits) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(12.3456), "12.35");
  EXPECT_EQ(short_number(-0.01234), "-0.0123");
  EXPECT_EQ(short_number(1.5e-12), "1.50e-12");
  EXPECT_EQ(short_number(86973.4), "86973");
}

TEST(SvgPlot, TicksAreRoundAndCoverTheRange) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(-0.13, 0.12, 4), (std::vector<double>{-0.1, -0.05, 0, 0.05, 0.1}));
  for (const double scale : {1e-9, 1e-3, 1.0, 1e6}) {
    const auto ticks = round_ticks(-1.7 * scale, 2.9 * scale, 4);
    EXPECT_GE(ticks.size(), 3u);
    EXPECT_LE(ticks.size(), 8u);
  }
}

TEST(SvgPlot, DrawsGapsWhereThereIsNoNumberAndEscapesText) {
  Plot plot{"a < b & c",     "",          "t [s]",
            {0, 1, 2, 3, 4}, {{0, "L0"}}, {{"p", "N.m", {{"s", {1, 2, std::nan(""), 1, 2}}}}}};
  const std::string svg = to_svg(plot);
  EXPECT_NE(svg.find("a &lt; b &amp; c"), std::string::npos);
  std::size_t lines = 0;
  for (std::size_t at = svg.find("<polyline"); at != std::string::npos; at = svg.find("<polyline", at + 1)) ++lines;
  EXPECT_EQ(lines, 2u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

// Currents made with known constants, and a disturbance that the three regressors do not see on average.
TEST(CurrentFit, FindsTheConstantsThatMadeTheCurrents) {
  std::vector<double> tau, v, current;
  for (int i = 0; i < 200; ++i) {
    const double t = 0.1 * i;
    tau.push_back(5 * std::sin(t));
    v.push_back(std::cos(0.7 * t));
    current.push_back((tau.back() + 3 * v.back() + 2 * std::tanh(v.back() / 0.02)) / 12);
  }
  const auto model = fit_current(tau, v, current, 0.02);
  ASSERT_TRUE(model);
  EXPECT_NEAR(model->torque_constant(), 12, 1e-9);
  EXPECT_NEAR(model->viscous(), 3, 1e-9);
  EXPECT_NEAR(model->coulomb(), 2, 1e-9);
  EXPECT_LT(model->relative_error, 1e-9);
  EXPECT_NEAR(predict_current(*model, tau[7], v[7]), current[7], 1e-12);
}

TEST(CurrentFit, RefusesWhatDoesNotDetermineTheConstants) {
  const std::vector<double> few(7, 1.0), same(50, 1.0), still(50, 0.0);
  EXPECT_FALSE(fit_current(few, few, few, 0.02));
  EXPECT_FALSE(fit_current(same, same, same, 0.02));
  EXPECT_FALSE(fit_current(same, still, same, 0.02));
}

}  // namespace
}  // namespace geoul::runtime
