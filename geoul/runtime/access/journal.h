// Who signed in and who was refused: FOLDER/access.log, one JSON object a line, for its owner only, kept below a size
// by putting the full file aside as access.log.1. Holds names of users, roles, addresses and ids, never a secret: a
// name that no user has is not written, since people type passwords into the wrong field. Thread-safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include "geoul/core/time.h"

namespace geoul::runtime::access {

class Journal {
 public:
  static constexpr std::size_t kMaxBytes = 4u << 20;
  // Hears of each line too, in the thread that adds it; must return at once.
  using Listener =
      std::function<void(Time now, const std::string& what, const std::string& name, const std::string& address)>;
  explicit Journal(std::filesystem::path folder, Listener listener = {})  // no folder: writes nothing
      : folder_(std::move(folder)), listener_(std::move(listener)) {}

  // `what` is one of a few words of ours: "signed-in", "refused", ...
  void add(Time now, const std::string& what, const std::string& name, const std::string& address,
           const std::string& detail = {});
  // Why the last line could not be written; empty where all is well.
  std::string trouble() const;

 private:
  std::filesystem::path folder_;
  Listener listener_;
  mutable std::mutex mutex_;
  std::string trouble_;
};

}  // namespace geoul::runtime::access
