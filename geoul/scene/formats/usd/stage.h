// Stage: layers composed into one tree of prims, strongest opinion first: sublayers, inherits, variants, relocates,
// references, payloads and specializes with their times, list editing, instances, inactive prims, `over` and `class`.
// Payloads are always loaded; a variant set without a selection has no variant. Value clips are an error.
// Order of strength and namespaces: see prim_graph.h.
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
#include "geoul/scene/formats/usd/path_map.h"

namespace geoul::scene::usd {

// What one layer says of a prim.
struct Opinion {
  const PrimSpec* spec = nullptr;
  const Layer* layer = nullptr;
  const MapChain* map = nullptr;  // from the layer's namespace to the stage's; none: the same
  const TimeMap* time = nullptr;  // from the layer's times to those of its layer stack, before `map`

  std::optional<std::string> to_stage(const std::string& path_in_layer) const;
  TimeMap times() const;  // from the layer's times to the stage's
};

struct Prim {
  std::string path;
  std::string type_name;
  int parent = -1;
  int end = 0;  // behind the last prim below it
  bool instance = false;
  bool expanded = false;             // a PointInstancer whose copies are there
  int point = -1;                    // of a copy's first prim: its pose among View::points
  const MapChain* copied = nullptr;  // from the prototype's paths to the copy's, the last copy first
  std::vector<Opinion> opinions;     // strongest first
  const std::vector<std::string>* api_schemas = nullptr;  // composed, in order; never null

  std::string_view name() const { return std::string_view(path).substr(path.rfind('/') + 1); }
  bool has_api(std::string_view name) const;
  Location where() const;                             // the strongest opinion that defines it
  Location where(const std::string& property) const;  // of a property's strongest opinion
};

// The strongest value of an attribute.
struct Resolved {
  const Value* value = nullptr;
  const AttributeSpec* spec = nullptr;
  const Opinion* opinion = nullptr;
  bool sampled = false;
};

class Stage {
 public:
  const std::vector<Prim>& prims() const { return prims_; }  // depth first; [0] is the root "/"
  const Prim* find(std::string_view path) const;
  const Layer& root_layer() const { return *root_; }
  // Index of the first prim below `prim`, then of the next beside one; prim.end where there is no more.
  int first_child(const Prim& prim) const { return index(prim) + 1; }
  int next_sibling(int child) const { return prims_[static_cast<std::size_t>(child)].end; }
  int index(const Prim& prim) const { return static_cast<int>(&prim - prims_.data()); }

  // Time code at which sampled attributes are read; none: their defaults, and where there is none the earliest sample.
  // At a time code samples count before the default of the same layer, linear between two of them where the type is
  // one of numbers with fractions (quaternions along the great circle), else held.
  void set_time(std::optional<double> time) { time_ = time; }

  std::optional<Resolved> attribute(const Prim& prim, const std::string& name) const;
  // Targets as paths of the stage. Those outside of a referenced prim are left out and reported.
  std::vector<std::string> targets(const Prim& prim, const std::string& relationship, Diagnostics& diagnostics) const;
  std::vector<std::string> connections(const Prim& prim, const std::string& attribute) const;
  // Whether any opinion names this relationship.
  bool has_relationship(const Prim& prim, const std::string& name) const;

 private:
  friend class Composer;
  friend class Expander;
  static std::optional<std::string> mapped(const Prim& prim, const Opinion& opinion, const std::string& path);
  std::optional<Resolved> resolve_at(const Opinion& opinion, const AttributeSpec& spec) const;

  std::deque<std::unique_ptr<Layer>> layers_;
  std::deque<PathMap> maps_;
  std::deque<MapChain> chains_;
  std::deque<TimeMap> times_;
  std::deque<std::vector<std::string>> api_lists_;
  std::vector<Prim> prims_;
  std::unordered_map<std::string_view, int> index_;  // by Prim::path
  const Layer* root_ = nullptr;
  std::optional<double> time_;
  mutable std::deque<Value> computed_;  // values between samples, and time codes of other layers
};

// Composes the stage of a root layer. Problems go to diagnostics; prims that could be composed are there.
// Near linear in the number of prims; what multiplies beyond 180 MB of prims or 1,000,000 nodes of their graphs, and
// 4 KB and 200 nodes more for each that the files write, is an error: some 100,000 prims of references eight deep,
// 250,000 of references two deep.
// `files` may hold what the root layer came from.
Stage compose(std::unique_ptr<Layer> root, AssetFiles& files, Diagnostics& diagnostics);

}  // namespace geoul::scene::usd
