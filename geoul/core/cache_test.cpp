#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "geoul/core/cache.h"
#include "geoul/core/sha256.h"

namespace geoul {
namespace {

namespace fs = std::filesystem;

std::string sha256_of(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hex(hash.finish());
}

// NIST, Cryptographic Standards and Guidelines, examples with intermediate values: SHA-256, one and two blocks; the
// empty message and a million letters a from the validation suite.
TEST(Sha256, GivesThePublishedHashes) {
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesAreCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  for (std::size_t size = 0; size < text.size(); ++size) {
    for (const std::size_t step : {1u, 63u, 64u, 65u}) {
      Sha256 hash;
      for (std::size_t at = 0; at < size; at += step) hash.add(text.data() + at, std::min(step, size - at));
      ASSERT_EQ(hex(hash.finish()), sha256_of(text.substr(0, size)));
    }
  }
}

struct CacheTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("geoul_cache_" + std::to_string(::getpid())) /
                    testing::UnitTest::GetInstance()->current_test_info()->name();
  void SetUp() override { fs::remove_all(folder); }
  void TearDown() override { fs::remove_all(folder); }

  static CacheKey key(std::uint8_t first) {
    CacheKey k{};
    k[0] = first;
    return k;
  }
  fs::path file(std::uint8_t first) const { return folder / (hex(key(first)) + ".bin"); }
};

TEST_F(CacheTest, GivesBackWhatWasKept) {
  Cache cache(folder.string());
  EXPECT_FALSE(cache.find(key(1)));
  cache.keep(key(1), "one");
  cache.keep(key(2), "");
  EXPECT_EQ(cache.find(key(1)), "one");
  EXPECT_EQ(cache.find(key(2)), "");
  cache.keep(key(1), "another");
  EXPECT_EQ(Cache(folder.string()).find(key(1)), "another");
  EXPECT_EQ(cache.take_note(), "");
}

// Every byte of an entry turned, and every length cut: never what was not kept.
TEST_F(CacheTest, DamagedAndCutEntriesCountAsMissing) {
  Cache cache(folder.string());
  const std::string payload = "some forty bytes of a payload to be damaged";
  cache.keep(key(1), payload);
  std::ifstream stream(file(1), std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(stream), {});
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    std::ofstream(file(1), std::ios::binary) << damaged;
    EXPECT_FALSE(cache.find(key(1))) << i;
    std::ofstream(file(1), std::ios::binary) << whole.substr(0, i);
    EXPECT_FALSE(cache.find(key(1))) << i;
  }
  cache.keep(key(1), payload);  // made again
  EXPECT_EQ(cache.find(key(1)), payload);
  fs::copy_file(file(1), file(2));  // an entry under another's name
  EXPECT_FALSE(cache.find(key(2)));
}

TEST_F(CacheTest, WhatWasUsedLongestAgoGoesFirst) {
  const std::string payload(1000, 'x');
  Cache cache(folder.string(), 5 * 1100);
  for (std::uint8_t i = 0; i < 5; ++i) {
    cache.keep(key(i), payload);
    fs::last_write_time(file(i), fs::file_time_type::clock::now() - std::chrono::hours(100 - i));
  }
  EXPECT_TRUE(cache.find(key(0)));  // used now: 1 is the oldest
  cache.keep(key(5), payload);
  EXPECT_TRUE(cache.find(key(0)));
  EXPECT_FALSE(cache.find(key(1)));
  EXPECT_TRUE(cache.find(key(5)));
  std::uintmax_t total = 0;
  for (const auto& entry : fs::directory_iterator(folder)) total += entry.file_size();
  EXPECT_LE(total, 5u * 1100);
  cache.keep(key(6), std::string(4000, 'x'));  // more than a quarter of the bound is not kept
  EXPECT_FALSE(cache.find(key(6)));
}

TEST_F(CacheTest, AFolderThatCannotBeMadeIsOneNote) {
  fs::create_directories(folder.parent_path());
  std::ofstream(folder) << "a file, no folder";
  Cache cache(folder.string());
  cache.keep(key(1), "one");
  cache.keep(key(2), "two");
  EXPECT_FALSE(cache.find(key(1)));
  EXPECT_NE(cache.take_note().find("not kept"), std::string::npos);
  EXPECT_EQ(cache.take_note(), "");
  cache.keep(key(3), "three");
  EXPECT_EQ(cache.take_note(), "");
  Cache nothing("");
  nothing.keep(key(1), "one");
  EXPECT_FALSE(nothing.find(key(1)));
  EXPECT_EQ(nothing.take_note(), "");
}

TEST_F(CacheTest, ThreadsShareIt) {
  Cache cache(folder.string());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const auto k = static_cast<std::uint8_t>(i % 7);
        const std::string payload(100u + k, static_cast<char>('a' + k));
        if (const auto found = cache.find(key(k))) {
          EXPECT_EQ(*found, payload);
        }
        cache.keep(key(k), payload);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& entry : fs::directory_iterator(folder)) EXPECT_EQ(entry.path().extension(), ".bin");
}

}  // namespace
}  // namespace geoul
