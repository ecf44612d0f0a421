// How long somebody who failed to sign in must wait: three counts (a name from an address, an address, a name), each
// with a wait that doubles. Time is passed in. Not thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "geoul/core/time.h"
#include "geoul/runtime/access/limits.h"

namespace geoul::runtime::access {

class Attempts {
 public:
  explicit Attempts(const Limits& limits) : limits_(limits) {}

  // How long until this name may be tried from this address; 0: now.
  Duration wait(const std::string& name, const std::string& address, Time now) const;
  // An attempt begins: it counts as failed until succeeded() is told, so that many at once gain nothing.
  void begin(const std::string& name, const std::string& address, Time now);
  // Forgets this name from this address, and what begin() added to the other two counts.
  void succeeded(const std::string& name, const std::string& address);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::size_t failures = 0;
    Time last;
  };
  Duration wait_of(const Entry& entry, std::size_t free, Duration most, Time now) const;
  void count(const std::string& key, Time now);
  void make_room(Time now);

  Limits limits_;
  std::map<std::string, Entry> entries_;
};

}  // namespace geoul::runtime::access
