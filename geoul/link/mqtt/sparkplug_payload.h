// The payload of Sparkplug B: one message of metrics in the wire format of Protocol Buffers, read and written without
// generated code (docs/decisions.md). What is read points into the bytes; nothing but the lists allocates.
// Source: Eclipse Sparkplug Specification 3.0.0 (ISO/IEC 20237:2023), chapter 6; Protocol Buffers, "Encoding".
//
// Not a signal, and therefore skipped: DataSet, Template, Bytes, File, arrays, extensions and nested property sets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/signal.h"

namespace geoul::link {

// Numbers of the specification, 6.4.16.
enum class SparkplugType : std::uint32_t {
  kUnknown = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kUInt8 = 5,
  kUInt16 = 6,
  kUInt32 = 7,
  kUInt64 = 8,
  kFloat = 9,
  kDouble = 10,
  kBoolean = 11,
  kString = 12,
  kDateTime = 13,  // ms since the UNIX epoch
  kText = 14,
  kUuid = 15,
};
// "Int8" ..., "DataSet", "type 22" for those that are no signals.
std::string to_string(SparkplugType type);
// Whether values of the type can be signals.
bool is_signal(SparkplugType type);
// What Value holds them; needs is_signal().
ValueType value_type(SparkplugType type);

// A value as it stands on the wire: its meaning depends on the type, which data messages may leave to the birth.
struct WireValue {
  enum class Kind : std::uint8_t { kNone, kInt, kLong, kFloat, kDouble, kBoolean, kString, kOther };
  Kind kind = Kind::kNone;
  std::uint64_t integer = 0;  // of kInt, kLong, kBoolean
  double number = 0;          // of kFloat, kDouble
  std::string_view text;      // of kString
};
// None where the value does not suit the type. Narrow integers are read from two's complement of any width, UInt32 from
// either field (implementations differ); UInt64 beyond 2^63 - 1 becomes a double.
std::optional<Value> from_wire(const WireValue& wire, SparkplugType type);
// None where the type cannot hold the value: beyond its range, not whole, text for a number. The text is pointed to.
std::optional<WireValue> to_wire(const Value& value, SparkplugType type);

struct SparkplugProperty {
  std::string_view key;
  SparkplugType type = SparkplugType::kUnknown;
  bool is_null = false;
  WireValue value;
};

struct SparkplugMetric {
  std::string_view name;  // empty: by alias
  std::optional<std::uint64_t> alias;
  std::optional<std::uint64_t> timestamp;  // [ms] UNIX
  SparkplugType type = SparkplugType::kUnknown;
  bool is_historical = false, is_transient = false, is_null = false;
  WireValue value;
  std::vector<SparkplugProperty> properties;
};

struct SparkplugPayload {
  std::optional<std::uint64_t> timestamp;  // [ms] UNIX
  std::vector<SparkplugMetric> metrics;
  std::optional<std::uint64_t> seq;
};

// Limits of what is read: a payload beyond them is an error.
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxMetrics = std::size_t{1} << 17;
inline constexpr std::size_t kMaxProperties = 256;  // of one metric

// Reads into `payload`, whose lists are used again. Errors are kBadInput, "code: byte 17: ..." with one of the codes
// cut-off, bad-varint, bad-field, bad-wire-type, bad-utf8, too-large, too-many-metrics, too-many-properties,
// property-mismatch. Unknown fields are skipped. O(bytes).
Result<void> decode(std::string_view bytes, SparkplugPayload& payload);

// Appends the payload's bytes, fields in the order of their numbers.
void encode(const SparkplugPayload& payload, std::string& bytes);

}  // namespace geoul::link
