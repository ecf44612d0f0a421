// Layer: one USD file as it is written, before composition, whether text or binary. Every spec keeps its line; in
// binary files, which have none, it is 0 and paths say where. Plain data, owned by the layer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/value.h"

namespace geoul::scene::usd {

// List editing: an explicit list replaces weaker opinions, the other lists edit them.
template <class T>
struct ListOp {
  bool is_explicit = false;
  std::vector<T> items;  // explicit
  std::vector<T> added, prepended, appended, deleted, ordered;

  bool empty() const {
    return !is_explicit && added.empty() && prepended.empty() && appended.empty() && deleted.empty() && ordered.empty();
  }
  // Edits `list`, the outcome of all weaker opinions. Items that are already there move.
  void apply(std::vector<T>& list) const;
};

enum class Specifier { kDef, kOver, kClass };

struct Reference {
  std::string asset;     // empty: this layer stack
  std::string path;      // empty: the default prim
  bool payload = false;  // of a payload list; composed like a reference, below it
  int line = 0;
  double offset = 0;  // [time codes] of the referenced layer's times here: scale x time + offset
  double scale = 1;

  bool operator==(const Reference& b) const { return asset == b.asset && path == b.path; }
};

struct AttributeSpec {
  std::string name;
  std::string type_name;  // as written
  ValueType type;
  bool custom = false;
  bool uniform = false;
  std::optional<Value> value;
  std::vector<std::pair<double, Value>> samples;  // by time code, ascending
  ListOp<std::string> connections;
  Dictionary metadata;
  int line = 0;
};

struct RelationshipSpec {
  std::string name;
  bool custom = false;
  ListOp<std::string> targets;  // absolute paths in the layer's own namespace
  Dictionary metadata;
  int line = 0;
};

// Prims of weaker layers that stand elsewhere: from, to; an empty `to` removes. Absolute paths.
using Relocates = std::vector<std::pair<std::string, std::string>>;

struct PrimSpec;

struct VariantSetSpec {
  std::string name;
  std::vector<std::pair<std::string, std::unique_ptr<PrimSpec>>> variants;
  int line = 0;
};

struct PrimSpec {
  Specifier specifier = Specifier::kOver;
  std::string type_name;
  std::string name;
  std::string path;  // in the layer's own namespace
  int line = 0;

  std::optional<bool> active;
  std::optional<bool> instanceable;
  ListOp<std::string> api_schemas;
  ListOp<Reference> references;
  ListOp<Reference> payloads;
  ListOp<std::string> inherits;
  ListOp<std::string> specializes;
  ListOp<std::string> variant_sets;
  std::vector<std::pair<std::string, std::string>> variants;  // set, selection
  std::vector<VariantSetSpec> variant_contents;
  Relocates relocates;                      // the old form, written on a prim
  std::vector<std::string> child_order;     // `reorder nameChildren` (at the root: rootPrims)
  std::vector<std::string> property_order;  // `reorder properties`
  Dictionary metadata;                      // all other fields

  std::vector<AttributeSpec> attributes;
  std::vector<RelationshipSpec> relationships;
  std::vector<std::unique_ptr<PrimSpec>> children;

  // Indices by name; kept by the parser.
  std::unordered_map<std::string, std::size_t> child_index;
  std::unordered_map<std::string, std::size_t> attribute_index;
  std::unordered_map<std::string, std::size_t> relationship_index;

  const PrimSpec* child(const std::string& child_name) const;
  const AttributeSpec* attribute(const std::string& attribute_name) const;
  const RelationshipSpec* relationship(const std::string& relationship_name) const;
};

struct Sublayer {
  std::string asset;
  int line = 0;
  double offset = 0;  // as of a Reference
  double scale = 1;
};

struct Layer {
  std::string file;    // as the user gave it, or the path that a reference led to
  std::string folder;  // of the file; relative asset paths start here
  std::vector<Sublayer> sublayers;
  std::string default_prim;
  Relocates relocates;
  Dictionary metadata;  // metersPerUnit, upAxis, ...
  PrimSpec root;        // pseudo-root "/"
};

const Value* find(const Dictionary& dictionary, std::string_view key);

// Parses the text of a .usda file. All problems go to diagnostics, with lines; what could be read is returned, so
// the layer is whole only where no error was added. O(size); nesting deeper than 200 prims or 64 values is an error.
std::unique_ptr<Layer> parse_layer(std::string_view text, const std::string& file, Diagnostics& diagnostics);

template <class T>
void ListOp<T>::apply(std::vector<T>& list) const {
  const auto remove = [](std::vector<T>& from, const T& item) {
    for (std::size_t i = from.size(); i-- > 0;) {
      if (from[i] == item) from.erase(from.begin() + static_cast<std::ptrdiff_t>(i));
    }
  };
  if (is_explicit) list = items;
  for (const T& item : deleted) remove(list, item);
  for (const T& item : added) {
    bool there = false;
    for (const T& old : list) there = there || old == item;
    if (!there) list.push_back(item);
  }
  for (std::size_t i = prepended.size(); i-- > 0;) {
    remove(list, prepended[i]);
    list.insert(list.begin(), prepended[i]);
  }
  for (const T& item : appended) {
    remove(list, item);
    list.push_back(item);
  }
  if (ordered.empty()) return;
  std::vector<T> sorted;
  for (const T& item : ordered) {
    for (const T& old : list) {
      if (old == item) sorted.push_back(old);
    }
  }
  for (const T& item : ordered) remove(list, item);
  sorted.insert(sorted.end(), list.begin(), list.end());
  list = std::move(sorted);
}

}  // namespace geoul::scene::usd
