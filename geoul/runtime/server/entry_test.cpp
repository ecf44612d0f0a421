// What a request brings, apart from any socket.
#include "geoul/runtime/server/entry.h"

#include <gtest/gtest.h>

#include "geoul/runtime/access/credentials.h"
#include "geoul/runtime/server/pace.h"

namespace geoul::runtime {
namespace {

using namespace access;

TEST(Credentials, AreFoundWhereTheyStandOnce) {
  EXPECT_EQ(cookie_value("a=1; s=x; b=2", "s").reveal(), "x");
  EXPECT_EQ(cookie_value("s=x", "s").reveal(), "x");
  EXPECT_TRUE(cookie_value("s=x; s=y", "s").empty());  // whose?
  EXPECT_TRUE(cookie_value("xs=1; ss=2", "s").empty());
  EXPECT_TRUE(cookie_value("", "s").empty());
  EXPECT_EQ(query_value("/?a=1&token=g%41_-#x", "token").reveal(), "gA_-");
  EXPECT_TRUE(query_value("/token=x", "token").empty());
  EXPECT_TRUE(query_value("/?a=1#token=x", "token").empty());
  EXPECT_TRUE(query_value("/?token=%4", "token").empty());
  EXPECT_EQ(bearer_value("bEaReR x ").reveal(), "x");
  EXPECT_TRUE(bearer_value("Basic x").empty());
  EXPECT_EQ(list_value("a, p.x , b", "p.").reveal(), "x");
}

TEST(Credentials, ASignInIsANameAndAPasswordAndNothingElse) {
  const auto sound = parse_sign_in(R"({"password": "p", "name": "n"})");
  ASSERT_TRUE(sound);
  EXPECT_EQ(sound->name, "n");
  EXPECT_EQ(sound->password.reveal(), "p");
  for (const char* bad : {"", "null", R"({"name":"SECRET"})", R"({"name":"n","password":["SECRET"]})",
                          R"({"name":"n","password":"SECRET","x":1})", R"({"name":"n","password":"SECRET")"}) {
    const auto refused = parse_sign_in(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().message.find("SECRET"), std::string::npos);
  }
  EXPECT_FALSE(parse_sign_in(std::string(4000, '[')));
}

TEST(Credentials, AnOriginIsOwnWhereItNamesTheVeryHost) {
  EXPECT_TRUE(is_own_origin("https://twin:8765", "twin:8765"));
  EXPECT_TRUE(is_own_origin("http://twin:8765", "twin:8765"));
  for (const char* origin : {"", "null", "https://twin", "https://twin:8766", "https://twin:8765.evil",
                             "ftp://twin:8765", "https://evil/twin:8765"}) {
    EXPECT_FALSE(is_own_origin(origin, "twin:8765")) << origin;
  }
  EXPECT_FALSE(is_own_origin("https://", ""));
}

TEST(Entry, AServerWithoutUsersIsOpenToItsOwnAccountOnly) {
  Gate gate;
  Ask ask;
  ask.method = "GET", ask.target = "/", ask.host = "localhost";
  Visitor visitor;
  visitor.address = "127.0.0.1";
  const auto foreign = admit(gate, visitor, ask);
  EXPECT_EQ(answer_session(gate, visitor, ask).status, 403);
  visitor.is_own_account = true;
  const auto own = admit(gate, visitor, ask);
  ASSERT_TRUE(std::holds_alternative<Identity>(own));
  EXPECT_EQ(std::get<Identity>(own).role, Role::kOperate);
  ASSERT_TRUE(std::holds_alternative<Answer>(foreign));
  EXPECT_EQ(std::get<Answer>(foreign).status, 403);
  EXPECT_NE(answer_session(gate, visitor, ask).body.find("open"), std::string::npos);
}

TEST(Pace, LetsABurstThroughAndThenAsManyAsItFills) {
  const Pace::Clock::time_point start{};
  Pace pace(10, 3, start);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pace.take(start), Pace::Clock::duration{});
  EXPECT_EQ(pace.take(start), std::chrono::milliseconds(100));
  EXPECT_EQ(pace.take(start + std::chrono::milliseconds(100)), std::chrono::milliseconds(100));
  const auto later = start + std::chrono::hours(1);  // rest does not add up beyond the burst
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pace.take(later), Pace::Clock::duration{});
  EXPECT_GT(pace.take(later), Pace::Clock::duration{});
}

}  // namespace
}  // namespace geoul::runtime
