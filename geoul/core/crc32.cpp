#include "geoul/core/crc32.h"

#include <array>
#include <cstddef>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace geoul {
namespace {

// table[k][b] is the CRC of byte b followed by k zero bytes.
constexpr auto kTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t c = b;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (0xEDB88320u & (0u - (c & 1u)));
    t[0][b] = c;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xff];
  }
  return t;
}();

// Eight bytes a turn.
std::uint32_t by_tables(std::string_view bytes, std::uint32_t crc) {
  std::size_t i = 0;
  const auto byte = [&bytes](std::size_t at) { return std::uint32_t{static_cast<std::uint8_t>(bytes[at])}; };
  for (; i + 8 <= bytes.size(); i += 8) {
    const std::uint32_t low = crc ^ (byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
    crc = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^ kTables[4][low >> 24] ^
          kTables[3][byte(i + 4)] ^ kTables[2][byte(i + 5)] ^ kTables[1][byte(i + 6)] ^ kTables[0][byte(i + 7)];
  }
  for (; i < bytes.size(); ++i) crc = (crc >> 8) ^ kTables[0][(crc ^ byte(i)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
constexpr std::size_t kFolded = 64;  // bytes a turn

// Carry-less multiplication: four blocks of 16 bytes are folded over 64 bytes a turn, then into one, then reduced after
// Barrett. bytes.size() is a multiple of 16, at least 64. Source: Gopal et al., "Fast CRC computation for generic
// polynomials using PCLMULQDQ instruction", Intel, 2009; the constants are those of its reflected form, x^n mod P.
__attribute__((target("pclmul,sse4.1"))) std::uint32_t by_folding(std::string_view bytes, std::uint32_t crc) {
  const auto* at = reinterpret_cast<const __m128i*>(bytes.data());
  std::size_t left = bytes.size();
  const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  __m128i x[4];
  for (int k = 0; k < 4; ++k) x[k] = _mm_loadu_si128(at + k);
  x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128(static_cast<int>(crc)));
  for (at += 4, left -= kFolded; left >= kFolded; at += 4, left -= kFolded) {
    for (int k = 0; k < 4; ++k) {
      const __m128i low = _mm_clmulepi64_si128(x[k], by_64, 0x00), high = _mm_clmulepi64_si128(x[k], by_64, 0x11);
      x[k] = _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128(at + k));
    }
  }
  __m128i sum = x[0];
  for (int k = 1; k < 4; ++k) {
    const __m128i low = _mm_clmulepi64_si128(sum, by_16, 0x00), high = _mm_clmulepi64_si128(sum, by_16, 0x11);
    sum = _mm_xor_si128(_mm_xor_si128(low, high), x[k]);
  }
  for (; left >= 16; ++at, left -= 16) {
    const __m128i low = _mm_clmulepi64_si128(sum, by_16, 0x00), high = _mm_clmulepi64_si128(sum, by_16, 0x11);
    sum = _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128(at));
  }
  const __m128i low_words = _mm_setr_epi32(-1, 0, -1, 0);
  sum = _mm_xor_si128(_mm_srli_si128(sum, 8), _mm_clmulepi64_si128(sum, by_16, 0x10));
  const __m128i to_64 = _mm_set_epi64x(0, 0x0163cd6124);
  sum = _mm_xor_si128(_mm_srli_si128(sum, 4), _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), to_64, 0x00));
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  __m128i part = _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), barrett, 0x10);
  part = _mm_clmulepi64_si128(_mm_and_si128(part, low_words), barrett, 0x00);
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(sum, part), 1));
}

const bool kFolds = __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
#endif

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
#if defined(__x86_64__)
  if (kFolds && bytes.size() >= kFolded) {
    const std::size_t whole = bytes.size() & ~std::size_t{15};
    crc = by_folding(bytes.substr(0, whole), crc);
    bytes.remove_prefix(whole);
  }
#endif
  return ~by_tables(bytes, crc);
}

}  // namespace geoul
