// Stage: layers composed into one tree of prims, strongest opinion first. Read today: sublayers, references, payloads
// (as references below them), list editing, default prims, inactive prims, `over` and `class`. Errors with the place
// where meaning would change: inherits, specializes, variants, value clips, relocates, binary layers.
// Order of strength: local, references, payloads; direct arcs before those of ancestors (AOUSD Core 1.0, LIVERPS).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/layer.h"

namespace geoul::scene::usd {

// Where the namespace of a referenced layer stands in the stage: the prim at `from` became the prim at `to`, and the
// result goes on through `parent` (none: that is the stage's own namespace).
struct PathMap {
  std::string from;
  std::string to;
  const PathMap* parent = nullptr;

  // None where the path lies outside of what was referenced.
  std::optional<std::string> to_stage(std::string path) const;
};

// What one layer says of a prim.
struct Opinion {
  const PrimSpec* spec = nullptr;
  const Layer* layer = nullptr;
  const PathMap* map = nullptr;
};

struct Prim {
  std::string path;
  std::string name;
  std::string type_name;
  int parent = -1;
  std::vector<int> children;
  std::vector<Opinion> opinions;         // strongest first
  std::vector<std::string> api_schemas;  // composed

  bool has_api(std::string_view name) const;
  Location where() const;                             // the strongest opinion that defines it
  Location where(const std::string& property) const;  // of a property's strongest opinion
};

// The strongest value of an attribute. Where there is no default value but time samples, the earliest is taken.
struct Resolved {
  const Value* value = nullptr;
  const AttributeSpec* spec = nullptr;
  const Opinion* opinion = nullptr;
  bool sampled = false;
};

class Stage {
 public:
  const std::vector<Prim>& prims() const { return prims_; }  // depth first; [0] is the root "/"
  const Prim* find(const std::string& path) const;
  const Layer& root_layer() const { return *root_; }

  std::optional<Resolved> attribute(const Prim& prim, const std::string& name) const;
  // Targets as paths of the stage. Those outside of a referenced prim are left out and reported.
  std::vector<std::string> targets(const Prim& prim, const std::string& relationship, Diagnostics& diagnostics) const;
  std::vector<std::string> connections(const Prim& prim, const std::string& attribute) const;
  // Whether any opinion names this relationship.
  bool has_relationship(const Prim& prim, const std::string& name) const;

 private:
  friend class Composer;
  std::deque<std::unique_ptr<Layer>> layers_;
  std::deque<PathMap> maps_;
  std::vector<Prim> prims_;
  std::unordered_map<std::string, int> index_;
  const Layer* root_ = nullptr;
};

// Composes the stage of a root layer. Problems go to diagnostics; prims that could be composed are there.
// `files` may hold what the root layer came from.
Stage compose(std::unique_ptr<Layer> root, AssetFiles& files, Diagnostics& diagnostics);

}  // namespace geoul::scene::usd
