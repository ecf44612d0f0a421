#include "geoul/scene/formats/mjcf/element.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <pugixml.hpp>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::mjcf {
namespace {

namespace fs = std::filesystem;
using urdf::printable;

constexpr int kMaxDepth = 400;                   // of nested elements
constexpr int kMaxIncludes = 16;                 // of nested includes
constexpr std::size_t kMaxElements = 2'000'000;  // of all files

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string missing_file(const std::string& path) { return "there is no file '" + printable(path) + "'"; }

}  // namespace

std::string who(const Element& element) {
  const auto name = element.attributes.find("name");
  const bool named = name != element.attributes.end() && !name->second.empty();
  return printable(element.name) + (named ? " '" + printable(name->second) + "'" : "");
}

// ---- findings ----

Location Document::at(const Element& element, std::string whom) const {
  const auto file = static_cast<std::size_t>(element.file);
  return {file < files_.size() ? files_[file] : std::string{}, element.line, std::move(whom)};
}
bool Document::is_new(const Element& e, const char* code, const std::string& message) {
  return said_.size() < 100'000 &&
         said_.insert(std::to_string(e.file) + ":" + std::to_string(e.line) + ":" + code + ":" + message).second;
}
void Document::error(const Element& e, const std::string& whom, const char* code, std::string message,
                     std::string mend) {
  if (is_new(e, code, message)) diagnostics_.error(at(e, whom), code, std::move(message), std::move(mend));
}
void Document::warning(const Element& e, const std::string& whom, const char* code, std::string message,
                       std::string mend) {
  if (is_new(e, code, message)) diagnostics_.warning(at(e, whom), code, std::move(message), std::move(mend));
}
void Document::info(const Element& e, const std::string& whom, const char* code, std::string message,
                    std::string mend) {
  if (is_new(e, code, message)) diagnostics_.info(at(e, whom), code, std::move(message), std::move(mend));
}
void Document::refuse(const Element& e, const std::string& whom, const char* code, std::string message,
                      std::string mend) {
  if (options_.partial) {
    warning(e, whom, code, std::move(message) + "; left out", std::move(mend));
  } else {
    error(e, whom, code, std::move(message), std::move(mend));
  }
}

void Document::note_ignored(const Element& element) {
  Ignored& entry = ignored_["<" + printable(element.name) + ">"];
  if (entry.count++ == 0) entry.file = element.file, entry.line = element.line;
}

void Document::note_attributes(const Element& root) {
  const auto asked = asked_.find(root.name);
  for (const auto& item : root.attributes) {
    const std::string& attribute = item.first;
    if (asked != asked_.end() &&
        std::any_of(asked->second.begin(), asked->second.end(), [&](const char* name) { return attribute == name; })) {
      continue;
    }
    Ignored& entry = ignored_["<" + printable(root.name) + " " + printable(attribute) + ">"];
    if (entry.count++ == 0) entry.file = root.file, entry.line = root.line;
  }
  for (const Element& child : root.children) note_attributes(child);
}

void Document::report_ignored() {
  for (const auto& [name, entry] : ignored_) {
    const std::string times = entry.count > 1 ? " (" + std::to_string(entry.count) + " times)" : "";
    const auto file = static_cast<std::size_t>(entry.file);
    diagnostics_.info({file < files_.size() ? files_[file] : std::string{}, entry.line, {}}, "ignored",
                      name + " is not used" + times);
  }
}

bool Document::take(const Element& element, std::size_t count) {
  taken_ += count;
  if (taken_ <= options_.max_elements) return true;
  if (!overfull_) {
    error(element, who(element), "too-many",
          "the model grows beyond " + std::to_string(options_.max_elements) + " bodies, joints, geoms and sites",
          "replicate less");
  }
  overfull_ = true;
  return false;
}

bool Document::take_work(const Element& element) {
  constexpr std::size_t kMost = 2'000'000;
  if (++work_ <= kMost) return true;
  if (work_ == kMost + 1) {
    error(element, who(element), "too-many", "too many names are looked for in too many replicas", "replicate less");
  }
  return false;
}

// ---- files ----

int Document::add_file(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<int>(files_.size() - 1);
}

std::optional<Element> Document::parse(std::string_view text, const std::string& name) {
  const fs::path path(name);
  folder_ = path.parent_path().string();
  reads_files_ = path.has_parent_path() || !options_.root.empty();
  root_ = options_.root.empty() ? (folder_.empty() ? "." : folder_) : options_.root;
  auto element = parse_file(text, add_file(name), true);
  if (element && !expand(*element, 0, 1)) return std::nullopt;
  return element;
}

std::optional<std::string> Document::resolve(const Element& from, std::string_view file, const std::string& folder) {
  const auto fail = [&](const char* code, std::string message, std::string mend) {
    error(from, who(from), code, std::move(message), std::move(mend));
    return std::nullopt;
  };
  const auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (file.empty() || std::any_of(file.begin(), file.end(), bad)) {
    return fail("bad-path", "'" + printable(file) + "' is no file name", "write a path below this file's folder");
  }
  if (!reads_files_) {
    return fail("not-found", "a text without a folder cannot name the file '" + printable(file) + "'",
                "give the model as a file");
  }
  const fs::path given = fs::path(folder.empty() ? "." : folder) / fs::path(std::string(file));
  std::error_code failed;
  const fs::path root = fs::weakly_canonical(root_, failed), path = fs::weakly_canonical(given, failed);
  const auto [at_root, at_path] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  if (failed || at_root != root.end()) {
    return fail("path-escape", "'" + printable(file) + "' lies outside the folder of the model",
                "move it below that folder, or open the model with a root folder that holds both");
  }
  return given.lexically_normal().string();
}

std::optional<std::string> Document::read(const Element& from, const std::string& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) {
    error(from, who(from), "not-found", missing_file(path), "check the path");
    return std::nullopt;
  }
  const auto size = fs::file_size(path, failed);
  if (failed || bytes_ + size > options_.max_bytes) {
    error(from, who(from), "too-large",
          "the XML files together have more than " + std::to_string(options_.max_bytes) + " bytes", "split the model");
    return std::nullopt;
  }
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::optional<Element> Document::open(const Element& from, std::string_view file, const std::string& folder) {
  const auto path = resolve(from, file, folder);
  if (!path) return std::nullopt;
  const auto text = read(from, *path);
  if (!text) return std::nullopt;
  auto element = parse_file(*text, add_file(*path), true);
  if (!element) return std::nullopt;
  const std::string outer = std::exchange(folder_, fs::path(*path).parent_path().string());
  const bool good = expand(*element, 0, 1);
  folder_ = outer;
  if (!good) return std::nullopt;
  return element;
}

// whole: the root must be <mujoco>; an included file may have any root.
std::optional<Element> Document::parse_file(std::string_view text, int file, bool whole) {
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  const auto line_of = [&](std::ptrdiff_t offset) {
    if (offset < 0) return 0;
    return static_cast<int>(std::upper_bound(starts.begin(), starts.end(), static_cast<std::size_t>(offset)) -
                            starts.begin());
  };
  const std::string& name = files_[static_cast<std::size_t>(file)];
  const auto fail = [&](int line, const char* code, std::string message, std::string mend) {
    diagnostics_.error({name, line, {}}, code, std::move(message), std::move(mend));
    return std::nullopt;
  };
  bytes_ += text.size();
  if (bytes_ > options_.max_bytes) {
    return fail(0, "too-large", "the XML has more than " + std::to_string(options_.max_bytes) + " bytes",
                "split the model");
  }
  if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) {
    return fail(1, "bad-encoding", "the text is UTF-16", "save it as UTF-8");
  }
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) {
    return fail(line_of(std::max<std::ptrdiff_t>(parsed.offset, 0)), "bad-xml", parsed.description(),
                "close every element and quote every attribute");
  }
  const pugi::xml_node top = document.document_element();
  if (!top || (whole && std::string_view(top.name()) != "mujoco")) {
    return fail(line_of(top.offset_debug()), "no-mujoco", "there is no <mujoco> element",
                "give an MJCF file; URDF and SDF are other formats");
  }
  // Without recursion: a stack of open elements.
  struct Open {
    pugi::xml_node node;
    Element* element;
  };
  Element root;
  std::vector<Open> open{{top, &root}};
  const auto fill = [&](pugi::xml_node node, Element& element) {
    element.name = node.name();
    element.file = file;
    element.line = line_of(node.offset_debug());
    for (const pugi::xml_attribute a : node.attributes()) element.attributes.emplace(a.name(), a.value());
  };
  fill(top, root);
  std::size_t depth = 1;
  std::vector<std::pair<Open, std::size_t>> pending{{open[0], depth}};
  while (!pending.empty()) {
    const auto [now, level] = pending.back();
    pending.pop_back();
    if (level > kMaxDepth) {
      return fail(now.element->line, "too-deep", "elements are nested more than " + std::to_string(kMaxDepth) + " deep",
                  "flatten the model");
    }
    std::size_t count = 0;
    for (const pugi::xml_node child : now.node.children()) count += child.type() == pugi::node_element;
    elements_ += count;
    if (elements_ > kMaxElements) return fail(now.element->line, "too-many", "there are too many elements", "split it");
    now.element->children.reserve(count);
    for (const pugi::xml_node child : now.node.children()) {
      if (child.type() != pugi::node_element) continue;
      fill(child, now.element->children.emplace_back());
      pending.push_back({{child, &now.element->children.back()}, level + 1});
    }
  }
  return root;
}

// Puts the children of included files in the place of <include>.
bool Document::expand(Element& element, int includes, int level) {
  if (level > kMaxDepth) {
    error(element, who(element), "too-deep", "elements are nested too deep", "flatten the model");
    return false;
  }
  bool good = true;
  const bool any = std::any_of(element.children.begin(), element.children.end(),
                               [](const Element& child) { return child.name == "include"; });
  if (any) {
    std::vector<Element> children;
    for (Element& child : element.children) {
      if (child.name != "include") {
        children.push_back(std::move(child));
        continue;
      }
      const std::string file = text({&child, nullptr}, "file");
      const auto path = resolve(child, file, folder_);
      if (!path) return false;
      if (includes >= kMaxIncludes || !included_.insert(*path).second) {
        error(child, "include", "repeated-include", "'" + printable(file) + "' is included already",
              "include every file once");
        return false;
      }
      const auto content = read(child, *path);
      auto included = content ? parse_file(*content, add_file(*path), false) : std::nullopt;
      if (!included || !expand(*included, includes + 1, level)) return false;
      for (Element& inner : included->children) children.push_back(std::move(inner));
    }
    element.children = std::move(children);
  }
  for (Element& child : element.children) good = expand(child, includes, level + 1) && good;
  return good;
}

// ---- attributes ----

const std::string* Document::find(const Node& node, const char* attribute) {
  auto asked = asked_.find(node.element->name);
  if (asked == asked_.end()) asked = asked_.emplace(node.element->name, std::set<const char*>{}).first;
  asked->second.insert(attribute);
  const auto own = node.element->attributes.find(attribute);
  if (own != node.element->attributes.end()) return &own->second;
  if (node.defaults == nullptr) return nullptr;
  const auto inherited = node.defaults->find(attribute);
  return inherited != node.defaults->end() ? &inherited->second : nullptr;
}

std::string Document::text(const Node& node, const char* attribute) {
  const std::string* value = find(node, attribute);
  return value != nullptr ? *value : std::string{};
}

std::optional<std::vector<double>> Document::list(const Node& node, const char* attribute, const std::string& whom,
                                                  std::size_t least, std::size_t most, bool infinite) {
  const std::string* all = find(node, attribute);
  if (all == nullptr) return std::nullopt;
  std::vector<double> values;
  const auto fail = [&](const char* code, const std::string& what) {
    error(*node.element, whom, code, printable(attribute) + "=\"" + printable(*all) + "\": " + what,
          "write numbers with spaces between");
    return std::nullopt;
  };
  for (std::string_view rest = *all;;) {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) break;
    std::size_t length = 0;
    while (length < rest.size() && !is_space(rest[length])) ++length;
    std::string_view item = rest.substr(0, length);
    rest.remove_prefix(length);
    if (item.size() > 1 && item[0] == '+' && item[1] != '-') item.remove_prefix(1);
    double value = 0;
    const auto [end, failure] = std::from_chars(item.data(), item.data() + item.size(), value);
    if (failure == std::errc{} && end != item.data() + item.size()) {
      return fail("bad-number", "'" + printable(item) + "' is not a number");
    }
    if (failure == std::errc::invalid_argument) return fail("bad-number", "'" + printable(item) + "' is not a number");
    if (failure != std::errc{} || std::isnan(value) || (std::isinf(value) && !infinite)) {
      return fail("not-finite", "'" + printable(item) + "' is not a finite number");
    }
    if (values.size() <= most) values.push_back(value);
  }
  if (values.size() < least || values.size() > most) {
    const std::string wanted =
        least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
    return fail("wrong-count", "there are " + (values.size() > most ? "more" : std::to_string(values.size())) +
                                   " numbers instead of " + wanted);
  }
  return values;
}

double Document::number(const Node& node, const char* attribute, const std::string& whom, double fallback,
                        bool infinite) {
  const auto values = list(node, attribute, whom, 1, 1, infinite);
  return values ? (*values)[0] : fallback;
}

int Document::integer(const Node& node, const char* attribute, const std::string& whom, int fallback) {
  const auto values = list(node, attribute, whom, 1, 1);
  if (!values) return fallback;
  const double value = (*values)[0];
  if (value == std::floor(value) && std::abs(value) < 2147483648.0) return static_cast<int>(value);
  error(*node.element, whom, "bad-number", printable(attribute) + " is no whole number", "write a whole number");
  return fallback;
}

Vec3d Document::vector(const Node& node, const char* attribute, const std::string& whom, const Vec3d& fallback) {
  const auto v = list(node, attribute, whom, 3, 3);
  return v ? Vec3d{(*v)[0], (*v)[1], (*v)[2]} : fallback;
}

int Document::word(const Node& node, const char* attribute, const std::string& whom,
                   std::initializer_list<const char*> words) {
  const std::string* value = find(node, attribute);
  if (value == nullptr) return -1;
  int index = 0;
  std::string known;
  for (const char* candidate : words) {
    if (*value == candidate) return index;
    known += (index++ > 0 ? ", " : "") + std::string(candidate);
  }
  error(*node.element, whom, "bad-word", printable(attribute) + "=\"" + printable(*value) + "\" is not known",
        "write one of: " + known);
  return -1;
}

bool Document::flag(const Node& node, const char* attribute, const std::string& whom, bool fallback) {
  const int index = word(node, attribute, whom, {"false", "true"});
  return index < 0 ? fallback : index == 1;
}

}  // namespace geoul::scene::mjcf
