// SiteDraft: a first site file for a scene and what a plant offers: every joint bound to the signals whose names fit
// best, everything that stays open as a comment for a person to decide.
#pragma once

#include <string>
#include <vector>

#include "geoul/link/link.h"
#include "geoul/runtime/site.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

struct SiteDraft {
  std::string text;     // YAML, with comments
  std::string summary;  // "6 of 6 joints bound to 18 of 120 signals"
};

//   scene  path of the scene file as the site file shall name it
SiteDraft draft_site(const Twin& twin, const std::string& scene, const LinkSpec& link,
                     const std::vector<link::OfferedSignal>& offered);

// What a signal's name says that it is.
enum class Meaning { kNone, kPosition, kVelocity, kCurrent };
Meaning meaning_of(const std::string& name, const std::string& unit);

}  // namespace geoul::runtime
