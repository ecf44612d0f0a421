#include "geoul/runtime/access/gate.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "geoul/runtime/access/peer_owner.h"

namespace geoul::runtime::access {
namespace {

constexpr Duration kSecond{1'000'000'000};
constexpr PasswordCost kCheap{1, 8192};

class GateTest : public testing::Test {
 protected:
  GateTest() : store_(std::filesystem::temp_directory_path() / ("geoul_gate_" + std::to_string(getpid()))) {
    add("ann", Role::kOperate);
    gate_ =
        std::make_unique<Gate>(GateOptions{.folder = store_.folder(), .cost = kCheap, .now = [this] { return now_; }});
  }
  ~GateTest() override { std::filesystem::remove_all(store_.folder()); }

  void add(const std::string& name, Role role) {
    change([&](Users& users) { return add_user(users, name, role, Secret(kWords), now_, kCheap); });
  }
  void change(const std::function<Result<void>(Users&)>& edit) {
    const Result<void> done = store_.change(edit);
    EXPECT_TRUE(done) << done.error().message;
  }
  SignIn sign_in(const std::string& name = "ann", std::string_view words = kWords) {
    return gate_->sign_in(name, Secret(words), "10.0.0.1");
  }

  static constexpr std::string_view kWords = "correct horse battery";
  Time now_{1'800'000'000'000'000'000};
  UserStore store_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(GateTest, SessionsEndByIdlenessAgeSignOutAndNewPasswords) {
  const auto begin = [&] {
    SignIn done = sign_in();
    EXPECT_EQ(done.outcome, SignIn::Outcome::kDone);
    return std::move(done.session);
  };
  const Limits limits;
  const Secret idle = begin();
  EXPECT_TRUE(gate_->find_session(idle));
  now_ = now_ + limits.session_idle;
  EXPECT_FALSE(gate_->find_session(idle));

  const Secret aged = begin();
  for (Duration age{}; age < limits.session_life; age = age + limits.session_idle - kSecond) {
    EXPECT_TRUE(gate_->find_session(aged));
    now_ = now_ + (limits.session_idle - kSecond);
  }
  EXPECT_FALSE(gate_->find_session(aged));

  const Secret out = begin();
  const Identity identity = gate_->find_session(out)->identity;
  EXPECT_TRUE(gate_->holds(identity));
  gate_->sign_out(identity, "10.0.0.1");
  EXPECT_FALSE(gate_->find_session(out));
  EXPECT_FALSE(gate_->holds(identity));

  const Secret before = begin();
  now_ = now_ + kSecond;
  change([&](Users& users) {
    return set_password(users, "ann", Secret(std::string_view("another password")), now_, kCheap);
  });
  EXPECT_FALSE(gate_->find_session(before));
  EXPECT_FALSE(gate_->find_session(Secret()));
}

TEST_F(GateTest, TheOldestSessionsOfAUserEndBeyondTheLimit) {
  std::vector<Secret> sessions;
  const Limits limits;
  for (std::size_t i = 0; i < limits.sessions_per_user + 2; ++i) {
    sessions.push_back(sign_in().session);
    now_ = now_ + kSecond;
  }
  EXPECT_FALSE(gate_->find_session(sessions[0]));
  EXPECT_FALSE(gate_->find_session(sessions[1]));
  EXPECT_TRUE(gate_->find_session(sessions[2]));
}

TEST_F(GateTest, ChangesOfTheStoreHoldAtOnce) {
  const Secret session = sign_in().session;
  const Identity identity = gate_->find_session(session)->identity;
  change([](Users& users) { return set_role(users, "ann", Role::kView); });
  EXPECT_FALSE(gate_->holds(identity));  // with the role it had
  EXPECT_EQ(gate_->find_session(session)->identity.role, Role::kView);
  change([](Users& users) { return remove_user(users, "ann"); });
  EXPECT_FALSE(gate_->find_session(session));
  EXPECT_FALSE(gate_->has_users());
  EXPECT_TRUE(gate_->holds(gate_->local_account()));
  add("bob", Role::kView);
  EXPECT_FALSE(gate_->holds(gate_->local_account()));
}

TEST_F(GateTest, AStoreThatCannotBeReadLetsNobodyIn) {
  const Secret session = sign_in().session;
  std::ofstream(store_.file()) << "damaged";
  EXPECT_TRUE(gate_->has_users());  // so that the local account is not let in either
  EXPECT_FALSE(gate_->holds(gate_->local_account()));
  EXPECT_FALSE(gate_->find_session(session));
  EXPECT_EQ(sign_in().outcome, SignIn::Outcome::kUnavailable);
  EXPECT_NE(gate_->trouble().find("users.json"), std::string::npos);
}

TEST_F(GateTest, UnknownNamesAndWrongPasswordsAreAnsweredAlike) {
  const SignIn unknown = sign_in("zoe", "a wrong password"), wrong = sign_in("ann", "a wrong password");
  EXPECT_EQ(unknown.outcome, SignIn::Outcome::kWrong);
  EXPECT_EQ(wrong.outcome, SignIn::Outcome::kWrong);
  EXPECT_EQ(unknown.wait, wrong.wait);
  for (int i = 0; i < 2; ++i) sign_in("ann", "a wrong password");
  EXPECT_EQ(sign_in().outcome, SignIn::Outcome::kWait);  // the right one must wait too
  now_ = now_ + kSecond;
  EXPECT_EQ(sign_in().outcome, SignIn::Outcome::kDone);
}

TEST_F(GateTest, TheJournalTellsWhoAndHoldsNoSecret) {
  const Secret session = sign_in().session;
  sign_in("my password in the name field", "x");
  std::optional<NewToken> token;
  change([&](Users& users) -> Result<void> {
    token = std::move(make_token(users, "ann", {"t", {}, kSecond * 60}, now_)).value();
    return {};
  });
  const auto identity = gate_->find_token(token->secret, "10.0.0.2");
  ASSERT_TRUE(identity);
  gate_->note_token_use(*identity);
  EXPECT_EQ(store_.load()->users[0].tokens[0].used, now_);
  now_ = now_ + kSecond * 60;
  EXPECT_FALSE(gate_->find_token(token->secret, "10.0.0.2"));
  std::ifstream file(store_.folder() / "access.log");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const char* words : {"signed-in", "\"ann\"", "10.0.0.1", "sign-in-refused", "token-accepted", "expired"}) {
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  }
  for (const std::string_view secret :
       {session.reveal(), token->secret.reveal(), kWords, std::string_view("name field")}) {
    EXPECT_EQ(text.find(secret), std::string::npos);
  }
}

// A table as Linux prints it: a connection of user 1000, one that its process has closed, one that waits.
TEST(PeerOwner, IsReadFromTheTableOfSockets) {
  const auto end = [](std::initializer_list<std::uint8_t> v4, std::uint16_t port) {
    Endpoint out;
    out.address[10] = out.address[11] = 0xff;
    std::copy(v4.begin(), v4.end(), out.address.begin() + 12);
    out.port = port;
    return out;
  };
  const std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:D431 0100007F:223D 01 00000000:00000000 00:00000000 00000000  1000        0 41253 1 0 20 4 30 10 "
      "-1\n"
      "   1: 0100007F:D432 0100007F:223D 04 00000000:00000000 00:00000000 00000000     0        0 0 2 0\n"
      "   2: 0100007F:D433 0100007F:223D 01 00000000:00000000 00:00000000 00000000     0        0 0 2 0\n"
      "   3: 0000000000000000FFFF00000100007F:D434 0000000000000000FFFF00000100007F:223D 01 0:0 00:0 0 7 0 99 1\n";
  const Endpoint own = end({127, 0, 0, 1}, 8765);
  EXPECT_EQ(owner_in_table(table, end({127, 0, 0, 1}, 0xD431), own), 1000u);
  EXPECT_FALSE(owner_in_table(table, end({127, 0, 0, 1}, 0xD432), own));   // closed: its user id means nothing
  EXPECT_FALSE(owner_in_table(table, end({127, 0, 0, 1}, 0xD433), own));   // nobody holds it
  EXPECT_EQ(owner_in_table(table, end({127, 0, 0, 1}, 0xD434), own), 7u);  // an IPv6 socket that speaks IPv4
  EXPECT_FALSE(owner_in_table(table, end({127, 0, 0, 1}, 0xD431), end({127, 0, 0, 1}, 8766)));
  EXPECT_FALSE(owner_in_table("", own, own));
}

}  // namespace
}  // namespace geoul::runtime::access
