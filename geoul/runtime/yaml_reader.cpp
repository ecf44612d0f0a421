#include "geoul/runtime/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "geoul/core/nearest.h"

namespace geoul::runtime {
namespace {

constexpr std::uintmax_t kMaxBytes = 4u << 20;

const char* type_name(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Null: return "nothing";
    case YAML::NodeType::Scalar: return "a single value";
    case YAML::NodeType::Sequence: return "a list";
    case YAML::NodeType::Map: return "a mapping of keys to values";
    default: return "nothing";
  }
}

}  // namespace

int line_of(const YAML::Node& node) { return node.IsDefined() ? std::max(0, node.Mark().line + 1) : 0; }

void YamlFile::error(const YAML::Node& at, std::string path, std::string code, std::string message, std::string mend) {
  error_at(line_of(at), std::move(path), std::move(code), std::move(message), std::move(mend));
}

void YamlFile::error_at(int line, std::string path, std::string code, std::string message, std::string mend) {
  diagnostics_.error({file_, line, std::move(path)}, std::move(code), std::move(message), std::move(mend));
}

YAML::Node YamlFile::load() {
  const YAML::Node none(YAML::NodeType::Undefined);
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file_, failure)) {
    error_at(0, "", "not-found", "there is no such file", "check the path");
    return none;
  }
  if (std::filesystem::file_size(file_, failure) > kMaxBytes || failure) {
    error_at(0, "", "too-large", "the file is larger than 4 MiB", "a site file is a page or two of YAML");
    return none;
  }
  std::ifstream stream(file_, std::ios::binary);
  std::stringstream text;
  if (!(text << stream.rdbuf())) {
    error_at(0, "", "not-found", "the file is empty or cannot be read", "check its permissions");
    return none;
  }
  return parse(text.str());
}

YAML::Node YamlFile::parse(const std::string& text) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& e) {
    error_at(std::max(0, e.mark.line + 1), "", "yaml", e.msg, "check indentation, colons and quotes here");
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

YamlMap::YamlMap(YamlFile& file, const YAML::Node& node, std::string path, std::vector<std::string> known)
    : file_(file), node_(node), path_(std::move(path)) {
  if (!node_.IsDefined()) return;
  if (!node_.IsMap()) {
    std::string keys;
    for (const std::string& key : known) keys += (keys.empty() ? "" : ", ") + key;
    file_.error(node_, path_, "bad-type", std::string("this is ") + type_name(node_) + ", not a mapping",
                "its keys are " + keys);
    return;
  }
  ok_ = true;
  std::vector<std::string> seen;
  for (const auto& item : node_) {
    const YAML::Node key = item.first;
    if (!key.IsScalar()) {
      file_.error(key, path_, "bad-type", "a key must be a single word", "");
      continue;
    }
    const std::string& name = key.Scalar();
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      file_.error(key, this->path(name), "duplicate-key", "the key stands here twice", "keep one of the two");
    }
    seen.push_back(name);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string keys;
    for (const std::string& k : known) keys += (keys.empty() ? "" : ", ") + k;
    file_.error(key, this->path(name), "unknown-key", "there is no key '" + name + "' here",
                did_you_mean(name, known, "the keys are " + keys));
  }
}

YAML::Node YamlMap::find(const std::string& key) const {
  if (ok_) {
    for (const auto& item : node_) {
      if (item.first.IsScalar() && item.first.Scalar() == key) return item.second;
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

YAML::Node YamlMap::get(const std::string& key, bool required) {
  YAML::Node value = find(key);
  if (required && ok_ && !value.IsDefined()) {
    file_.error(node_, path_, "missing-key", "the key '" + key + "' is missing", "add '" + key + ":' here");
  }
  return value;
}

std::string YamlMap::text(const std::string& key, bool required, std::string otherwise) {
  const YAML::Node value = get(key, required);
  if (!value.IsDefined()) return otherwise;
  if (!value.IsScalar() || value.Scalar().empty()) {
    file_.error(value, path(key), "bad-type", std::string("this is ") + type_name(value) + ", not a text", "");
    return otherwise;
  }
  return value.Scalar();
}

std::optional<double> YamlMap::to_number(const YAML::Node& node, const std::string& where) {
  double value = 0;
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size() && std::isfinite(value) && value >= 0) return value;
    file_.error(node, where, "bad-value", "'" + text + "' is not a number of zero or more",
                "write it like 0.04 or 1e-6");
  } else {
    file_.error(node, where, "bad-type", std::string("this is ") + type_name(node) + ", not a number", "");
  }
  return std::nullopt;
}

double YamlMap::number(const std::string& key, bool required, double otherwise) {
  const YAML::Node value = get(key, required);
  return value.IsDefined() ? to_number(value, path(key)).value_or(otherwise) : otherwise;
}

bool YamlMap::flag(const std::string& key, bool otherwise) {
  const YAML::Node value = get(key, false);
  if (!value.IsDefined()) return otherwise;
  if (value.IsScalar() && (value.Scalar() == "true" || value.Scalar() == "false")) return value.Scalar() == "true";
  file_.error(value, path(key), "bad-value", "this is neither true nor false", "write true or false");
  return otherwise;
}

std::vector<YAML::Node> YamlMap::list(const std::string& key, bool required) {
  const YAML::Node value = get(key, required);
  if (!value.IsDefined()) return {};
  if (!value.IsSequence()) {
    file_.error(value, path(key), "bad-type", std::string("this is ") + type_name(value) + ", not a list",
                "write it as [one, two]");
    return {};
  }
  return {value.begin(), value.end()};
}

std::vector<std::string> YamlMap::texts(const std::string& key, bool required) {
  std::vector<std::string> out;
  for (const YAML::Node& item : list(key, required)) {
    if (item.IsScalar() && !item.Scalar().empty()) {
      out.push_back(item.Scalar());
    } else {
      file_.error(item, path(key), "bad-type", std::string("an entry is ") + type_name(item) + ", not a text", "");
    }
  }
  return out;
}

std::vector<double> YamlMap::numbers(const std::string& key, bool required) {
  std::vector<double> out;
  for (const YAML::Node& item : list(key, required)) out.push_back(to_number(item, path(key)).value_or(0));
  return out;
}

}  // namespace geoul::runtime
