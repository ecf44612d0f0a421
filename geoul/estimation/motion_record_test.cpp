#include "geoul/estimation/motion_record.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace geoul::estimation {
namespace {

// One joint swinging at 1 rad/s of angular frequency, 200 rows at 100 Hz.
MotionRecord swing(int rows = 200) {
  MotionRecord record;
  record.names = {"elbow"};
  record.q = record.v = record.tau = RowMatrix::Zero(rows, 1);
  for (int i = 0; i < rows; ++i) {
    const double t = 0.01 * i;
    record.time.push_back(t);
    record.q(i, 0) = std::sin(t);
    record.v(i, 0) = std::cos(t);
    record.tau(i, 0) = 1 + std::sin(t);
  }
  record.where.file = "swing.csv";
  return record;
}

std::string code_of(const MotionRecord& record) {
  Diagnostics diagnostics;
  check_record(record, diagnostics);
  return diagnostics.findings().empty() ? "" : diagnostics.findings().front().code;
}

TEST(MotionRecord, BadInputIsNamed) {
  EXPECT_EQ(code_of(swing()), "");
  EXPECT_EQ(code_of(swing(50)), "too-few-rows");
  MotionRecord record = swing();
  record.tau(17, 0) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(code_of(record), "not-a-number");
  record = swing();
  std::swap(record.time[3], record.time[4]);
  EXPECT_EQ(code_of(record), "time-order");
  record = swing();
  record.q.setConstant(0.3);
  EXPECT_EQ(code_of(record), "still-joint");
  record = swing();
  record.v *= 180 / 3.14159265;
  EXPECT_EQ(code_of(record), "unit-mismatch");
  record = swing();
  record.q *= 180 / 3.14159265;
  EXPECT_EQ(code_of(record), "unit-mismatch");
  record.q *= 10;
  EXPECT_EQ(code_of(record), "implausible");
  record = swing();
  record.tau.setZero();
  EXPECT_EQ(code_of(record), "implausible");
}

TEST(MotionRecord, SlopesOfAParabolaAreExactInTheMiddle) {
  RowMatrix q(41, 1);
  for (int i = 0; i < 41; ++i) q(i, 0) = 3 * (0.1 * i) * (0.1 * i);
  const RowMatrix v = slopes(q, 4, 0.1);
  for (int i = 4; i < 37; ++i) EXPECT_NEAR(v(i, 0), 6 * 0.1 * i, 1e-12);
}

// A reader beside a 1 kHz machine misses some samples and reads some twice: the clock comes back from the motion.
TEST(MotionRecord, ClockComesBackFromTheMotion) {
  MotionRecord record;
  record.names = {"elbow"};
  std::vector<int> truth;
  for (int i = 0, at = 0; i < 1000; ++i) {
    truth.push_back(at);
    at += i % 17 == 3 ? 0 : i % 17 == 4 ? 2 : 1;
  }
  record.q = record.v = record.tau = RowMatrix::Zero(1000, 1);
  for (int i = 0; i < 1000; ++i) {
    const double t = 1e-3 * truth[static_cast<std::size_t>(i)];
    record.time.push_back(1e-3 * i + 2e-4 * ((i * 7) % 3));
    record.q(i, 0) = std::sin(t);
    record.v(i, 0) = std::cos(t);
    record.tau(i, 0) = t;
  }
  const auto parts = regular_motion(record, {1e-3, true, 8, 0.5});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].position, truth);
  for (int i = 0; i < parts[0].size(); ++i) EXPECT_NEAR(parts[0].q(i, 0), std::sin(1e-3 * i), 1e-5);
}

TEST(MotionRecord, PausesPartIt) {
  MotionRecord record = swing(400);
  for (std::size_t i = 200; i < 400; ++i) record.time[i] += 3;
  const auto parts = regular_motion(record, {});
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].first_row, 200);
  EXPECT_EQ(parts[1].size(), 200);
}

TEST(MotionRecord, BoxesOfAStraightLineAreTheLine) {
  RowMatrix line(100, 1);
  for (int i = 0; i < 100; ++i) line(i, 0) = 2 * i;
  const RowMatrix smooth = box_filtered(line, 5);
  EXPECT_NEAR(smooth(50, 0), 100, 1e-12);
  EXPECT_NEAR(smooth(0, 0), 5, 1e-12);
}

}  // namespace
}  // namespace geoul::estimation
