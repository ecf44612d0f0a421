// MJCF files as a tree of elements: includes expanded, every element with its file and line, numbers of attributes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/math.h"
#include "geoul/scene/formats/mjcf/mjcf.h"

namespace geoul::scene::mjcf {

using Attributes = std::map<std::string, std::string, std::less<>>;

struct Element {
  std::string name;
  Attributes attributes;
  std::vector<Element> children;
  int file = 0;  // index into Document's files
  int line = 0;
};

// An element with what its default class says for it.
struct Node {
  const Element* element = nullptr;
  const Attributes* defaults = nullptr;
};

class Document {
 public:
  Document(const MjcfOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {}

  // The <mujoco> element of a text, includes expanded; none with an error. Needs no second call for one name.
  std::optional<Element> parse(std::string_view text, const std::string& name);
  // Same from a file that an element names, relative to `folder`.
  std::optional<Element> open(const Element& from, std::string_view file, const std::string& folder);

  // Where a file named by an element lies; none with an error where that is outside the allowed folder.
  std::optional<std::string> resolve(const Element& from, std::string_view file, const std::string& folder);

  const MjcfOptions& options() const { return options_; }
  Diagnostics& diagnostics() { return diagnostics_; }
  Location at(const Element& element, std::string who = {}) const;
  void error(const Element& e, const std::string& who, const char* code, std::string message, std::string mend);
  void warning(const Element& e, const std::string& who, const char* code, std::string message, std::string mend);
  void info(const Element& e, const std::string& who, const char* code, std::string message, std::string mend = {});
  // What would make another mechanism: an error, or a warning where the options say `partial`.
  void refuse(const Element& e, const std::string& who, const char* code, std::string message, std::string mend);

  // ---- attributes: the element's own, then its class's ----
  const std::string* find(const Node& node, const char* attribute);
  std::string text(const Node& node, const char* attribute);
  bool has(const Node& node, const char* attribute) { return find(node, attribute) != nullptr; }
  // At least `least`, at most `most` numbers; none with an error, or silently where there is no such attribute.
  std::optional<std::vector<double>> list(const Node& node, const char* attribute, const std::string& who,
                                          std::size_t least, std::size_t most, bool infinite = false);
  double number(const Node& node, const char* attribute, const std::string& who, double fallback,
                bool infinite = false);
  int integer(const Node& node, const char* attribute, const std::string& who, int fallback);
  Vec3d vector(const Node& node, const char* attribute, const std::string& who, const Vec3d& fallback);
  // One of the words; its index, or -1 where there is no attribute or (with an error) another word.
  int word(const Node& node, const char* attribute, const std::string& who, std::initializer_list<const char*> words);
  bool flag(const Node& node, const char* attribute, const std::string& who, bool fallback);

  // Counts what is not used, to say it once a kind at the end.
  void note_ignored(const Element& element);
  void note_attributes(const Element& root);  // attributes that nobody asked for
  void report_ignored();

  // Whether `count` more elements of the tree fit; false with one error.
  bool take(const Element& element, std::size_t count);
  // Counts look-ups of names in replicas; false with one error where a model asks for too many.
  bool take_work(const Element& element);

 private:
  std::optional<Element> parse_file(std::string_view text, int file, bool whole);
  bool expand(Element& element, int includes, int level);
  bool is_new(const Element& e, const char* code, const std::string& message);
  std::optional<std::string> read(const Element& from, const std::string& path);
  int add_file(std::string name);

  struct Ignored {
    int file = 0, line = 0, count = 0;
  };
  const MjcfOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<std::string> files_;
  std::string folder_;  // of the first file
  std::string root_;    // that others may lie in; empty: none
  bool reads_files_ = false;
  std::set<std::string> included_;
  std::size_t bytes_ = 0, elements_ = 0, taken_ = 0;
  bool overfull_ = false;
  std::size_t work_ = 0;
  std::set<std::string> said_;  // findings, each once, however often an element is replicated
  std::map<std::string, std::set<const char*>, std::less<>> asked_;  // by kind of element
  std::map<std::string, Ignored> ignored_;
};

// "joint 'elbow'", "joint" where it has no name.
std::string who(const Element& element);

}  // namespace geoul::scene::mjcf
