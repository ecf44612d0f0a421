#include "geoul/runtime/access/secret.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <type_traits>

#include "geoul/runtime/access/credentials.h"

namespace geoul::runtime::access {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Nameable = requires(const T& value) {
  to_string(value);
};

static_assert(Printable<std::string> && !Printable<Secret>);
static_assert(!Nameable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

TEST(Secret, WipesWhereItCameFrom) {
  std::string source = "correct horse battery staple";
  char* const bytes = source.data();  // on the heap: it is longer than a string holds within itself
  const Secret secret = Secret::take(source);
  EXPECT_EQ(secret.reveal(), "correct horse battery staple");
  EXPECT_TRUE(source.empty());
  EXPECT_EQ(std::string(bytes, 8), std::string(8, '\0'));
}

TEST(Secret, MovesWithoutLeavingAnything) {
  Secret a(std::string_view("abc"));
  Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT: a moved-from secret is empty
  a = std::move(b);
  EXPECT_EQ(a.reveal(), "abc");
}

TEST(Secret, TokensAreDistinctAndOfOneForm) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const Secret token = random_token();
    EXPECT_TRUE(looks_like_token(token.reveal()));
    EXPECT_TRUE(seen.emplace(token.reveal()).second);
  }
}

// BLAKE2b-256 of "abc", from the reference implementation's test vectors (python3: hashlib.blake2b(digest_size=32)).
TEST(Secret, TokensAreHashedByBlake2b) {
  const Hash hash = hash_of(Secret(std::string_view("abc")));
  EXPECT_EQ(hash[0], 0xbd);
  EXPECT_EQ(hash[1], 0xdd);
  EXPECT_EQ(hash[31], 0x19);
  EXPECT_TRUE(same(hash, hash_of(Secret(std::string_view("abc")))));
  EXPECT_FALSE(same(hash, hash_of(Secret(std::string_view("abd")))));
}

TEST(Password, HashesAreArgon2idAtTheStatedCost) {
  const std::string hash = hash_password(Secret(std::string_view("correct horse")), PasswordCost{});
  EXPECT_EQ(hash.rfind("$argon2id$v=19$m=65536,t=3,p=1$", 0), 0u) << hash;
  EXPECT_TRUE(is_password_hash(hash));
  EXPECT_TRUE(password_matches(Secret(std::string_view("correct horse")), hash));
  EXPECT_FALSE(password_matches(Secret(std::string_view("correct horsf")), hash));
  EXPECT_FALSE(password_matches(Secret(), hash));
}

TEST(Password, HashesThatWouldCostTooMuchAreNotChecked) {
  const std::string tail = "$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
  EXPECT_TRUE(is_password_hash("$argon2id$v=19$m=65536,t=3,p=1" + tail));
  for (const char* cost :
       {"m=1048577,t=3,p=1", "m=65536,t=17,p=1", "m=65536,t=3,p=4", "m=65536,t=0,p=1", "m=0,t=1,p=1"}) {
    EXPECT_FALSE(is_password_hash("$argon2id$v=19$" + std::string(cost) + tail)) << cost;
  }
  EXPECT_FALSE(is_password_hash("$argon2i$v=19$m=65536,t=3,p=1" + tail));
  EXPECT_FALSE(is_password_hash(""));
}

}  // namespace
}  // namespace geoul::runtime::access
