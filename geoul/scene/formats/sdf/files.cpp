#include "geoul/scene/formats/sdf/files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::sdf {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> search_folders(const std::vector<std::string>& given) {
  std::vector<fs::path> result(given.begin(), given.end());
  for (const char* variable : {"SDF_PATH", "GZ_SIM_RESOURCE_PATH", "GAZEBO_MODEL_PATH"}) {
    const char* value = std::getenv(variable);
    std::string_view rest = value != nullptr ? value : "";
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(':'), rest.size());
      if (end > 0) result.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return result;
}

bool exists(const fs::path& path, bool folders) {
  std::error_code failed;
  return fs::is_regular_file(path, failed) || (folders && fs::is_directory(path, failed));
}

// Whether path lies in folder, by their names.
bool below(const fs::path& path, const fs::path& folder) {
  std::error_code failed;
  const fs::path inner = fs::absolute(path, failed).lexically_normal();
  const fs::path outer = fs::absolute(folder.empty() ? "." : folder, failed).lexically_normal();
  const fs::path relative = inner.lexically_relative(outer);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

Lookup find_file(std::string_view uri, const std::string& here, const std::vector<std::string>& search, bool folders) {
  const std::string shown = "'" + urdf::printable(uri) + "'";
  if (uri.empty() || uri.find('\0') != std::string_view::npos) {
    return {{}, "not-found", "the name of the file is empty", "write a path, or model://name"};
  }
  bool by_name = false;
  fs::path path;
  if (uri.starts_with("model://")) {
    path = fs::path(uri.substr(8)), by_name = true;
  } else if (uri.starts_with("file://")) {
    path = fs::path(uri.substr(7));
  } else if (uri.find("://") != std::string_view::npos) {
    return {
        {}, "address", shown + " is an address: nothing is fetched from a network", "download it, and name its folder"};
  } else {
    path = fs::path(uri);
  }
  path = path.lexically_normal();
  const std::vector<fs::path> more = search_folders(search);
  const std::string mend = "name a file in the folder of this file, or set GZ_SIM_RESOURCE_PATH";
  if (path.is_absolute()) {
    const bool inside = below(path, here) || std::any_of(more.begin(), more.end(),
                                                         [&](const fs::path& folder) { return below(path, folder); });
    if (!inside) return {{}, "path-escape", shown + " lies outside the folders that may be read", mend};
    if (exists(path, folders)) return {path.string(), {}, {}, {}};
    return {{}, "not-found", shown + " is not found", "check the path"};
  }
  if (path.empty() || *path.begin() == "..") {
    return {{}, "path-escape", shown + " leads out of the folder of its file", mend};
  }
  if (!by_name && exists(fs::path(here) / path, folders)) return {(fs::path(here) / path).string(), {}, {}, {}};
  std::error_code failed;
  for (fs::path up = fs::absolute(here.empty() ? "." : here, failed).lexically_normal(); !failed;) {
    if (exists(up / path, folders)) return {(up / path).string(), {}, {}, {}};
    if (up == up.parent_path()) break;
    up = up.parent_path();
  }
  for (const fs::path& folder : more) {
    if (exists(folder / path, folders)) return {(folder / path).string(), {}, {}, {}};
  }
  return {{}, "not-found", shown + " is not found", "set GZ_SIM_RESOURCE_PATH to the folder that holds it"};
}

}  // namespace geoul::scene::sdf
