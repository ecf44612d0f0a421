#include "geoul/scene/formats/urdf/packages.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::urdf {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code failed;
  return fs::is_regular_file(path, failed);
}

std::vector<fs::path> entries(const char* variable) {
  std::vector<fs::path> result;
  const char* value = std::getenv(variable);
  std::string_view rest = value ? value : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) result.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return result;
}

std::optional<fs::path> in_package(const std::string& name, const std::string& rest, const std::string& folder,
                                   const std::vector<std::pair<std::string, std::string>>& packages) {
  for (const auto& [package, path] : packages) {
    if (package == name && is_file(fs::path(path) / rest)) return fs::path(path) / rest;
  }
  std::error_code failed;
  for (fs::path up = fs::absolute(folder.empty() ? "." : folder, failed).lexically_normal(); !failed;) {
    if (up.filename() == name && is_file(up / rest)) return up / rest;
    if (is_file(up / name / rest)) return up / name / rest;
    if (up == up.parent_path()) break;
    up = up.parent_path();
  }
  for (const fs::path& entry : entries("ROS_PACKAGE_PATH")) {
    if (is_file(entry / name / rest)) return entry / name / rest;
    if (entry.filename() == name && is_file(entry / rest)) return entry / rest;
  }
  for (const fs::path& entry : entries("AMENT_PREFIX_PATH")) {
    if (is_file(entry / "share" / name / rest)) return entry / "share" / name / rest;
  }
  return std::nullopt;
}

}  // namespace

Lookup find_mesh(std::string_view uri, const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& packages) {
  const std::string shown = "'" + printable(uri) + "'";
  const std::string check = "check the path";
  if (uri.empty() || uri.find('\0') != std::string_view::npos) return {{}, "the name of the mesh is empty", check};
  if (uri.starts_with("package://")) {
    const std::string_view rest = uri.substr(10);
    const std::size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    if (slash == std::string_view::npos || name.empty()) {
      return {{}, shown + " names no file in a package", "write package://name/path"};
    }
    if (const auto path = in_package(name, std::string(rest.substr(slash + 1)), folder, packages)) {
      return {path->string(), {}, {}};
    }
    return {
        {}, shown + " is not found", "give the folder of package '" + printable(name) + "', or set ROS_PACKAGE_PATH"};
  }
  if (uri.starts_with("file://")) {
    const std::string path(uri.substr(7));
    return is_file(path) ? Lookup{path, {}, {}} : Lookup{{}, shown + " is not found", check};
  }
  if (uri.find("://") != std::string_view::npos) {
    return {{}, shown + " is an address of a kind that is not read", "write package://, file:// or a path"};
  }
  const fs::path path = fs::path(folder) / fs::path(uri);
  return is_file(path) ? Lookup{path.string(), {}, {}} : Lookup{{}, shown + " is not found", check};
}

}  // namespace geoul::scene::urdf
