// Binary USD. Judges: the same layer as text (binary files by usd-core, tools/oracles/usd_binary_testdata.py), the
// folder of bad files, blocks of LZ4 written by hand from its description, and other projects' files in ../shared.
#include "geoul/scene/formats/usd/crate.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/layer_dump.h"
#include "geoul/scene/formats/usd/lz4.h"
#include "geoul/scene/formats/usd/usd.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GEOUL_SANITIZED 1
#endif

namespace geoul::scene::usd {
namespace {

namespace fs = std::filesystem;

const std::string kFolder = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/usd/";

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string dump(const fs::path& file) {
  Diagnostics d;
  const std::string bytes = slurp(file);
  EXPECT_FALSE(bytes.empty()) << file;
  const auto layer = read_layer(bytes, file.string(), d);
  EXPECT_TRUE(d.ok()) << d.text();
  return LayerDump().run(*layer);
}

std::vector<std::pair<std::string, std::string>> expected_codes(const std::string& folder) {
  std::ifstream in(kFolder + folder + "/expected.txt");
  std::vector<std::pair<std::string, std::string>> out;
  std::string file, code;
  while (in >> file >> code) out.emplace_back(file, code);
  return out;
}

std::string decoded(const std::string& block, std::size_t room) {
  std::string out(room, '?');
  const auto n = decode_lz4(block, out);
  return n ? out.substr(0, *n) : "refused";
}

TEST(Crate, BinaryGivesTheLayerOfItsText) {
  EXPECT_EQ(dump(kFolder + "usdc_fuzz_seeds/values.usdc"), dump(kFolder + "testdata/binary/values.usda"));
  EXPECT_EQ(dump(kFolder + "testdata/two_links.usdc"), dump(kFolder + "testdata/two_links.usda"));
}

TEST(Crate, FloatsAndHalvesKeepTheirBitsAndIntegersTheirWidth) {
  Diagnostics d;
  const auto layer = read_layer(slurp(kFolder + "usdc_fuzz_seeds/values.usdc"), "values.usdc", d);
  ASSERT_TRUE(d.ok()) << d.text();
  const PrimSpec* world = layer->root.child("World");
  ASSERT_NE(world, nullptr);
  const auto real = [&](const char* name, std::size_t i) {
    return std::get<Value::Reals>(world->attribute(name)->value->content)[i];
  };
  const auto integer = [&](const char* name, std::size_t i) {
    return std::get<Value::Integers>(world->attribute(name)->value->content)[i];
  };
  EXPECT_EQ(real("f", 0), double{0.1f});
  EXPECT_EQ(real("d", 0), 0.1);
  EXPECT_EQ(real("h2", 1), -2);
  EXPECT_EQ(real("h3", 5), 65504);
  EXPECT_EQ(real("qf", 0), 1);  // w first
  EXPECT_EQ(real("qd", 7), 8);
  EXPECT_EQ(real("d4", 3), -128);
  EXPECT_EQ(real("m4", 12), 5.5);
  EXPECT_EQ(real("few", 17), double{0.2f});
  EXPECT_EQ(real("fewd", 17), 0.2);
  EXPECT_EQ(real("whole", 17), -17);
  EXPECT_EQ(integer("u", 0), 4000000000);
  EXPECT_EQ(integer("us", 0), 4000000000);
  EXPECT_EQ(integer("l", 0), -9000000000000000000);
  EXPECT_EQ(integer("ls", 4), 9000000000000000000);
  EXPECT_EQ(integer("indices", 8), -2000000000);
  EXPECT_EQ(static_cast<std::uint64_t>(integer("ul", 0)), 18446744073709551615u);
  EXPECT_TRUE(world->attribute("blocked")->value->blocked());
}

TEST(Crate, SpecsHavePathsForFindingsAndNoLines) {
  Diagnostics d;
  EXPECT_FALSE(read_usd(kFolder + "testdata/bad_usdc/wrong_type.usdc", d));
  ASSERT_FALSE(d.findings().empty());
  EXPECT_EQ(d.findings()[0].where.line, 0);
  EXPECT_EQ(d.findings()[0].where.path, "/A.x");
}

TEST(Crate, ASceneIsTheSameFromBinaryAndFromText) {
  Diagnostics d;
  const auto binary = read_usd(kFolder + "testdata/two_links.usdc", d);
  const auto text = read_usd(kFolder + "testdata/two_links.usda", d);
  ASSERT_TRUE(binary && text) << d.text();
  ASSERT_EQ(binary->bodies.size(), text->bodies.size());
  ASSERT_EQ(binary->joints.size(), text->joints.size());
  ASSERT_EQ(binary->shapes.size(), text->shapes.size());
  for (std::size_t i = 0; i < text->bodies.size(); ++i) {
    EXPECT_EQ(binary->bodies[i].path, text->bodies[i].path);
    EXPECT_LE(norm(binary->bodies[i].X_WB.p - text->bodies[i].X_WB.p), 1e-6);  // floats
  }
}

TEST(Crate, BadFilesGiveTheirCodeAndNoScene) {
  const auto all = expected_codes("testdata/bad_usdc");
  ASSERT_GE(all.size(), 60u);
  for (const auto& [file, code] : all) {
    Diagnostics d;
    EXPECT_FALSE(read_usd(kFolder + "testdata/bad_usdc/" + file, d)) << file;
    EXPECT_TRUE(d.has(code)) << file << ": " << d.text();
  }
}

TEST(Crate, EveryPrefixOfAFileIsRefusedOrRead) {
  const std::string whole = slurp(kFolder + "usdc_fuzz_seeds/values.usdc");
  for (std::size_t n = 8; n < whole.size(); ++n) {
    Diagnostics d;
    ASSERT_NE(parse_crate(std::string_view(whole).substr(0, n), "cut.usdc", d), nullptr);
    EXPECT_FALSE(d.ok()) << n;  // the table of sections stands at the end
  }
}

// A child process, so that what others took from memory does not count.
TEST(Crate, NoBadFileTakesMoreThan256MebibytesOfMemory) {
#ifdef GEOUL_SANITIZED
  GTEST_SKIP() << "sanitizers need memory of their own";
#endif
  for (const char* folder : {"testdata/bad_usdc", "testdata/bad_usdz"}) {
    for (const auto& [file, code] : expected_codes(folder)) {
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        Diagnostics d;
        const bool read = read_usd(kFolder + folder + "/" + file, d).has_value();
        _exit(read ? 1 : 0);
      }
      int status = 0;
      rusage used{};
      ASSERT_EQ(wait4(child, &status, 0, &used), child);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << file;
      EXPECT_LT(used.ru_maxrss, 256 * 1024) << file << " [KiB]";
    }
  }
}

TEST(Crate, FilesOfOtherProjectsAreRead) {
  const fs::path shared = fs::path(GEOUL_SOURCE_DIR) / "../shared/data/usd";
  if (!fs::exists(shared)) GTEST_SKIP() << "../shared/data/usd is absent";
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(shared)) {
    const std::string ending = entry.path().extension().string();
    if (!entry.is_regular_file() || (ending != ".usd" && ending != ".usdc")) continue;
    const std::string bytes = slurp(entry.path());
    if (bytes.substr(0, 8) != kCrateMagic) continue;
    ++files;
    Diagnostics d;
    const auto layer = parse_crate(bytes, entry.path().string(), d);
    const bool corrupt = entry.path().filename() == "corrupt.usd";  // made so by OpenUSD, for its own test
    EXPECT_EQ(d.has("bad-crate"), corrupt) << d.text();
    // Types that USD knew once, in files of the first version.
    for (const Finding& f : d.findings()) EXPECT_TRUE(f.code == "unknown-type" || corrupt) << to_string(f);
    EXPECT_EQ(layer->root.children.empty(), corrupt) << entry.path();
  }
  EXPECT_EQ(files, 43);
}

TEST(Lz4, UnfoldsLiteralsAndMatchesThatOverlap) {
  EXPECT_EQ(decoded(std::string("\x30", 1) + "abc", 3), "abc");
  // Three literals, then nine bytes from three before: "abc" again and again; then a last literal.
  EXPECT_EQ(decoded(std::string("\x35") + "abc" + std::string("\x03\x00\x10", 3) + "d", 13), "abcabcabcabcd");
  EXPECT_EQ(decoded(std::string("\x1f") + "a" + std::string("\x01\x00\xff\x00\x10", 5) + "b", 1000),
            std::string(1 + 15 + 255 + 4, 'a') + "b");
  // Far matches are copied in steps of sixteen; room for the last must not be taken from what follows.
  std::string text;
  for (int i = 0; i < 40; ++i) text += static_cast<char>('A' + i);
  EXPECT_EQ(decoded(std::string("\xff\x19", 2) + text + std::string("\x28\x00\x07\x10", 4) + "z", 67),
            text + text.substr(0, 26) + "z");
}

TEST(Lz4, RefusesWhatIsNoBlock) {
  EXPECT_EQ(decoded("", 9), "refused");
  EXPECT_EQ(decoded("\x30"
                    "ab",
                    9),
            "refused");                              // literals cut
  EXPECT_EQ(decoded("\xf0", 9), "refused");          // length cut
  EXPECT_EQ(decoded("\xf0\xff\xff", 9), "refused");  // length without end
  EXPECT_EQ(decoded(std::string("\x10"
                                "a\x01",
                                3),
                    9),
            "refused");  // offset cut
  EXPECT_EQ(decoded(std::string("\x10"
                                "a\x00\x00\x00",
                                5),
                    9),
            "refused");  // offset 0
  EXPECT_EQ(decoded(std::string("\x10"
                                "a\x02\x00\x00",
                                5),
                    9),
            "refused");  // before the start
  EXPECT_EQ(decoded(std::string("\x10"
                                "a\x01\x00",
                                4),
                    9),
            "refused");  // ends in a match
  EXPECT_EQ(decoded(std::string("\x10"
                                "a\x01\x00\x10"
                                "b",
                                6),
                    5),
            "refused");  // needs six bytes
}

}  // namespace
}  // namespace geoul::scene::usd
