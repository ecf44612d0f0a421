// From the tables of a crate file to a layer: specs are walked from the root by the lists of children that they hold.
#include "geoul/scene/formats/usd/crate.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_map>

#include "geoul/scene/formats/usd/crate_values.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxPrimDepth = 200;
constexpr std::size_t kPropertyBytes = sizeof(AttributeSpec) + 100;  // with its entry in the index
constexpr std::size_t kPrimBytes = sizeof(PrimSpec) + 200;

class LayerBuilder {
 public:
  LayerBuilder(std::string_view bytes, const std::string& file, Diagnostics& diagnostics, std::size_t allowance)
      : bytes_(bytes), budget_(bytes.size(), allowance), diagnostics_(diagnostics), layer_(std::make_unique<Layer>()) {
    layer_->file = file;
    layer_->folder = std::filesystem::path(file).parent_path().string();
    layer_->root.path = "/";
  }

  std::unique_ptr<Layer> run() {
    try {
      const CrateTables tables = read_tables(bytes_, budget_, scratch_);
      CrateValues values(tables, budget_, scratch_);
      tables_ = &tables;
      values_ = &values;
      root();
    } catch (const CrateError& e) {
      report(e, {});
    }
    return std::move(layer_);
  }

 private:
  void report(const CrateError& e, const std::string& path) {
    diagnostics_.error({layer_->file, 0, path == "/" ? "" : path}, e.code, e.message, e.mend);
  }
  const CrateSpec& spec_of(const CratePath& path) const { return tables_->specs[path.spec]; }

  // Calls field(name, rep) for every field of a spec. An error in one is reported, and the others are read; what is
  // said once for the whole file is not caught.
  template <class Field>
  void each_field(const CratePath& path, const std::string& place, Field&& field) {
    for (std::size_t i = spec_of(path).field_set; tables_->field_sets[i] != kNone; ++i) {
      const CrateField& f = tables_->fields[tables_->field_sets[i]];
      budget_.take(1, 16);
      try {
        field(tables_->token(f.token), Rep{f.rep});
      } catch (const CrateError& e) {
        if (e.code == "too-large") throw;
        report({e.code, "field '" + std::string(tables_->token(f.token).substr(0, 60)) + "': " + e.message, e.mend},
               place);
      }
    }
  }

  // Fields that have no place of their own in a spec.
  void generic_field(std::string_view name, Rep rep, Dictionary& out) {
    // What is only another form of what the specs themselves say, and a comment, which text does not keep either.
    for (const std::string_view skipped :
         {"variantChildren", "comment", "connectionChildren", "targetChildren", "mapperChildren"}) {
      if (name == skipped) return;
    }
    Value value = values_->metadata(rep);
    budget_.take(name.size() + sizeof(Dictionary::value_type), 1);
    out.emplace_back(name == "documentation" ? "doc" : name, std::move(value));
  }

  // The fields of a prim that list its children.
  struct Lists {
    std::optional<Rep> prims, properties, variant_sets;
  };

  // Children of `path` of one kind that have specs, in the order of `list` (the field `field`), which names them all.
  // `name` makes of a path's element what stands in the list.
  template <class Name>
  std::vector<std::uint32_t> children(const CratePath& path, const std::string& place, const char* field,
                                      const std::optional<Rep>& list, Name&& name) {
    const PathKind kind = list_kind(field);
    std::vector<std::uint32_t> out;
    std::unordered_map<std::string_view, std::uint32_t> found;
    for (std::uint32_t c = path.first_child; c != kNone; c = tables_->paths[c].next_sibling) {
      const CratePath& child = tables_->paths[c];
      if (child.kind != kind || child.spec == kNone) continue;
      const std::string_view key = name(tables_->token(child.token));
      if (!key.empty()) found.emplace(key, c);
    }
    if (list) {
      try {
        for (const std::string& item : values_->strings(*list)) {
          const auto at = found.find(item);
          if (at == found.end()) {
            throw CrateError{"bad-crate", "names '" + item.substr(0, 60) + "', which has no spec or stands twice",
                             "write the file again"};
          }
          out.push_back(at->second);
          found.erase(at);
        }
      } catch (const CrateError& e) {
        if (e.code == "too-large") throw;
        report({e.code, "field '" + std::string(field) + "': " + e.message, e.mend}, place);
      }
    }
    if (!found.empty()) {
      std::vector<std::string_view> left;
      for (const auto& [key, index] : found) left.push_back(key);
      diagnostics_.warning({layer_->file, 0, place == "/" ? "" : place}, "unlisted-spec",
                           "'" + std::string(std::min_element(left.begin(), left.end())->substr(0, 60)) +
                               "' stands in the file but not in '" + field + "'; it is left out",
                           "write the file again");
    }
    return out;
  }
  static PathKind list_kind(std::string_view field) {
    return field == "primChildren" ? PathKind::kPrim : field == "properties" ? PathKind::kProperty : PathKind::kVariant;
  }
  static std::string_view same(std::string_view name) { return name; }

  void root() {
    const CratePath& path = tables_->paths[tables_->root];
    if (spec_of(path).kind != SpecKind::kRoot) {
      throw CrateError{"bad-crate", "the spec of the root is of kind " + number(spec_of(path).kind), {}};
    }
    Lists lists;
    std::vector<std::string> sublayers;
    std::vector<std::pair<double, double>> offsets;
    each_field(path, "/", [&](std::string_view name, Rep rep) {
      if (name == "subLayers") {
        sublayers = values_->strings(rep);
      } else if (name == "subLayerOffsets") {
        offsets = values_->offsets(rep);
      } else if (name == "defaultPrim") {
        layer_->default_prim = values_->token(rep);
      } else if (name == "layerRelocates") {
        layer_->relocates = values_->relocates(rep);
      } else if (name == "primOrder") {
        layer_->root.child_order = values_->strings(rep);
      } else if (name == "primChildren") {
        lists.prims = rep;
      } else {
        generic_field(name, rep, layer_->metadata);
      }
    });
    for (std::size_t i = 0; i < sublayers.size(); ++i) {
      const auto [offset, scale] = i < offsets.size() ? offsets[i] : std::pair{0.0, 1.0};
      layer_->sublayers.push_back({sublayers[i], 0, offset, scale});
    }
    prims_below(path, layer_->root, lists.prims, 0);
  }
  static std::string number(SpecKind kind) { return std::to_string(static_cast<std::uint32_t>(kind)); }

  void prims_below(const CratePath& path, PrimSpec& parent, const std::optional<Rep>& list, int depth) {
    const std::vector<std::uint32_t> all = children(path, parent.path, "primChildren", list, same);
    parent.children.reserve(all.size());
    for (const std::uint32_t c : all) {
      const CratePath& child = tables_->paths[c];
      auto prim = std::make_unique<PrimSpec>();
      prim->name = std::string(tables_->token(child.token));
      prim->path = parent.path == "/" ? "/" + prim->name : parent.path + "/" + prim->name;
      budget_.take(kPrimBytes + 3 * prim->name.size() + prim->path.size(), 1);
      if (spec_of(child).kind != SpecKind::kPrim) {
        report({"bad-crate", "the spec is of kind " + number(spec_of(child).kind) + ", not of a prim", {}}, prim->path);
        continue;
      }
      if (depth >= kMaxPrimDepth) {
        throw CrateError{"too-deep", "<" + prim->path.substr(0, 200) + ">: prims are nested deeper than 200 levels",
                         "nest less"};
      }
      check_name(*prim);
      content(child, *prim, depth + 1);
      parent.child_index.emplace(prim->name, parent.children.size());
      parent.children.push_back(std::move(prim));
    }
  }

  void check_name(const PrimSpec& prim) {
    bool good = !(prim.name.front() >= '0' && prim.name.front() <= '9');
    for (const char c : prim.name) {
      good = good && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80);
    }
    if (good) return;
    report({"bad-name", "'" + prim.name.substr(0, 60) + "' is no prim name",
            "use letters, digits and _, not beginning with a digit"},
           prim.path);
  }

  // Fields, properties, variants and prims of a prim or of a variant.
  void content(const CratePath& path, PrimSpec& prim, int depth) {
    Lists lists;
    each_field(path, prim.path, [&](std::string_view name, Rep rep) {
      if (name == "primChildren") {
        lists.prims = rep;
      } else if (name == "properties") {
        lists.properties = rep;
      } else if (name == "variantSetChildren") {
        lists.variant_sets = rep;
      } else {
        prim_field(prim, name, rep);
      }
    });
    properties(path, prim, lists.properties);
    for (const std::uint32_t c : children(path, prim.path, "variantSetChildren", lists.variant_sets, set_name)) {
      variant_set(path, tables_->paths[c], prim, depth);
    }
    prims_below(path, prim, lists.prims, depth);
  }

  void prim_field(PrimSpec& prim, std::string_view name, Rep rep) {
    if (name == "specifier") {
      const std::uint32_t n = values_->number(rep, RepType::kSpecifier);
      prim.specifier = n == 0 ? Specifier::kDef : n == 1 ? Specifier::kOver : Specifier::kClass;
    } else if (name == "typeName") {
      prim.type_name = values_->token(rep);
    } else if (name == "active" || name == "instanceable") {
      (name == "active" ? prim.active : prim.instanceable) = values_->boolean(rep);
    } else if (name == "apiSchemas") {
      prim.api_schemas = values_->string_list(rep);
    } else if (name == "references" || name == "payload") {
      const bool payload = name == "payload";
      (payload ? prim.payloads : prim.references) = values_->references(rep, payload);
    } else if (name == "inheritPaths") {
      prim.inherits = values_->string_list(rep);
    } else if (name == "specializes") {
      prim.specializes = values_->string_list(rep);
    } else if (name == "variantSetNames") {
      prim.variant_sets = values_->string_list(rep);
    } else if (name == "variantSelection") {
      prim.variants = values_->selections(rep);
    } else if (name == "relocates") {
      prim.relocates = values_->relocates(rep);
    } else if (name == "primOrder") {
      prim.child_order = values_->strings(rep);
    } else if (name == "propertyOrder") {
      prim.property_order = values_->strings(rep);
    } else {
      generic_field(name, rep, prim.metadata);
    }
  }

  // "{set=}" is a set, "{set=variant}" a variant of it.
  static std::string_view set_name(std::string_view element) {
    return element.size() > 2 && element.substr(element.size() - 2) == "=}" ? element.substr(1, element.size() - 3)
                                                                            : std::string_view{};
  }

  void variant_set(const CratePath& prim_path, const CratePath& path, PrimSpec& prim, int depth) {
    VariantSetSpec set;
    set.name = std::string(set_name(tables_->token(path.token)));
    budget_.take(sizeof set + set.name.size(), 1);
    const std::string place = prim.path + "{" + set.name + "=}";
    if (spec_of(path).kind != SpecKind::kVariantSet) {
      report({"bad-crate", "the spec is of kind " + number(spec_of(path).kind) + ", not of a variant set", {}}, place);
      return;
    }
    if (depth >= kMaxPrimDepth) throw CrateError{"too-deep", "prims are nested deeper than 200 levels", "nest less"};
    // Variants are siblings of their set, which only lists them.
    std::unordered_map<std::string_view, const CratePath*> found;
    for (std::uint32_t c = prim_path.first_child; c != kNone; c = tables_->paths[c].next_sibling) {
      const CratePath& child = tables_->paths[c];
      budget_.take(1, 1);
      if (child.kind != PathKind::kVariant || child.spec == kNone) continue;
      if (spec_of(child).kind != SpecKind::kVariant) continue;
      const std::string_view element = tables_->token(child.token);
      if (element.size() < set.name.size() + 3 || element.substr(1, set.name.size()) != set.name ||
          element[set.name.size() + 1] != '=' || element.back() != '}') {
        continue;
      }
      found.emplace(element.substr(set.name.size() + 2, element.size() - set.name.size() - 3), &child);
    }
    each_field(path, place, [&](std::string_view field, Rep rep) {
      if (field != "variantChildren") return;
      for (const std::string& name : values_->strings(rep)) {
        const auto at = found.find(name);
        if (at == found.end()) {
          throw CrateError{"bad-crate",
                           "names the variant '" + name.substr(0, 60) + "', which has no spec or stands twice",
                           "write the file again"};
        }
        auto variant = std::make_unique<PrimSpec>();
        variant->name = prim.name;
        variant->path = prim.path;
        budget_.take(kPrimBytes + name.size() + prim.path.size(), 1);
        content(*at->second, *variant, depth + 1);
        set.variants.emplace_back(name, std::move(variant));
        found.erase(at);
      }
    });
    prim.variant_contents.push_back(std::move(set));
  }

  void properties(const CratePath& path, PrimSpec& prim, const std::optional<Rep>& list) {
    const std::vector<std::uint32_t> all = children(path, prim.path, "properties", list, same);
    prim.attributes.reserve(all.size());
    for (const std::uint32_t c : all) {
      const CratePath& child = tables_->paths[c];
      const std::string name(tables_->token(child.token));
      const std::string place = prim.path + "." + name;
      budget_.take(kPropertyBytes + 3 * name.size(), 1);
      if (spec_of(child).kind == SpecKind::kAttribute) {
        attribute(child, name, place, prim);
      } else if (spec_of(child).kind == SpecKind::kRelationship) {
        relationship(child, name, place, prim);
      } else {
        report({"bad-crate", "the spec is of kind " + number(spec_of(child).kind) + ", not of a property", {}}, place);
      }
    }
  }

  void relationship(const CratePath& path, const std::string& name, const std::string& place, PrimSpec& prim) {
    RelationshipSpec rel;
    rel.name = name;
    each_field(path, place, [&](std::string_view field, Rep rep) {
      if (field == "custom") {
        rel.custom = values_->boolean(rep);
      } else if (field == "targetPaths") {
        rel.targets = values_->string_list(rep);
      } else if (field != "variability") {
        generic_field(field, rep, rel.metadata);
      }
    });
    prim.relationship_index.emplace(name, prim.relationships.size());
    prim.relationships.push_back(std::move(rel));
  }

  void attribute(const CratePath& path, const std::string& name, const std::string& place, PrimSpec& prim) {
    AttributeSpec spec;
    spec.name = name;
    each_field(path, place, [&](std::string_view field, Rep rep) {
      if (field == "typeName") {
        spec.type_name = values_->token(rep);
      } else if (field == "custom") {
        spec.custom = values_->boolean(rep);
      } else if (field == "variability") {
        spec.uniform = values_->number(rep, RepType::kVariability) == 1;
      } else if (field == "default") {
        spec.value = values_->value(rep);
      } else if (field == "timeSamples") {
        spec.samples = values_->samples(rep);
      } else if (field == "connectionPaths") {
        spec.connections = values_->string_list(rep);
      } else {
        generic_field(field, rep, spec.metadata);
      }
    });
    const std::optional<ValueType> type = value_type(spec.type_name);
    if (!type) {
      report({"unknown-type", "USD has no type '" + spec.type_name.substr(0, 60) + "'", "write a type such as float"},
             place);
      return;
    }
    spec.type = *type;
    check_type(spec, spec.value ? &*spec.value : nullptr, place);
    for (const auto& [time, value] : spec.samples) check_type(spec, &value, place);
    prim.attribute_index.emplace(name, prim.attributes.size());
    prim.attributes.push_back(std::move(spec));
  }

  void check_type(const AttributeSpec& spec, const Value* value, const std::string& place) {
    if (!value || value->blocked() || value->type == spec.type) return;
    report({"wrong-type", "a value is not of the attribute's type, " + spec.type_name, "write one of that type"},
           place);
  }

  std::string_view bytes_;
  Budget budget_;
  Scratch scratch_;
  Diagnostics& diagnostics_;
  std::unique_ptr<Layer> layer_;
  const CrateTables* tables_ = nullptr;
  CrateValues* values_ = nullptr;
};

}  // namespace

std::unique_ptr<Layer> parse_crate(std::string_view bytes, const std::string& file, Diagnostics& diagnostics,
                                   std::size_t allowance) {
  return LayerBuilder(bytes, file, diagnostics, allowance).run();
}

}  // namespace geoul::scene::usd
