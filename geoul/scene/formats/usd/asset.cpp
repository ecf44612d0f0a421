#include "geoul/scene/formats/usd/asset.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "geoul/core/crc32.h"
#include "geoul/scene/formats/usd/crate.h"
#include "geoul/scene/formats/usd/package.h"

namespace geoul::scene::usd {
namespace {

bool is_package(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return ending == ".usdz";
}

// Findings of who asked for a file, not of its content.
bool is_access(const std::string& code) {
  return code == "missing-file" || code == "unreadable-file" || code == "remote-asset";
}

std::string folder_of(const std::string& member) {
  const std::size_t slash = member.rfind('/');
  return slash == std::string::npos ? std::string() : member.substr(0, slash);
}

}  // namespace

// Packages that were opened, and what was found wrong with them; told once.
struct AssetFiles::Packages {
  struct Opened {
    std::optional<Package> package;
    Diagnostics findings;
    bool told = false;
  };
  std::map<std::string, Opened> opened;

  Opened& open(const std::string& file) {
    const auto [at, fresh] = opened.try_emplace(key(file));
    Opened& o = at->second;
    if (!fresh) return o;
    std::optional<std::string> bytes = read_bytes(file, {file, 0, ""}, o.findings);
    if (bytes) o.package = open_package(std::move(*bytes), file, o.findings);
    return o;
  }
};

AssetFiles::AssetFiles() : packages_(std::make_unique<Packages>()) {}
AssetFiles::~AssetFiles() = default;

std::string AssetFiles::resolve(const std::string& asset, const Layer& from) {
  if (!scheme(asset).empty()) return asset;
  if (const auto inside = split_member(from.file)) {
    const auto& [file, member] = *inside;
    const auto name = [&f = file](const std::string& path) { return f + "[" + path + "]"; };
    std::string beside = joined(folder_of(member), asset);
    const Packages::Opened& o = packages_->open(file);
    if (!o.package || o.package->member(beside) || asset.substr(0, 1) == ".") return name(beside);
    const std::string at_root = joined({}, asset);
    return name(o.package->member(at_root) ? at_root : beside);
  }
  const auto within = split_member(asset);
  std::string file = within ? within->first : asset;
  const std::filesystem::path path(file);
  if (!path.is_absolute() && !from.folder.empty())
    file = (std::filesystem::path(from.folder) / path).lexically_normal().string();
  if (within) return file + "[" + joined({}, within->second) + "]";
  if (!is_package(file)) return file;
  const Packages::Opened& o = packages_->open(file);
  return o.package ? file + "[" + o.package->members.front().name + "]" : file;
}

std::string AssetFiles::key(const std::string& name) {
  const auto inside = split_member(name);
  const std::string& file = inside ? inside->first : name;
  std::error_code status;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(file, status);
  std::string out = status ? file : whole.string();
  if (inside) out += "[" + inside->second + "]";
  return out;
}

// The bytes of a member of a package, or of a package's first member; `whole` gets the member's full name.
std::optional<std::string_view> AssetFiles::member(const std::string& name, const Location& from, std::string& whole,
                                                   Diagnostics& diagnostics) {
  const auto inside = split_member(name);
  const std::string& file = inside ? inside->first : name;
  Packages::Opened& o = packages_->open(file);
  if (!o.told) {
    o.told = true;
    for (Finding finding : o.findings.findings()) {
      if (is_access(finding.code)) finding.where = from;
      diagnostics.add(std::move(finding));
    }
  }
  if (!o.package) return std::nullopt;
  const PackageMember* member = inside ? o.package->member(inside->second) : &o.package->members.front();
  if (!member) {
    const std::string& path = inside->second;
    if (path.substr(0, 2) == ".." || path.substr(0, 1) == "/") {
      diagnostics.error(from, "package-path", "'" + path + "' leads out of the package '" + file + "'",
                        "put the file into the package");
    } else if (split_member(path) || is_package(path)) {
      diagnostics.error(from, "nested-package", "'" + name + "' is a package in a package, which is not read",
                        "unpack it into the outer one");
    } else {
      diagnostics.error(from, "missing-file", "'" + path + "' is not in the package '" + file + "'",
                        "put the file into the package, or check the path");
    }
    return std::nullopt;
  }
  const std::string_view bytes = std::string_view(o.package->bytes).substr(member->begin, member->size);
  whole = file + "[" + member->name + "]";
  if (crc32(bytes) != member->crc) {
    diagnostics.error({whole, 0, ""}, "bad-package", "the member does not have the checksum that the package says",
                      "pack it again");
    return std::nullopt;
  }
  return bytes;
}

std::unique_ptr<Layer> AssetFiles::layer(const std::string& name, const Location& from, Diagnostics& diagnostics) {
  if (!split_member(name) && !is_package(name)) {
    const std::optional<std::string> bytes = read_bytes(name, from, diagnostics);
    return bytes ? read_layer(*bytes, name, diagnostics) : nullptr;
  }
  std::string whole;
  const std::optional<std::string_view> bytes = member(name, from, whole, diagnostics);
  return bytes ? read_layer(*bytes, whole, diagnostics) : nullptr;
}

std::optional<std::string> AssetFiles::bytes(const std::string& name, const Location& from, std::size_t max_bytes,
                                             Diagnostics& diagnostics) {
  std::optional<std::string> out;
  std::error_code status;
  if (split_member(name)) {
    std::string whole;
    if (const auto bytes = member(name, from, whole, diagnostics)) out = std::string(*bytes);
  } else if (const auto size = std::filesystem::file_size(name, status); !status && size > max_bytes) {
    diagnostics.error(from, "too-large", "'" + name + "' has " + std::to_string(size) + " bytes",
                      "the limit is " + std::to_string(max_bytes));
    return std::nullopt;
  } else {
    out = read_bytes(name, from, diagnostics);
  }
  return out;
}

std::unique_ptr<Layer> read_layer(std::string_view bytes, const std::string& file, Diagnostics& diagnostics) {
  if (bytes.substr(0, kCrateMagic.size()) == kCrateMagic) return parse_crate(bytes, file, diagnostics);
  return parse_layer(bytes, file, diagnostics);
}

std::string_view scheme(std::string_view asset) {
  const std::size_t end = asset.find("://");
  if (end == std::string_view::npos || end < 2) return {};
  for (const char c : asset.substr(0, end)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '+' && c != '-' && c != '.') return {};
  }
  return asset.substr(0, end);
}

std::optional<std::string> read_bytes(const std::string& file, const Location& from, Diagnostics& diagnostics) {
  if (const std::string_view protocol = scheme(file); !protocol.empty()) {
    diagnostics.error(
        from, "remote-asset", "'" + file + "' is on a server (" + std::string(protocol) + "), which is not read",
        protocol == "omniverse" ? "collect the asset into a folder (in Isaac Sim: File, Collect As) and read that"
                                : "download it, and name the file");
    return std::nullopt;
  }
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
