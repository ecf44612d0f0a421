#include "geoul/scene/image.h"

#include <cstddef>
#include <cstdint>

namespace geoul::scene {
namespace {

constexpr std::string_view kPngStart("\x89PNG\r\n\x1a\n", 8);
constexpr std::uint32_t kLongest = 65535;

std::uint32_t big_endian(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t out = 0;
  for (int i = 0; i < count; ++i) out = out << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return out;
}

std::optional<ImageInfo> png(std::string_view bytes) {
  if (bytes.size() < 33 || bytes.substr(12, 4) != "IHDR") return std::nullopt;
  const std::uint32_t width = big_endian(bytes, 16, 4), height = big_endian(bytes, 20, 4);
  const int bits = static_cast<unsigned char>(bytes[24]), color = static_cast<unsigned char>(bytes[25]);
  const int channels = color == 0 ? 1 : color == 2 || color == 3 ? 3 : color == 4 ? 2 : color == 6 ? 4 : 0;
  const bool sized = width > 0 && height > 0 && width <= kLongest && height <= kLongest;
  if (!sized || channels == 0 || (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16)) return std::nullopt;
  return ImageInfo{ImageInfo::Format::kPng, static_cast<int>(width), static_cast<int>(height), channels,
                   color == 3 ? 8 : bits};  // a palette holds bytes
}

// Segment by segment to the frame header.
std::optional<ImageInfo> jpeg(std::string_view bytes) {
  std::size_t at = 2;
  while (at + 4 <= bytes.size()) {
    if (big_endian(bytes, at, 1) != 0xFF) return std::nullopt;
    const std::uint32_t marker = big_endian(bytes, at + 1, 1);
    if (marker == 0xFF) {  // fill
      ++at;
      continue;
    }
    const bool alone = marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7);
    if (alone) {
      at += 2;
      continue;
    }
    const std::size_t length = big_endian(bytes, at + 2, 2);
    if (marker == 0xD9 || marker == 0xDA || length < 2) return std::nullopt;
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      if (length < 8 || at + 10 > bytes.size()) return std::nullopt;
      const int bits = static_cast<int>(big_endian(bytes, at + 4, 1));
      const int height = static_cast<int>(big_endian(bytes, at + 5, 2)),
                width = static_cast<int>(big_endian(bytes, at + 7, 2));
      const int channels = static_cast<int>(big_endian(bytes, at + 9, 1));
      if (width == 0 || height == 0 || channels < 1 || channels > 4) return std::nullopt;
      return ImageInfo{ImageInfo::Format::kJpeg, width, height, channels, bits};
    }
    at += 2 + length;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ImageInfo> image_info(std::string_view bytes) {
  if (bytes.substr(0, 8) == kPngStart) return png(bytes);
  if (bytes.substr(0, 2) == "\xFF\xD8") return jpeg(bytes);
  return std::nullopt;
}

const char* media_type(ImageInfo::Format format) {
  return format == ImageInfo::Format::kPng ? "image/png" : "image/jpeg";
}

}  // namespace geoul::scene
