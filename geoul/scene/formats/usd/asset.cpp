#include "geoul/scene/formats/usd/asset.h"

#include <filesystem>
#include <fstream>

#include "geoul/scene/formats/usd/crate.h"

namespace geoul::scene::usd {

struct AssetFiles::Packages {};

AssetFiles::AssetFiles() : packages_(std::make_unique<Packages>()) {}
AssetFiles::~AssetFiles() = default;

std::string AssetFiles::resolve(const std::string& asset, const Layer& from) {
  const std::filesystem::path path(asset);
  if (path.is_absolute() || from.folder.empty()) return asset;
  return (std::filesystem::path(from.folder) / path).lexically_normal().string();
}

std::string AssetFiles::key(const std::string& name) {
  std::error_code status;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(name, status);
  return status ? name : whole.string();
}

std::unique_ptr<Layer> AssetFiles::layer(const std::string& name, const Location& from, Diagnostics& diagnostics) {
  if (name.find('[') != std::string::npos && name.back() == ']') {
    diagnostics.error(from, "unsupported-format", "'" + name + "': files inside a usdz are not supported yet",
                      "unpack it");
    return nullptr;
  }
  const std::optional<std::string> bytes = read_bytes(name, from, diagnostics);
  return bytes ? read_layer(*bytes, name, diagnostics) : nullptr;
}

std::unique_ptr<Layer> read_layer(std::string_view bytes, const std::string& file, Diagnostics& diagnostics) {
  if (bytes.substr(0, kCrateMagic.size()) == kCrateMagic) return parse_crate(bytes, file, diagnostics);
  return parse_layer(bytes, file, diagnostics);
}

std::optional<std::string> read_bytes(const std::string& file, const Location& from, Diagnostics& diagnostics) {
  std::error_code status;
  const std::filesystem::file_status kind = std::filesystem::status(file, status);
  if (!std::filesystem::exists(kind)) {
    diagnostics.error(from, "missing-file", "'" + file + "' does not exist", "check the path");
    return std::nullopt;
  }
  // Read, not mapped: a file that another program cuts short while it is mapped would end this one.
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
  std::string bytes;
  if (size >= 0 && !std::filesystem::is_directory(kind)) {
    bytes.resize(static_cast<std::size_t>(size));
    in.seekg(0);
    in.read(bytes.data(), size);
  }
  if (!in || size < 0 || std::filesystem::is_directory(kind)) {
    diagnostics.error(from, "unreadable-file", "'" + file + "' cannot be read", "check that it is a file you may read");
    return std::nullopt;
  }
  return bytes;
}

}  // namespace geoul::scene::usd
