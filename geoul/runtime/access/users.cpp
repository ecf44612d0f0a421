#include "geoul/runtime/access/users.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "geoul/core/nearest.h"

namespace geoul::runtime::access {
namespace {

constexpr Duration kLongestLife{std::int64_t{3650} * 86'400'000'000'000};

Error bad(std::string words) { return {ErrorCode::kBadInput, std::move(words)}; }

Error no_user(const Users& users, const std::string& name) {
  std::vector<std::string> names;
  for (const User& user : users.users) names.push_back(user.name);
  return {ErrorCode::kNotFound, "there is no user '" + name.substr(0, 32) + "'; " +
                                    did_you_mean(name, names, "'geoul user list' shows them")};
}

Result<std::string> checked_hash(const std::string& name, const Secret& password, const PasswordCost& cost) {
  const std::string_view bytes = password.reveal();
  if (bytes.size() < kMinPassword) return bad("the password is too short: take 12 characters or more");
  if (bytes.size() > kMaxPassword) return bad("the password is too long: take at most 256 bytes");
  if (bytes.find_first_not_of(bytes.front()) == std::string_view::npos || bytes.find(name) == 0) {
    return bad("the password is one character again and again, or begins with the name: take another");
  }
  std::string hash = hash_password(password, cost);
  if (hash.empty()) return Error{ErrorCode::kUnavailable, "there is not enough memory to hash a password (64 MiB)"};
  return hash;
}

}  // namespace

bool is_user_name(std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kLater = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= 32 && kFirst.find(name.front()) != std::string_view::npos &&
         name.find_first_not_of(kLater) == std::string_view::npos;
}

const User* find_user(const Users& users, std::string_view name) {
  const auto found =
      std::find_if(users.users.begin(), users.users.end(), [&](const User& u) { return u.name == name; });
  return found == users.users.end() ? nullptr : &*found;
}

User* find_user(Users& users, std::string_view name) {
  return const_cast<User*>(find_user(static_cast<const Users&>(users), name));
}

Result<void> add_user(Users& users, const std::string& name, Role role, const Secret& password, Time now,
                      const PasswordCost& cost) {
  if (!is_user_name(name) || name == "local") {
    return bad(
        "'" + name.substr(0, 64) +
        "' cannot be a name: take 1 to 32 of a to z, digits, '.', '_', '-', the first a letter or digit; 'local' "
        "is taken");
  }
  if (find_user(users, name))
    return bad("there is a user '" + name + "' already; 'geoul user role' and 'passwd' change it");
  if (users.users.size() >= kMaxUsers) return bad("there are 1000 users, which is the limit");
  Result<std::string> hash = checked_hash(name, password, cost);
  if (!hash) return hash.error();
  users.users.push_back({name, role, std::move(hash).value(), now, {}});
  std::sort(users.users.begin(), users.users.end(), [](const User& a, const User& b) { return a.name < b.name; });
  return {};
}

Result<void> set_role(Users& users, const std::string& name, Role role) {
  User* user = find_user(users, name);
  if (!user) return no_user(users, name);
  user->role = role;
  return {};
}

Result<void> set_password(Users& users, const std::string& name, const Secret& password, Time now,
                          const PasswordCost& cost) {
  User* user = find_user(users, name);
  if (!user) return no_user(users, name);
  Result<std::string> hash = checked_hash(name, password, cost);
  if (!hash) return hash.error();
  user->password = std::move(hash).value();
  user->changed = now;
  return {};
}

Result<void> remove_user(Users& users, const std::string& name) {
  if (!find_user(users, name)) return no_user(users, name);
  std::erase_if(users.users, [&](const User& user) { return user.name == name; });
  return {};
}

Result<NewToken> make_token(Users& users, const std::string& name, const TokenWish& wish, Time now) {
  User* user = find_user(users, name);
  if (!user) return no_user(users, name);
  const Role role = wish.role.value_or(user->role);
  if (role > user->role) {
    return bad("a token can have at most the role of its user, and '" + name + "' has '" +
               std::string(to_string(user->role)) + "'");
  }
  if (wish.life <= Duration{0} || wish.life > kLongestLife) return bad("a token lives from a moment to ten years");
  const bool plain = std::all_of(wish.label.begin(), wish.label.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (wish.label.size() > 64 || !plain) return bad("a label has at most 64 printable ASCII characters");
  std::erase_if(user->tokens, [now](const Token& token) { return now >= token.expires; });
  if (user->tokens.size() >= kMaxTokens) return bad("'" + name + "' has 50 tokens, which is the limit; revoke some");
  NewToken out{random_token(), random_name(8)};
  user->tokens.push_back({out.id, wish.label, role, hash_of(out.secret), now, now + wish.life, Time{}});
  return out;
}

Result<void> revoke_token(Users& users, const std::string& name, const std::string& id) {
  User* user = find_user(users, name);
  if (!user) return no_user(users, name);
  if (std::erase_if(user->tokens, [&](const Token& token) { return token.id == id; }) > 0) return {};
  std::vector<std::string> ids;
  for (const Token& token : user->tokens) ids.push_back(token.id);
  return Error{ErrorCode::kNotFound, "'" + name + "' has no token '" + id.substr(0, 32) + "'; " +
                                         did_you_mean(id, ids, "'geoul user list' shows them")};
}

UserStore::UserStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

std::filesystem::path UserStore::default_folder() {
  const char *xdg = std::getenv("XDG_STATE_HOME"), *home = std::getenv("HOME");
  if (xdg != nullptr && xdg[0] == '/') return std::filesystem::path(xdg) / "geoul";
  if (home != nullptr && home[0] == '/') return std::filesystem::path(home) / ".local/state/geoul";
  return {};
}

Result<Users> UserStore::load() const {
  const Result<std::string> text = read_private_file(file(), kMaxUserFile);
  if (!text && text.error().code == ErrorCode::kNotFound) return Users{};
  if (!text) return text.error();
  Diagnostics diagnostics;
  std::optional<Users> users = read_users(*text, file().string(), diagnostics);
  if (!users) return diagnostics.to_error();
  return std::move(*users);
}

Result<void> UserStore::change(const std::function<Result<void>(Users&)>& edit) const {
  if (Result<void> made = make_private_folder(folder_); !made) return made;
  const std::string lock = (folder_ / "users.lock").string();
  const int held = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (held < 0 || ::flock(held, LOCK_EX) != 0) {
    const std::string why = std::strerror(errno);
    if (held >= 0) ::close(held);
    return Error{ErrorCode::kUnavailable, "cannot lock '" + lock + "': " + why};
  }
  const auto work = [&]() -> Result<void> {
    Result<Users> users = load();
    if (!users) return users.error();
    if (Result<void> done = edit(*users); !done) return done;
    return write_private_file(file(), to_text(*users));
  };
  Result<void> done = work();
  ::close(held);  // and unlocks
  return done;
}

std::string UserStore::stamp() const {
  struct stat found {};
  if (::stat(file().c_str(), &found) != 0) return errno == ENOENT ? "none" : "unreadable";
  return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) + ":" + std::to_string(found.st_size) + ":" +
         std::to_string(found.st_mtim.tv_sec) + "." + std::to_string(found.st_mtim.tv_nsec) + ":" +
         std::to_string(found.st_mode) + ":" + std::to_string(found.st_uid);
}

}  // namespace geoul::runtime::access
