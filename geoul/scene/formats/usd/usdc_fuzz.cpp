// libFuzzer: any bytes as a binary USD file; a layer that is whole composes to a scene that can be written, or to
// errors. Its seeds are those of testdata/ and usdc_fuzz_seeds/.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "geoul/scene/formats/usd/crate.h"
#include "geoul/scene/formats/usd/layer_dump.h"
#include "geoul/scene/formats/usd/stage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul::scene::usd;
  // The magic is given, so that what is tried is what follows it.
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.size() >= kCrateMagic.size()) bytes.replace(0, kCrateMagic.size(), kCrateMagic);
  geoul::Diagnostics diagnostics;
  // A small allowance: files that only fill memory would take the time of those that try something.
  std::unique_ptr<Layer> layer = parse_crate(bytes, "/nonexistent/fuzz.usdc", diagnostics, 1 << 20);
  if (!layer) std::abort();
  if (!diagnostics.ok()) return 0;
  if (LayerDump().run(*layer).empty()) std::abort();
  AssetFiles files;
  compose(std::move(layer), files, diagnostics);
  return 0;
}
