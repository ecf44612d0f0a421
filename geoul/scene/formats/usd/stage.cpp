#include "geoul/scene/formats/usd/stage.h"

#include <algorithm>

namespace geoul::scene::usd {

std::optional<std::string> PathMap::to_stage(std::string path) const {
  for (const PathMap* map = this; map; map = map->parent) {
    const bool at_root = map->from == "/";
    const bool inside = at_root || path == map->from ||
                        (path.size() > map->from.size() && path.compare(0, map->from.size(), map->from) == 0 &&
                         (path[map->from.size()] == '/' || path[map->from.size()] == '.'));
    if (!inside) return std::nullopt;
    const std::string rest = at_root ? (path == "/" ? "" : path) : path.substr(map->from.size());
    path = map->to == "/" ? std::string() : map->to;
    path += rest;
    if (path.empty()) path.push_back('/');
  }
  return path;
}

bool Prim::has_api(std::string_view api) const {
  return std::find(api_schemas.begin(), api_schemas.end(), api) != api_schemas.end();
}

Location Prim::where() const {
  for (const Opinion& o : opinions) {
    if (o.spec->specifier != Specifier::kOver) return {o.layer->file, o.spec->line, path};
  }
  if (opinions.empty()) return {{}, 0, path};
  return {opinions.front().layer->file, opinions.front().spec->line, path};
}

Location Prim::where(const std::string& property) const {
  for (const Opinion& o : opinions) {
    if (const AttributeSpec* a = o.spec->attribute(property)) return {o.layer->file, a->line, path};
    if (const RelationshipSpec* r = o.spec->relationship(property)) return {o.layer->file, r->line, path};
  }
  return where();
}

const Prim* Stage::find(const std::string& path) const {
  const auto found = index_.find(path);
  return found == index_.end() ? nullptr : &prims_[static_cast<std::size_t>(found->second)];
}

std::optional<Resolved> Stage::attribute(const Prim& prim, const std::string& name) const {
  for (const bool sampled : {false, true}) {
    for (const Opinion& o : prim.opinions) {
      const AttributeSpec* spec = o.spec->attribute(name);
      if (!spec) continue;
      const Value* value = sampled ? (spec->samples.empty() ? nullptr : &spec->samples.front().second)
                                   : (spec->value ? &*spec->value : nullptr);
      if (!value) continue;
      if (value->blocked()) return std::nullopt;
      return Resolved{value, spec, &o, sampled};
    }
  }
  return std::nullopt;
}

std::vector<std::string> Stage::targets(const Prim& prim, const std::string& name, Diagnostics& diagnostics) const {
  std::vector<std::string> out;
  for (std::size_t i = prim.opinions.size(); i-- > 0;) {
    const Opinion& o = prim.opinions[i];
    const RelationshipSpec* spec = o.spec->relationship(name);
    if (!spec) continue;
    ListOp<std::string> op = spec->targets;
    for (auto* list : {&op.items, &op.added, &op.prepended, &op.appended, &op.deleted, &op.ordered}) {
      std::vector<std::string> mapped;
      for (const std::string& path : *list) {
        std::optional<std::string> there = o.map ? o.map->to_stage(path) : path;
        if (there) {
          mapped.push_back(std::move(*there));
        } else {
          diagnostics.error({o.layer->file, spec->line, prim.path}, "target-outside-reference",
                            "'" + name + "' names <" + path + ">, which is not below the referenced prim",
                            "reference a prim that holds both, or write the target where the reference is made");
        }
      }
      *list = std::move(mapped);
    }
    op.apply(out);
  }
  return out;
}

std::vector<std::string> Stage::connections(const Prim& prim, const std::string& name) const {
  for (const Opinion& o : prim.opinions) {
    const AttributeSpec* spec = o.spec->attribute(name);
    if (!spec || spec->connections.empty()) continue;
    std::vector<std::string> out, mapped;
    spec->connections.apply(out);
    for (const std::string& path : out) {
      if (std::optional<std::string> there = o.map ? o.map->to_stage(path) : path) mapped.push_back(std::move(*there));
    }
    return mapped;
  }
  return {};
}

bool Stage::has_relationship(const Prim& prim, const std::string& name) const {
  return std::any_of(prim.opinions.begin(), prim.opinions.end(),
                     [&](const Opinion& o) { return o.spec->relationship(name) != nullptr; });
}

}  // namespace geoul::scene::usd
