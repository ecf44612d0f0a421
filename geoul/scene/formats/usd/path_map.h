// PathMap: how the namespace and the times of what an arc brings in stand in the namespace of who wrote the arc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace geoul::scene::usd {

// t -> scale t + offset [time codes].
struct TimeMap {
  double offset = 0;
  double scale = 1;

  double operator()(double t) const { return scale * t + offset; }
  double inverse(double t) const { return (t - offset) / scale; }
  bool operator==(const TimeMap&) const = default;
};
TimeMap operator*(const TimeMap& outer, const TimeMap& inner);

// Whether `inner` is `outer` or a prim or property below it. Absolute paths.
bool is_below(std::string_view outer, std::string_view inner);

// Prefixes of the source and what they become, the longest that fits; an empty target: nothing. A path whose image
// another prefix owns has none, so that the map can be undone.
struct PathMap {
  std::vector<std::pair<std::string, std::string>> pairs;
  bool root = false;  // paths that no prefix fits stay as they are; else they have no image
  TimeMap time;

  std::optional<std::string> to_target(std::string_view path) const;
  std::optional<std::string> to_source(std::string_view path) const;
  bool operator==(const PathMap&) const = default;
};

// Maps one behind another, from an arc outwards to the stage.
struct MapChain {
  const PathMap* map = nullptr;
  const MapChain* outer = nullptr;

  std::optional<std::string> to_stage(std::string path) const;
  TimeMap times() const;
};

// outer(inner(path)), without pairs that say nothing. O(pairs^2).
PathMap compose(const PathMap& outer, const PathMap& inner);
PathMap inverse(const PathMap& map);

}  // namespace geoul::scene::usd
