#include "geoul/runtime/access/gate.h"

#include "geoul/core/unix_time.h"

#include <algorithm>
#include <utility>

namespace geoul::runtime::access {
namespace {

constexpr Duration kNotePeriod{60'000'000'000};

}  // namespace

Gate::Gate(GateOptions options)
    : options_(std::move(options)),
      store_(options_.folder),
      journal_(options_.folder, options_.listener),
      attempts_(options_.limits) {
  if (!options_.now) options_.now = unix_now;
}

// Under the mutex. A store that cannot be read has no user, and `trouble_` keeps everybody out.
void Gate::refresh() {
  if (options_.folder.empty()) return;
  const std::string stamp = store_.stamp();
  if (stamp == stamp_) return;
  Result<Users> users = store_.load();
  stamp_ = stamp;
  trouble_ = users ? "" : users.error().message;
  users_ = users ? std::move(users).value() : Users{};
  if (!users) journal_.add(now(), "users-unreadable", {}, {}, trouble_);
}

bool Gate::has_users() {
  const std::lock_guard lock(mutex_);
  refresh();
  return !users_.users.empty() || !trouble_.empty();
}

std::string Gate::trouble() {
  const std::lock_guard lock(mutex_);
  refresh();
  return trouble_.empty() ? journal_.trouble() : trouble_;
}

Duration Gate::wait_before_sign_in(const std::string& name, const std::string& address) {
  const std::lock_guard lock(mutex_);
  return attempts_.wait(is_user_name(name) ? name : "?", address, now());
}

SignIn Gate::sign_in(const std::string& name, const Secret& password, const std::string& address) {
  const std::string counted = is_user_name(name) ? name : "?";  // names that none can have are counted as one
  std::call_once(decoy_made_, [&] { decoy_ = hash_password(random_token(), options_.cost); });
  std::string hash = decoy_;
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    refresh();
    if (!trouble_.empty()) return {SignIn::Outcome::kUnavailable, {}, {}};
    const Duration wait = attempts_.wait(counted, address, now());
    if (wait > Duration{0}) return {SignIn::Outcome::kWait, wait, {}};
    attempts_.begin(counted, address, now());
    if (const User* user = find_user(users_, name)) known = true, hash = user->password;
  }
  const bool right = password.reveal().size() <= kMaxPassword && password_matches(password, hash) && known;

  const std::lock_guard lock(mutex_);
  refresh();
  const User* user = find_user(users_, name);
  if (!right || user == nullptr || user->password != hash) {
    journal_.add(now(), "sign-in-refused", known ? name : "", address, known ? "" : "unknown name");
    return {SignIn::Outcome::kWrong, attempts_.wait(counted, address, now()), {}};
  }
  attempts_.succeeded(counted, address);
  Secret cookie = random_token();
  const Session session = begin_session(*user, hash_of(cookie), now());
  journal_.add(now(), "signed-in", name, address, "session " + session.identity.id);
  return {SignIn::Outcome::kDone, {}, std::move(cookie)};
}

// Under the mutex. Ends what has expired, and the user's oldest sessions beyond the limit.
Session Gate::begin_session(const User& user, const Hash& hash, Time now) {
  std::erase_if(sessions_, [&](const auto& entry) { return !is_alive(entry.second, now); });
  const auto of_user = [&](const auto& entry) { return entry.second.user == user.name; };
  while (static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), of_user)) >=
         options_.limits.sessions_per_user) {
    auto oldest = sessions_.end();
    for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
      if (of_user(*it) && (oldest == sessions_.end() || it->second.made < oldest->second.made)) oldest = it;
    }
    sessions_.erase(oldest);
  }
  const std::string id = random_name(16);
  const Entry& entry = sessions_[id] = {hash, user.name, random_name(32), user.changed, now, now};
  return {{Identity::Kind::kSession, user.name, user.role, id}, entry.csrf, now + options_.limits.session_life};
}

bool Gate::is_alive(const Entry& entry, Time now) const {
  const User* user = find_user(users_, entry.user);
  return user && user->changed == entry.user_changed && now - entry.made < options_.limits.session_life &&
         now - entry.used < options_.limits.session_idle;
}

std::optional<Session> Gate::find_session(const Secret& cookie) {
  if (cookie.empty()) return std::nullopt;
  const Hash hash = hash_of(cookie);
  const std::lock_guard lock(mutex_);
  refresh();
  std::optional<Session> out;
  for (auto& [id, entry] : sessions_) {
    if (!same(entry.hash, hash) || !is_alive(entry, now())) continue;
    entry.used = now();
    const User* user = find_user(users_, entry.user);
    out = {
        {Identity::Kind::kSession, entry.user, user->role, id}, entry.csrf, entry.made + options_.limits.session_life};
  }
  return out;
}

bool Gate::csrf_matches(const Session& session, const Secret& given) {
  return !given.empty() && same(hash_of(Secret(session.csrf)), hash_of(given));
}

void Gate::sign_out(const Identity& identity, const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (sessions_.erase(identity.id) == 0) return;
  journal_.add(now(), "signed-out", identity.name, address, "session " + identity.id);
}

std::optional<Identity> Gate::find_token(const Secret& token, const std::string& address) {
  const Hash hash = hash_of(token);
  const std::lock_guard lock(mutex_);
  refresh();
  const User* owner = nullptr;
  const Token* found = nullptr;
  for (const User& user : users_.users) {  // all of them, so that the time does not tell which
    for (const Token& one : user.tokens) {
      if (same(one.hash, hash)) owner = &user, found = &one;
    }
  }
  if (!found || now() >= found->expires) {
    journal_.add(now(), "token-refused", owner ? owner->name : "", address,
                 found ? "expired: token " + found->id : "unknown token");
    return std::nullopt;
  }
  journal_.add(now(), "token-accepted", owner->name, address, "token " + found->id);
  return Identity{Identity::Kind::kToken, owner->name, std::min(owner->role, found->role), found->id};
}

void Gate::note_token_use(const Identity& identity) {
  const std::string key = identity.name + " " + identity.id;
  const Time at = now();
  {
    const std::lock_guard lock(mutex_);
    const auto noted = noted_.find(key);
    if (noted != noted_.end() && at - noted->second < kNotePeriod) return;
    if (noted_.size() > kMaxUsers) noted_.clear();
    noted_[key] = at;
  }
  const Result<void> written = store_.change([&](Users& users) -> Result<void> {
    User* user = find_user(users, identity.name);
    if (user == nullptr) return {};
    for (Token& token : user->tokens) {
      if (token.id == identity.id) token.used = at;
    }
    return {};
  });
  if (!written) journal_.add(at, "use-not-noted", identity.name, {}, written.error().message);
}

Identity Gate::local_account() const { return {Identity::Kind::kLocalAccount, "local", Role::kOperate, {}}; }

bool Gate::holds(const Identity& identity) {
  const std::lock_guard lock(mutex_);
  refresh();
  if (identity.kind == Identity::Kind::kLocalAccount) return users_.users.empty() && trouble_.empty();
  const User* user = find_user(users_, identity.name);
  if (user == nullptr) return false;
  if (identity.kind == Identity::Kind::kSession) {
    const auto session = sessions_.find(identity.id);
    if (session == sessions_.end() || !is_alive(session->second, now())) return false;
    session->second.used = now();
    return user->role == identity.role;
  }
  return std::any_of(user->tokens.begin(), user->tokens.end(), [&](const Token& token) {
    return token.id == identity.id && now() < token.expires && std::min(user->role, token.role) == identity.role;
  });
}

void Gate::note_refusal(const std::string& why, const std::string& address) {
  journal_.add(now(), "refused", {}, address, why);
}

}  // namespace geoul::runtime::access
