#include "geoul/scene/formats/write_file.h"

#include <filesystem>
#include <fstream>

namespace geoul::scene {

namespace fs = std::filesystem;

Result<void> write_atomically(const std::string& file, std::string_view bytes) {
  const std::string part = file + ".part";
  std::error_code failed;
  {
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) {
      fs::remove(part, failed);
      return Error{ErrorCode::kUnavailable,
                   file + ": cannot be written; check the folder, its rights and the free space"};
    }
  }
  fs::rename(part, file, failed);
  if (!failed) return {};
  const std::string why = failed.message();
  fs::remove(part, failed);
  return Error{ErrorCode::kUnavailable, file + ": cannot be written: " + why};
}

}  // namespace geoul::scene
