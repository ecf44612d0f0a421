#include "geoul/scene/formats/urdf/document.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace geoul::scene::urdf {

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 && first < 0xF5 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first >= 0xF5 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) || (first == 0xF0 && byte(1) < 0x90) ||
      (first == 0xF4 && byte(1) >= 0x90)) {
    return 0;
  }
  return length;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (out.size() > 80) return out + "...";
    const std::size_t length = utf8_length(text);
    const bool control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F;
    out += length == 0 || control ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string Names::unique(std::string_view name) {
  std::string clean;
  while (!name.empty()) {
    const std::size_t length = utf8_length(name);
    const char c = name[0];
    const bool digit = c >= '0' && c <= '9';
    const bool allowed = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (digit && clean.empty()) clean += '_';
    // Above U+00BF without general punctuation and symbols (U+2000 to U+2BFF), spaces and marks of U+3000 to U+303F.
    const auto lead = static_cast<unsigned char>(c);
    const auto next = static_cast<unsigned char>(length > 1 ? name[1] : 0);
    const bool letter = (length == 2 && lead >= 0xC3) || (length == 3 && lead == 0xE1) ||
                        (length == 3 && lead == 0xE3 && next > 0x80) || (length == 3 && lead >= 0xE4 && lead <= 0xED);
    clean += allowed || letter ? name.substr(0, length) : std::string_view("_");
    name.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (clean.empty()) clean = "_";
  if (used_.insert(clean).second) return clean;
  for (int& n = next_[clean];;) {
    std::string numbered = clean + "_" + std::to_string(++n);
    if (used_.insert(numbered).second) return numbered;
  }
}

Document::Document(std::string_view text, std::string file, Diagnostics& diagnostics)
    : text_(text), file_(std::move(file)), diagnostics_(diagnostics) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

int Document::line(pugi::xml_node node) const {
  const std::ptrdiff_t offset = node ? node.offset_debug() : -1;
  if (offset < 0) return 0;
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), static_cast<std::size_t>(offset));
  return static_cast<int>(after - line_starts_.begin());
}

pugi::xml_node Document::parse(std::size_t max_bytes) {
  const auto fail = [&](int line, const char* code, std::string message, std::string mend) {
    diagnostics_.error({file_, line, {}}, code, std::move(message), std::move(mend));
    return pugi::xml_node{};
  };
  if (text_.size() > max_bytes) {
    return fail(0, "too-large", "the file has " + std::to_string(text_.size()) + " bytes",
                "the limit is " + std::to_string(max_bytes));
  }
  if (text_.starts_with("\xFE\xFF") || text_.starts_with("\xFF\xFE")) {
    return fail(1, "bad-encoding", "the text is UTF-16", "save it as UTF-8");
  }
  const auto parsed = document_.load_buffer(text_.data(), text_.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) {
    const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(),
                                        static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)));
    return fail(static_cast<int>(after - line_starts_.begin()), "bad-xml", parsed.description(),
                "close every element and quote every attribute");
  }
  const pugi::xml_node robot = document_.child("robot");
  if (!robot) {
    return fail(line(document_.first_child()), "no-robot", "there is no <robot> element",
                "give a URDF file; SDF and MJCF are other formats");
  }
  for (const pugi::xml_node child : robot.children()) {
    if (std::strncmp(child.name(), "xacro:", 6) == 0) {
      return fail(line(child), "xacro", "this is a xacro file", "run: xacro FILE > robot.urdf");
    }
  }
  return robot;
}

void Document::error(pugi::xml_node node, const std::string& who, const char* code, std::string message,
                     std::string mend) {
  diagnostics_.error(at(node, who), code, std::move(message), std::move(mend));
}

void Document::warning(pugi::xml_node node, const std::string& who, const char* code, std::string message,
                       std::string mend) {
  diagnostics_.warning(at(node, who), code, std::move(message), std::move(mend));
}

bool Document::read_numbers(pugi::xml_node node, const char* attribute, const std::string& who, bool infinite,
                            double* values, std::size_t count) {
  const std::string_view all = node.attribute(attribute).value();
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  const auto fail = [&](const char* code, const std::string& what) {
    error(node, who, code, "<" + printable(node.name()) + " " + attribute + "=\"" + printable(all) + "\">: " + what,
          count == 1 ? "write one number" : "write " + std::to_string(count) + " numbers with spaces between");
    return false;
  };
  std::size_t found = 0;
  for (std::string_view rest = all;;) {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) break;
    std::size_t length = 0;
    while (length < rest.size() && !is_space(rest[length])) ++length;
    std::string_view word = rest.substr(0, length);
    rest.remove_prefix(length);
    if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
    double value = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (failure == std::errc::result_out_of_range)
      return fail("not-finite", "'" + printable(word) + "' is out of range");
    if (failure != std::errc{} || end != word.data() + word.size()) {
      return fail("bad-number", "'" + printable(word) + "' is not a number");
    }
    if (std::isnan(value) || (std::isinf(value) && !infinite)) {
      return fail("not-finite", "'" + printable(word) + "' is not a finite number");
    }
    if (found < count) values[found] = value;
    ++found;
  }
  if (found == count) return true;
  return fail("wrong-count", "there are " + std::to_string(found) + " numbers instead of " + std::to_string(count));
}

double Document::number(pugi::xml_node node, const char* attribute, const std::string& who, double fallback,
                        bool infinite) {
  if (!node.attribute(attribute)) return fallback;
  const auto value = numbers<1>(node, attribute, who, infinite);
  return value ? (*value)[0] : fallback;
}

double Document::required_number(pugi::xml_node node, const char* attribute, const std::string& who) {
  if (!node.attribute(attribute)) {
    error(node, who, "missing-attribute", "<" + printable(node.name()) + "> has no " + attribute,
          std::string("write ") + attribute + "=\"...\"");
  }
  return number(node, attribute, who, 0);
}

Posed Document::origin(pugi::xml_node parent, const std::string& who) {
  Posed X;
  const pugi::xml_node node = parent.child("origin");
  if (node.attribute("xyz")) {
    if (const auto xyz = numbers<3>(node, "xyz", who)) X.p = {(*xyz)[0], (*xyz)[1], (*xyz)[2]};
  }
  if (node.attribute("rpy")) {
    if (const auto rpy = numbers<3>(node, "rpy", who)) X.R = rotation_of_rpy((*rpy)[0], (*rpy)[1], (*rpy)[2]);
  }
  return X;
}

void Document::check_children(pugi::xml_node parent, const std::string& who, std::initializer_list<const char*> known) {
  std::set<std::string_view> seen;
  for (const pugi::xml_node child : parent.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    bool is_known = false, many = false;
    for (const char* entry : known) {
      if (name == entry) is_known = true;
      if (*entry == '*' && name == entry + 1) is_known = many = true;
    }
    if (!is_known) {
      note_ignored(child);
    } else if (!many && !seen.insert(name).second) {
      warning(child, who, "repeated-element", "a second <" + printable(name) + "> is ignored", "keep one");
    }
  }
}

void Document::note_ignored(pugi::xml_node node) {
  Ignored& entry = ignored_[printable(node.parent().name()) + "/" + printable(node.name())];
  if (entry.count++ == 0) entry.line = line(node);
}

void Document::report_ignored() {
  for (const auto& [name, entry] : ignored_) {
    const std::string times = entry.count > 1 ? " (" + std::to_string(entry.count) + " times)" : "";
    diagnostics_.info({file_, entry.line, {}}, "ignored", "<" + name + "> is not used" + times);
  }
}

Quatd rotation_of_rpy(double roll, double pitch, double yaw) {
  const Quatd x{std::cos(roll / 2), std::sin(roll / 2), 0, 0};
  const Quatd y{std::cos(pitch / 2), 0, std::sin(pitch / 2), 0};
  const Quatd z{std::cos(yaw / 2), 0, 0, std::sin(yaw / 2)};
  const Quatd q = normalized(z * (y * x));
  return q.w < 0 ? Quatd{-q.w, -q.x, -q.y, -q.z} : q;
}

}  // namespace geoul::scene::urdf
