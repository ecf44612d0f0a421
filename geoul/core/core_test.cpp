#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "geoul/core/crc32.h"
#include "geoul/core/diagnostics.h"
#include "geoul/core/parallel.h"
#include "geoul/core/random.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul {
namespace {

TEST(Contract, NamesConditionAndPlace) {
  try {
    GEOUL_EXPECTS(1 == 2);
    FAIL();
  } catch (const ContractError& e) {
    EXPECT_NE(std::string(e.what()).find("core_test.cpp"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("1 == 2"), std::string::npos);
  }
}

TEST(Result, HoldsAValueOrAnErrorAndNeverBoth) {
  const Result<int> good = 3;
  const Result<int> bad = Error{ErrorCode::kNotFound, "no such file"};
  EXPECT_EQ(good.value(), 3);
  EXPECT_THROW(static_cast<void>(good.error()), ContractError);
  EXPECT_EQ(bad.error().message, "no such file");
  EXPECT_THROW(static_cast<void>(bad.value()), ContractError);
}

TEST(Diagnostics, ErrorsSetApartAreKeptAndDoNotCount) {
  Diagnostics d;
  d.set_apart({"reversed-limits"});
  d.error({"arm.urdf", 3, ""}, "reversed-limits", "lower is above upper");
  EXPECT_TRUE(d.ok());
  EXPECT_TRUE(d.has("reversed-limits"));
  EXPECT_EQ(d.findings()[0].severity, Severity::kError);
  d.error({"arm.urdf", 4, ""}, "zero-axis", "the axis has length 0");
  EXPECT_EQ(d.error_count(), 1u);
  EXPECT_NE(d.to_error().message.find("axis"), std::string::npos);
}

TEST(Diagnostics, PrintPlaceSeverityMessageAndMend) {
  Diagnostics d;
  d.error({"arm.urdf", 118, "elbow"}, "zero-axis", "axis has zero length", "write axis xyz=\"0 0 1\"");
  EXPECT_EQ(d.text(), "arm.urdf:118: error: elbow: axis has zero length; write axis xyz=\"0 0 1\"\n");
  d.warning({}, "w", "only a warning");
  EXPECT_EQ(d.error_count(), 1u);
  EXPECT_FALSE(d.ok());
}

TEST(Diagnostics, AHostileFileCannotFillTheMemory) {
  Diagnostics d;
  for (int i = 0; i < 100000; ++i) d.error({}, "e", "again");
  EXPECT_EQ(d.findings().size(), Diagnostics::kMaxFindings + 1);
  EXPECT_EQ(d.error_count(), 100000u);
}

TEST(Time, KeepsNanosecondsOverAYear) {
  const Time t{31'557'600'000'000'000 + 1};
  EXPECT_EQ((t + Duration{1} - Time{0}).ns, 31'557'600'000'000'002);
  EXPECT_EQ(Duration::from_seconds(1.0 / 3).ns, 333'333'333);
}

// Known answers of the reference implementation (Random123, kat_vectors: philox4x32 with 10 rounds).
TEST(Random, IsPhilox) {
  const auto zero = philox({0, 0, 0, 0}, {0, 0});
  EXPECT_EQ(zero, (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t f = 0xffffffff;
  const auto ones = philox({f, f, f, f}, {f, f});
  EXPECT_EQ(ones, (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, HasTheMomentsOfItsDistributions) {
  Random random(7);
  double sum = 0, squares = 0, flat = 0;
  constexpr int kN = 100000;
  for (int i = 0; i < kN; ++i) {
    const double x = random.normal();
    sum += x, squares += x * x, flat += random.uniform();
  }
  EXPECT_NEAR(sum / kN, 0, 4 / std::sqrt(kN));
  EXPECT_NEAR(squares / kN, 1, 4 * std::sqrt(2.0 / kN));
  EXPECT_NEAR(flat / kN, 0.5, 4 * std::sqrt(1.0 / 12 / kN));
}

TEST(ParallelFor, CoversEveryIndexOnceWithAnyNumberOfThreads) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (const std::size_t n : {0u, 1u, 5u, 1000u}) {
      std::vector<std::atomic<int>> hits(n);
      for (int repeat = 0; repeat < 20; ++repeat) {
        pool.parallel_for(n, 3, [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) ++hits[i];
        });
      }
      for (const auto& hit : hits) ASSERT_EQ(hit, 20);
    }
  }
}

TEST(ParallelFor, BlockSumsHaveTheSameBitsWithAnyNumberOfThreads) {
  constexpr std::size_t kN = 10007, kBlock = 64;
  const auto sum = [](int threads) {
    ThreadPool pool(threads);
    std::vector<double> blocks((kN + kBlock - 1) / kBlock);
    pool.parallel_for(kN, kBlock, [&](std::size_t begin, std::size_t end) {
      double s = 0;
      for (std::size_t i = begin; i < end; ++i) s += std::sin(static_cast<double>(i));
      blocks[begin / kBlock] = s;
    });
    double total = 0;
    for (double s : blocks) total += s;
    return total;
  };
  const double one = sum(1);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(sum(threads), one);
}

// Byte by byte only tables are used; from 64 bytes on, carry-less multiplication where the processor has it.
TEST(Crc32, OfManyBytesIsThatOfItsBytesOneByOne) {
  Random random(1);
  std::string bytes;
  std::uint32_t one_by_one = 0;
  for (int size = 0; size <= 1500; ++size) {
    ASSERT_EQ(crc32(bytes), one_by_one) << size;
    ASSERT_EQ(crc32(std::string_view(bytes).substr(bytes.size() / 3), crc32(bytes.substr(0, bytes.size() / 3))),
              one_by_one);
    bytes.push_back(static_cast<char>(random.bits()));
    one_by_one = crc32(std::string_view(bytes).substr(bytes.size() - 1), one_by_one);
  }
  EXPECT_EQ(crc32(std::string(32, '\0')), 0x190A55ADu);  // published check values of zeros and ones
  EXPECT_EQ(crc32(std::string(32, '\xff')), 0xFF6CAB0Bu);
}

}  // namespace
}  // namespace geoul
