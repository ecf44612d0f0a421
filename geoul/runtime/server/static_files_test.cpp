#include "geoul/runtime/server/static_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;

class StaticFiles : public testing::Test {
 protected:
  void SetUp() override {
    base_ = fs::temp_directory_path() / ("geoul_static_" + std::to_string(getpid()));
    root_ = base_ / "root";
    fs::create_directories(root_ / "assets");
    fs::create_directories(base_ / "rootless");
    write(root_ / "index.html", "<html>");
    write(root_ / "assets/a b.js", "1");
    write(root_ / ".secret", "hidden");
    write(base_ / "outside.txt", "secret");
    write(base_ / "rootless/x.txt", "secret");
    fs::create_symlink(base_ / "outside.txt", root_ / "link.txt");
    fs::create_symlink(base_ / "outside.txt", root_ / "link");
    fs::create_directory_symlink(base_, root_ / "up");
    fs::create_symlink("index.html", root_ / "inside.html");
  }
  void TearDown() override { fs::remove_all(base_); }

  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  bool found(const std::string& target) const { return find_static_file(root_, target).has_value(); }

  fs::path base_;
  fs::path root_;
};

TEST_F(StaticFiles, AreFoundByTheirAddress) {
  const auto file = find_static_file(root_, "/assets/a%20b.js?v=3");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path.filename(), "a b.js");
  EXPECT_EQ(file->size, 1u);
  EXPECT_EQ(file->mime_type, "text/javascript; charset=utf-8");
  EXPECT_TRUE(found("/inside.html"));
}

TEST_F(StaticFiles, PagesOfTheApplicationAreItsIndex) {
  for (const char* target : {"/", "/?x=1", "/index.html", "/plots/joint", "/up/"}) {
    const auto file = find_static_file(root_, target);
    if (std::string(target) == "/up/") {
      EXPECT_FALSE(file);
      continue;
    }
    ASSERT_TRUE(file) << target;
    EXPECT_EQ(file->path.filename(), "index.html");
  }
  EXPECT_FALSE(found("/missing.js"));
}

TEST_F(StaticFiles, NothingOutsideTheFolderIsServed) {
  for (const char* target : {"/../outside.txt",
                             "/%2e%2e/outside.txt",
                             "/%2E%2E%2foutside.txt",
                             "/..%2foutside.txt",
                             "/assets/../../outside.txt",
                             "/assets/..",
                             "/link.txt",
                             "/link",
                             "/up/outside.txt",
                             "/up/rootless/x.txt",
                             "/../rootless/x.txt",
                             "/..\\outside.txt",
                             "/%5c..%5coutside.txt",
                             "//etc/passwd",
                             "/%2fetc/passwd",
                             "//"
                             "etc%2fpasswd",
                             "/.secret",
                             "/%00index.html",
                             "/index.html%00",
                             "/%",
                             "/%4",
                             "/%zz",
                             "",
                             "index.html",
                             "../outside.txt",
                             "http://x/../outside.txt",
                             "/assets/./../../outside.txt",
                             "/%252e%252e/outside.txt"}) {
    EXPECT_FALSE(found(target)) << target;
  }
  EXPECT_FALSE(found((base_ / "outside.txt").string()));
}

TEST_F(StaticFiles, TheTagChangesWithTheFile) {
  const std::string before = find_static_file(root_, "/index.html")->etag;
  EXPECT_EQ(find_static_file(root_, "/index.html")->etag, before);
  write(root_ / "index.html", "<html><body>");
  EXPECT_NE(find_static_file(root_, "/index.html")->etag, before);
}

}  // namespace
}  // namespace geoul::runtime
