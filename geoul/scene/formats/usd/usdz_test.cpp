// Packages. Judges: packages by tools/oracles/usd_binary_testdata.py, zip headers read here byte by byte, the scene
// written as text, and the folder of bad packages.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/package.h"
#include "geoul/scene/formats/usd/usd.h"

namespace geoul::scene::usd {
namespace {

namespace fs = std::filesystem;

const std::string kFolder = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/usd/";
const std::string kHead = "#usda 1.0\n(\n    defaultPrim = \"W\"\n    metersPerUnit = 1\n    upAxis = \"Z\"\n)\n";

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class Usdz : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_usdz_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  static std::string part(const std::string& reference, const std::string& shape) {
    return kHead + "def Xform \"W\"" + (reference.empty() ? "" : " (\n    references = @" + reference + "@\n)") +
           "\n{\n" + (shape.empty() ? "" : "    def Cube \"" + shape + "\"\n    {\n    }\n") + "}\n";
  }
  std::vector<std::string> shapes(const std::string& file) const {
    Diagnostics d;
    const auto scene = read_usd(file, d);
    EXPECT_TRUE(scene.has_value()) << d.text();
    std::vector<std::string> out;
    if (scene) {
      for (const Shape& s : scene->shapes) out.push_back(s.path);
    }
    return out;
  }

  fs::path folder_;
};

TEST_F(Usdz, AWrittenPackageReadsAsTheSameScene) {
  Diagnostics d;
  const auto scene = read_usd(kFolder + "testdata/two_links.usda", d);
  ASSERT_TRUE(scene) << d.text();
  ASSERT_TRUE(write_usdz(*scene, path("arm.usdz")));
  ASSERT_TRUE(write_usdz(*scene, path("again.usdz")));
  const auto again = read_usd(path("arm.usdz"), d);
  ASSERT_TRUE(again) << d.text();
  EXPECT_EQ(usda_text(*again), usda_text(*scene));
  fs::rename(path("again.usdz"), path("other.usdz"));
  ASSERT_TRUE(write_usdz(*scene, path("again.usdz")));
  EXPECT_EQ(slurp(path("again.usdz")), slurp(path("other.usdz")));
  const auto failed = write_usdz(*scene, path("no/such/folder.usdz"));
  ASSERT_FALSE(static_cast<bool>(failed));
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
}

TEST_F(Usdz, MembersAreStoredAtMultiplesOf64Bytes) {
  for (std::size_t length = 1; length < 140; ++length) {
    const std::string name(length, 'n'), text(3 * length, 't');
    const auto bytes = package_bytes({{"a.usda", "#usda 1.0\n"}, {name, text}});
    ASSERT_TRUE(bytes);
    Diagnostics d;
    const auto package = open_package(*bytes, "x.usdz", d);
    ASSERT_TRUE(package) << d.text();
    EXPECT_TRUE(d.findings().empty()) << d.text();
    ASSERT_NE(package->member(name), nullptr);
    const PackageMember& member = *package->member(name);
    EXPECT_EQ(member.begin % 64, 0u);
    EXPECT_EQ(package->bytes.substr(member.begin, member.size), text);
  }
}

TEST_F(Usdz, ReferencesInsideLeadToMembers) {
  // Beside the layer first, then from the root of the package, but for "./".
  const std::string root = part("parts/arm.usda", ""), arm = part("bolt.usda", "Arm"), beside = part("", "Beside"),
                    at_root = part("", "AtRoot");
  write("both.usdz",
        *package_bytes(
            {{"root.usda", root}, {"parts/arm.usda", arm}, {"bolt.usda", at_root}, {"parts/bolt.usda", beside}}));
  EXPECT_EQ(shapes(path("both.usdz")), (std::vector<std::string>{"/W/Beside", "/W/Arm"}));
  write("root.usdz", *package_bytes({{"root.usda", root}, {"parts/arm.usda", arm}, {"bolt.usda", at_root}}));
  EXPECT_EQ(shapes(path("root.usdz")), (std::vector<std::string>{"/W/AtRoot", "/W/Arm"}));
  const std::string anchored = part("./bolt.usda", "Arm");
  write("anchored.usdz", *package_bytes({{"root.usda", root}, {"parts/arm.usda", anchored}, {"bolt.usda", at_root}}));
  Diagnostics d;
  EXPECT_FALSE(read_usd(path("anchored.usdz"), d));
  EXPECT_TRUE(d.has("missing-file")) << d.text();
}

TEST_F(Usdz, OtherFilesReferToAPackageAndToItsMembers) {
  write("p.usdz", *package_bytes({{"root.usda", part("", "Root")}, {"parts/a.usda", part("", "Part")}}));
  write("whole.usda", part("p.usdz", ""));
  write("member.usda", part("./p.usdz[parts/a.usda]", ""));
  write("missing.usda", part("p.usdz[parts/b.usda]", ""));
  EXPECT_EQ(shapes(path("whole.usda")), std::vector<std::string>{"/W/Root"});
  EXPECT_EQ(shapes(path("member.usda")), std::vector<std::string>{"/W/Part"});
  Diagnostics d;
  EXPECT_FALSE(read_usd(path("missing.usda"), d));
  EXPECT_TRUE(d.has("missing-file")) << d.text();
}

TEST_F(Usdz, BinaryMembersAreReadAndUnalignedOnesReported) {
  Diagnostics d;
  const auto scene = read_scene(kFolder + "usdz_fuzz_seeds/two_links.usdz", d);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->bodies.size(), 2u);
  EXPECT_FALSE(d.has("unaligned-member"));
  EXPECT_TRUE(read_scene(kFolder + "usdz_fuzz_seeds/unaligned.usdz", d));
  EXPECT_TRUE(d.has("unaligned-member"));
}

TEST_F(Usdz, BadPackagesGiveTheirCodeAndNoScene) {
  std::ifstream in(kFolder + "testdata/bad_usdz/expected.txt");
  std::string file, code;
  int files = 0;
  while (in >> file >> code) {
    ++files;
    Diagnostics d;
    EXPECT_FALSE(read_usd(kFolder + "testdata/bad_usdz/" + file, d)) << file;
    EXPECT_TRUE(d.has(code)) << file << ": " << d.text();
  }
  EXPECT_GE(files, 30);
}

TEST_F(Usdz, EveryPrefixOfAPackageIsRefused) {
  const std::string whole = slurp(kFolder + "usdz_fuzz_seeds/two_links.usdz");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    Diagnostics d;
    EXPECT_FALSE(open_package(whole.substr(0, n), "cut.usdz", d)) << n;
    EXPECT_FALSE(d.ok()) << n;
  }
}

}  // namespace
}  // namespace geoul::scene::usd
