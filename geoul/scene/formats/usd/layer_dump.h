// A layer as text, one line a field, for tests and judges that compare layers of different files: two layers that say
// the same give the same text. Lines of the files are left out; numbers are rounded to the attribute's type, and to
// float where no type is written (binary files hold floats, texts their digits).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/scene/formats/usd/layer.h"

namespace geoul::scene::usd {

class LayerDump {
 public:
  std::string run(const Layer& layer) {
    line("/", "defaultPrim", layer.default_prim);
    for (const Sublayer& s : layer.sublayers) line("/", "subLayer", s.asset + times(s.offset, s.scale));
    relocates("/", layer.relocates);
    dictionary("/", layer.metadata);
    prim("", layer.root);
    return std::move(out_);
  }

 private:
  void line(const std::string& place, std::string_view field, const std::string& text) {
    out_ += place;
    out_ += ' ';
    out_ += field;
    out_ += " = " + text + "\n";
  }
  static std::string number(double x, std::string_view type) {
    char text[40];
    if (std::isnan(x)) return "nan";
    if (type.find("half") != type.npos || (type.size() > 1 && type.find_last_of('h') == type.find_last_not_of("[]"))) {
      std::snprintf(text, sizeof text, "%.3g", x == 0 ? 0 : x);
    } else if (type.substr(0, 6) == "double" || type.substr(0, 8) == "timecode" || type.substr(0, 6) == "matrix" ||
               type.substr(0, 5) == "frame" ||
               (type.size() > 1 && type.find_last_of('d') == type.find_last_not_of("[]"))) {
      std::snprintf(text, sizeof text, "%.17g", x);
    } else {
      std::snprintf(text, sizeof text, "%.9g", static_cast<double>(static_cast<float>(x)));
    }
    return text;
  }
  static std::string times(double offset, double scale) {
    return offset == 0 && scale == 1 ? "" : " (" + number(offset, "double") + ", " + number(scale, "double") + ")";
  }

  static bool empty(const Value& value) {
    const auto* reals = std::get_if<Value::Reals>(&value.content);
    const auto* integers = std::get_if<Value::Integers>(&value.content);
    const auto* strings = std::get_if<Value::Strings>(&value.content);
    return (reals && reals->empty()) || (integers && integers->empty()) || (strings && strings->empty());
  }
  static std::string text_of(const Value& value, std::string_view type) {
    if (value.blocked()) return "None";
    if (type.empty() && empty(value)) return "[]";  // text of no declared type does not say of what
    std::string out = std::to_string(static_cast<int>(value.type.base)) + ":" + std::to_string(value.type.rows) + "x" +
                      std::to_string(value.type.columns) + (value.type.array ? "[]" : "");
    if (const auto* reals = std::get_if<Value::Reals>(&value.content)) {
      for (const double x : *reals) out += " " + number(x, type);
    } else if (const auto* integers = std::get_if<Value::Integers>(&value.content)) {
      for (const std::int64_t x : *integers) out += " " + std::to_string(x);
    } else if (const auto* strings = std::get_if<Value::Strings>(&value.content)) {
      for (const std::string& s : *strings) out += " '" + s + "'";
    } else {
      // Sorted: OpenUSD keeps dictionaries by name.
      std::vector<std::string> entries;
      for (const auto& [name, entry] : *std::get<std::shared_ptr<const Dictionary>>(value.content)) {
        entries.push_back(name + " = " + text_of(entry, {}) + "; ");
      }
      std::sort(entries.begin(), entries.end());
      for (const std::string& entry : entries) out += entry;
    }
    return out;
  }
  // Metadata may come in another order from a binary file.
  void dictionary(const std::string& place, const Dictionary& metadata) {
    std::vector<std::string> lines;
    for (const auto& [name, value] : metadata) {
      const auto* doc = name == "doc" ? std::get_if<Value::Strings>(&value.content) : nullptr;
      if (doc && doc->front().empty()) continue;  // OpenUSD does not write it as text
      lines.push_back(name + " : " + text_of(value, {}));
    }
    std::sort(lines.begin(), lines.end());
    for (const std::string& l : lines) line(place, "metadata", l);
  }

  static std::string text_of(const std::string& item) { return item; }
  static std::string text_of(const Reference& r) {
    return "@" + r.asset + "@<" + r.path + ">" + times(r.offset, r.scale);
  }
  template <class T>
  void list(const std::string& place, std::string_view field, const ListOp<T>& op) {
    if (op.empty()) return;
    std::string text = op.is_explicit ? "explicit" : "edits";
    for (const auto& [name, items] :
         {std::pair{" is", &op.items}, std::pair{" add", &op.added}, std::pair{" prepend", &op.prepended},
          std::pair{" append", &op.appended}, std::pair{" delete", &op.deleted}, std::pair{" order", &op.ordered}}) {
      if (items->empty()) continue;
      text += name;
      for (const T& item : *items) text += " " + text_of(item);
    }
    line(place, field, text);
  }
  void relocates(const std::string& place, const Relocates& all) {
    for (const auto& [from, to] : all) line(place, "relocate", "<" + from + "> <" + to + ">");
  }
  void names(const std::string& place, std::string_view field, const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& name : all) text += name + " ";
    if (!all.empty()) line(place, field, text);
  }

  template <class Spec>
  static std::vector<const Spec*> sorted(const std::vector<Spec>& specs) {
    std::vector<const Spec*> out;
    for (const Spec& s : specs) out.push_back(&s);
    std::sort(out.begin(), out.end(), [](const Spec* a, const Spec* b) { return a->name < b->name; });
    return out;
  }

  void prim(const std::string& above, const PrimSpec& p) {
    const std::string place = above + p.path;
    const char* specifier = p.specifier == Specifier::kDef    ? "def "
                            : p.specifier == Specifier::kOver ? "over "
                                                              : "class ";
    line(place, "prim", specifier + p.type_name);
    if (p.active) line(place, "active", std::to_string(*p.active));
    if (p.instanceable) line(place, "instanceable", std::to_string(*p.instanceable));
    list(place, "apiSchemas", p.api_schemas);
    list(place, "references", p.references);
    list(place, "payload", p.payloads);
    list(place, "inherits", p.inherits);
    list(place, "specializes", p.specializes);
    list(place, "variantSets", p.variant_sets);
    auto variants = p.variants;
    std::sort(variants.begin(), variants.end());
    for (const auto& [set, variant] : variants) line(place, "variant", set + " " + variant);
    relocates(place, p.relocates);
    names(place, "child_order", p.child_order);
    names(place, "property_order", p.property_order);
    dictionary(place, p.metadata);
    // By name: OpenUSD sorts properties where it writes text.
    for (const AttributeSpec* a : sorted(p.attributes)) attribute(place + "." + a->name, *a);
    for (const RelationshipSpec* r : sorted(p.relationships)) {
      line(place + "." + r->name, "relationship", r->custom ? "custom" : "");
      list(place + "." + r->name, "targets", r->targets);
      dictionary(place + "." + r->name, r->metadata);
    }
    for (const VariantSetSpec& set : p.variant_contents) {
      for (const auto& [name, variant] : set.variants) prim(above + "{" + set.name + "=" + name + "}", *variant);
    }
    for (const auto& child : p.children) prim(above, *child);
  }

  void attribute(const std::string& place, const AttributeSpec& a) {
    line(place, "attribute", a.type_name + (a.custom ? " custom" : "") + (a.uniform ? " uniform" : ""));
    if (a.value) line(place, "value", text_of(*a.value, a.type_name));
    for (const auto& [time, value] : a.samples) line(place, number(time, "double"), text_of(value, a.type_name));
    list(place, "connections", a.connections);
    dictionary(place, a.metadata);
  }

  std::string out_;
};

}  // namespace geoul::scene::usd
