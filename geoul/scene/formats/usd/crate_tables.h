// The six sections of a crate file as tables: what every spec is made of, before values are read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/scene/formats/usd/crate_bytes.h"

namespace geoul::scene::usd {

// Numbers are the format's own.
enum class SpecKind : std::uint32_t {
  kAttribute = 1,
  kConnection = 2,
  kPrim = 6,
  kRoot = 7,
  kRelationship = 8,
  kTarget = 9,
  kVariant = 10,
  kVariantSet = 11,
};

enum class PathKind : std::uint8_t { kRoot, kPrim, kProperty, kVariant, kTarget };

constexpr std::uint32_t kNone = 0xffffffff;

// A path is its parent's path and one element more. A path that the tree does not reach is the empty path.
struct CratePath {
  std::uint32_t parent = kNone;
  std::uint32_t token = kNone;        // of the element, in tokens; kNone at the empty path
  std::uint32_t first_child = kNone;  // in the order of the file
  std::uint32_t last_child = kNone;
  std::uint32_t next_sibling = kNone;
  std::uint32_t spec = kNone;  // in specs
  PathKind kind = PathKind::kRoot;
};

struct CrateField {
  std::uint32_t token = 0;  // of its name
  std::uint64_t rep = 0;    // what and where its value is; see crate_values.h
};

struct CrateSpec {
  std::uint32_t path = 0;
  std::uint32_t field_set = 0;  // of its first field in field_sets
  SpecKind kind = SpecKind::kPrim;
};

struct CrateTables {
  std::string_view file;
  int minor = 0;  // of the version: 0.minor
  std::unique_ptr<char[]> token_text;
  std::vector<std::string_view> tokens;
  std::vector<std::uint32_t> strings;  // a string as a token
  std::vector<CrateField> fields;
  std::vector<std::uint32_t> field_sets;  // fields of a spec, then kNone
  std::vector<CratePath> paths;
  std::vector<CrateSpec> specs;
  std::uint32_t root = kNone;  // in paths

  std::string_view token(std::uint64_t index) const;
  std::string_view string(std::uint64_t index) const;
  std::string path_text(std::uint64_t index) const;  // "/A/B.x", "" for the empty path
};

// Throws CrateError. O(size of what the tables unfold to), which the budget bounds.
CrateTables read_tables(std::string_view file, Budget& budget, Scratch& scratch);

}  // namespace geoul::scene::usd
