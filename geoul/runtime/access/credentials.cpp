#include "geoul/runtime/access/credentials.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "geoul/runtime/server/static_files.h"

namespace geoul::runtime::access {
namespace {

using nlohmann::json;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls use(part) for each part between separators.
template <class Use>
void split(std::string_view text, char separator, Use use) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    use(trim(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The rest of the only part that begins with `prefix`.
Secret only_part(std::string_view text, char separator, std::string_view prefix) {
  std::size_t count = 0;
  std::string_view value;
  split(text, separator, [&](std::string_view part) {
    if (part.substr(0, prefix.size()) != prefix) return;
    ++count;
    value = part.substr(prefix.size());
  });
  return count == 1 ? Secret(value) : Secret();
}

}  // namespace

Result<SignInRequest> parse_sign_in(std::string_view body) {
  json root = json::parse(body, nullptr, false);
  const auto wipe_all = [&root] {
    if (!root.is_object()) return;
    for (auto& [name, value] : root.items()) {
      if (value.is_string()) wipe(value.get_ref<std::string&>());
    }
  };
  const bool right = root.is_object() && root.size() == 2 && root.contains("name") && root["name"].is_string() &&
                     root.contains("password") && root["password"].is_string();
  if (!right) {
    wipe_all();
    return Error{ErrorCode::kBadInput, R"(the body must be {"name": "...", "password": "..."})"};
  }
  SignInRequest out{root["name"].get<std::string>(), Secret::take(root["password"].get_ref<std::string&>())};
  wipe_all();
  return out;
}

Secret cookie_value(std::string_view header, std::string_view name) {
  return only_part(header, ';', std::string(name) + "=");
}

Secret query_value(std::string_view target, std::string_view name) {
  const std::size_t begin = target.find('?');
  if (begin == std::string_view::npos) return {};
  const std::string_view query = target.substr(begin + 1, target.find('#', begin) - begin - 1);
  const Secret value = only_part(query, '&', std::string(name) + "=");
  std::optional<std::string> decoded = percent_decode(value.reveal());
  return decoded ? Secret::take(*decoded) : Secret();
}

Secret bearer_value(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  const bool right = header.size() > kScheme.size() &&
                     std::equal(kScheme.begin(), kScheme.end(), header.begin(),
                                [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == b + 32); });
  return right ? Secret(trim(header.substr(kScheme.size()))) : Secret();
}

Secret list_value(std::string_view list, std::string_view prefix) { return only_part(list, ',', prefix); }

bool looks_like_token(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.size() == 6 + 43 && text.substr(0, 6) == "geoul_" &&
         text.substr(6).find_first_not_of(kAlphabet) == std::string_view::npos;
}

bool is_own_origin(std::string_view origin, std::string_view host) {
  if (host.empty()) return false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.substr(0, scheme.size()) == scheme && origin.substr(scheme.size()) == host) return true;
  }
  return false;
}

}  // namespace geoul::runtime::access
