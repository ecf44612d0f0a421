// SHA-256. Source: NIST FIPS 180-4, Secure Hash Standard (2015), clauses 4 to 6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace geoul {

class Sha256 {
 public:
  void add(const void* bytes, std::size_t size);
  void add(std::string_view bytes) { add(bytes.data(), bytes.size()); }
  // The hash of all that was added; nothing may be added afterwards.
  std::array<std::uint8_t, 32> finish();

 private:
  void block(const std::uint8_t* bytes);
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> rest_{};
  std::uint64_t size_ = 0;
};

// 64 hexadecimal digits.
std::string hex(const std::array<std::uint8_t, 32>& hash);

}  // namespace geoul
