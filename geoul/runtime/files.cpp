#include "geoul/runtime/files.h"

#include <ctime>
#include <fstream>

namespace geoul::runtime {

Result<void> write_file(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path part = file.string() + ".part";
  std::error_code failure;
  {
    std::ofstream stream(part, std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    stream.close();
    if (!stream) {
      std::filesystem::remove(part, failure);
      return Error{ErrorCode::kUnavailable, "cannot write '" + file.string() +
                                                "': check that its folder exists, its permissions and the space left"};
    }
  }
  std::filesystem::rename(part, file, failure);
  if (!failure) return {};
  std::error_code ignored;
  std::filesystem::remove(part, ignored);
  return Error{ErrorCode::kUnavailable, "cannot write '" + file.string() + "': " + failure.message()};
}

Result<std::filesystem::path> make_run_folder(const std::string& given, const std::string& parent,
                                              const std::string& name) {
  std::error_code failure;
  std::filesystem::path folder = given;
  if (given.empty()) {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    const std::filesystem::path base = std::filesystem::path(parent) / (name + "-" + stamp);
    folder = base;
    for (int i = 2; std::filesystem::exists(folder, failure) && i < 1000; ++i)
      folder = base.string() + "-" + std::to_string(i);
  }
  std::filesystem::create_directories(folder, failure);
  if (failure)
    return Error{ErrorCode::kUnavailable, "cannot make the folder '" + folder.string() + "': " + failure.message() +
                                              "; give another with --out"};
  return folder;
}

}  // namespace geoul::runtime
