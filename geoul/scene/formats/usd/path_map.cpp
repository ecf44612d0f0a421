#include "geoul/scene/formats/usd/path_map.h"

#include <algorithm>

namespace geoul::scene::usd {
namespace {

// The path through the pairs, from side `From` of a pair to the other.
template <std::string std::pair<std::string, std::string>::*From, std::string std::pair<std::string, std::string>::*To>
std::optional<std::string> through(const PathMap& map, std::string_view path) {
  const std::pair<std::string, std::string>* best = nullptr;
  for (const auto& pair : map.pairs) {
    if ((pair.*From).empty() || !is_below(pair.*From, path)) continue;
    if (!best || (pair.*From).size() > (best->*From).size()) best = &pair;
  }
  if (!best && !map.root) return std::nullopt;
  std::string out(path);
  std::size_t owned = 0;  // length of the prefix on the other side
  if (best) {
    const std::string& to = best->*To;
    if (to.empty()) return std::nullopt;
    const std::string_view rest = best->*From == "/" ? (path == "/" ? "" : path) : path.substr((best->*From).size());
    out = to == "/" ? std::string() : to;
    out += rest;
    if (out.empty()) out = "/";
    owned = to == "/" ? 0 : to.size();
  }
  for (const auto& pair : map.pairs) {
    if (&pair == best || (pair.*To).empty() || pair.*To == "/") continue;
    if ((pair.*To).size() > owned && is_below(pair.*To, out)) return std::nullopt;
  }
  return out;
}

}  // namespace

TimeMap operator*(const TimeMap& outer, const TimeMap& inner) {
  return {outer.scale * inner.offset + outer.offset, outer.scale * inner.scale};
}

bool is_below(std::string_view outer, std::string_view inner) {
  if (outer == "/") return true;
  if (inner.substr(0, outer.size()) != outer) return false;
  return inner.size() == outer.size() || inner[outer.size()] == '/' || inner[outer.size()] == '.';
}

using Pair = std::pair<std::string, std::string>;

std::optional<std::string> PathMap::to_target(std::string_view path) const {
  return through<&Pair::first, &Pair::second>(*this, path);
}
std::optional<std::string> PathMap::to_source(std::string_view path) const {
  return through<&Pair::second, &Pair::first>(*this, path);
}

std::optional<std::string> MapChain::to_stage(std::string path) const {
  for (const MapChain* link = this; link; link = link->outer) {
    std::optional<std::string> there = link->map->to_target(path);
    if (!there) return std::nullopt;
    path = std::move(*there);
  }
  return path;
}

TimeMap MapChain::times() const {
  TimeMap out = map->time;
  for (const MapChain* link = outer; link; link = link->outer) out = link->map->time * out;
  return out;
}

PathMap compose(const PathMap& outer, const PathMap& inner) {
  PathMap out;
  out.root = outer.root && inner.root;
  out.time = outer.time * inner.time;
  const auto add = [&](std::string source, std::string target) {
    for (const Pair& pair : out.pairs) {
      if (pair.first == source) return;
    }
    out.pairs.emplace_back(std::move(source), std::move(target));
  };
  for (const auto& [source, target] : inner.pairs) {
    std::optional<std::string> there = target.empty() ? std::nullopt : outer.to_target(target);
    if (there || out.root) add(source, there.value_or(""));
  }
  for (const auto& [source, target] : outer.pairs) {
    if (std::optional<std::string> here = inner.to_source(source)) add(std::move(*here), target);
  }
  for (std::size_t i = out.pairs.size(); i-- > 0;) {
    PathMap without = out;
    without.pairs.erase(without.pairs.begin() + static_cast<std::ptrdiff_t>(i));
    const auto& [source, target] = out.pairs[i];
    const std::optional<std::string> image = without.to_target(source);
    const bool same_back = target.empty() || without.to_source(target) == source;
    if (image.value_or("") == target && same_back) out = std::move(without);
  }
  std::sort(out.pairs.begin(), out.pairs.end());
  return out;
}

PathMap inverse(const PathMap& map) {
  PathMap out;
  out.root = map.root;
  out.time = {-map.time.offset / map.time.scale, 1 / map.time.scale};
  for (const auto& [source, target] : map.pairs) {
    if (!target.empty()) out.pairs.emplace_back(target, source);
  }
  std::sort(out.pairs.begin(), out.pairs.end());
  return out;
}

}  // namespace geoul::scene::usd
