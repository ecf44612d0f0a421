// Values as the text of a .usda file. Internal to the writer.
#pragma once

#include <charconv>
#include <string>

#include "geoul/core/math.h"

namespace geoul::scene::usd {

template <class T>
std::string number(T x) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, x).ptr;  // shortest that reads back to the same bits
  return {text, end};
}
template <class T>
std::string text_of(const Vec3<T>& v) {
  return "(" + number(v.x) + ", " + number(v.y) + ", " + number(v.z) + ")";
}
inline std::string text_of(const Quatd& q) {
  return "(" + number(q.w) + ", " + number(q.x) + ", " + number(q.y) + ", " + number(q.z) + ")";
}
inline std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace geoul::scene::usd
