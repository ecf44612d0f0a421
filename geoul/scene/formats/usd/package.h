// Package: a .usdz file, a zip archive whose members are stored as they are. The first member is its layer.
// Source: usdz file format specification, openusd.org/release/spec_usdz.html; zip application note, APPNOTE 6.3.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"

namespace geoul::scene::usd {

// Where the data of a member begin, and what is asked of writers: a multiple of it.
constexpr std::size_t kPackageAlignment = 64;

struct PackageMember {
  std::string name;                 // "parts/arm.usdc"
  std::size_t begin = 0, size = 0;  // of its bytes in the package
  std::uint32_t crc = 0;
};

struct Package {
  std::string bytes;
  std::vector<PackageMember> members;  // in the order of the package's own list
  std::map<std::string, std::size_t, std::less<>> index;

  const PackageMember* member(std::string_view name) const;
};

// Opens the bytes of `file`. None and a finding where they are no package: members that are compressed, encrypted,
// beyond 4 GiB (zip64), named twice, named with "..", "\" or an absolute path, packages themselves, or that overlap.
// Members that do not begin at a multiple of 64 bytes are a warning. O(number of members).
std::optional<Package> open_package(std::string bytes, const std::string& file, Diagnostics& diagnostics);

// "robot.usdz[parts/arm.usdc]" as "robot.usdz" and "parts/arm.usdc"; none where `name` is no member of a package.
std::optional<std::pair<std::string, std::string>> split_member(std::string_view name);

// `asset` as it is written in a file of `folder` ("parts", or "" for the root), without "." and ".."; a path that leads
// out of the root keeps its "..".
std::string joined(const std::string& folder, const std::string& asset);

// A package of these members (name, bytes), each at a multiple of 64 bytes. The same members give the same bytes. None
// where it would be larger than 4 GiB.
std::optional<std::string> package_bytes(const std::vector<std::pair<std::string, std::string_view>>& members);

}  // namespace geoul::scene::usd
