#include "geoul/runtime/links.h"

#include <algorithm>
#include <chrono>

#include "geoul/core/nearest.h"

namespace geoul::runtime {
namespace {

// One protocol: its scheme, the option keys that it takes, and how it is made.
struct Protocol {
  std::string scheme;
  std::vector<std::string> keys;
  std::function<std::optional<Error>(const LinkSpec&)> check;
  std::function<Result<std::unique_ptr<link::Link>>(const LinkSpec&, link::LinkOptions)> make;
};

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all = {};
  return all;
}

std::string scheme_of(const std::string& url) { return url.substr(0, url.find(':')); }

const Protocol* find_protocol(const std::string& url) {
  if (url.find(':') == std::string::npos) return nullptr;
  const auto at = std::find_if(protocols().begin(), protocols().end(),
                               [&](const Protocol& p) { return p.scheme == scheme_of(url); });
  return at == protocols().end() ? nullptr : &*at;
}

}  // namespace

const std::vector<std::string>& link_option_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> out;
    for (const Protocol& protocol : protocols()) out.insert(out.end(), protocol.keys.begin(), protocol.keys.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }();
  return keys;
}

std::optional<Error> check_link(const LinkSpec& spec) {
  const Protocol* protocol = find_protocol(spec.url);
  if (!protocol) {
    std::vector<std::string> schemes;
    std::string listed;
    for (const Protocol& p : protocols()) {
      schemes.push_back(p.scheme);
      listed += (listed.empty() ? "" : ", ") + p.scheme + ":";
    }
    return Error{ErrorCode::kBadInput, "'" + spec.url + "' begins with no protocol that is known here; " +
                                           did_you_mean(scheme_of(spec.url), schemes, "they are " + listed)};
  }
  for (const auto& [key, value] : spec.options) {
    if (std::find(protocol->keys.begin(), protocol->keys.end(), key) != protocol->keys.end()) continue;
    return Error{ErrorCode::kBadInput, "'" + key + "' means nothing to " + protocol->scheme + "; " +
                                           did_you_mean(key, protocol->keys, "delete it")};
  }
  return protocol->check ? protocol->check(spec) : std::nullopt;
}

Result<std::unique_ptr<link::Link>> make_link(const LinkSpec& spec, std::vector<std::string> signals,
                                              std::function<Time()> now) {
  if (const std::optional<Error> wrong = check_link(spec)) return *wrong;
  link::LinkOptions options;
  options.id = spec.id;
  options.signals = std::move(signals);
  options.now = std::move(now);
  return find_protocol(spec.url)->make(spec, std::move(options));
}

Time unix_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

}  // namespace geoul::runtime
