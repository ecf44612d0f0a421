#include "geoul/link/mqtt/sparkplug_payload.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace geoul::link {
namespace {

enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Reads fields one after the other; after the first fault every read fails.
class Reader {
 public:
  Reader(std::string_view bytes, std::size_t base, std::string& fault) : bytes_(bytes), base_(base), fault_(fault) {}

  // The next field's number and wire type; false at the end and after a fault.
  bool next() {
    if (at_ >= bytes_.size() || !fault_.empty()) return false;
    const std::uint64_t key = varint();
    if (!fault_.empty()) return false;
    wire_ = static_cast<std::uint32_t>(key & 7);
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) return fail("bad-field", "a field's number is 1 to 536870911");
    field_ = static_cast<std::uint32_t>(key >> 3);
    return true;
  }
  bool is(std::uint32_t field, Wire wire) const { return field_ == field && wire_ == wire; }
  std::uint32_t field() const { return field_; }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at_ >= bytes_.size()) return fail("cut-off", "a number ends with the bytes");
      const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
      if (shift == 63 && byte > 1) return fail("bad-varint", "a number needs more than 64 bits");
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return fail("bad-varint", "a number takes more than ten bytes");
  }
  template <class Unsigned>
  Unsigned fixed() {
    if (bytes_.size() - at_ < sizeof(Unsigned)) return static_cast<Unsigned>(fail("cut-off", "a number ends early"));
    Unsigned value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
      value |= Unsigned{static_cast<std::uint8_t>(bytes_[at_ + i])} << (8 * i);
    }
    at_ += sizeof(Unsigned);
    return value;
  }
  std::string_view text() {
    const std::uint64_t length = varint();
    if (!fault_.empty()) return {};
    if (length > bytes_.size() - at_) {
      fail("cut-off", "a field of " + std::to_string(length) + " bytes, of which " +
                          std::to_string(bytes_.size() - at_) + " are there");
      return {};
    }
    const std::string_view found = bytes_.substr(at_, length);
    at_ += length;
    return found;
  }
  // A field that nobody asked for.
  void skip() {
    switch (wire_) {
      case kVarint: varint(); return;
      case kFixed64: fixed<std::uint64_t>(); return;
      case kBytes: text(); return;
      case kFixed32: fixed<std::uint32_t>(); return;
      default: fail("bad-wire-type", "wire type " + std::to_string(wire_) + "; 0, 1, 2 and 5 exist");
    }
  }
  bool fail(const char* code, const std::string& what) {
    if (fault_.empty()) fault_ = std::string(code) + ": byte " + std::to_string(base_ + at_) + ": " + what;
    return false;
  }
  // Of the text last read, in the whole payload.
  std::size_t offset_of(std::string_view part) const {
    return base_ + static_cast<std::size_t>(part.data() - bytes_.data());
  }
  std::string& fault() { return fault_; }

 private:
  std::string_view bytes_;
  std::size_t base_, at_ = 0;
  std::uint32_t field_ = 0, wire_ = 0;
  std::string& fault_;
};

// Well-formed UTF-8: no overlong forms, no surrogates, no more than U+10FFFF. Source: Unicode 15, table 3-7.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t k) { return i + k < text.size() ? static_cast<std::uint8_t>(text[i + k]) : 0u; };
    const auto follows = [&](std::size_t k) { return at(k) >> 6 == 2; };
    const std::uint32_t first = at(0);
    if (first < 0x80) {
      ++i;
    } else if (first >= 0xc2 && first <= 0xdf && follows(1)) {
      i += 2;
    } else if (first >> 4 == 0xe && follows(1) && follows(2) && !(first == 0xe0 && at(1) < 0xa0) &&
               !(first == 0xed && at(1) > 0x9f)) {
      i += 3;
    } else if (first >= 0xf0 && first <= 0xf4 && follows(1) && follows(2) && follows(3) &&
               !(first == 0xf0 && at(1) < 0x90) && !(first == 0xf4 && at(1) > 0x8f)) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string_view utf8(Reader& reader) {
  const std::string_view text = reader.text();
  if (!is_utf8(text)) reader.fail("bad-utf8", "text is no UTF-8");
  return text;
}

// A value's oneof, whose fields are the same in metrics (from 10) and properties (from 3). False: another field.
bool read_value(Reader& reader, std::uint32_t first, WireValue& value) {
  using Kind = WireValue::Kind;
  if (reader.is(first, kVarint)) {
    value = {Kind::kInt, reader.varint() & 0xffffffffu, 0, {}};
  } else if (reader.is(first + 1, kVarint)) {
    value = {Kind::kLong, reader.varint(), 0, {}};
  } else if (reader.is(first + 2, kFixed32)) {
    value = {Kind::kFloat, 0, double{std::bit_cast<float>(reader.fixed<std::uint32_t>())}, {}};
  } else if (reader.is(first + 3, kFixed64)) {
    value = {Kind::kDouble, 0, std::bit_cast<double>(reader.fixed<std::uint64_t>()), {}};
  } else if (reader.is(first + 4, kVarint)) {
    value = {Kind::kBoolean, reader.varint() != 0 ? 1u : 0u, 0, {}};
  } else if (reader.is(first + 5, kBytes)) {
    value = {Kind::kString, 0, 0, utf8(reader)};
  } else {
    return false;
  }
  return true;
}

void read_property(Reader& reader, SparkplugProperty& property) {
  while (reader.next()) {
    if (reader.is(1, kVarint)) {
      property.type = static_cast<SparkplugType>(reader.varint());
    } else if (reader.is(2, kVarint)) {
      property.is_null = reader.varint() != 0;
    } else if (!read_value(reader, 3, property.value)) {
      if (reader.field() == 9 || reader.field() == 10) property.value = {WireValue::Kind::kOther, 0, 0, {}};
      reader.skip();
    }
  }
}

void read_properties(Reader& reader, std::vector<SparkplugProperty>& properties) {
  std::size_t keys = 0, values = 0;
  const auto place = [&](std::size_t& count) -> SparkplugProperty* {
    if (count >= kMaxProperties) {
      reader.fail("too-many-properties", "a metric has more than " + std::to_string(kMaxProperties) + " properties");
      return nullptr;
    }
    if (count >= properties.size()) properties.emplace_back();
    return &properties[count++];
  };
  while (reader.next()) {
    if (reader.is(1, kBytes)) {
      const std::string_view key = utf8(reader);
      if (SparkplugProperty* property = place(keys)) property->key = key;
    } else if (reader.is(2, kBytes)) {
      const std::string_view bytes = reader.text();
      SparkplugProperty* property = reader.fault().empty() ? place(values) : nullptr;
      if (property == nullptr) return;
      Reader inner(bytes, reader.offset_of(bytes), reader.fault());
      read_property(inner, *property);
    } else {
      reader.skip();
    }
  }
  if (keys != values) {
    reader.fail("property-mismatch", std::to_string(keys) + " keys for " + std::to_string(values) + " properties");
  }
}

void read_metric(Reader& reader, SparkplugMetric& metric) {
  while (reader.next()) {
    if (reader.is(1, kBytes)) {
      metric.name = utf8(reader);
    } else if (reader.is(2, kVarint)) {
      metric.alias = reader.varint();
    } else if (reader.is(3, kVarint)) {
      metric.timestamp = reader.varint();
    } else if (reader.is(4, kVarint)) {
      metric.type = static_cast<SparkplugType>(reader.varint());
    } else if (reader.is(5, kVarint)) {
      metric.is_historical = reader.varint() != 0;
    } else if (reader.is(6, kVarint)) {
      metric.is_transient = reader.varint() != 0;
    } else if (reader.is(7, kVarint)) {
      metric.is_null = reader.varint() != 0;
    } else if (reader.is(9, kBytes)) {
      const std::string_view bytes = reader.text();
      if (!reader.fault().empty()) return;
      Reader inner(bytes, reader.offset_of(bytes), reader.fault());
      read_properties(inner, metric.properties);
    } else if (!read_value(reader, 10, metric.value)) {
      if (reader.field() >= 16 && reader.field() <= 19) metric.value = {WireValue::Kind::kOther, 0, 0, {}};
      reader.skip();
    }
  }
}

// ---- writing ----

void put_varint(std::uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
void put_key(std::uint32_t field, Wire wire, std::string& out) { put_varint(field << 3 | wire, out); }
void put_number(std::uint32_t field, std::uint64_t value, std::string& out) {
  put_key(field, kVarint, out);
  put_varint(value, out);
}
void put_text(std::uint32_t field, std::string_view text, std::string& out) {
  put_key(field, kBytes, out);
  put_varint(text.size(), out);
  out.append(text);
}
template <class Unsigned>
void put_fixed(std::uint32_t field, Wire wire, Unsigned value, std::string& out) {
  put_key(field, wire, out);
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

void put_value(std::uint32_t first, const WireValue& value, std::string& out) {
  switch (value.kind) {
    case WireValue::Kind::kInt: put_number(first, value.integer & 0xffffffffu, out); break;
    case WireValue::Kind::kLong: put_number(first + 1, value.integer, out); break;
    case WireValue::Kind::kFloat:
      put_fixed(first + 2, kFixed32, std::bit_cast<std::uint32_t>(static_cast<float>(value.number)), out);
      break;
    case WireValue::Kind::kDouble:
      put_fixed(first + 3, kFixed64, std::bit_cast<std::uint64_t>(value.number), out);
      break;
    case WireValue::Kind::kBoolean: put_number(first + 4, value.integer != 0 ? 1 : 0, out); break;
    case WireValue::Kind::kString: put_text(first + 5, value.text, out); break;
    case WireValue::Kind::kNone:
    case WireValue::Kind::kOther: break;
  }
}

void put_metric(const SparkplugMetric& metric, std::string& out, std::string& scratch) {
  if (!metric.name.empty()) put_text(1, metric.name, out);
  if (metric.alias) put_number(2, *metric.alias, out);
  if (metric.timestamp) put_number(3, *metric.timestamp, out);
  if (metric.type != SparkplugType::kUnknown) put_number(4, static_cast<std::uint32_t>(metric.type), out);
  if (metric.is_historical) put_number(5, 1, out);
  if (metric.is_transient) put_number(6, 1, out);
  if (metric.is_null) put_number(7, 1, out);
  if (!metric.properties.empty()) {
    std::string& set = scratch;
    set.clear();
    for (const SparkplugProperty& property : metric.properties) put_text(1, property.key, set);
    for (const SparkplugProperty& property : metric.properties) {
      std::string one;
      put_number(1, static_cast<std::uint32_t>(property.type), one);
      if (property.is_null) put_number(2, 1, one);
      if (!property.is_null) put_value(3, property.value, one);
      put_text(2, one, set);
    }
    put_text(9, set, out);
  }
  if (!metric.is_null) put_value(10, metric.value, out);
}

struct Range {
  double low, high;
};
Range range_of(SparkplugType type) {
  switch (type) {
    case SparkplugType::kInt8: return {-128, 127};
    case SparkplugType::kInt16: return {-32768, 32767};
    case SparkplugType::kInt32: return {-2147483648.0, 2147483647.0};
    case SparkplugType::kUInt8: return {0, 255};
    case SparkplugType::kUInt16: return {0, 65535};
    case SparkplugType::kUInt32: return {0, 4294967295.0};
    case SparkplugType::kUInt64:
    case SparkplugType::kDateTime: return {0, 0x1p64};
    default: return {-0x1p63, 0x1p63};
  }
}

// The value as an integer's bits, where it is whole and in the range.
std::optional<std::uint64_t> whole(const Value& value, SparkplugType type) {
  const Range range = range_of(type);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    const auto number = static_cast<double>(*integer);
    if (number < range.low || number > range.high) return std::nullopt;
    return static_cast<std::uint64_t>(*integer);
  }
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr || !(*number >= range.low && *number <= range.high) || std::trunc(*number) != *number) {
    return std::nullopt;
  }
  if (*number >= 0x1p64 || (range.low < 0 && *number >= 0x1p63)) return std::nullopt;
  return *number < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(*number))
                     : static_cast<std::uint64_t>(*number);
}

}  // namespace

std::string to_string(SparkplugType type) {
  constexpr const char* kNames[] = {"Unknown", "Int8",   "Int16",   "Int32",  "Int64",   "UInt8",   "UInt16",
                                    "UInt32",  "UInt64", "Float",   "Double", "Boolean", "String",  "DateTime",
                                    "Text",    "UUID",   "DataSet", "Bytes",  "File",    "Template"};
  const auto number = static_cast<std::uint32_t>(type);
  return number < std::size(kNames) ? kNames[number] : "type " + std::to_string(number);
}

bool is_signal(SparkplugType type) { return type >= SparkplugType::kInt8 && type <= SparkplugType::kUuid; }

ValueType value_type(SparkplugType type) {
  switch (type) {
    case SparkplugType::kFloat:
    case SparkplugType::kDouble: return ValueType::kDouble;
    case SparkplugType::kBoolean: return ValueType::kBoolean;
    case SparkplugType::kString:
    case SparkplugType::kText:
    case SparkplugType::kUuid: return ValueType::kText;
    default: return ValueType::kInteger;
  }
}

std::optional<Value> from_wire(const WireValue& wire, SparkplugType type) {
  using Kind = WireValue::Kind;
  const bool is_integer = wire.kind == Kind::kInt || wire.kind == Kind::kLong;
  switch (type) {
    case SparkplugType::kInt8:
      return is_integer ? std::optional<Value>(std::int64_t{static_cast<std::int8_t>(wire.integer)}) : std::nullopt;
    case SparkplugType::kInt16:
      return is_integer ? std::optional<Value>(std::int64_t{static_cast<std::int16_t>(wire.integer)}) : std::nullopt;
    case SparkplugType::kInt32:
      return is_integer ? std::optional<Value>(std::int64_t{static_cast<std::int32_t>(wire.integer)}) : std::nullopt;
    case SparkplugType::kUInt8:
      return is_integer ? std::optional<Value>(std::int64_t{static_cast<std::uint8_t>(wire.integer)}) : std::nullopt;
    case SparkplugType::kUInt16:
      return is_integer ? std::optional<Value>(std::int64_t{static_cast<std::uint16_t>(wire.integer)}) : std::nullopt;
    case SparkplugType::kUInt32:
      return is_integer ? std::optional<Value>(std::int64_t{static_cast<std::uint32_t>(wire.integer)}) : std::nullopt;
    case SparkplugType::kInt64:
      return is_integer ? std::optional<Value>(static_cast<std::int64_t>(wire.integer)) : std::nullopt;
    case SparkplugType::kUInt64:
    case SparkplugType::kDateTime:
      if (!is_integer) return std::nullopt;
      if (wire.integer >> 63 != 0) return static_cast<double>(wire.integer);
      return static_cast<std::int64_t>(wire.integer);
    case SparkplugType::kFloat:
    case SparkplugType::kDouble:
      if (wire.kind != Kind::kFloat && wire.kind != Kind::kDouble) return std::nullopt;
      return wire.number;
    case SparkplugType::kBoolean:
      if (wire.kind != Kind::kBoolean) return std::nullopt;
      return wire.integer != 0;
    case SparkplugType::kString:
    case SparkplugType::kText:
    case SparkplugType::kUuid:
      if (wire.kind != Kind::kString) return std::nullopt;
      return std::string(wire.text);
    case SparkplugType::kUnknown: break;
  }
  return std::nullopt;
}

std::optional<WireValue> to_wire(const Value& value, SparkplugType type) {
  using Kind = WireValue::Kind;
  const auto* text = std::get_if<std::string>(&value);
  switch (type) {
    case SparkplugType::kInt8:
    case SparkplugType::kInt16:
    case SparkplugType::kInt32:
    case SparkplugType::kUInt8:
    case SparkplugType::kUInt16: {
      const auto bits = whole(value, type);
      if (!bits) return std::nullopt;
      return WireValue{Kind::kInt, *bits & 0xffffffffu, 0, {}};
    }
    case SparkplugType::kInt64:
    case SparkplugType::kUInt32:  // the known implementations write it as a long
    case SparkplugType::kUInt64:
    case SparkplugType::kDateTime: {
      const auto bits = whole(value, type);
      if (!bits) return std::nullopt;
      return WireValue{Kind::kLong, *bits, 0, {}};
    }
    case SparkplugType::kFloat:
    case SparkplugType::kDouble: {
      if (text != nullptr) return std::nullopt;
      const bool is_float = type == SparkplugType::kFloat;
      const double number = number_of(value);
      if (is_float && std::isfinite(number) && std::abs(number) > double{std::numeric_limits<float>::max()}) {
        return std::nullopt;
      }
      if (is_float) return WireValue{Kind::kFloat, 0, double{static_cast<float>(number)}, {}};
      return WireValue{Kind::kDouble, 0, number, {}};
    }
    case SparkplugType::kBoolean: {
      if (text != nullptr) return std::nullopt;
      const double number = number_of(value);
      if (number != 0 && number != 1) return std::nullopt;
      return WireValue{Kind::kBoolean, number != 0 ? 1u : 0u, 0, {}};
    }
    case SparkplugType::kString:
    case SparkplugType::kText:
    case SparkplugType::kUuid:
      if (text == nullptr) return std::nullopt;
      return WireValue{Kind::kString, 0, 0, *text};
    case SparkplugType::kUnknown: break;
  }
  return std::nullopt;
}

Result<void> decode(std::string_view bytes, SparkplugPayload& payload) {
  payload.timestamp.reset();
  payload.seq.reset();
  std::size_t count = 0;
  std::string fault;
  if (bytes.size() > kMaxPayloadBytes) {
    fault = "too-large: byte 0: " + std::to_string(bytes.size()) + " bytes; at most " +
            std::to_string(kMaxPayloadBytes) + " are read";
  }
  Reader reader(bytes, 0, fault);
  while (reader.next()) {
    if (reader.is(1, kVarint)) {
      payload.timestamp = reader.varint();
    } else if (reader.is(2, kBytes)) {
      const std::string_view inner_bytes = reader.text();
      if (!fault.empty()) break;
      if (count >= kMaxMetrics) {
        reader.fail("too-many-metrics", "more than " + std::to_string(kMaxMetrics) + " metrics in one message");
        break;
      }
      if (count >= payload.metrics.size()) payload.metrics.emplace_back();
      SparkplugMetric& metric = payload.metrics[count++];
      std::vector<SparkplugProperty> properties = std::move(metric.properties);
      properties.clear();
      metric = {};
      metric.properties = std::move(properties);
      Reader inner(inner_bytes, reader.offset_of(inner_bytes), fault);
      read_metric(inner, metric);
    } else if (reader.is(3, kVarint)) {
      payload.seq = reader.varint();
    } else {
      reader.skip();
    }
  }
  payload.metrics.resize(count);
  if (!fault.empty()) return Error{ErrorCode::kBadInput, fault};
  return {};
}

void encode(const SparkplugPayload& payload, std::string& bytes) {
  std::string one, scratch;
  if (payload.timestamp) put_number(1, *payload.timestamp, bytes);
  for (const SparkplugMetric& metric : payload.metrics) {
    one.clear();
    put_metric(metric, one, scratch);
    put_text(2, one, bytes);
  }
  if (payload.seq) put_number(3, *payload.seq, bytes);
}

}  // namespace geoul::link
