// Structure of USDA text: layer, prims, properties, metadata. Every statement recovers by itself: after an error the
// parser goes on at the next line that begins like a statement. Grammar: AOUSD Core Specification 1.0, text format.
#include <algorithm>
#include <filesystem>

#include "geoul/scene/formats/usd/cursor.h"
#include "geoul/scene/formats/usd/layer.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxPrimDepth = 200;
constexpr std::size_t kMaxEdits = 10000;

enum class Edit { kExplicit, kAdd, kPrepend, kAppend, kDelete, kReorder };

template <class T>
void edit_list(ListOp<T>& op, Edit edit, std::vector<T> items) {
  switch (edit) {
    case Edit::kExplicit: op.is_explicit = true, op.items = std::move(items); return;
    case Edit::kAdd: op.added = std::move(items); return;
    case Edit::kPrepend: op.prepended = std::move(items); return;
    case Edit::kAppend: op.appended = std::move(items); return;
    case Edit::kDelete: op.deleted = std::move(items); return;
    case Edit::kReorder: op.ordered = std::move(items); return;
  }
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file, Diagnostics& diagnostics)
      : in_(text), diagnostics_(diagnostics), layer_(std::make_unique<Layer>()) {
    layer_->file = file;
    layer_->folder = std::filesystem::path(file).parent_path().string();
    layer_->root.path = "/";
  }

  std::unique_ptr<Layer> run() {
    if (!header()) return std::move(layer_);
    if (in_.accept('(')) metadata([this](const std::string& name, Edit edit) { layer_field(name, edit); });
    body(layer_->root, 0, true);
    return std::move(layer_);
  }

 private:
  void report(const SyntaxError& e, const std::string& path = {}) {
    diagnostics_.error({layer_->file, e.line, path}, e.code, e.message, e.mend);
  }

  bool header() {
    std::string_view text = in_.text();
    if (text.substr(0, 3) == "\xEF\xBB\xBF") in_.move_to(3), text.remove_prefix(3);
    if (text.substr(0, 8) == "PXR-USDC" || text.substr(0, 4) == "PK\x03\x04") {
      diagnostics_.error({layer_->file, 0, ""}, "unsupported-format",
                         text[1] == 'X' ? "this is binary USD, not text" : "this is a zip file, not text",
                         text[1] == 'X' ? "name it .usdc or .usd" : "name it .usdz if it is a package");
      return false;
    }
    if (text.substr(0, 5) == "#usda" || text.substr(0, 4) == "#sdf") return true;
    diagnostics_.error({layer_->file, 1, ""}, "not-usda", "the file does not begin with '#usda 1.0'",
                       "write '#usda 1.0' in the first line of a USD text file");
    return false;
  }

  // Recovery -----------------------------------------------------------------------------------------------------

  static bool begins_statement(std::string_view word) {
    for (const char* keyword : {"def", "over", "class", "rel", "custom", "uniform", "varying", "config", "prepend",
                                "append", "add", "delete", "reorder", "variantSet"}) {
      if (word == keyword) return true;
    }
    return value_type(word).has_value();
  }
  // Two words in a row: the type and name of an attribute, even where there is no such type.
  bool two_words(std::size_t first, std::string_view word) const {
    const std::string_view rest = in_.text().substr(first + word.size(), 200);
    const std::size_t second = rest.find_first_not_of(" \t[]");
    return !word.empty() && second != 0 && second != rest.npos &&
           (std::isalpha(static_cast<unsigned char>(rest[second])) || rest[second] == '_');
  }
  std::string_view line_word(std::size_t begin, std::size_t& first) const {
    const std::string_view text = in_.text();
    first = std::min(text.find_first_not_of(" \t\r", begin), text.size());
    std::size_t end = first;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    return text.substr(first, end - first);
  }
  // Moves to the next line that begins a statement (or, inside metadata, an entry) or closes a block.
  void resync(std::size_t statement, bool in_metadata) {
    const std::string_view text = in_.text();
    std::size_t begin = std::min(in_.position(), text.size());
    while (begin > statement && text[begin - 1] != '\n') --begin;
    while (begin < text.size()) {
      std::size_t first = 0;
      const std::string_view word = line_word(begin, first);
      const char c = first < text.size() ? text[first] : '\0';
      const bool closes = c == '}' || (in_metadata && (c == ')' || c == '{'));
      const bool statement_here = begins_statement(word) || two_words(first, word);
      const bool fresh = first > statement && first >= in_.position();
      const bool here = first > statement && first < in_.position() && statement_here && !in_metadata;
      if ((fresh && (closes || statement_here || (in_metadata && !word.empty()))) || here) {
        in_.move_to(first);
        return;
      }
      const std::size_t newline = text.find('\n', begin);
      if (newline == std::string_view::npos) break;
      begin = newline + 1;
    }
    in_.move_to(text.size());
  }
  // Lists --------------------------------------------------------------------------------------------------------

  Edit edit_word() {
    if (in_.accept_word("add")) return Edit::kAdd;
    if (in_.accept_word("prepend")) return Edit::kPrepend;
    if (in_.accept_word("append")) return Edit::kAppend;
    if (in_.accept_word("delete")) return Edit::kDelete;
    if (in_.accept_word("reorder")) return Edit::kReorder;
    return Edit::kExplicit;
  }
  // None, one item, or [items].
  template <class Item>
  auto list(Edit edit, Item&& item) {
    std::vector<decltype(item())> items;
    if (in_.accept_word("None")) return items;
    if (!in_.accept('[')) {
      items.push_back(item());
      return items;
    }
    while (!in_.accept(']')) {
      items.push_back(item());
      if (edit != Edit::kExplicit && items.size() > kMaxEdits) {
        in_.fail("too-large", "an edited list has more than 10000 items", "write an explicit list");
      }
      if (in_.accept(',')) continue;
      in_.expect(']', "after the items of a list");
      break;
    }
    return items;
  }
  std::vector<std::string> strings(Edit edit) {
    return list(edit, [this] { return in_.quoted("a name"); });
  }
  std::vector<std::string> paths(Edit edit, const std::string& anchor) {
    return list(edit, [&] { return in_.path(anchor); });
  }
  Reference reference(const std::string& anchor, bool payload) {
    Reference r;
    r.payload = payload;
    if (in_.peek() == '@') r.asset = in_.asset();
    r.line = in_.line();
    if (in_.next_is('<')) r.path = in_.path(r.asset.empty() ? anchor : "/");
    if (r.asset.empty() && r.path.empty()) in_.expect('@', "or a path in a reference");
    if (in_.accept('(')) times(r);
    return r;
  }

  // Metadata -----------------------------------------------------------------------------------------------------

  // Entries up to ')': field(name, edit) reads what follows '='. A string alone is a comment.
  template <class Field>
  void metadata(Field&& field) {
    while (true) {
      const std::size_t begin = in_.position();
      try {
        const char c = in_.peek();
        if (in_.accept(')')) return;
        if (c == '\0') in_.fail("syntax", "metadata is not closed", "write ')' at its end");
        if (c == '"' || c == '\'') {
          in_.quoted("a comment");
        } else {
          const Edit edit = edit_word();
          const std::string name(in_.property_name());
          in_.expect('=', "after the name of a metadata field");
          field(name, edit);
        }
        in_.end_statement();
      } catch (const SyntaxError& e) {
        report(e);
        if (in_.at_end()) return;
        resync(std::max(begin, in_.position() - 1), true);
        std::size_t first = 0;
        const std::string_view word = line_word(in_.position(), first);
        const char c = in_.peek();
        if (c == '{' || c == '}' || c == '\0' || word == "def" || word == "over" || word == "class") return;
      }
    }
  }

  // (offset = 1; scale = 2) behind a sublayer or reference; anything else there has no meaning for us.
  template <class Arc>
  void times(Arc& arc) {
    metadata([&](const std::string& name, Edit) {
      if (name == "offset" || name == "scale") {
        (name == "offset" ? arc.offset : arc.scale) = in_.real();
      } else {
        in_.any_value("/", 0);
      }
    });
  }

  // { <from> : <to>, ... }; <> removes.
  Relocates relocates(const std::string& anchor) {
    Relocates out;
    in_.expect('{', "before relocates");
    while (!in_.accept('}')) {
      std::string from = in_.path(anchor);
      in_.expect(':', "between the paths of relocates");
      out.emplace_back(std::move(from), in_.path(anchor));
      if (out.size() > kMaxEdits) in_.fail("too-large", "more than 10000 relocates");
      if (in_.accept(',')) continue;
      in_.expect('}', "after relocates");
      break;
    }
    return out;
  }

  void generic_field(const std::string& name, const std::string& anchor, Dictionary& out) {
    Value v = in_.any_value(anchor, 0);
    for (auto& [old_name, old] : out) {
      if (old_name == name) {
        old = std::move(v);
        return;
      }
    }
    if (out.size() > kMaxEdits) in_.fail("too-large", "more than 10000 metadata fields");
    out.emplace_back(name, std::move(v));
  }

  void layer_field(const std::string& name, Edit edit) {
    if (name == "subLayers") {
      layer_->sublayers = list(edit, [this] {
        Sublayer s{in_.asset(), in_.line()};
        if (in_.accept('(')) times(s);
        return s;
      });
    } else if (name == "defaultPrim") {
      layer_->default_prim = in_.quoted("the name of a prim");
    } else if (name == "relocates") {
      layer_->relocates = relocates("/");
    } else {
      generic_field(name, "/", layer_->metadata);
    }
  }

  void prim_field(PrimSpec& prim, const std::string& name, Edit edit) {
    if (name == "apiSchemas") {
      edit_list(prim.api_schemas, edit, strings(edit));
    } else if (name == "references" || name == "payload") {
      const bool payload = name == "payload";
      edit_list(payload ? prim.payloads : prim.references, edit,
                list(edit, [&] { return reference(prim.path, payload); }));
    } else if (name == "inherits") {
      edit_list(prim.inherits, edit, paths(edit, prim.path));
    } else if (name == "specializes") {
      edit_list(prim.specializes, edit, paths(edit, prim.path));
    } else if (name == "variantSets") {
      edit_list(prim.variant_sets, edit, strings(edit));
    } else if (name == "variants") {
      for (const auto& [set, value] : in_.dictionary(prim.path, 0)) {
        const auto* selection = std::get_if<Value::Strings>(&value.content);
        if (selection && !selection->empty()) prim.variants.emplace_back(set, selection->front());
      }
    } else if (name == "relocates") {
      prim.relocates = relocates(prim.path);
    } else if (name == "active" || name == "instanceable") {
      const Value v = in_.value({Base::kBool, 1, 1, false});
      if (!v.blocked()) {
        (name == "active" ? prim.active : prim.instanceable) = std::get<Value::Integers>(v.content).front() != 0;
      }
    } else {
      generic_field(name, prim.path, prim.metadata);
    }
  }

  // Prims and properties -----------------------------------------------------------------------------------------

  // Statements up to '}' (at the root: up to the end).
  void body(PrimSpec& prim, int depth, bool root) {
    while (true) {
      std::size_t begin = in_.position();
      try {
        const char c = in_.peek();
        begin = in_.position();
        if (c == '\0') {
          if (!root)
            in_.fail("truncated", "the file ends inside prim '" + prim.name + "' of line " + std::to_string(prim.line),
                     "write '}' at its end");
          return;
        }
        if (in_.accept(';')) continue;
        if (c == '}') {
          if (root) in_.move_to(in_.position() + 1), in_.fail("syntax", "'}' closes nothing");
          in_.accept('}');
          return;
        }
        statement(prim, depth);
      } catch (const SyntaxError& e) {
        report(e, prim.path == "/" ? "" : prim.path);
        if (in_.at_end()) return;
        resync(begin, false);
      }
    }
  }

  void statement(PrimSpec& prim, int depth) {
    const std::string_view word = in_.peek_word();
    if (word == "def" || word == "over" || word == "class") {
      prim_statement(prim, depth);
    } else if (word == "variantSet") {
      variant_set(prim, depth);
    } else {
      property(prim);
    }
  }

  void prim_statement(PrimSpec& parent, int depth) {
    auto prim = std::make_unique<PrimSpec>();
    const std::string_view word = in_.identifier("def");
    prim->specifier = word == "def" ? Specifier::kDef : word == "over" ? Specifier::kOver : Specifier::kClass;
    if (!in_.peek_word().empty()) prim->type_name = in_.identifier("a type");
    prim->line = in_.line();
    prim->name = in_.quoted("the name of a prim");
    check_name(prim->name);
    prim->path = parent.path == "/" ? "/" + prim->name : parent.path + "/" + prim->name;
    if (depth >= kMaxPrimDepth) in_.fail("too-deep", "prims are nested deeper than 200 levels");
    PrimSpec& added = *prim;
    if (parent.child_index.count(prim->name)) {
      diagnostics_.error({layer_->file, prim->line, prim->path}, "duplicate-prim",
                         "a prim of this name stands in line " + std::to_string(parent.child(prim->name)->line),
                         "give it another name, or merge the two");
    }
    parent.child_index.emplace(prim->name, parent.children.size());
    parent.children.push_back(std::move(prim));
    if (in_.accept('(')) metadata([&](const std::string& name, Edit edit) { prim_field(added, name, edit); });
    in_.expect('{', "before the body of a prim");
    body(added, depth + 1, false);
  }

  void check_name(const std::string& name) {
    bool good = !name.empty() && !(name.front() >= '0' && name.front() <= '9');
    for (const char c : name) {
      good = good && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80);
    }
    if (!good) {
      diagnostics_.error({layer_->file, in_.line(), ""}, "bad-name", "'" + name.substr(0, 60) + "' is no prim name",
                         "use letters, digits and _, not beginning with a digit");
    }
  }

  void variant_set(PrimSpec& prim, int depth) {
    VariantSetSpec set;
    in_.identifier("variantSet");
    set.line = in_.line();
    set.name = in_.quoted("the name of a variant set");
    in_.expect('=', "after the name of a variant set");
    in_.expect('{', "before the variants");
    if (depth >= kMaxPrimDepth) in_.fail("too-deep", "prims are nested deeper than 200 levels");
    while (!in_.accept('}')) {
      auto variant = std::make_unique<PrimSpec>();
      variant->line = in_.line();
      const std::string name = in_.quoted("the name of a variant");
      variant->name = prim.name;
      variant->path = prim.path;
      if (in_.accept('(')) metadata([&](const std::string& field, Edit edit) { prim_field(*variant, field, edit); });
      in_.expect('{', "before the body of a variant");
      body(*variant, depth + 1, false);
      set.variants.emplace_back(name, std::move(variant));
    }
    prim.variant_contents.push_back(std::move(set));
  }

  void property(PrimSpec& prim) {
    in_.skip_space();
    const Edit edit = edit_word();
    if (edit == Edit::kReorder &&
        (in_.peek_word() == "nameChildren" || in_.peek_word() == "properties" || in_.peek_word() == "rootPrims")) {
      const bool properties = in_.property_name() == "properties";
      in_.expect('=', "after reorder");
      (properties ? prim.property_order : prim.child_order) = strings(edit);
      in_.end_statement();
      return;
    }
    bool custom = false, uniform = false;
    while (true) {
      if (in_.accept_word("custom")) {
        custom = true;
      } else if (in_.accept_word("uniform")) {
        uniform = true;
      } else if (!in_.accept_word("varying") && !in_.accept_word("config")) {
        break;
      }
    }
    if (in_.accept_word("rel")) {
      relationship(prim, edit, custom);
    } else {
      attribute(prim, edit, custom, uniform);
    }
    in_.end_statement();
  }

  void relationship(PrimSpec& prim, Edit edit, bool custom) {
    const int line = (in_.skip_space(), in_.line());
    const std::string name(in_.property_name());
    const auto [at, fresh] = prim.relationship_index.emplace(name, prim.relationships.size());
    if (fresh) prim.relationships.push_back({name, custom, {}, {}, line});
    RelationshipSpec& rel = prim.relationships[at->second];
    if (in_.accept('.')) in_.fail("unsupported-relationship", "only the targets of a relationship are read");
    if (in_.accept('=')) {
      rel.line = line;
      edit_list(rel.targets, edit, paths(edit, prim.path));
    }
    if (in_.accept('(')) {
      metadata([&](const std::string& field, Edit) { generic_field(field, prim.path, rel.metadata); });
    }
  }

  void attribute(PrimSpec& prim, Edit edit, bool custom, bool uniform) {
    const int line = (in_.skip_space(), in_.line());
    std::string type_name(in_.identifier("a statement (def, over, class, rel or a typed attribute)"));
    if (in_.accept('[')) {
      in_.expect(']', "after '['");
      type_name += "[]";
    }
    const std::optional<ValueType> type = value_type(type_name);
    if (!type) in_.fail("unknown-type", "USD has no type '" + type_name + "'", "write a type such as float or token");
    const std::string name(in_.property_name());
    const auto [at, fresh] = prim.attribute_index.emplace(name, prim.attributes.size());
    if (fresh) {
      AttributeSpec spec;
      spec.name = name, spec.type_name = type_name, spec.type = *type, spec.line = line;
      spec.custom = custom, spec.uniform = uniform;
      prim.attributes.push_back(std::move(spec));
    }
    AttributeSpec& spec = prim.attributes[at->second];
    if (!fresh && spec.type_name != type_name) {
      in_.fail("wrong-type", "'" + name + "' is " + spec.type_name + " in line " + std::to_string(spec.line),
               "write one type");
    }
    if (in_.accept('.')) {
      attribute_field(prim, spec, edit);
    } else if (in_.accept('=')) {
      if (spec.value) {
        diagnostics_.warning({layer_->file, line, prim.path + "." + name}, "duplicate-property",
                             "'" + name + "' has a value in line " + std::to_string(spec.line), "write it once");
      }
      spec.line = line;
      spec.value = in_.value(*type);
    }
    if (in_.accept('(')) {
      metadata([&](const std::string& field, Edit) { generic_field(field, prim.path, spec.metadata); });
    }
  }

  // .connect = </path> or .timeSamples = { time : value, ... }
  void attribute_field(PrimSpec& prim, AttributeSpec& spec, Edit edit) {
    const std::string field(in_.identifier("connect or timeSamples"));
    if (field != "connect" && field != "timeSamples") {
      in_.fail("unsupported-attribute-field", "'." + field + "' of an attribute is not supported yet",
               "write a value, or time samples");
    }
    in_.expect('=', "after the field of an attribute");
    if (field == "connect") {
      edit_list(spec.connections, edit, paths(edit, prim.path));
      return;
    }
    in_.expect('{', "before time samples");
    while (!in_.accept('}')) {
      const double time = in_.real();
      in_.expect(':', "after the time of a sample");
      spec.samples.emplace_back(time, in_.value(spec.type));
      if (in_.accept(',')) continue;
      in_.expect('}', "after time samples");
      break;
    }
    std::stable_sort(spec.samples.begin(), spec.samples.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  Cursor in_;
  Diagnostics& diagnostics_;
  std::unique_ptr<Layer> layer_;
};

}  // namespace

std::unique_ptr<Layer> parse_layer(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  return Parser(text, file, diagnostics).run();
}

}  // namespace geoul::scene::usd
