// A URDF text and what is said about it: lines, numbers and poses of XML elements, findings.
#pragma once

#include <array>
#include <charconv>
#include <initializer_list>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/math.h"

namespace geoul::scene::urdf {

// Text of a file made fit for one line of output: control characters and broken UTF-8 become "?", long text is cut.
std::string printable(std::string_view text);

// Length of the well-formed UTF-8 character at the start of text; 0: none.
std::size_t utf8_length(std::string_view text);

// Names to parts of USD paths, each used once. Letters outside ASCII stay (USD allows them since 24.03).
class Names {
 public:
  // Keeps these from being given out.
  void reserve(std::string name) { used_.insert(std::move(name)); }
  std::string unique(std::string_view name);

 private:
  std::set<std::string> used_;
  std::map<std::string, int> next_;
};

class Document {
 public:
  Document(std::string_view text, std::string file, Diagnostics& diagnostics);

  // Parses; the <robot> element, or none with an error.
  pugi::xml_node parse(std::size_t max_bytes);

  const std::string& file() const { return file_; }
  int line(pugi::xml_node node) const;
  // who: "joint 'elbow'"
  Location at(pugi::xml_node node, std::string who = {}) const { return {file_, line(node), std::move(who)}; }

  void error(pugi::xml_node node, const std::string& who, const char* code, std::string message, std::string mend);
  void warning(pugi::xml_node node, const std::string& who, const char* code, std::string message, std::string mend);
  Diagnostics& diagnostics() { return diagnostics_; }

  // N numbers of an attribute that exists; none with an error where they are not N finite numbers.
  // infinite: whether +-inf is a number too.
  template <std::size_t N>
  std::optional<std::array<double, N>> numbers(pugi::xml_node node, const char* attribute, const std::string& who,
                                               bool infinite = false) {
    std::array<double, N> values{};
    if (!read_numbers(node, attribute, who, infinite, values.data(), N)) return std::nullopt;
    return values;
  }
  // One number; otherwise `fallback` where the attribute does not exist or (with an error) is no number.
  double number(pugi::xml_node node, const char* attribute, const std::string& who, double fallback,
                bool infinite = false);
  // Same, but a missing attribute is an error.
  double required_number(pugi::xml_node node, const char* attribute, const std::string& who);

  // <origin xyz rpy> of an element; the identity where it has none.
  Posed origin(pugi::xml_node parent, const std::string& who);

  // Notes every child element that is not in `known` as ignored, and warns where one that may stand once ("name",
  // not "*name") stands twice.
  void check_children(pugi::xml_node parent, const std::string& who, std::initializer_list<const char*> known);
  // Says once per kind of element, at the end, what was ignored.
  void note_ignored(pugi::xml_node node);
  void report_ignored();

 private:
  bool read_numbers(pugi::xml_node node, const char* attribute, const std::string& who, bool infinite, double* values,
                    std::size_t count);

  struct Ignored {
    int line = 0;
    int count = 0;
  };
  std::string_view text_;
  std::string file_;
  Diagnostics& diagnostics_;
  std::vector<std::size_t> line_starts_;
  pugi::xml_document document_;
  std::map<std::string, Ignored> ignored_;
};

// Rotation of fixed-axis roll, pitch, yaw [rad]: Rz(yaw) Ry(pitch) Rx(roll). Zero angles give exact zeros and ones.
Quatd rotation_of_rpy(double roll, double pitch, double yaw);

}  // namespace geoul::scene::urdf
