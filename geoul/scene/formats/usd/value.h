// Values of USD attributes and metadata. Numbers are held as double whatever their type in the file (half, float,
// double, timecode), so that text of 17 digits keeps its bits; integers and booleans as int64.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
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

// Elements that do not change once they are there; copies share them. (A binary file holds an array once, whatever the
// number of attributes that have it.)
template <class T>
class Array {
 public:
  using value_type = T;

  Array() = default;
  Array(const std::vector<T>& items) : Array(items.begin(), items.end()) {}
  Array(std::initializer_list<T> items) : Array(items.begin(), items.end()) {}
  template <class Iterator>
  Array(Iterator begin, Iterator end) : Array(static_cast<std::size_t>(std::distance(begin, end))) {
    std::copy(begin, end, fill());
  }
  // n elements, numbers of no value yet: for who writes every one through fill() before the first copy is made.
  static Array unset(std::size_t n) { return Array(n); }
  T* fill() { return data_.get(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T* data() const { return data_.get(); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  const T& operator[](std::size_t i) const { return data_[static_cast<std::ptrdiff_t>(i)]; }
  const T& front() const { return data_[0]; }
  const T& back() const { return *(end() - 1); }
  bool operator==(const Array& b) const { return std::equal(begin(), end(), b.begin(), b.end()); }

 private:
  explicit Array(std::size_t n) : data_(n == 0 ? nullptr : std::make_shared_for_overwrite<T[]>(n)), size_(n) {}

  std::shared_ptr<T[]> data_;
  std::size_t size_ = 0;
};

struct Dictionary;

// `None` in the file: an opinion that there is no value.
struct Blocked {
  bool operator==(const Blocked&) const = default;
};

struct Value {
  using Reals = Array<double>;           // (n x components), row by row; quaternions w x y z
  using Integers = Array<std::int64_t>;  // (n x components); booleans 0 or 1; uint64 above 2^63 by its bits
  using Strings = Array<std::string>;    // (n): strings, tokens, asset paths, prim paths

  ValueType type;
  std::variant<Blocked, Reals, Integers, Strings, std::shared_ptr<const Dictionary>> content;

  bool blocked() const { return std::holds_alternative<Blocked>(content); }
};

// Names and values in the order of the file.
struct Dictionary : std::vector<std::pair<std::string, Value>> {
  using vector::vector;
};

}  // namespace geoul::scene::usd
