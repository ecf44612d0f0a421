// CRC-32 (IEEE 802.3), of MCAP records and of the members of packages.
#pragma once

#include <cstdint>
#include <string_view>

namespace geoul {

// crc32(b, crc32(a)) is that of a and b joined; crc32({}) is 0.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace geoul
