#include "geoul/runtime/access/users.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace geoul::runtime::access {
namespace {

constexpr Time kNow{1'800'000'000'000'000'000};
constexpr Duration kDay{86'400'000'000'000};
constexpr PasswordCost kCheap{1, 8192};
const std::filesystem::path kData = GEOUL_SOURCE_DIR "/geoul/runtime/access/testdata";

Secret password(std::string_view words = "correct horse battery") { return Secret(words); }

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

class Store : public testing::Test {
 protected:
  Store() : store_(std::filesystem::temp_directory_path() / ("geoul_users_" + std::to_string(getpid()))) {}
  ~Store() override { std::filesystem::remove_all(store_.folder()); }
  Result<void> add(const std::string& name, Role role = Role::kOperate) {
    return store_.change([&](Users& users) { return add_user(users, name, role, password(), kNow, kCheap); });
  }
  UserStore store_;
};

TEST(UserFile, IsReadAsWritten) {
  Diagnostics diagnostics;
  const auto users = read_users(content(kData / "good.json"), "good.json", diagnostics);
  ASSERT_TRUE(users) << diagnostics.text();
  EXPECT_EQ(users->users.at(0).tokens.at(0).hash[1], 0x23);
  const auto again = read_users(to_text(*users), "again", diagnostics);
  ASSERT_TRUE(again);
  EXPECT_EQ(to_text(*again), to_text(*users));
}

// testdata/bad/expected.txt: file, code.
TEST(UserFile, BadOnesAreNamedByCode) {
  std::ifstream expected(kData / "bad/expected.txt");
  std::string file, code;
  std::size_t count = 0, files = 0;
  while (expected >> file >> code) {
    ++count;
    Diagnostics d;
    EXPECT_FALSE(read_users(content(kData / "bad" / file), file, d)) << file;
    EXPECT_TRUE(d.has(code)) << file << "\n" << d.text();
    EXPECT_EQ(d.text().find("argon2id"), std::string::npos);  // no hash in a message
  }
  for (const auto& entry : std::filesystem::directory_iterator(kData / "bad")) {
    files += entry.path().extension() == ".json";
  }
  EXPECT_EQ(count, files);
  EXPECT_GE(count, 25u);
}

TEST(UserFile, SurvivesTruncationAnywhere) {
  const std::string whole = content(kData / "good.json");
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    Diagnostics d;
    EXPECT_FALSE(read_users(whole.substr(0, size), "cut", d)) << size;
    EXPECT_FALSE(d.ok());
  }
}

TEST_F(Store, KeepsUsersForItsOwnerOnly) {
  EXPECT_TRUE(store_.load()->users.empty());
  ASSERT_TRUE(add("ann"));
  ASSERT_TRUE(add("bob", Role::kView));
  struct stat found {};
  ASSERT_EQ(::stat(store_.file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  const Users users = *store_.load();
  ASSERT_EQ(users.users.size(), 2u);
  EXPECT_EQ(users.users[1].role, Role::kView);
  EXPECT_TRUE(password_matches(password(), users.users[0].password));
  EXPECT_EQ(content(store_.file()).find("correct horse"), std::string::npos);
}

TEST_F(Store, AFileThatOthersMayReadIsRefused) {
  ASSERT_TRUE(add("ann"));
  ::chmod(store_.file().c_str(), 0640);
  const auto users = store_.load();
  ASSERT_FALSE(users);
  EXPECT_NE(users.error().message.find("chmod 600"), std::string::npos);
  EXPECT_FALSE(add("bob"));
}

TEST_F(Store, ChangesSayWhatIsWrongAndWriteNothing) {
  ASSERT_TRUE(add("ann"));
  const std::string before = content(store_.file());
  EXPECT_FALSE(add("ann"));
  EXPECT_FALSE(add("Ann"));
  EXPECT_FALSE(add("../ann"));
  EXPECT_FALSE(add("local"));
  const auto change = [&](auto edit) { return store_.change(edit); };
  EXPECT_FALSE(change([](Users& u) { return add_user(u, "bob", Role::kView, password("short"), kNow, kCheap); }));
  EXPECT_FALSE(change([](Users& u) { return add_user(u, "bob", Role::kView, Secret(std::string(300, 'x')), kNow); }));
  EXPECT_FALSE(change([](Users& u) { return add_user(u, "bob", Role::kView, password("aaaaaaaaaaaaa"), kNow); }));
  EXPECT_FALSE(change([](Users& u) { return add_user(u, "bobby", Role::kView, password("bobby12345678"), kNow); }));
  EXPECT_FALSE(change([](Users& u) { return set_role(u, "amn", Role::kView); }));
  EXPECT_FALSE(change([](Users& u) { return remove_user(u, "bob"); }));
  EXPECT_FALSE(change([](Users& u) { return revoke_token(u, "ann", "abc"); }));
  EXPECT_EQ(content(store_.file()), before);
}

TEST_F(Store, TokensAreKeptAsHashesWithAtMostTheRoleOfTheirUser) {
  ASSERT_TRUE(add("ann"));
  Users users = *store_.load();
  EXPECT_FALSE(make_token(users, "ann", {"x", Role::kApprove, kDay}, kNow));
  EXPECT_FALSE(make_token(users, "ann", {"x", {}, Duration{0}}, kNow));
  EXPECT_FALSE(make_token(users, "ann", {"x\n", {}, kDay}, kNow));
  const auto token = make_token(users, "ann", {"foxglove", Role::kView, kDay}, kNow);
  ASSERT_TRUE(token);
  EXPECT_EQ(to_text(users).find(token->secret.reveal()), std::string::npos);
  EXPECT_TRUE(same(find_user(users, "ann")->tokens[0].hash, hash_of(token->secret)));
  for (std::size_t i = 1; i < kMaxTokens; ++i) EXPECT_TRUE(make_token(users, "ann", {"x", {}, kDay}, kNow));
  EXPECT_FALSE(make_token(users, "ann", {"x", {}, kDay}, kNow));
  EXPECT_TRUE(make_token(users, "ann", {"x", {}, kDay}, kNow + kDay));  // those that expired made room
  EXPECT_EQ(find_user(users, "ann")->tokens.size(), 1u);
}

TEST_F(Store, ChangesOfManyAtOnceAreAllKept) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_TRUE(UserStore(store_.folder()).change([&](Users& users) {
        return add_user(users, "u" + std::to_string(i), Role::kView, password(), kNow, kCheap);
      }));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_.load()->users.size(), 8u);
}

}  // namespace
}  // namespace geoul::runtime::access
