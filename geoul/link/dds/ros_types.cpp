#include "geoul/link/dds/ros_types.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>

namespace geoul::link {
namespace {

constexpr std::pair<std::string_view, RosKind> kKinds[] = {
    {"bool", RosKind::kBool},       {"byte", RosKind::kUint8},    {"char", RosKind::kUint8},
    {"int8", RosKind::kInt8},       {"uint8", RosKind::kUint8},   {"int16", RosKind::kInt16},
    {"uint16", RosKind::kUint16},   {"int32", RosKind::kInt32},   {"uint32", RosKind::kUint32},
    {"int64", RosKind::kInt64},     {"uint64", RosKind::kUint64}, {"float32", RosKind::kFloat32},
    {"float64", RosKind::kFloat64}, {"string", RosKind::kString}, {"wstring", RosKind::kWideString}};
constexpr std::uint64_t kBytes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4, 4};

bool is_name(std::string_view text) {
  return !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

std::string_view trim(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

// "geometry_msgs/Vector3", "geometry_msgs/msg/Vector3", "Vector3" (of `package`) -> "geometry_msgs/msg/Vector3".
std::string full_name(std::string_view name, std::string_view package) {
  if (name == "Header" || name == "std_msgs/Header") return "std_msgs/msg/Header";
  const std::size_t first = name.find('/');
  if (first == name.npos) return is_name(name) ? std::string(package) + "/msg/" + std::string(name) : std::string();
  const std::string_view front = name.substr(0, first);
  std::string_view back = name.substr(first + 1);
  if (back.starts_with("msg/")) back.remove_prefix(4);
  if (!is_name(front) || !is_name(back)) return {};
  return std::string(front) + "/msg/" + std::string(back);
}

struct Part {
  std::string name;
  RosType type;
  std::vector<std::pair<std::string, int>> uses;  // (nfield) the type's name and the line; empty where it is a number
};

class Parser {
 public:
  Parser(const std::string& name, Diagnostics& diagnostics) : file_(name), diagnostics_(diagnostics) {}

  std::vector<Part> parse(std::string_view text) {
    begin(file_);
    bool is_parting = false;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = trim(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      ++line_;
      if (line.size() >= 20 && line.find_first_not_of('=') == line.npos) {
        is_parting = true;
      } else if (is_parting && line.starts_with("MSG:")) {
        is_parting = false;
        const std::string name = full_name(trim(line.substr(4)), "");
        if (name.empty()) error("bad-field", "'" + shown(line) + "' names no type", "write 'MSG: package/Type'");
        begin(name);
      } else {
        parse_field(line);
      }
    }
    for (Part& part : parts_) finish(part);
    return std::move(parts_);
  }

 private:
  void error(const char* code, const std::string& message, const std::string& mend) {
    diagnostics_.error({.file = file_, .line = line_, .path = {}}, code, message, mend);
  }
  static std::string shown(std::string_view text) { return std::string(text.substr(0, 80)); }

  void begin(const std::string& name) {
    parts_.push_back({.name = name, .type = {.name = name, .fields = {}, .least_bytes = 1}, .uses = {}});
  }

  static void finish(Part& part) {
    if (!part.type.fields.empty()) return;  // IDL has no empty structure
    part.type.fields.push_back({.name = "structure_needs_at_least_one_member", .kind = RosKind::kUint8});
    part.uses.emplace_back();
  }

  void parse_field(std::string_view line) {
    if (const std::size_t comment = line.find('#'); comment != line.npos) line = trim(line.substr(0, comment));
    if (line.empty()) return;
    const std::size_t space = line.find_first_of(" \t");
    const std::string_view word = line.substr(0, space);
    const std::string_view rest = space == line.npos ? std::string_view() : trim(line.substr(space));
    const std::size_t end = std::min(rest.find_first_of(" \t="), rest.size());
    const std::string name(rest.substr(0, end));
    if (trim(rest.substr(end)).starts_with("=")) return;  // a constant
    if (!is_name(name)) return error("bad-field", "'" + shown(line) + "' is no field", "write 'TYPE NAME'");
    Part& part = parts_.back();
    RosField field{.name = name};
    std::string_view base = word.substr(0, word.find('['));
    if (!parse_array(word.substr(base.size()), field)) {
      return error("bad-array", "'" + shown(word) + "' is no array", "write TYPE[], TYPE[N] or TYPE[<=N]");
    }
    if (const std::size_t bound = base.find("<="); bound != base.npos) base = base.substr(0, bound);
    const auto* kind =
        std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& k) { return k.first == base; });
    std::string use;
    if (kind != std::end(kKinds)) {
      field.kind = kind->second;
    } else {
      field.kind = RosKind::kType;
      use = full_name(base, std::string_view(part.name).substr(0, part.name.find('/')));
      if (use.empty()) return error("bad-field", "'" + shown(word) + "' is no type", "write a type of ROS 2");
    }
    const auto same = [&](const RosField& f) { return f.name == name; };
    if (std::any_of(part.type.fields.begin(), part.type.fields.end(), same)) {
      return error("duplicate-field", "'" + name.substr(0, 80) + "' stands twice in " + part.name,
                   "name each field once");
    }
    part.type.fields.push_back(std::move(field));
    part.uses.emplace_back(std::move(use), line_);
  }

  static bool parse_array(std::string_view text, RosField& field) {
    if (text.empty()) return true;
    if (text.size() < 2 || text.back() != ']') return false;
    text = text.substr(1, text.size() - 2);
    field.array = RosArray::kSequence;
    if (text.empty()) return true;
    if (text.starts_with("<="))
      text.remove_prefix(2);
    else
      field.array = RosArray::kFixed;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), field.size);
    if (problem != std::errc() || end != text.data() + text.size() || field.size == 0) return false;
    if (field.array == RosArray::kSequence) field.size = 0;  // a bound; the bytes decide
    return true;
  }

  std::string file_;
  Diagnostics& diagnostics_;
  std::vector<Part> parts_;
  int line_ = 0;
};

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) {
  return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

// Least size and depth of every new type, used types first; false where a type holds itself or is nested too deeply.
class Sizes {
 public:
  Sizes(std::vector<RosType>& types, std::size_t first) : types_(types), first_(first), state_(types.size(), 0) {}
  bool visit(std::size_t index, int level = 0) {
    if (index < first_ || state_[index] == 2) return true;
    if (state_[index] == 1 || level > RosTypes::kMaxDepth) return false;
    state_[index] = 1;
    std::uint64_t sum = 0;
    int depth = 1;
    for (const RosField& field : types_[index].fields) {
      std::uint64_t one = 0;
      if (field.kind == RosKind::kType) {
        if (!visit(static_cast<std::size_t>(field.type), level + 1)) return false;
        one = types_[static_cast<std::size_t>(field.type)].least_bytes;
        depth = std::max(depth, 1 + types_[static_cast<std::size_t>(field.type)].depth);
      } else {
        one = kBytes[static_cast<std::size_t>(field.kind)];
      }
      if (field.array == RosArray::kSequence) one = 4;
      if (field.array == RosArray::kFixed) one = saturating_product(one, field.size);
      sum = saturating_sum(sum, one);
    }
    types_[index].least_bytes = std::max<std::uint64_t>(sum, 1);
    types_[index].depth = depth;
    state_[index] = 2;
    return depth <= RosTypes::kMaxDepth;
  }

 private:
  std::vector<RosType>& types_;
  std::size_t first_;
  std::vector<std::uint8_t> state_;  // 0 not seen, 1 under way, 2 done
};

}  // namespace

bool RosTypes::add(std::string_view name, std::string_view text, Diagnostics& diagnostics) {
  const std::string root = full_name(name, "");
  const Location where{.file = std::string(name.substr(0, 200)), .line = 0, .path = {}};
  if (root.empty() || root[0] == '/') {
    return diagnostics.error(where, "bad-field", "this is no name of a type", "write package/msg/Type"), false;
  }
  if (text.size() > kMaxText) {
    return diagnostics.error(where, "definition-too-large", std::to_string(text.size()) + " bytes of text", ""), false;
  }
  const std::size_t errors = diagnostics.error_count();
  std::vector<Part> parts = Parser(root, diagnostics).parse(text);
  if (diagnostics.error_count() != errors) return false;

  std::vector<RosType> types = types_;
  auto names = by_name_;
  std::vector<const Part*> added;
  for (Part& part : parts) {
    const auto [at, is_new] = names.emplace(part.name, static_cast<int>(types.size()));
    if (!is_new && static_cast<std::size_t>(at->second) >= types_.size()) {
      diagnostics.error(where, "duplicate-type", part.name + " stands twice", "define each type once");
    }
    if (!is_new) continue;
    types.push_back(std::move(part.type));
    added.push_back(&part);
  }
  if (types.size() > kMaxTypes) {
    return diagnostics.error(where, "too-many-types", "more than " + std::to_string(kMaxTypes) + " types", ""), false;
  }
  for (std::size_t i = 0; i < added.size(); ++i) {
    RosType& type = types[types_.size() + i];
    for (std::size_t f = 0; f < type.fields.size(); ++f) {
      const auto& [use, line] = added[i]->uses[f];
      if (type.fields[f].kind != RosKind::kType) continue;
      const auto used = names.find(use);
      if (used == names.end()) {
        diagnostics.error({.file = root, .line = line, .path = {}}, "unknown-type", "'" + use + "' is defined nowhere",
                          "add its definition after a line of '='");
      } else {
        type.fields[f].type = used->second;
      }
    }
  }
  if (diagnostics.error_count() != errors) return false;
  Sizes sizes(types, types_.size());
  for (std::size_t i = types_.size(); i < types.size(); ++i) {
    if (sizes.visit(i)) continue;
    diagnostics.error(where, "recursive-type", types[i].name + " holds itself, or is nested too deeply", "");
    return false;
  }
  types_ = std::move(types);
  by_name_ = std::move(names);
  return true;
}

const RosType* RosTypes::find(std::string_view name) const {
  const auto at = by_name_.find(full_name(name, ""));
  return at == by_name_.end() ? nullptr : &types_[static_cast<std::size_t>(at->second)];
}

std::string ros_type_of_dds(std::string_view dds_type) {
  const std::size_t middle = dds_type.find("::msg::dds_::");
  if (middle == dds_type.npos || !dds_type.ends_with('_')) return {};
  const std::string_view package = dds_type.substr(0, middle);
  std::string_view name = dds_type.substr(middle + 13);
  name.remove_suffix(1);
  if (!is_name(package) || !is_name(name)) return {};
  return std::string(package) + "/msg/" + std::string(name);
}

std::string dds_type_of_ros(std::string_view ros_type) {
  const std::string name = full_name(ros_type, "");
  if (name.empty() || name[0] == '/') return {};
  const std::size_t middle = name.find("/msg/");
  return name.substr(0, middle) + "::msg::dds_::" + name.substr(middle + 5) + "_";
}

std::string ros_topic_of_dds(std::string_view dds_topic) {
  return dds_topic.size() > 3 && dds_topic.starts_with("rt/") ? std::string(dds_topic.substr(3)) : std::string();
}

std::string dds_topic_of_ros(std::string_view ros_topic) {
  while (ros_topic.starts_with('/')) ros_topic.remove_prefix(1);
  return ros_topic.empty() ? std::string() : "rt/" + std::string(ros_topic);
}

}  // namespace geoul::link
