#include "geoul/scene/formats/usd/sites.h"

#include <algorithm>
#include <cmath>

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMaxSublayers = 1000;
constexpr std::size_t kMaxSublayerDepth = 64;
constexpr std::size_t kManyChildren = 8;

bool writes_arcs(const PrimSpec& spec) {
  return !spec.references.empty() || !spec.payloads.empty() || !spec.inherits.empty() || !spec.specializes.empty() ||
         !spec.variant_sets.empty();
}

std::vector<std::string> composed(const Site& site, ListOp<std::string> PrimSpec::*list) {
  std::vector<std::string> out;
  for (std::size_t i = site.specs.size(); i-- > 0;) (site.specs[i].spec->*list).apply(out);
  return out;
}

}  // namespace

const std::string& Site::path() const {
  if (variant) return parent->path();
  std::string& path = more().path;
  if (!path.empty()) return path;
  if (!parent) return path = "/";
  const std::string& above = parent->path();
  path.reserve(above.size() + name->size() + 1);
  if (above.size() > 1) path = above;
  path += '/';
  path += *name;
  return path;
}

double codes_per_second(const Layer& layer) {
  for (const char* field : {"timeCodesPerSecond", "framesPerSecond"}) {
    const Value* value = find(layer.metadata, field);
    const auto* numbers = value ? std::get_if<Value::Reals>(&value->content) : nullptr;
    if (numbers && numbers->size() == 1 && numbers->front() > 0 && std::isfinite(numbers->front())) {
      return numbers->front();
    }
  }
  return 24;
}

// Layers -----------------------------------------------------------------------------------------------------------

LayerStack* Sites::root_stack(std::unique_ptr<Layer> root) {
  const std::string key = AssetFiles::key(root->file);
  const Layer& layer = *root;
  by_key_[key] = root.get();
  layers_.push_back(std::move(root));
  return stack_of(layer, key);
}

const Layer* Sites::load(const std::string& file, const Location& from) {
  const std::string key = AssetFiles::key(file);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) return found->second;
  by_key_[key] = nullptr;
  const std::size_t errors = diagnostics_.error_count();
  std::unique_ptr<Layer> layer = files_.layer(file, from, diagnostics_);
  if (!layer) return nullptr;
  const Layer* kept = layer.get();
  if (diagnostics_.error_count() != errors) broken_.insert(kept);
  layers_.push_back(std::move(layer));
  by_key_[key] = kept;
  return kept;
}

LayerStack* Sites::stack_of(const Layer& root, const std::string& key) {
  const auto found = stacks_.find(key);
  if (found != stacks_.end()) return found->second;
  LayerStack& stack = owned_stacks_.emplace_back();
  stacks_[key] = &stack;
  stack.name = root.file;
  stack.codes_per_second = codes_per_second(root);
  std::vector<const Layer*> chain;
  add_layers(root, {}, chain, stack);
  add_relocates(stack);
  stack.root.stack = &stack;
  for (std::size_t i = 0; i < stack.layers.size(); ++i) stack.root.specs.push_back({&stack.layers[i].layer->root, i});
  for (const Site::Spec& s : stack.root.specs) stack.root.reorders |= !s.spec->child_order.empty();
  return &stack;
}

void Sites::add_layers(const Layer& layer, const TimeMap& time, std::vector<const Layer*>& chain, LayerStack& stack) {
  stack.layers.push_back({&layer, time});
  chain.push_back(&layer);
  for (const Sublayer& sub : layer.sublayers) {
    const Location where{layer.file, sub.line, "/"};
    const Layer* child = load(files_.resolve(sub.asset, layer), where);
    if (!child) continue;
    if (broken_.count(child)) broken_.insert(stack.layers.front().layer);
    if (std::find(chain.begin(), chain.end(), child) != chain.end()) {
      std::string text;
      for (const Layer* l : chain) text += l->file + " -> ";
      diagnostics_.error(where, "circular-sublayers", "sublayers lead in a circle: " + text + child->file,
                         "remove one of them");
    } else if (stack.layers.size() > kMaxSublayers || chain.size() > kMaxSublayerDepth) {
      diagnostics_.error(where, "too-deep", "more than 1000 sublayers, or nested deeper than 64 levels");
    } else {
      const double rate = codes_per_second(layer) / codes_per_second(*child);
      add_layers(*child, time * TimeMap{sub.offset, sub.scale * rate}, chain, stack);
    }
  }
  chain.pop_back();
}

// The strongest layer's relocate of a source counts.
void Sites::add_relocates(LayerStack& stack) {
  stack.relocates.root = stack.moves.root = true;
  auto& pairs = stack.relocates.pairs;
  for (const LayerStack::Entry& entry : stack.layers) {
    for (const auto& [from, to] : entry.layer->relocates) {
      const Location where{entry.layer->file, 0, from};
      if (from == to || from == "/" || to == "/" || (!to.empty() && (is_below(from, to) || is_below(to, from)))) {
        diagnostics_.error(where, "bad-relocate", "<" + from + "> cannot be relocated to <" + to + ">",
                           "name a prim below the root, and a place that is neither above nor below it");
        continue;
      }
      const auto same = [&, &source = from, &target = to](const auto& pair) {
        return pair.first == source || (!target.empty() && pair.second == target);
      };
      if (std::any_of(pairs.begin(), pairs.end(), same)) continue;
      pairs.emplace_back(from, to);
      if (!to.empty()) stack.moves.pairs.emplace_back(from, to);
    }
  }
}

// Sites ------------------------------------------------------------------------------------------------------------

Name Sites::intern(std::string_view name) { return &*names_.emplace(name).first; }

Site& Sites::make(Site* parent, Name name, LayerStack* stack, std::vector<Site::Spec> specs) {
  Site& site = sites_.emplace_back();
  site.parent = parent;
  site.name = name;
  site.stack = stack;
  site.depth = parent->depth + 1;
  site.specs = std::move(specs);
  for (const Site::Spec& s : site.specs) {
    site.has_arcs |= writes_arcs(*s.spec);
    site.reorders |= !s.spec->child_order.empty();
  }
  spec_sites_ += !site.specs.empty();
  return site;
}

const std::vector<std::pair<Name, Site*>>& Sites::children(Site& site) {
  if (site.expanded) return site.children;
  site.expanded = true;
  std::unordered_map<Name, std::size_t> place;
  std::vector<std::pair<Name, std::vector<Site::Spec>>> found;
  for (std::size_t i = site.specs.size(); i-- > 0;) {  // names of weaker layers first, as USD orders them
    for (const auto& child : site.specs[i].spec->children) {
      const Name name = intern(child->name);
      const auto [at, fresh] = place.emplace(name, found.size());
      if (fresh) found.push_back({name, {}});
      found[at->second].second.push_back({child.get(), site.specs[i].layer});
    }
  }
  for (auto& [name, specs] : found) {
    std::reverse(specs.begin(), specs.end());
    site.children.emplace_back(name, &make(&site, name, site.stack, std::move(specs)));
  }
  if (site.children.size() > kManyChildren) site.more().child_index.insert(site.children.begin(), site.children.end());
  return site.children;
}

Site* Sites::child(Site& site, Name name) {
  if (site.specs.empty()) return nullptr;
  const auto& all = children(site);
  if (all.size() > kManyChildren) {
    const auto found = site.more().child_index.find(name);
    return found == site.more().child_index.end() ? nullptr : found->second;
  }
  for (const auto& [child_name, child_site] : all) {
    if (child_name == name) return child_site;
  }
  return nullptr;
}

Site* Sites::empty_child(Site& site, Name name) { return &make(&site, name, site.stack, {}); }

Site* Sites::shared_empty_child(Site& site, Name name) {
  Site*& child = empty_children_[{&site, name}];
  if (!child) child = empty_child(site, name);
  return child;
}

Site* Sites::child_or_empty(Site& site, Name name) {
  Site* found = child(site, name);
  return found ? found : shared_empty_child(site, name);
}

Site* Sites::variant(Site& site, const std::string& set, const std::string& name) {
  for (const auto& [key, made] : site.more().variants) {
    if (key.first == set && key.second == name) return made;
  }
  std::vector<Site::Spec> specs;
  for (const Site::Spec& s : site.specs) {
    for (const VariantSetSpec& content : s.spec->variant_contents) {
      if (content.name != set) continue;
      for (const auto& [variant_name, body] : content.variants) {
        if (variant_name == name) specs.push_back({body.get(), s.layer});
      }
    }
  }
  Site* made = nullptr;
  if (!specs.empty()) {
    made = &make(&site, site.name, site.stack, std::move(specs));
    made->variant = true;
    made->depth = site.depth;
  }
  site.more().variants.push_back({{set, name}, made});
  return made;
}

// Arcs -------------------------------------------------------------------------------------------------------------

const Site::Arcs& Sites::arcs(Site& site) {
  std::unique_ptr<Site::Arcs>& arcs = site.more().arcs;
  if (arcs) return *arcs;
  arcs = std::make_unique<Site::Arcs>();
  add_references(site, false, arcs->references);
  add_references(site, true, arcs->payloads);
  arcs->inherits = composed(site, &PrimSpec::inherits);
  arcs->specializes = composed(site, &PrimSpec::specializes);
  arcs->variant_sets = composed(site, &PrimSpec::variant_sets);
  return *arcs;
}

void Sites::add_references(const Site& site, bool payload, std::vector<ReferenceArc>& out) {
  struct Anchored {
    const Reference* reference;
    const Layer* layer;
    bool operator==(const Anchored& b) const {
      const Reference &x = *reference, &y = *b.reference;
      return x.asset == y.asset && x.path == y.path && x.offset == y.offset && x.scale == y.scale &&
             (layer == b.layer || x.asset.empty() || layer->folder == b.layer->folder);
    }
  };
  std::vector<Anchored> all;
  for (std::size_t i = site.specs.size(); i-- > 0;) {
    const PrimSpec& spec = *site.specs[i].spec;
    const ListOp<Reference>& op = payload ? spec.payloads : spec.references;
    if (op.empty()) continue;
    const Layer* layer = site.stack->layers[site.specs[i].layer].layer;
    ListOp<Anchored> anchored;
    anchored.is_explicit = op.is_explicit;
    const auto anchor = [&](const std::vector<Reference>& from, std::vector<Anchored>& to) {
      for (const Reference& r : from) to.push_back({&r, layer});
    };
    anchor(op.items, anchored.items), anchor(op.added, anchored.added), anchor(op.prepended, anchored.prepended);
    anchor(op.appended, anchored.appended), anchor(op.deleted, anchored.deleted), anchor(op.ordered, anchored.ordered);
    anchored.apply(all);
  }
  for (const Anchored& a : all) {
    ReferenceArc arc;
    if (!resolve(site, *a.layer, *a.reference, arc)) continue;
    for (const LayerStack::Entry& entry : site.stack->layers) {
      if (entry.layer == a.layer) {
        // Its times are those of the layer that it is written in, whose own offset within the stack counts as well; but
        // what stays in the layer stack has that offset already.
        const double rate = codes_per_second(*a.layer) / arc.stack->codes_per_second;
        if (!arc.internal) arc.time = entry.time * TimeMap{arc.time.offset, arc.time.scale * rate};
        break;
      }
    }
    out.push_back(std::move(arc));
  }
}

bool Sites::resolve(const Site& site, const Layer& from, const Reference& reference, ReferenceArc& out) {
  out.where = {from.file, reference.line, site.path()};
  out.stack = site.stack;
  out.internal = reference.asset.empty();
  out.time = {reference.offset, reference.scale};
  if (!reference.asset.empty()) {
    const std::string file = files_.resolve(reference.asset, from);
    const Layer* layer = load(file, out.where);
    if (!layer) return false;
    out.stack = stack_of(*layer, AssetFiles::key(file));
  }
  const Layer& target = *out.stack->layers.front().layer;
  out.broken = broken_.count(&target) > 0;
  out.path = reference.path;
  if (!out.path.empty()) return true;
  if (target.default_prim.empty() && out.broken) return false;
  if (target.default_prim.empty()) {
    diagnostics_.error(out.where, "no-default-prim", "'" + target.file + "' names no default prim to reference",
                       "write defaultPrim = \"...\" in it, or a path behind the reference");
    return false;
  }
  out.path = target.default_prim.front() == '/' ? target.default_prim : "/" + target.default_prim;
  return true;
}

}  // namespace geoul::scene::usd
