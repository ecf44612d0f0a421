#include "geoul/scene/formats/usd/crate_bytes.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "geoul/scene/formats/usd/lz4.h"

namespace geoul::scene::usd {

void fail_at(std::size_t byte, const std::string& message) {
  throw CrateError{"bad-crate", "byte " + std::to_string(byte) + ": " + message, "write the file again"};
}

void Budget::spent() const {
  throw CrateError{"too-large", "the file unfolds to more than is allowed: 96 MiB and 256 times its size",
                   "split it, or write it as text"};
}

std::span<char> Scratch::room(std::size_t n) {
  if (n + kSlack > size_) {
    bytes_ = std::make_unique_for_overwrite<char[]>(n + kSlack);
    size_ = n + kSlack;
  }
  return {bytes_.get(), n};
}

std::span<char> decompress(std::string_view compressed, std::size_t at, std::span<char> out) {
  if (compressed.empty()) fail_at(at, "an empty compressed block");
  const auto chunks = static_cast<unsigned char>(compressed.front());
  ByteReader in{compressed, 1};
  std::size_t written = 0;
  for (int i = 0; i < std::max(1, static_cast<int>(chunks)); ++i) {
    std::size_t size = in.left();
    if (chunks > 0) {
      if (in.left() < sizeof(std::int32_t)) fail_at(at, "a compressed block ends before its last chunk");
      const auto said = in.get<std::int32_t>();
      if (said < 0 || static_cast<std::size_t>(said) > in.left()) fail_at(at, "a chunk is longer than its block");
      size = static_cast<std::size_t>(said);
    }
    const auto part = decode_lz4(in.take(size), out.subspan(written));
    if (!part) fail_at(at, "a compressed block is broken or unfolds to more than was said");
    written += *part;
  }
  return out.first(written);
}

namespace {

// What the two bits of four values mean, for each of the 256 bytes that hold them.
template <class Int>
struct CodeTable {
  std::array<std::array<std::uint8_t, 4>, 256> begin{};  // where each value's bytes begin
  std::array<std::uint8_t, 256> length{};                // of all four
};
template <class Int>
constexpr std::array<std::size_t, 4> kCodeBytes = {0, sizeof(Int) / 4, sizeof(Int) / 2, sizeof(Int)};

template <class Int>
constexpr CodeTable<Int> make_table() {
  CodeTable<Int> table;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      table.begin[byte][i] = static_cast<std::uint8_t>(at);
      at += kCodeBytes<Int>[byte >> (2 * i) & 3];
    }
    table.length[byte] = static_cast<std::uint8_t>(at);
  }
  return table;
}

// The difference that a code says; kSlack readable bytes stand behind `at`.
template <class Int>
Int difference(const char* at, unsigned code, Int common) {
  using Bits = std::make_unsigned_t<Int>;
  constexpr unsigned kAll = 8 * sizeof(Int);
  // Masks and sign bits instead of branches: the codes of a mesh are as good as random.
  constexpr std::array<Bits, 4> kMask = {0, static_cast<Bits>((Bits{1} << (kAll / 4)) - 1),
                                         static_cast<Bits>((Bits{1} << (kAll / 2)) - 1), static_cast<Bits>(~Bits{0})};
  constexpr std::array<Bits, 4> kSign = {0, Bits{1} << (kAll / 4 - 1), Bits{1} << (kAll / 2 - 1),
                                         Bits{1} << (kAll - 1)};
  Bits bits;
  std::memcpy(&bits, at, sizeof bits);
  bits = ((bits & kMask[code]) ^ kSign[code]) - kSign[code];
  const Bits use_common = code == 0 ? ~Bits{0} : Bits{0};
  return static_cast<Int>(bits + (static_cast<Bits>(common) & use_common));
}

}  // namespace

template <class Int, class Out>
void read_integers(ByteReader& in, std::size_t n, Scratch& scratch, Out* out) {
  static constexpr CodeTable<Int> kTable = make_table<Int>();
  using Bits = std::make_unsigned_t<Int>;
  const std::size_t at = in.at;
  const std::string_view block = in.take(in.get<std::uint64_t>());
  if (n == 0) return;
  const std::size_t code_bytes = (n + 3) / 4;
  if (code_bytes / kMaxLz4Expansion > block.size()) {
    fail_at(at, std::to_string(n) + " integers cannot come from a block of " + std::to_string(block.size()) + " bytes");
  }
  const std::span<char> room = scratch.room(sizeof(Int) + code_bytes + n * sizeof(Int));
  const std::span<char> data = decompress(block, at, room);
  if (data.size() < sizeof(Int) + code_bytes) fail_at(at, "compressed integers end before their codes");
  Int common;
  std::memcpy(&common, data.data(), sizeof common);
  const auto* codes = reinterpret_cast<const unsigned char*>(data.data()) + sizeof common;
  std::size_t length = 0;
  for (std::size_t i = 0; i + 1 < code_bytes; ++i) length += kTable.length[codes[i]];
  const std::size_t in_last = n - 4 * (code_bytes - 1);
  for (std::size_t i = 0; i < in_last; ++i) length += kCodeBytes<Int>[codes[code_bytes - 1] >> (2 * i) & 3];
  if (length > data.size() - sizeof(Int) - code_bytes) fail_at(at, "compressed integers end before their last");
  const char* bytes = data.data() + sizeof(Int) + code_bytes;
  Bits sum = 0;
  const auto next = [&](unsigned code, const char* from) {
    sum += static_cast<Bits>(difference<Int>(from, code, common));
    return static_cast<Out>(static_cast<Int>(sum));
  };
  for (std::size_t i = 0; i + 1 < code_bytes; ++i) {
    const unsigned byte = codes[i];
    const auto& begin = kTable.begin[byte];
    out[4 * i] = next(byte & 3, bytes);
    out[4 * i + 1] = next(byte >> 2 & 3, bytes + begin[1]);
    out[4 * i + 2] = next(byte >> 4 & 3, bytes + begin[2]);
    out[4 * i + 3] = next(byte >> 6, bytes + begin[3]);
    bytes += kTable.length[byte];
  }
  for (std::size_t i = 0; i < in_last; ++i) {
    const unsigned byte = codes[code_bytes - 1];
    out[4 * (code_bytes - 1) + i] = next(byte >> (2 * i) & 3, bytes + kTable.begin[byte][i]);
  }
}

template void read_integers<std::int32_t, std::int32_t>(ByteReader&, std::size_t, Scratch&, std::int32_t*);
template void read_integers<std::int32_t, std::uint32_t>(ByteReader&, std::size_t, Scratch&, std::uint32_t*);
template void read_integers<std::int32_t, std::int64_t>(ByteReader&, std::size_t, Scratch&, std::int64_t*);
template void read_integers<std::int32_t, double>(ByteReader&, std::size_t, Scratch&, double*);
template void read_integers<std::int64_t, std::int64_t>(ByteReader&, std::size_t, Scratch&, std::int64_t*);

}  // namespace geoul::scene::usd
