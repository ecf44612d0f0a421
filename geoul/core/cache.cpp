#include "geoul/core/cache.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "geoul/core/sha256.h"

namespace geoul {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'G', 'E', 'O', 'U', 'L', 'D', 'D', '1'};
constexpr std::uintmax_t kMeasureAfter = 16;  // the folder is measured again after a 16th of its bound was written

struct Header {
  char magic[8];
  CacheKey key;
  std::uint64_t size;
  std::uint64_t sum;
};
static_assert(sizeof(Header) == 56);

}  // namespace

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t lane[4] = {1, 2, 3, 4};
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15u;
  const auto mix = [](std::uint64_t h, std::uint64_t word) { return std::rotl((h ^ word) * kOdd, 29); };
  std::uint64_t words[4];
  std::size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32) {
    std::memcpy(words, bytes.data() + at, 32);
    for (int k = 0; k < 4; ++k) lane[k] = mix(lane[k], words[k]);
  }
  std::memset(words, 0, sizeof words);
  std::memcpy(words, bytes.data() + at, bytes.size() - at);
  std::uint64_t sum = bytes.size();
  for (int k = 0; k < 4; ++k) sum = mix(mix(sum, mix(lane[k], words[k])), kOdd);
  return sum ^ sum >> 32;
}

Cache::Cache(std::string folder, std::uintmax_t max_bytes) : folder_(std::move(folder)), max_bytes_(max_bytes) {}

std::string Cache::file_of(const CacheKey& key) const { return (fs::path(folder_) / (hex(key) + ".bin")).string(); }

std::optional<std::string> Cache::find(const CacheKey& key) const {
  if (folder_.empty()) return std::nullopt;
  const std::string file = file_of(key);
  std::error_code failed;
  const std::uintmax_t size = fs::file_size(file, failed);
  if (failed || !fs::is_regular_file(file, failed) || size < sizeof(Header) || size > max_bytes_) return std::nullopt;
  std::ifstream stream(file, std::ios::binary);
  Header header{};
  stream.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!stream || std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key != key ||
      header.size != size - sizeof header) {
    return std::nullopt;
  }
  std::string payload(header.size, '\0');
  stream.read(payload.data(), static_cast<std::streamsize>(header.size));
  if (!stream || checksum(payload) != header.sum) return std::nullopt;
  fs::last_write_time(file, fs::file_time_type::clock::now(), failed);  // used now; a read-only folder stays as it is
  return payload;
}

bool Cache::fail(std::string why) {
  const std::lock_guard lock(mutex_);
  if (!noted_) note_ = "derived data are not kept in '" + folder_ + "': " + std::move(why), noted_ = true;
  return false;
}

std::string Cache::take_note() {
  const std::lock_guard lock(mutex_);
  return std::exchange(note_, {});
}

void Cache::keep(const CacheKey& key, std::string_view payload) {
  static std::atomic<std::uint64_t> serial{0};
  if (folder_.empty() || payload.size() + sizeof(Header) > max_bytes_ / 4) return;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return static_cast<void>(fail(failed.message()));
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key = key, header.size = payload.size(), header.sum = checksum(payload);
  const std::string file = file_of(key);
  const std::string part = file + "." + std::to_string(::getpid()) + "." + std::to_string(++serial) + ".part";
  {
    std::ofstream stream(part, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(&header), sizeof header);
    stream.write(payload.data(), static_cast<std::streamsize>(payload.size()));
    stream.close();
    if (!stream) {
      fs::remove(part, failed);
      return static_cast<void>(fail("it cannot be written"));
    }
  }
  fs::rename(part, file, failed);
  if (failed) {
    const std::string why = failed.message();
    fs::remove(part, failed);
    return static_cast<void>(fail(why));
  }
  const std::lock_guard lock(mutex_);
  const bool known = written_ != ~std::uintmax_t{0};
  written_ = (known ? written_ : max_bytes_) + payload.size() + sizeof header;
  if (written_ > max_bytes_ / kMeasureAfter) evict(), written_ = 0;
}

// Removes what was used longest ago until what is left is within the bound; also parts that a crash left behind.
void Cache::evict() {
  struct Entry {
    fs::file_time_type used;
    std::string name;
    std::uintmax_t size;
  };
  std::vector<Entry> entries;
  std::uintmax_t total = 0;
  std::error_code failed;
  const auto now = fs::file_time_type::clock::now();
  for (const fs::directory_entry& file : fs::directory_iterator(folder_, failed)) {
    std::error_code gone;
    const fs::path path = file.path();
    const auto used = file.last_write_time(gone);
    const std::uintmax_t size = gone ? 0 : file.file_size(gone);
    if (gone) continue;
    if (path.extension() == ".part" && now - used > std::chrono::hours(1)) fs::remove(path, gone);
    if (path.extension() != ".bin") continue;
    entries.push_back({used, path.string(), size});
    total += size;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used != b.used ? a.used < b.used : a.name < b.name; });
  for (const Entry& entry : entries) {
    if (total <= max_bytes_) break;
    if (fs::remove(entry.name, failed)) total -= entry.size;
  }
}

Cache& user_cache() {
  static Cache cache([]() -> std::string {
    const char *off = std::getenv("GEOUL_CACHE"), *xdg = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
    if (off != nullptr && std::string_view(off) == "off") return {};
    if (xdg != nullptr && xdg[0] == '/') return std::string(xdg) + "/geoul";
    if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/geoul";
    return {};
  }());
  return cache;
}

}  // namespace geoul
