// A folder of derived data that would be made again bit by bit: hulls, decompositions, trees over meshes.
// Content-addressed: the key is the hash of everything that the data follow from (input bytes, parameters, version of
// the method), so that nothing has ever to be declared stale.
//
// A file KEY.bin an entry: magic, key, size and check sum of the payload, payload. Written beside and renamed, so that
// readers see whole entries or none; what is cut short or damaged does not match its check sum and counts as missing.
// When the folder grows beyond its bound, entries used longest ago go first. Many threads and processes may share a
// folder.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace geoul {

using CacheKey = std::array<std::uint8_t, 32>;

class Cache {
 public:
  static constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 30;

  // folder is made when something is first kept. Empty: keeps nothing.
  explicit Cache(std::string folder, std::uintmax_t max_bytes = kMaxBytes);

  // The payload, marked as used now; none where there is no whole entry.
  std::optional<std::string> find(const CacheKey& key) const;
  // Keeps a payload, if it can.
  void keep(const CacheKey& key, std::string_view payload);
  // Why something could not be kept, once: empty from the second call on, and where all is well.
  std::string take_note();

  const std::string& folder() const { return folder_; }

 private:
  std::string file_of(const CacheKey& key) const;
  void evict();
  bool fail(std::string why);

  std::string folder_;
  std::uintmax_t max_bytes_;
  std::mutex mutex_;
  std::uintmax_t written_ = ~std::uintmax_t{0};  // since the folder was last measured
  std::string note_;
  bool noted_ = false;
};

// The cache of this user: $XDG_CACHE_HOME/geoul, or ~/.cache/geoul (XDG Base Directory Specification 0.8: relative
// paths are ignored). Keeps nothing where there is no such folder or GEOUL_CACHE is "off". Made at the first call.
Cache& user_cache();

// Check sum of the payloads: 64 bits, fast, against accidents only.
std::uint64_t checksum(std::string_view bytes);

}  // namespace geoul
