// libFuzzer: any bytes as a picture: its sizes are in range or it is none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "geoul/scene/image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto info = geoul::scene::image_info({reinterpret_cast<const char*>(data), size});
  if (info && (info->width < 1 || info->height < 1 || info->width > 65535 || info->height > 65535)) std::abort();
  return 0;
}
