#include "geoul/runtime/server/static_files.h"

#include <algorithm>
#include <array>
#include <utility>

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Path of plain names only, relative: "assets/a.js".
std::optional<fs::path> relative_path(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  const std::optional<std::string> decoded = percent_decode(target);
  if (!decoded || decoded->empty() || decoded->front() != '/') return std::nullopt;
  if (decoded->find('\\') != std::string::npos) return std::nullopt;
  fs::path out;
  std::string_view rest = std::string_view(*decoded).substr(1);
  while (!rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name.front() == '.') return std::nullopt;
    out /= fs::path(name);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return out;
}

std::optional<StaticFile> regular_file_inside(const fs::path& root, const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return std::nullopt;
  const auto [end_of_root, unused] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  if (end_of_root != root.end() || !fs::is_regular_file(real, error) || error) return std::nullopt;
  const std::uintmax_t size = fs::file_size(real, error);
  if (error) return std::nullopt;
  const auto changed = fs::last_write_time(real, error);
  if (error) return std::nullopt;
  const std::string etag =
      "\"" + std::to_string(size) + "-" + std::to_string(changed.time_since_epoch().count()) + "\"";
  return StaticFile{real, mime_type_of(real), etag, size};
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out.push_back(c);
  }
  return out;
}

std::optional<StaticFile> find_static_file(const fs::path& root, std::string_view target) {
  std::error_code error;
  const fs::path real_root = fs::canonical(root, error);
  if (error) return std::nullopt;
  const std::optional<fs::path> name = relative_path(target);
  if (!name) return std::nullopt;
  const fs::path path = real_root / *name;
  const bool folder = fs::is_directory(path, error);
  if (std::optional<StaticFile> file = regular_file_inside(real_root, folder ? path / "index.html" : path)) return file;
  if (name->has_extension()) return std::nullopt;
  if (fs::exists(fs::symlink_status(path, error))) return std::nullopt;  // a link out of the folder is not a page
  return regular_file_inside(real_root, real_root / "index.html");
}

std::string_view mime_type_of(const fs::path& path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kTypes{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".woff", "font/woff"},
      {".wasm", "application/wasm"},
      {".glb", "model/gltf-binary"},
      {".gltf", "model/gltf+json"},
      {".stl", "model/stl"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"},
  }};
  const std::string extension = path.extension().string();
  for (const auto& [ending, type] : kTypes) {
    if (extension == ending) return type;
  }
  return "application/octet-stream";
}

}  // namespace geoul::runtime
