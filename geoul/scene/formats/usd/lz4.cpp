#include "geoul/scene/formats/usd/lz4.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kStep = 16;       // bytes that are copied at once where there is room for more than is asked
constexpr std::size_t kMinMatch = 4;    // what a match length of 0 means
constexpr std::size_t kLongCount = 15;  // a nibble of this value goes on in the next bytes

// The rest of a length: bytes that are added up to the first that is not 255. False where the block ends in it.
bool extend(const unsigned char*& in, const unsigned char* end, std::size_t& length) {
  while (in != end) {
    const unsigned char more = *in++;
    length += more;
    if (more != 255) return true;
  }
  return false;
}

// n bytes from `offset` before `out` on; they may overlap what is written, and then repeat.
void copy_match(char* out, std::size_t offset, std::size_t n, std::size_t room) {
  const char* from = out - offset;
  if (offset >= kStep && room >= n + kStep) {
    for (std::size_t i = 0; i < n; i += kStep) std::memcpy(out + i, from + i, kStep);
  } else if (offset >= n) {
    std::memcpy(out, from, n);
  } else if (offset == 1) {
    std::memset(out, *from, n);
  } else {
    // Doubles the pattern: each copy reads only what is there already.
    std::size_t done = 0, there = offset;
    while (done < n) {
      const std::size_t part = std::min(there, n - done);
      std::memcpy(out + done, from, part);
      done += part;
      there += part;
    }
  }
}

}  // namespace

std::optional<std::size_t> decode_lz4(std::string_view block, std::span<char> out) {
  const auto* in = reinterpret_cast<const unsigned char*>(block.data());
  const unsigned char* const end = in + block.size();
  std::size_t at = 0;
  while (in != end) {
    const unsigned char token = *in++;
    std::size_t literals = token >> 4;
    if (literals == kLongCount && !extend(in, end, literals)) return std::nullopt;
    const auto left = static_cast<std::size_t>(end - in);
    if (literals > left || literals > out.size() - at) return std::nullopt;
    if (literals <= kStep && left >= kStep && out.size() - at >= kStep) {
      std::memcpy(out.data() + at, in, kStep);
    } else if (literals > 0) {
      std::memcpy(out.data() + at, in, literals);
    }
    in += literals;
    at += literals;
    if (in == end) return at;  // the last sequence is literals alone
    if (end - in < 2) return std::nullopt;
    const std::size_t offset = static_cast<std::size_t>(in[0]) | static_cast<std::size_t>(in[1]) << 8;
    in += 2;
    std::size_t length = token & 15;
    if (length == kLongCount && !extend(in, end, length)) return std::nullopt;
    length += kMinMatch;
    if (offset == 0 || offset > at || length > out.size() - at) return std::nullopt;
    copy_match(out.data() + at, offset, length, out.size() - at);
    at += length;
  }
  return std::nullopt;  // no byte at all, or a match at the end
}

}  // namespace geoul::scene::usd
