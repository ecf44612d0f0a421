#include "geoul/core/unix_time.h"

#include <chrono>

namespace geoul {

Time unix_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

}  // namespace geoul
