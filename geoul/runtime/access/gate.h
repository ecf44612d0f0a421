// Who is let in: users and tokens of the store, sessions of those who signed in, waits of those who failed. The store
// is read again whenever its file changes, so that whoever is removed or revoked is out at once.
//
// Where the store has no user, processes of the account that Geoul runs under are let in over the loopback interface
// with the role operate, and nobody else. Where it cannot be read, nobody is let in.
//
// Thread-safe. Only sign_in() takes long (a password hash, about 0.2 s) and must not be called in the server's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "geoul/runtime/access/attempts.h"
#include "geoul/runtime/access/journal.h"
#include "geoul/runtime/access/limits.h"
#include "geoul/runtime/access/policy.h"
#include "geoul/runtime/access/secret.h"
#include "geoul/runtime/access/users.h"

namespace geoul::runtime::access {

struct GateOptions {
  std::filesystem::path folder{};  // of the user store and the journal; empty: there are no users and no journal
  Limits limits{};
  Policy policy{};
  PasswordCost cost{};
  std::function<Time()> now{};   // UNIX time; empty: the system's clock
  Journal::Listener listener{};  // hears what the journal does
};

struct SignIn {
  enum class Outcome {
    kDone,
    kWrong,        // name or password; which of them is not said
    kWait,         // too many failures: wait
    kUnavailable,  // the store cannot be read
  };
  Outcome outcome = Outcome::kWrong;
  Duration wait{};
  Secret session{};  // for the cookie
};

struct Session {
  Identity identity;
  std::string csrf;  // must come back in what a page sends beside its cookie
  Time expires;
};

class Gate {
 public:
  explicit Gate(GateOptions options = {});

  bool has_users();       // or the store cannot be read
  std::string trouble();  // why it cannot be read, or the journal not be written; empty where all is well
  const Policy& policy() const { return options_.policy; }
  Time now() const { return options_.now(); }
  const std::filesystem::path& folder() const { return options_.folder; }

  Duration wait_before_sign_in(const std::string& name, const std::string& address);
  SignIn sign_in(const std::string& name, const Secret& password, const std::string& address);
  std::optional<Session> find_session(const Secret& cookie);
  void sign_out(const Identity& identity, const std::string& address);
  // Whether a session's CSRF token is this one, in constant time.
  static bool csrf_matches(const Session& session, const Secret& given);

  std::optional<Identity> find_token(const Secret& token, const std::string& address);
  // Notes in the store that a token was used, at most once a minute. Writes a file.
  void note_token_use(const Identity& identity);

  Identity local_account() const;
  // Whether somebody who was let in may stay, with the same role. Counts as use of a session.
  bool holds(const Identity& identity);
  void note_refusal(const std::string& why, const std::string& address);

 private:
  struct Entry {  // a session, by id
    Hash hash{};
    std::string user, csrf;
    Time user_changed, made, used;
  };
  void refresh();
  bool is_alive(const Entry& entry, Time now) const;
  Session begin_session(const User& user, const Hash& hash, Time now);

  GateOptions options_;
  UserStore store_;
  Journal journal_;
  std::mutex mutex_;
  std::string stamp_, trouble_;
  Users users_;
  Attempts attempts_;
  std::map<std::string, Entry> sessions_;
  std::map<std::string, Time> noted_;  // token -> when its use was written
  std::once_flag decoy_made_;
  std::string decoy_;  // hash to check passwords of unknown names against, so that they take as long
};

}  // namespace geoul::runtime::access
