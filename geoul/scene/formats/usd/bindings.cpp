// Which material a prim binds: direct bindings, bindings of collections, their strength and purposes.
// Sources: UsdShade MaterialBindingAPI and UsdCollectionAPI (openusd.org); judged by usd-core's ComputeBoundMaterial.
#include <set>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxNesting = 16;  // collections in collections
const std::string kBinding = "material:binding";

const Prim* parent_of(const View& view, const Prim& prim) {
  return prim.parent >= 0 ? &view.stage.prims()[static_cast<std::size_t>(prim.parent)] : nullptr;
}

// bindMaterialAs of the strongest opinion that writes it.
bool is_strong(const Prim& prim, const std::string& relationship) {
  for (const Opinion& o : prim.opinions) {
    const RelationshipSpec* spec = o.spec->relationship(relationship);
    const Value* value = spec ? find(spec->metadata, "bindMaterialAs") : nullptr;
    const auto* text = value ? std::get_if<Value::Strings>(&value->content) : nullptr;
    if (text && text->size() == 1) return text->front() == "strongerThanDescendants";
  }
  return false;
}

// Names of the collection bindings of a purpose that a prim has, in order.
std::set<std::string> collection_bindings(const Prim& prim, const std::string& purpose) {
  const std::string prefix = kBinding + ":collection:" + (purpose.empty() ? "" : purpose + ":");
  std::set<std::string> out;
  for (const Opinion& o : prim.opinions) {
    for (const RelationshipSpec& r : o.spec->relationships) {
      if (r.name.size() <= prefix.size() || r.name.compare(0, prefix.size(), prefix) != 0) continue;
      if (r.name.find(':', prefix.size()) == std::string::npos) out.insert(r.name);
    }
  }
  return out;
}

bool is_collection(const std::string& path) { return path.find(".collection:") != std::string::npos; }

// Whether a collection, "/Prim.collection:name", holds a prim: the nearest of its ancestors that is named decides.
bool holds(const View& view, const std::string& collection, const std::string& path, int depth) {
  const std::size_t dot = collection.find(".collection:");
  const Prim* owner = view.stage.find(collection.substr(0, dot));
  if (!owner || depth > kMaxNesting) return false;
  const std::string name = collection.substr(dot + 1);
  const std::vector<std::string> in = view.stage.targets(*owner, name + ":includes", view.diagnostics);
  const std::vector<std::string> out = view.stage.targets(*owner, name + ":excludes", view.diagnostics);
  const bool only = view.token(*owner, name + ":expansionRule").value_or("expandPrims") == "explicitOnly";
  const std::set<std::string> included(in.begin(), in.end()), excluded(out.begin(), out.end());
  for (std::string at = path; !at.empty(); at = at.substr(0, at.rfind('/'))) {
    if (excluded.count(at)) return false;
    if (included.count(at)) return !only || at == path;
  }
  for (const std::string& other : in) {
    if (is_collection(other) && holds(view, other, path, depth + 1)) return true;
  }
  return view.flag(*owner, name + ":includeRoot").value_or(false);
}

// The material of a collection binding that holds the shape.
const Prim* of_collection(const View& view, const Prim& at, const std::string& relationship, const Prim& shape) {
  const std::vector<std::string> targets = view.stage.targets(at, relationship, view.diagnostics);
  if (targets.size() != 2) return nullptr;
  const std::size_t first = is_collection(targets[0]) ? 0 : 1;
  if (!is_collection(targets[first]) || !holds(view, targets[first], shape.path, 0)) return nullptr;
  return view.stage.find(targets[1 - first]);
}

const Prim* bound(const View& view, const Prim& shape, const std::string& purpose) {
  const std::string direct = purpose.empty() ? kBinding : kBinding + ":" + purpose;
  const Prim *found = nullptr, *found_at = nullptr;
  for (const Prim* p = &shape; p; p = parent_of(view, *p)) {
    bool broken = false;
    if (view.stage.has_relationship(*p, direct) && (!found || is_strong(*p, direct))) {
      if (const Prim* material = view.target(*p, direct, broken, true)) found = material, found_at = p;
    }
    for (const std::string& name : collection_bindings(*p, purpose)) {
      const Prim* material = of_collection(view, *p, name, shape);
      if (!material) continue;
      if (!found || found_at == p || is_strong(*p, name)) found = material, found_at = p;
      break;
    }
  }
  return found;
}

}  // namespace

const Prim* bound_material(const View& view, const Prim& shape, std::initializer_list<const char*> purposes) {
  for (const char* purpose : purposes) {
    if (const Prim* found = bound(view, shape, purpose)) return found;
  }
  return nullptr;
}

}  // namespace geoul::scene::usd
