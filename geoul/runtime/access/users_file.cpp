// The text of users.json: see users.h.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "geoul/runtime/access/users.h"

namespace geoul::runtime::access {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::int64_t kLastSecond = 9'000'000'000;  // in the year 2255; a Time ends in 2262
constexpr std::string_view kMend = "restore the file from a copy, or remove it and add the users again";

std::string hex_of(const Hash& hash) {
  std::string out;
  for (const std::uint8_t byte : hash) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

// Reads one object's members, and says which are wrong, missing or unknown.
class Members {
 public:
  Members(const json& object, std::string file, std::string path, Diagnostics& diagnostics)
      : object_(object), file_(std::move(file)), path_(std::move(path)), diagnostics_(diagnostics) {
    if (!object_.is_object()) error("", "not-an-object", "an object is expected");
  }

  void error(const std::string& name, const std::string& code, const std::string& words) {
    diagnostics_.error({file_, 0, path_ + (name.empty() ? "" : "." + name)}, code, words, std::string(kMend));
  }
  void only(std::initializer_list<std::string_view> names) {
    if (!object_.is_object()) return;
    for (const auto& [name, value] : object_.items()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        error("", "unknown-member", "there is no member '" + name.substr(0, 32) + "'");
      }
    }
  }
  std::string text(const char* name) {
    const json* value = find(name);
    if (!value) return {};
    if (value->is_string()) return value->get<std::string>();
    error(name, "not-a-text", "a text is expected");
    return {};
  }
  Role role(const char* name) {
    const std::string word = text(name);
    if (const std::optional<Role> role = parse_role(word)) return *role;
    error(name, "unknown-role", "there is no role '" + word.substr(0, 32) + "'");
    return Role::kView;
  }
  Time time(const char* name) {
    const json* value = find(name);
    if (!value) return {};
    const bool right = value->is_number_integer() &&
                       !(value->is_number_unsigned() && value->get<std::uint64_t>() > kLastSecond) &&
                       value->get<std::int64_t>() >= 0;
    if (!right) {
      error(name, "not-a-time", "whole seconds since 1970 are expected");
      return {};
    }
    return Time{value->get<std::int64_t>() * 1'000'000'000};
  }
  Hash hash(const char* name) {
    const std::string digits = text(name);
    Hash out{};
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (digits.size() != 64 || digits.find_first_not_of(kDigits) != std::string::npos) {
      error(name, "not-a-hash", "64 hexadecimal digits are expected");
      return out;
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(kDigits.find(digits[2 * i]) * 16 + kDigits.find(digits[2 * i + 1]));
    }
    return out;
  }
  // The elements of a list of at most `most`; none where it is wrong.
  const json& list(const char* name, std::size_t most) {
    static const json kNone = json::array();
    const json* value = find(name);
    if (!value) return kNone;
    if (!value->is_array() || value->size() > most) {
      error(name, "not-a-list", "a list of at most " + std::to_string(most) + " is expected");
      return kNone;
    }
    return *value;
  }

 private:
  const json* find(const char* name) {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    if (found != object_.end()) return &*found;
    error(name, "missing", "the member is missing");
    return nullptr;
  }

  const json& object_;
  std::string file_, path_;
  Diagnostics& diagnostics_;
};

Token read_token(Members members) {
  members.only({"id", "label", "role", "hash", "made", "expires", "used"});
  Token out{members.text("id"),   members.text("label"),   members.role("role"), members.hash("hash"),
            members.time("made"), members.time("expires"), members.time("used")};
  if (!is_user_name(out.id)) members.error("id", "bad-name", "1 to 32 letters and digits are expected");
  const bool plain = std::all_of(out.label.begin(), out.label.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (out.label.size() > 64 || !plain) members.error("label", "bad-label", "a short label in ASCII is expected");
  return out;
}

}  // namespace

std::optional<Users> read_users(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  if (text.size() > kMaxUserFile) {
    diagnostics.error({file, 0, {}}, "too-large", "the file is larger than 4 MiB", std::string(kMend));
    return std::nullopt;
  }
  const json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) {
    diagnostics.error({file, 0, {}}, "not-json", "this is not JSON", std::string(kMend));
    return std::nullopt;
  }
  Members top(root, file, "users.json", diagnostics);
  top.only({"version", "users"});
  const json version = root.is_object() ? root.value("version", json()) : json();
  if (!version.is_number_integer() || version != kVersion) {
    diagnostics.error({file, 0, "version"}, "version", "this file is not of version 1",
                      "use the geoul that wrote it, or restore the file from a copy");
    return std::nullopt;
  }
  Users out;
  std::set<std::string> names;
  const json& users = top.list("users", kMaxUsers);
  for (std::size_t i = 0; i < users.size(); ++i) {
    const std::string path = "users[" + std::to_string(i) + "]";
    Members members(users[i], file, path, diagnostics);
    members.only({"name", "role", "password", "changed", "tokens"});
    User user{members.text("name"), members.role("role"), members.text("password"), members.time("changed"), {}};
    if (!is_user_name(user.name) || user.name == "local") members.error("name", "bad-name", "this cannot be a name");
    if (!names.insert(user.name).second) members.error("name", "twice", "this name stands twice");
    if (!is_password_hash(user.password)) members.error("password", "not-a-hash", "this is not an Argon2id hash");
    const json& tokens = members.list("tokens", kMaxTokens);
    std::set<std::string> ids;
    for (std::size_t k = 0; k < tokens.size(); ++k) {
      user.tokens.push_back(
          read_token(Members(tokens[k], file, path + ".tokens[" + std::to_string(k) + "]", diagnostics)));
      if (!ids.insert(user.tokens.back().id).second) members.error("tokens", "twice", "a token's id stands twice");
    }
    out.users.push_back(std::move(user));
  }
  std::sort(out.users.begin(), out.users.end(), [](const User& a, const User& b) { return a.name < b.name; });
  if (diagnostics.error_count() > errors) return std::nullopt;
  return out;
}

std::string to_text(const Users& users) {
  const auto seconds = [](Time time) { return time.ns / 1'000'000'000; };
  json list = json::array();
  for (const User& user : users.users) {
    json tokens = json::array();
    for (const Token& token : user.tokens) {
      tokens.push_back({{"id", token.id},
                        {"label", token.label},
                        {"role", to_string(token.role)},
                        {"hash", hex_of(token.hash)},
                        {"made", seconds(token.made)},
                        {"expires", seconds(token.expires)},
                        {"used", seconds(token.used)}});
    }
    list.push_back({{"name", user.name},
                    {"role", to_string(user.role)},
                    {"password", user.password},
                    {"changed", seconds(user.changed)},
                    {"tokens", std::move(tokens)}});
  }
  return json{{"version", kVersion}, {"users", std::move(list)}}.dump(1) + "\n";
}

}  // namespace geoul::runtime::access
