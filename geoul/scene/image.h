// What the first bytes of a PNG or JPEG file say of it; no picture is unpacked.
// Sources: PNG (W3C Recommendation, 3rd edition), clause 11.2.1; JPEG, ITU-T T.81, annex B.
#pragma once

#include <optional>
#include <string_view>

namespace geoul::scene {

struct ImageInfo {
  enum class Format { kPng, kJpeg } format = Format::kPng;
  int width = 0, height = 0;  // 1 to 65,535
  int channels = 3;           // 1 grey, 2 grey and alpha, 3 colours, 4 colours and alpha
  int bits = 8;               // of a channel
};

// None where the bytes are neither, or end before they say it. O(length of what stands before the frame header).
std::optional<ImageInfo> image_info(std::string_view bytes);

const char* media_type(ImageInfo::Format format);  // "image/png"

}  // namespace geoul::scene
