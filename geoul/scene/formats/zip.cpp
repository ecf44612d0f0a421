#include "geoul/scene/formats/zip.h"

#include <zlib.h>

namespace geoul::scene::zip {
namespace {

constexpr std::size_t kMaxComment = 65535;
constexpr std::size_t kMostOfDeflate = 1100;  // packs at most 1032 to 1

template <class T>
T number(std::string_view bytes, std::size_t at) {
  T x = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    x |= static_cast<T>(T{static_cast<unsigned char>(bytes[at + i])} << 8 * i);
  return x;
}

std::nullopt_t fail(Fault& fault, std::string message, bool supported = true) {
  fault = {supported, std::move(message)};
  return std::nullopt;
}

std::optional<std::size_t> find_end(std::string_view bytes, Fault& fault) {
  if (bytes.size() < kEndBytes) return fail(fault, "the file is no zip archive: it is shorter than the end of one");
  const std::size_t last = bytes.size() - kEndBytes;
  const std::size_t first = last > kMaxComment ? last - kMaxComment : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    if (number<std::uint32_t>(bytes, at) == kEnd && number<std::uint16_t>(bytes, at + 20) == last - at) return at;
  }
  return fail(fault, "the file is no zip archive, or was cut short: its end record is missing");
}

// One entry of the list; where the next begins, or 0 and a fault.
std::size_t read_entry(std::string_view bytes, std::size_t at, std::size_t end, Entry& out, Fault& fault) {
  const std::string where = "byte " + std::to_string(at) + ": ";
  if (at > end || end - at < kCentralBytes || number<std::uint32_t>(bytes, at) != kCentral) {
    fail(fault, where + "no entry of the list of members");
    return 0;
  }
  const auto flags = number<std::uint16_t>(bytes, at + 8);
  out.encrypted = (flags & 1) != 0 || (flags & 0x40) != 0;
  out.method = number<std::uint16_t>(bytes, at + 10);
  out.crc = number<std::uint32_t>(bytes, at + 16);
  out.packed_size = number<std::uint32_t>(bytes, at + 20), out.size = number<std::uint32_t>(bytes, at + 24);
  out.header = number<std::uint32_t>(bytes, at + 42);
  const std::size_t name_size = number<std::uint16_t>(bytes, at + 28);
  const std::size_t rest = std::size_t{number<std::uint16_t>(bytes, at + 30)} + number<std::uint16_t>(bytes, at + 32);
  if (end - at - kCentralBytes < name_size + rest) {
    fail(fault, where + "an entry is longer than the list of members");
    return 0;
  }
  out.name = bytes.substr(at + kCentralBytes, name_size);
  return at + kCentralBytes + name_size + rest;
}

bool inflate_all(std::string_view packed, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole;
}

}  // namespace

std::optional<Directory> read_directory(std::string_view bytes, Fault& fault) {
  const std::optional<std::size_t> end = find_end(bytes, fault);
  if (!end) return std::nullopt;
  const auto disks = number<std::uint32_t>(bytes, *end + 4);
  const auto here = number<std::uint16_t>(bytes, *end + 8), count = number<std::uint16_t>(bytes, *end + 10);
  const auto size = number<std::uint32_t>(bytes, *end + 12), begin = number<std::uint32_t>(bytes, *end + 16);
  if (count == 0xffff || size == 0xffffffff || begin == 0xffffffff) {
    return fail(fault, "zip64 archives are not read", false);
  }
  if (disks != 0 || here != count) return fail(fault, "archives in several parts are not read", false);
  if (begin > *end || size > *end - begin) {
    return fail(fault, "the list of members is not where the end record says");
  }
  Directory out{{}, begin, begin + size, *end};
  std::size_t at = begin;
  for (int i = 0; i < count; ++i) {
    Entry entry;
    at = read_entry(bytes, at, out.end, entry, fault);
    if (at == 0) return std::nullopt;
    out.entries.push_back(entry);
  }
  if (at != out.end) return fail(fault, "the list of members is longer than its entries");
  return out;
}

std::optional<std::size_t> find_content(std::string_view bytes, const Entry& entry, Fault& fault) {
  const std::size_t at = entry.header;
  if (bytes.size() < kLocalBytes || at > bytes.size() - kLocalBytes || number<std::uint32_t>(bytes, at) != kLocal) {
    return fail(fault, "there is no header at byte " + std::to_string(at));
  }
  const std::size_t name_size = number<std::uint16_t>(bytes, at + 26);
  const std::size_t begin = at + kLocalBytes + name_size + number<std::uint16_t>(bytes, at + 28);
  if (begin > bytes.size() || entry.packed_size > bytes.size() - begin) {
    return fail(fault, "it reaches beyond the end of the file");
  }
  if (bytes.substr(at + kLocalBytes, name_size) != entry.name) return fail(fault, "it has another name in its header");
  if (number<std::uint16_t>(bytes, at + 8) != entry.method)
    return fail(fault, "it is packed in another way by its header");
  return begin;
}

std::optional<std::string> content(std::string_view archive, const Entry& entry, std::size_t max_bytes) {
  Fault fault;
  if (entry.size > max_bytes || entry.encrypted) return std::nullopt;
  const std::optional<std::size_t> begin = find_content(archive, entry, fault);
  if (!begin) return std::nullopt;
  const std::string_view packed = archive.substr(*begin, entry.packed_size);
  std::string out;
  if (entry.method == 0) {
    if (packed.size() != entry.size) return std::nullopt;
    out = packed;
  } else if (entry.method == 8) {
    if (entry.size / kMostOfDeflate > packed.size()) return std::nullopt;
    out.resize(entry.size);
    if (!inflate_all(packed, out)) return std::nullopt;
  } else {
    return std::nullopt;
  }
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION  // clang's, in fuzz targets: damage shall reach what reads the content
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(out.size()));
  if (crc != entry.crc) return std::nullopt;
#endif
  return out;
}

}  // namespace geoul::scene::zip
