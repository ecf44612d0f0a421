#include "geoul/scene/formats/mesh/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace geoul::scene::mesh {
namespace {

constexpr std::size_t kMostEntries = 10'000;

template <class T>
std::size_t number(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

std::optional<std::vector<ZipEntry>> zip_directory(std::string_view archive) {
  constexpr std::size_t kEnd = 22, kEntry = 46;
  if (archive.size() < kEnd) return std::nullopt;
  // The end record stands last, but for a comment of at most 65,535 bytes.
  const std::size_t window = archive.size() - std::min(archive.size(), kEnd + 65535);
  const std::size_t found = archive.substr(window).rfind(std::string_view("PK\5\6", 4));
  if (found == std::string_view::npos || archive.size() - window - found < kEnd) return std::nullopt;
  const std::size_t end = window + found;
  const std::size_t count = number<std::uint16_t>(archive, end + 10);
  std::size_t at = number<std::uint32_t>(archive, end + 16);
  if (count > kMostEntries) return std::nullopt;
  std::vector<ZipEntry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    if (at > end || end - at < kEntry || archive.substr(at, 4) != std::string_view("PK\1\2", 4)) return std::nullopt;
    ZipEntry entry;
    const std::size_t flags = number<std::uint16_t>(archive, at + 8);
    entry.method = static_cast<int>(number<std::uint16_t>(archive, at + 10));
    entry.crc = static_cast<std::uint32_t>(number<std::uint32_t>(archive, at + 16));
    entry.packed_size = number<std::uint32_t>(archive, at + 20);
    entry.size = number<std::uint32_t>(archive, at + 24);
    entry.header = number<std::uint32_t>(archive, at + 42);
    const std::size_t name = number<std::uint16_t>(archive, at + 28), extra = number<std::uint16_t>(archive, at + 30),
                      comment = number<std::uint16_t>(archive, at + 32);
    if (end - at - kEntry < name + extra + comment || (flags & 1) != 0) return std::nullopt;
    entry.name = archive.substr(at + kEntry, name);
    entries.push_back(entry);
    at += kEntry + name + extra + comment;
  }
  return entries;
}

std::optional<std::string> zip_content(std::string_view archive, const ZipEntry& entry, std::size_t max_bytes) {
  constexpr std::size_t kLocal = 30;
  const std::size_t at = entry.header;
  if (entry.size > max_bytes || at > archive.size() || archive.size() - at < kLocal ||
      archive.substr(at, 4) != std::string_view("PK\3\4", 4)) {
    return std::nullopt;
  }
  const std::size_t begin =
      at + kLocal + number<std::uint16_t>(archive, at + 26) + number<std::uint16_t>(archive, at + 28);
  if (begin > archive.size() || entry.packed_size > archive.size() - begin) return std::nullopt;
  const std::string_view packed = archive.substr(begin, entry.packed_size);
  std::string content;
  if (entry.method == 0) {
    if (packed.size() != entry.size) return std::nullopt;
    content = packed;
  } else if (entry.method == 8) {
    if (entry.size / 1100 > packed.size()) return std::nullopt;  // deflate packs at most 1032 to 1
    content.resize(entry.size);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(content.data());
    stream.avail_out = static_cast<uInt>(content.size());
    const int result = inflate(&stream, Z_FINISH);
    const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
    inflateEnd(&stream);
    if (!whole) return std::nullopt;
  } else {
    return std::nullopt;
  }
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION  // clang's, in fuzz targets: damage shall reach what reads the content
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
  if (crc != entry.crc) return std::nullopt;
#endif
  return content;
}

}  // namespace geoul::scene::mesh
