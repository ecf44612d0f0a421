// The tags of an XML text one after the other, without a tree in memory: for large files of plain data. Text between
// tags, comments, processing instructions and CDATA are passed over; document types are refused (no entity is ever
// expanded).
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace geoul::scene::mesh {

struct XmlScan {
  explicit XmlScan(std::string_view text) : rest(text) {}

  std::string_view rest;
  int line = 1;

  enum class Tag { kOpen, kClose, kEnd, kBroken };
  // kOpen: name (without its prefix) and attributes of a start tag; `empty` where it closes itself.
  Tag next();

  std::string_view name;
  std::vector<std::pair<std::string_view, std::string_view>>
      attributes;  // names with their prefixes, values as written
  bool empty = false;

  std::string_view value(std::string_view attribute) const;  // empty where there is none
  bool has(std::string_view attribute) const;

 private:
  bool skip_to(std::string_view end);
};

}  // namespace geoul::scene::mesh
