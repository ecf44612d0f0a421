// Asset: the files that layers name. A name is a path, or a member of a package: "robot.usdz[parts/arm.usdc]".
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/layer.h"

namespace geoul::scene::usd {

class AssetFiles {
 public:
  AssetFiles();
  ~AssetFiles();
  AssetFiles(const AssetFiles&) = delete;
  AssetFiles& operator=(const AssetFiles&) = delete;

  // The name that `asset`, written in `from`, leads to; a path as it stands where `from` came from no file. What is
  // written in a member of a package stays in that package: beside the member, else (but for "./...") from its root.
  // An address ("omniverse://...") stays as it is.
  std::string resolve(const std::string& asset, const Layer& from);

  // The same for two names of one file.
  static std::string key(const std::string& name);

  // The layer of that name; of a package, its first member. None and a finding where there are no bytes; else as
  // read_layer(). `from` is who asked for it.
  std::unique_ptr<Layer> layer(const std::string& name, const Location& from, Diagnostics& diagnostics);

  // The bytes of the file or member of that name (as resolve() gives it), likewise; at most max_bytes.
  std::optional<std::string> bytes(const std::string& name, const Location& from, std::size_t max_bytes,
                                   Diagnostics& diagnostics);

 private:
  struct Packages;
  std::optional<std::string_view> member(const std::string& name, const Location& from, std::string& whole,
                                         Diagnostics& diagnostics);
  std::unique_ptr<Packages> packages_;
};

// Text or binary, by the first bytes: a file that ends in .usd may be either.
std::unique_ptr<Layer> read_layer(std::string_view bytes, const std::string& file, Diagnostics& diagnostics);

// "omniverse" of "omniverse://server/robot.usd"; empty where it is no address.
std::string_view scheme(std::string_view asset);

// Reads a whole file; none and a finding where that fails. `from` is who asked for it.
std::optional<std::string> read_bytes(const std::string& file, const Location& from, Diagnostics& diagnostics);

}  // namespace geoul::scene::usd
