// LZ4 blocks, decoded. Source: LZ4 block format description, github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md.
// Our own, not liblz4: sixty lines that read and write nothing outside their spans whatever the input, and a library
// less that hostile bytes reach.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace geoul::scene::usd {

// Number of bytes written to `out`; none where `block` is no whole LZ4 block or needs more room than `out` has. What
// was in `out` is lost in any case. O(bytes written).
std::optional<std::size_t> decode_lz4(std::string_view block, std::span<char> out);

// Upper bound of what a block of n bytes can unfold to: a byte adds at most 255 to the length of a match.
constexpr std::size_t kMaxLz4Expansion = 255;

}  // namespace geoul::scene::usd
