// Users, their roles and tokens, and the file that keeps them: FOLDER/users.json, for its owner only (0600), replaced
// as a whole, changed under a lock, versioned. Of passwords it holds Argon2id hashes, of tokens BLAKE2b hashes.
//
// The file is JSON: {"version": 1, "users": [{"name", "role", "password", "changed", "tokens": [{"id", "label", "role",
// "hash", "made", "expires", "used"}]}]}, times in seconds since 1970, "used" 0 where a token was never used.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/runtime/access/policy.h"
#include "geoul/runtime/access/secret.h"

namespace geoul::runtime::access {

struct Token {
  std::string id;     // 8 characters, to name it by
  std::string label;  // what it is for
  Role role = Role::kView;
  Hash hash{};
  Time made, expires, used;
};

struct User {
  std::string name;  // a to z, digits, '.', '_', '-'; 1 to 32, first a letter or digit
  Role role = Role::kView;
  std::string password;  // Argon2id hash
  Time changed;          // of the password: sessions made before it end
  std::vector<Token> tokens;
};

struct Users {
  std::vector<User> users;  // by name
};

inline constexpr std::size_t kMaxUsers = 1000, kMaxTokens = 50, kMaxUserFile = 4u << 20;
inline constexpr std::size_t kMinPassword = 12, kMaxPassword = 256;  // [byte]

// All that is wrong goes to diagnostics; nothing is returned then. Any bytes are accepted.
std::optional<Users> read_users(std::string_view text, const std::string& file, Diagnostics& diagnostics);
std::string to_text(const Users& users);

User* find_user(Users& users, std::string_view name);
const User* find_user(const Users& users, std::string_view name);
bool is_user_name(std::string_view name);

// Changes of the users. kBadInput or kNotFound with the remedy.
Result<void> add_user(Users& users, const std::string& name, Role role, const Secret& password, Time now,
                      const PasswordCost& cost = {});
Result<void> set_role(Users& users, const std::string& name, Role role);
Result<void> set_password(Users& users, const std::string& name, const Secret& password, Time now,
                          const PasswordCost& cost = {});
Result<void> remove_user(Users& users, const std::string& name);

struct NewToken {
  Secret secret;  // shown once, kept nowhere
  std::string id;
};
struct TokenWish {
  std::string label;
  std::optional<Role> role;  // at most the user's, and that where none is given
  Duration life;             // up to ten years
};
Result<NewToken> make_token(Users& users, const std::string& name, const TokenWish& wish, Time now);
Result<void> revoke_token(Users& users, const std::string& name, const std::string& id);

class UserStore {
 public:
  explicit UserStore(std::filesystem::path folder);
  // $XDG_STATE_HOME/geoul, or ~/.local/state/geoul (XDG Base Directory Specification 0.8: relative paths are ignored);
  // empty where there is neither.
  static std::filesystem::path default_folder();

  // The users now; none where there is no file. kUnavailable where others may read or write the file.
  Result<Users> load() const;
  // Loads, lets `edit` change, and writes where it returns no error: whole, or not at all.
  Result<void> change(const std::function<Result<void>(Users&)>& edit) const;
  // Differs whenever the file differs: its place on the disk, size and time.
  std::string stamp() const;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path file() const { return folder_ / "users.json"; }

 private:
  std::filesystem::path folder_;
};

// Makes the folder for its owner only where it is missing; kUnavailable where others may write in it.
Result<void> make_private_folder(const std::filesystem::path& folder);
// The content of a file that only its owner may read; kNotFound where there is none, kUnavailable with the remedy where
// it belongs to somebody else, others may read it, or it is larger than `most`.
Result<std::string> read_private_file(const std::filesystem::path& file, std::size_t most);
Result<void> write_private_file(const std::filesystem::path& file, std::string_view content);

}  // namespace geoul::runtime::access
