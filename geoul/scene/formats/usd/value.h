// Values of USD attributes and metadata. Numbers are held as double whatever their type in the file (half, float,
// double, timecode), so that text of 17 digits keeps its bits; integers and booleans as int64.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace geoul::scene::usd {

enum class Base { kBool, kInteger, kReal, kString, kToken, kAsset, kPath, kDictionary, kOpaque };

// Shape of one value: rows x columns numbers (1 x 1 scalar, 1 x n vector or quaternion, n x n matrix), or an array
// of such values.
struct ValueType {
  Base base = Base::kReal;
  int rows = 1;
  int columns = 1;
  bool array = false;

  int components() const { return rows * columns; }
  bool operator==(const ValueType&) const = default;
};

// Type of a name as written in a file, "point3f[]"; none where USD has no such type.
std::optional<ValueType> value_type(std::string_view name);

struct Dictionary;

// `None` in the file: an opinion that there is no value.
struct Blocked {
  bool operator==(const Blocked&) const = default;
};

struct Value {
  using Reals = std::vector<double>;           // (n x components), row by row; quaternions w x y z
  using Integers = std::vector<std::int64_t>;  // (n x components); booleans 0 or 1
  using Strings = std::vector<std::string>;    // (n): strings, tokens, asset paths, prim paths

  ValueType type;
  std::variant<Blocked, Reals, Integers, Strings, std::shared_ptr<const Dictionary>> content;

  bool blocked() const { return std::holds_alternative<Blocked>(content); }
};

// Names and values in the order of the file.
struct Dictionary : std::vector<std::pair<std::string, Value>> {
  using vector::vector;
};

}  // namespace geoul::scene::usd
