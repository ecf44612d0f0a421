// Files that are whole or not there.
#pragma once

#include <string>
#include <string_view>

#include "geoul/core/result.h"

namespace geoul::scene {

// Writes `file`.part, then renames it. kUnavailable where that fails; then `file` is as it was and nothing is beside
// it.
Result<void> write_atomically(const std::string& file, std::string_view bytes);

}  // namespace geoul::scene
