// Numbers of crate files, alone and in arrays, plain and compressed.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "geoul/core/math.h"
#include "geoul/scene/formats/usd/crate_values.h"
#include "geoul/scene/formats/usd/lz4.h"

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMinCompressed = 16;  // shorter arrays are stored as they are even where the bit is set

enum class Element : std::uint8_t { kByte, kInt, kUInt, kInt64, kUInt64, kHalf, kFloat, kDouble };
constexpr std::array<std::size_t, 8> kElementBytes = {1, 4, 4, 8, 8, 2, 4, 8};

struct Plain {
  ValueType type;
  Element element = Element::kByte;
  bool quaternion = false;

  std::size_t bytes() const {
    return kElementBytes[static_cast<std::size_t>(element)] * static_cast<std::size_t>(type.components());
  }
};

// Types of numbers by their number in the file; none for anything else.
const Plain* plain_type(RepType rep) {
  static const std::array<std::optional<Plain>, 64> table = [] {
    std::array<std::optional<Plain>, 64> t;
    t[1] = {{Base::kBool, 1, 1, false}, Element::kByte};
    t[2] = {{Base::kInteger, 1, 1, false}, Element::kByte};
    t[3] = {{Base::kInteger, 1, 1, false}, Element::kInt};
    t[4] = {{Base::kInteger, 1, 1, false}, Element::kUInt};
    t[5] = {{Base::kInteger, 1, 1, false}, Element::kInt64};
    t[6] = {{Base::kInteger, 1, 1, false}, Element::kUInt64};
    t[7] = {{Base::kReal, 1, 1, false}, Element::kHalf};
    t[8] = {{Base::kReal, 1, 1, false}, Element::kFloat};
    t[9] = {{Base::kReal, 1, 1, false}, Element::kDouble};
    for (int n = 2; n <= 4; ++n) t[static_cast<std::size_t>(11 + n)] = {{Base::kReal, n, n, false}, Element::kDouble};
    constexpr std::array<Element, 3> kReals = {Element::kDouble, Element::kFloat, Element::kHalf};
    for (std::size_t i = 0; i < 3; ++i) {
      t[16 + i] = {{Base::kReal, 1, 4, false}, kReals[i], true};
      for (int n = 2; n <= 4; ++n) {
        const auto at = static_cast<std::size_t>(19 + 4 * (n - 2));
        t[at + i] = {{Base::kReal, 1, n, false}, kReals[i]};
        t[at + 3] = {{Base::kInteger, 1, n, false}, Element::kInt};
      }
    }
    t[56] = {{Base::kReal, 1, 1, false}, Element::kDouble};
    return t;
  }();
  const auto i = static_cast<std::size_t>(rep);
  return i < table.size() && table[i] ? &*table[i] : nullptr;
}

// IEEE 754 binary16.
double from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 0) return std::copysign(std::ldexp(fraction, -24), sign ? -1.0 : 1.0);
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

// Bytes as they stand in the file, of type T, to number i.
template <class T>
T load(const char* bytes, std::size_t i) {
  T x;
  std::memcpy(&x, bytes + i * sizeof(T), sizeof x);
  return x;
}
struct Half {
  std::uint16_t bits;
};
double widened(Half h) { return from_half(h.bits); }
double widened(float x) { return x; }
double widened(double x) { return x; }

template <class T>
void widen_reals(const char* bytes, std::size_t n, double* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = widened(load<T>(bytes, i));
}
template <class T>
void widen_integers(const char* bytes, std::size_t n, std::int64_t* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::int64_t>(load<T>(bytes, i));
}

// The file holds x y z w.
void turn_quaternions(double* q, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 4) std::rotate(q + i, q + i + 3, q + i + 4);
}

void widen(const Plain& type, const char* bytes, std::size_t n, double* out) {
  switch (type.element) {
    case Element::kHalf: widen_reals<Half>(bytes, n, out); break;
    case Element::kFloat: widen_reals<float>(bytes, n, out); break;
    default: widen_reals<double>(bytes, n, out); break;
  }
  if (type.quaternion) turn_quaternions(out, n);
}
void widen(const Plain& type, const char* bytes, std::size_t n, std::int64_t* out) {
  switch (type.element) {
    case Element::kByte: widen_integers<std::uint8_t>(bytes, n, out); break;
    case Element::kInt: widen_integers<std::int32_t>(bytes, n, out); break;
    case Element::kUInt: widen_integers<std::uint32_t>(bytes, n, out); break;
    default: widen_integers<std::int64_t>(bytes, n, out); break;
  }
  if (type.type.base == Base::kBool) {
    for (std::size_t i = 0; i < n; ++i) out[i] = out[i] != 0;
  }
}
}  // namespace

bool CrateValues::is_plain(RepType type) { return plain_type(type) != nullptr; }

// One number, vector or matrix in the file.
Value CrateValues::plain(Rep rep) {
  const Plain& type = *plain_type(rep.type());
  ByteReader in = reader(rep);
  const char* bytes = in.take(type.bytes()).data();
  const auto n = static_cast<std::size_t>(type.type.components());
  Value v;
  v.type = type.type;
  if (type.type.base == Base::kReal) {
    auto out = Value::Reals::unset(n);
    widen(type, bytes, n, out.fill());
    v.content = std::move(out);
  } else {
    auto out = Value::Integers::unset(n);
    widen(type, bytes, n, out.fill());
    v.content = std::move(out);
  }
  return v;
}

// In the 32 low bits: numbers of 32 bits and less by their bits, wider numbers as float or int, vectors a signed byte a
// component, matrices such a byte a diagonal entry.
Value CrateValues::inlined(Rep rep) {
  const Plain& type = *plain_type(rep.type());
  const auto bits = static_cast<std::uint32_t>(rep.payload());
  const auto byte = [&](int i) { return static_cast<std::int8_t>(bits >> (8 * i) & 0xff); };
  const int n = type.type.components();
  Value v;
  v.type = type.type;
  if (type.type.base != Base::kReal) {
    std::vector<std::int64_t> out;
    if (n > 1) {
      for (int i = 0; i < n; ++i) out.push_back(byte(i));
    } else if (type.type.base == Base::kBool) {
      out.push_back(bits != 0);
    } else {
      const bool is_signed = type.element == Element::kInt || type.element == Element::kInt64;
      out.push_back(is_signed ? std::int64_t{static_cast<std::int32_t>(bits)} : std::int64_t{bits});
    }
    v.content = Value::Integers(out);
    return v;
  }
  std::vector<double> out;
  if (type.type.rows > 1) {
    for (int i = 0; i < n; ++i) {
      const int row = i / type.type.columns;
      out.push_back(i % type.type.columns == row ? byte(row) : 0);
    }
  } else if (type.quaternion) {
    reader(rep);  // throws: never inlined
  } else if (type.element == Element::kHalf && n == 1) {
    out.push_back(from_half(static_cast<std::uint16_t>(bits)));
  } else if (n == 1) {
    out.push_back(std::bit_cast<float>(bits));
  } else if (type.bytes() <= sizeof bits) {  // half2
    out = {from_half(static_cast<std::uint16_t>(bits)), from_half(static_cast<std::uint16_t>(bits >> 16))};
  } else {
    for (int i = 0; i < n; ++i) out.push_back(byte(i));
  }
  v.content = Value::Reals(out);
  return v;
}

// Number of elements of an array; those of arrays that are not compressed must all be there.
std::size_t CrateValues::array_size(ByteReader& in, std::size_t bytes_each, bool compressed) const {
  const std::size_t at = in.at;
  if (tables_.minor < 5) in.get<std::uint32_t>();  // number of dimensions, always 1
  const std::uint64_t n = tables_.minor < 7 ? in.get<std::uint32_t>() : in.get<std::uint64_t>();
  // A byte of an LZ4 block gives 255 at most, an integer a quarter of a byte at least.
  const std::size_t limit =
      compressed && n >= kMinCompressed ? in.left() * (4 * kMaxLz4Expansion) : in.left() / bytes_each;
  if (n > limit) fail_at(at, "an array of " + std::to_string(n) + " elements cannot be in what is left of the file");
  return static_cast<std::size_t>(n);
}

template <class T>
Value CrateValues::integer_array(Rep rep, ValueType type) {
  const Plain& plain = *plain_type(rep.type());
  ByteReader in = reader(rep);
  const bool compressed = rep.compressed() && tables_.minor >= 5 && type.components() == 1 && sizeof(T) >= 4;
  const std::size_t elements = array_size(in, plain.bytes(), compressed);
  const std::size_t n = elements * static_cast<std::size_t>(type.components());
  budget_.take(n, sizeof(std::int64_t));
  auto out = Value::Integers::unset(n);
  if (compressed && n >= kMinCompressed) {
    if constexpr (sizeof(T) >= 4) read_integers<T>(in, n, scratch_, out.fill());
    if (plain.element == Element::kUInt) {
      for (std::size_t i = 0; i < n; ++i) out.fill()[i] = static_cast<std::uint32_t>(out[i]);
    }
  } else {
    widen(plain, in.take(plain.bytes() * elements).data(), n, out.fill());
  }
  return {type, std::move(out)};
}

template <class T>
Value CrateValues::real_array(Rep rep, ValueType type) {
  const Plain& plain = *plain_type(rep.type());
  ByteReader in = reader(rep);
  const bool compressed = rep.compressed() && tables_.minor >= 6 && type.components() == 1;
  const std::size_t elements = array_size(in, plain.bytes(), compressed);
  const std::size_t n = elements * static_cast<std::size_t>(type.components());
  budget_.take(n, sizeof(double));
  auto out = Value::Reals::unset(n);
  if (!compressed || n < kMinCompressed) {
    widen(plain, in.take(plain.bytes() * elements).data(), n, out.fill());
    return {type, std::move(out)};
  }
  const std::size_t at = in.at;
  const char how = in.get<char>();
  if (how == 'i') {  // all are integers
    read_integers<std::int32_t>(in, n, scratch_, out.fill());
  } else if (how == 't') {  // few values, and which of them
    const std::uint32_t few = in.get<std::uint32_t>();
    const char* bytes = in.take(std::uint64_t{few} * sizeof(T)).data();
    std::vector<double> table(few);
    widen_reals<T>(bytes, few, table.data());
    read_integers<std::int32_t>(in, n, scratch_, out.fill());
    for (std::size_t i = 0; i < n; ++i) {
      const double index = out[i];
      if (index < 0 || index >= few) fail_at(at, "an index leads out of the table of values");
      out.fill()[i] = table[static_cast<std::size_t>(index)];
    }
  } else {
    fail_at(at, "an array is compressed in a way that is not known");
  }
  return {type, std::move(out)};
}

Value CrateValues::array(Rep rep) {
  const Plain* plain = plain_type(rep.type());
  if (!plain) return text_array(rep);
  ValueType type = plain->type;
  type.array = true;
  const bool reals = type.base == Base::kReal;
  if (rep.payload() == 0) {
    Value empty{type, {}};
    reals ? void(empty.content.emplace<Value::Reals>()) : void(empty.content.emplace<Value::Integers>());
    return empty;
  }
  switch (plain->element) {
    case Element::kByte: return integer_array<std::uint8_t>(rep, type);
    case Element::kInt:
    case Element::kUInt: return integer_array<std::int32_t>(rep, type);
    case Element::kInt64:
    case Element::kUInt64: return integer_array<std::int64_t>(rep, type);
    case Element::kHalf: return real_array<Half>(rep, type);
    case Element::kFloat: return real_array<float>(rep, type);
    case Element::kDouble: break;
  }
  return real_array<double>(rep, type);
}

}  // namespace geoul::scene::usd
