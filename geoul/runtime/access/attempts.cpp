#include "geoul/runtime/access/attempts.h"

#include <algorithm>

namespace geoul::runtime::access {
namespace {

// A name has no space, an address neither.
std::string pair_key(const std::string& name, const std::string& address) { return "b " + name + " " + address; }
std::string address_key(const std::string& address) { return "a " + address; }
std::string name_key(const std::string& name) { return "n " + name; }

}  // namespace

Duration Attempts::wait_of(const Entry& entry, std::size_t free, Duration most, Time now) const {
  if (entry.failures < free || now - entry.last > limits_.forget_failures) return {};
  Duration wait = limits_.first_wait;
  for (std::size_t i = free; i < entry.failures && wait < most; ++i) wait = wait * 2;
  return std::max(Duration{0}, entry.last + std::min(wait, most) - now);
}

Duration Attempts::wait(const std::string& name, const std::string& address, Time now) const {
  Duration longest{};
  const auto take = [&](const std::string& key, std::size_t free, Duration most) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) longest = std::max(longest, wait_of(found->second, free, most, now));
  };
  take(pair_key(name, address), limits_.free_failures, limits_.longest_wait);
  take(address_key(address), limits_.address_failures, limits_.longest_wait);
  take(name_key(name), limits_.name_failures, limits_.name_wait);
  return longest;
}

void Attempts::count(const std::string& key, Time now) {
  Entry& entry = entries_[key];
  if (now - entry.last > limits_.forget_failures) entry.failures = 0;
  entry.last = now;
  ++entry.failures;
}

void Attempts::begin(const std::string& name, const std::string& address, Time now) {
  make_room(now);
  for (const std::string& key : {pair_key(name, address), address_key(address), name_key(name)}) count(key, now);
}

void Attempts::succeeded(const std::string& name, const std::string& address) {
  entries_.erase(pair_key(name, address));
  for (const std::string& key : {address_key(address), name_key(name)}) {
    const auto found = entries_.find(key);
    if (found != entries_.end() && --found->second.failures == 0) entries_.erase(found);
  }
}

// Forgets what is old, then what failed least, longest ago: who fails often is remembered longest.
void Attempts::make_room(Time now) {
  if (entries_.size() + 3 <= limits_.remembered_failures) return;
  std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.last > limits_.forget_failures; });
  while (!entries_.empty() && entries_.size() + 3 > limits_.remembered_failures) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      if (a.second.failures != b.second.failures) return a.second.failures < b.second.failures;
      return a.second.last < b.second.last;
    }));
  }
}

}  // namespace geoul::runtime::access
