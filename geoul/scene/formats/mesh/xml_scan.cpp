#include "geoul/scene/formats/mesh/xml_scan.h"

#include <algorithm>
#include <cstddef>

namespace geoul::scene::mesh {
namespace {

constexpr std::size_t kMostAttributes = 256;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
std::string_view local(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

bool XmlScan::skip_to(std::string_view end) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) return false;
  line += static_cast<int>(std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  rest.remove_prefix(at + end.size());
  return true;
}

XmlScan::Tag XmlScan::next() {
  attributes.clear();
  for (;;) {
    if (!skip_to("<")) return Tag::kEnd;
    if (rest.substr(0, 3) == "!--") {
      if (!skip_to("-->")) return Tag::kBroken;
    } else if (rest.substr(0, 8) == "![CDATA[") {
      if (!skip_to("]]>")) return Tag::kBroken;
    } else if (rest.substr(0, 1) == "?") {
      if (!skip_to("?>")) return Tag::kBroken;
    } else {
      break;
    }
  }
  if (rest.empty() || rest[0] == '!') return Tag::kBroken;
  const bool closes = rest[0] == '/';
  if (closes) rest.remove_prefix(1);
  std::size_t at = 0;
  const auto word = [&](std::string_view ends) {
    const std::size_t begin = at;
    while (at < rest.size() && !is_space(rest[at]) && ends.find(rest[at]) == std::string_view::npos) ++at;
    return rest.substr(begin, at - begin);
  };
  const auto space = [&] {
    while (at < rest.size() && is_space(rest[at])) line += rest[at++] == '\n';
  };
  name = local(word("/>=\"'<"));
  if (name.empty()) return Tag::kBroken;
  for (;;) {
    space();
    if (at >= rest.size()) return Tag::kBroken;
    if (rest[at] == '>' || rest[at] == '/') break;
    const std::string_view key = word("/>=\"'<");
    space();
    if (key.empty() || at >= rest.size() || rest[at] != '=') return Tag::kBroken;
    ++at;
    space();
    if (at >= rest.size() || (rest[at] != '"' && rest[at] != '\'')) return Tag::kBroken;
    const char quote = rest[at++];
    const std::size_t end = rest.find(quote, at);
    if (end == std::string_view::npos || attributes.size() == kMostAttributes) return Tag::kBroken;
    attributes.emplace_back(key, rest.substr(at, end - at));
    at = end + 1;
  }
  empty = rest[at] == '/';
  if (empty && (++at >= rest.size() || rest[at] != '>')) return Tag::kBroken;
  rest.remove_prefix(at + 1);
  return closes ? Tag::kClose : Tag::kOpen;
}

std::string_view XmlScan::value(std::string_view attribute) const {
  for (const auto& [key, written] : attributes) {
    if (key == attribute) return written;
  }
  return {};
}

bool XmlScan::has(std::string_view attribute) const {
  return std::any_of(attributes.begin(), attributes.end(), [&](const auto& a) { return a.first == attribute; });
}

}  // namespace geoul::scene::mesh
