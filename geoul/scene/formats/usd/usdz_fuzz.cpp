// libFuzzer: any bytes as a package; every member of one that opens lies in it, beside the others, and may be read.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/package.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul::scene::usd;
  geoul::Diagnostics diagnostics;
  const auto package = open_package(std::string(reinterpret_cast<const char*>(data), size), "fuzz.usdz", diagnostics);
  if (package.has_value() != diagnostics.ok()) std::abort();
  if (!package) return 0;
  std::size_t total = 0;
  for (const PackageMember& member : package->members) {
    if (package->member(member.name) != &member) std::abort();
    if (member.begin > size || member.size > size - member.begin) std::abort();
    if (member.name.find("..") == 0 || member.name.front() == '/') std::abort();
    total += member.size;
  }
  if (total > size) std::abort();
  const PackageMember& first = package->members.front();
  read_layer(std::string_view(package->bytes).substr(first.begin, first.size), "fuzz.usdz[first]", diagnostics);
  return 0;
}
