// Any bytes as a site file, which stands among the bad ones of the test: run in the root of the tree, it finds what
// they refer to. Whatever is read must keep the reader's promises.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "geoul/runtime/site.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul;
  Diagnostics diagnostics;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto site = runtime::parse_site(text, "geoul/runtime/testdata/bad/fuzz.yaml", diagnostics);
  if (site.has_value() != diagnostics.ok()) std::abort();
  if (!site) return 0;
  if (site->sources.size() != 1 || site->sources.front().files.empty() || site->joints.empty()) std::abort();
  for (const double value : {site->judge.rest_velocity, site->judge.rest_acceleration, site->judge.moving_above}) {
    if (!(std::isfinite(value) && value >= 0)) std::abort();
  }
  for (const auto& joint : site->joints) {
    if (joint.joint.path.empty() || joint.position.source != site->sources.front().id) std::abort();
  }
  return 0;
}
