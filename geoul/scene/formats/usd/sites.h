// Sites: what a layer stack says of one path, all its layers together, before any arc is followed. Sites are made when
// they are asked for, once each, and shared by every prim that arcs lead to them; so a part that stands in a plant a
// thousand times is merged once.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/layer.h"
#include "geoul/scene/formats/usd/path_map.h"

namespace geoul::scene::usd {

using Name = const std::string*;  // interned: equal names have equal addresses

struct LayerStack;

// A reference or payload as it is composed at a site.
struct ReferenceArc {
  LayerStack* stack = nullptr;
  std::string path;  // of the prim
  TimeMap time;
  bool internal = false;  // to the layer stack that it is written in
  Location where;
  bool broken = false;            // what it lacks may stand in what could not be read
  mutable bool reported = false;  // a fault of it is said once, however often it is followed
};

struct Site {
  struct Spec {
    const PrimSpec* spec;
    std::size_t layer;  // in the stack
  };
  // Arcs written on the site, list edits applied. Inherits and specializes as absolute paths.
  struct Arcs {
    std::vector<ReferenceArc> references, payloads;
    std::vector<std::string> inherits, specializes;
    std::vector<std::string> variant_sets;
  };

  // What only few sites have.
  struct More {
    std::unordered_map<Name, Site*> child_index;  // kept where there are many
    std::unique_ptr<Arcs> arcs;
    std::vector<std::pair<std::pair<std::string, std::string>, Site*>> variants;  // made so far, by set and name
    std::string path;
  };

  Site* parent = nullptr;  // of a variant: the site whose variant it is
  Name name = nullptr;
  LayerStack* stack = nullptr;
  int depth = 0;  // names in the path
  bool variant = false;
  bool has_arcs = false;
  bool reorders = false;  // some spec orders its children
  bool expanded = false;
  bool checked = false;
  std::vector<Spec> specs;  // strongest first; none where no layer says anything
  std::vector<std::pair<Name, Site*>> children;
  mutable std::unique_ptr<More> more_;

  More& more() const {
    if (!more_) more_ = std::make_unique<More>();
    return *more_;
  }
  const std::string& path() const;  // made once
};

struct LayerStack {
  struct Entry {
    const Layer* layer;
    TimeMap time;  // to the root layer of the stack
  };
  std::string name;           // of its root layer
  std::vector<Entry> layers;  // strongest first
  double codes_per_second = 24;
  PathMap relocates;  // source -> target, empty where the prim is removed
  PathMap moves;      // the same without those: where targets of relationships go
  Site root;
};

class Sites {
 public:
  Sites(AssetFiles& files, Diagnostics& diagnostics) : files_(files), diagnostics_(diagnostics) {}

  LayerStack* root_stack(std::unique_ptr<Layer> root);
  // What the layers say below a site; none where they say nothing.
  Site* child(Site& site, Name name);
  // The same, or a site that says nothing.
  Site* child_or_empty(Site& site, Name name);
  // A site that says nothing: a new one, for who asks once, or the one that all who ask for it share.
  Site* empty_child(Site& site, Name name);
  Site* shared_empty_child(Site& site, Name name);
  const std::vector<std::pair<Name, Site*>>& children(Site& site);
  // The body of a variant; none where there is no such variant.
  Site* variant(Site& site, const std::string& set, const std::string& name);
  const Site::Arcs& arcs(Site& site);
  Name intern(std::string_view name);

  std::size_t spec_sites() const { return spec_sites_; }  // made so far that say something
  // About, of all sites.
  std::size_t bytes() const {
    return sites_.size() * (sizeof(Site) + sizeof(Site::More) / 2) + empty_children_.size() * 48;
  }
  std::deque<std::unique_ptr<Layer>> take_layers() { return std::move(layers_); }

 private:
  const Layer* load(const std::string& file, const Location& from);
  LayerStack* stack_of(const Layer& root, const std::string& key);
  void add_layers(const Layer& layer, const TimeMap& time, std::vector<const Layer*>& chain, LayerStack& stack);
  void add_relocates(LayerStack& stack);
  Site& make(Site* parent, Name name, LayerStack* stack, std::vector<Site::Spec> specs);
  void add_references(const Site& site, bool payload, std::vector<ReferenceArc>& out);
  bool resolve(const Site& site, const Layer& from, const Reference& reference, ReferenceArc& out);

  AssetFiles& files_;
  Diagnostics& diagnostics_;
  std::deque<std::unique_ptr<Layer>> layers_;
  std::unordered_map<std::string, const Layer*> by_key_;
  std::unordered_map<std::string, LayerStack*> stacks_;
  std::deque<LayerStack> owned_stacks_;
  struct ChildHash {
    std::size_t operator()(const std::pair<const Site*, Name>& child) const {
      const auto a = reinterpret_cast<std::uintptr_t>(child.first), b = reinterpret_cast<std::uintptr_t>(child.second);
      return (a >> 4) * 0x9E3779B97F4A7C15u ^ (b >> 3);
    }
  };

  std::deque<Site> sites_;
  std::unordered_map<std::pair<const Site*, Name>, Site*, ChildHash> empty_children_;
  std::unordered_set<std::string> names_;
  std::unordered_set<const Layer*> broken_;  // had errors of their own
  std::size_t spec_sites_ = 0;
};

// Layer: times a second of its time codes.
double codes_per_second(const Layer& layer);

// Sorts names as `reorder` says: each name in `order` takes along those behind it that `order` does not name.
template <class T>
void apply_order(std::vector<T>& names, const std::vector<T>& order);

template <class T>
void apply_order(std::vector<T>& names, const std::vector<T>& order) {
  if (order.empty() || names.empty()) return;
  const std::unordered_set<T> ordered(order.begin(), order.end());
  std::unordered_map<T, std::size_t> place;
  for (std::size_t i = 0; i < names.size(); ++i) place.emplace(names[i], i);
  std::vector<T> out;
  for (std::size_t i = 0; i < names.size() && !ordered.count(names[i]); ++i) out.push_back(names[i]);
  for (const T& name : order) {
    const auto found = place.find(name);
    if (found == place.end()) continue;
    std::size_t i = found->second;
    place.erase(found);  // a name that `order` repeats counts once
    do {
      out.push_back(names[i++]);
    } while (i < names.size() && !ordered.count(names[i]));
  }
  names = std::move(out);
}

}  // namespace geoul::scene::usd
