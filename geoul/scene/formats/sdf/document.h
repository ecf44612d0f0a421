// SDF files as they are opened, and their elements: text, numbers, poses, and what is said about them.
#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/math.h"
#include "geoul/scene/formats/sdf/sdf.h"

namespace geoul::scene::sdf {

// One file. Keeps its address.
struct Source {
  std::string file;    // as findings name it
  std::string folder;  // of relative names
  int version = 0;     // 1.7 is 17, 1.10 is 110 (see version_number)
  std::vector<std::size_t> line_starts;
  pugi::xml_document document;
  pugi::xml_node root;  // <sdf>
};

// 100 major + minor: "1.10" is 110; none where the text is no version.
std::optional<int> version_number(std::string_view text);
inline constexpr int kOldest = 104, kNewest = 112;

// An element and the file it stands in.
struct Element {
  pugi::xml_node node;
  const Source* source = nullptr;

  explicit operator bool() const { return static_cast<bool>(node); }
  std::string_view name() const { return node.name(); }
  Element child(const char* name) const { return {node.child(name), source}; }
  std::string attribute(const char* name) const { return node.attribute(name).value(); }
  std::string text() const;  // of the element, without spaces around
};

class Document {
 public:
  Document(const SdfOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {}

  // Parses; the file with its <sdf>, or none with an error.
  const Source* parse(std::string_view text, const std::string& file);
  // Opens a file, once; `from` is what findings name.
  const Source* open(const std::string& file, const Element& from);

  const SdfOptions& options() const { return options_; }
  Diagnostics& diagnostics() { return diagnostics_; }
  Location at(const Element& element, std::string who = {}) const;
  void error(const Element& element, const std::string& who, const char* code, std::string message, std::string mend);
  void warning(const Element& element, const std::string& who, const char* code, std::string message, std::string mend);
  void info(const Element& element, const std::string& who, const char* code, std::string message);

  // Numbers of an element's text; none with an error where they are not `least` to `most` numbers. Missing numbers
  // keep their place in `values`.
  bool numbers(const Element& element, const std::string& who, std::size_t least, std::size_t most, double* values,
               bool infinite = false);
  // Of a child element; `otherwise` where there is none, or where it is empty.
  double number(const Element& parent, const char* child, const std::string& who, double otherwise,
                bool infinite = false);
  Vec3d vector(const Element& parent, const char* child, const std::string& who, const Vec3d& otherwise);
  bool boolean(const Element& parent, const char* child, const std::string& who, bool otherwise);
  // A length greater than 0.
  double length(const Element& parent, const char* child, const std::string& who, double otherwise);

  // The numbers of <pose>, and what they are relative to (empty: nothing said).
  struct PoseText {
    Posed X;
    std::string relative_to;
    Element element;  // <pose>, or none
  };
  PoseText pose(const Element& parent, const std::string& who);

  // Takes `count` of what the options allow; false, with one error, where it is used up.
  bool take(const Element& element, std::size_t count = 1);

  // Notes every child element that is not in `known` as ignored.
  void check_children(const Element& parent, std::initializer_list<std::string_view> known);
  void note_ignored(const Element& element);
  void report_ignored();

 private:
  Posed rotation_text(const Element& pose, const std::string& who);

  struct Ignored {
    Location where;
    int count = 0;
  };
  const SdfOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::map<std::string, const Source*> opened_;
  std::map<std::string, Ignored> ignored_;
  std::size_t taken_ = 0;
};

}  // namespace geoul::scene::sdf
