#include "geoul/link/rtde/rtde_package.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace geoul::link {
namespace {

constexpr std::size_t kHeader = 3;

struct TypeRow {
  RtdeType type;
  std::string_view name;
  std::size_t elements, element_bytes;
  ValueType value;
};
constexpr std::array<TypeRow, 12> kTypes = {{
    {RtdeType::kBool, "BOOL", 1, 1, ValueType::kBoolean},
    {RtdeType::kUint8, "UINT8", 1, 1, ValueType::kInteger},
    {RtdeType::kUint32, "UINT32", 1, 4, ValueType::kInteger},
    {RtdeType::kUint64, "UINT64", 1, 8, ValueType::kInteger},
    {RtdeType::kInt32, "INT32", 1, 4, ValueType::kInteger},
    {RtdeType::kDouble, "DOUBLE", 1, 8, ValueType::kDouble},
    {RtdeType::kVector3d, "VECTOR3D", 3, 8, ValueType::kDouble},
    {RtdeType::kVector6d, "VECTOR6D", 6, 8, ValueType::kDouble},
    {RtdeType::kVector6Int32, "VECTOR6INT32", 6, 4, ValueType::kInteger},
    {RtdeType::kVector6Uint32, "VECTOR6UINT32", 6, 4, ValueType::kInteger},
    {RtdeType::kNotFound, "NOT_FOUND", 0, 0, ValueType::kDouble},
    {RtdeType::kInUse, "IN_USE", 0, 0, ValueType::kDouble},
}};
const TypeRow& row_of(RtdeType type) { return kTypes[static_cast<std::size_t>(type)]; }

// Of the elements: VECTOR6INT32 is six INT32.
bool is_signed(RtdeType type) { return type == RtdeType::kInt32 || type == RtdeType::kVector6Int32; }

void append_unsigned(std::uint64_t value, std::size_t bytes, std::vector<std::uint8_t>& out) {
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// Needs at.size() >= bytes.
std::uint64_t read_unsigned(Bytes at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

Error wrong(const RtdePackage& package, const std::string& what) {
  return {ErrorCode::kBadInput, std::string("RTDE package '") + static_cast<char>(package.type) + "' of " +
                                    std::to_string(package.payload.size() + kHeader) + " bytes " + what};
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t comma = text.find(',');
    names.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    text.remove_prefix(comma + 1);
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

// Names of a setup: what is not plain text is refused, so that nothing else reaches an error message.
Result<std::vector<std::string>> decode_names(const RtdePackage& package, Bytes bytes) {
  if (bytes.size() > kRtdeNamesLimit) return wrong(package, "holds more than 2048 bytes of names");
  for (const std::uint8_t c : bytes) {
    if (c <= 0x20 || c >= 0x7F) return wrong(package, "holds names with bytes that are no text");
  }
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.ends_with(',')) text.remove_suffix(1);  // ur_rtde ends its lists so, and controllers take it
  auto names = split_names(text);
  if (std::find(names.begin(), names.end(), "") != names.end()) return wrong(package, "holds an empty name");
  return names;
}

// Text for a person, on one line.
std::string printable(Bytes bytes) {
  std::string text;
  for (const std::uint8_t c : bytes) text += c < 0x20 || c == 0x7F ? ' ' : static_cast<char>(c);
  return text;
}

}  // namespace

std::string_view to_string(RtdeType type) { return row_of(type).name; }

std::optional<RtdeType> rtde_type(std::string_view spelled) {
  for (const TypeRow& row : kTypes) {
    if (row.name == spelled) return row.type;
  }
  return std::nullopt;
}

std::size_t element_count(RtdeType type) { return row_of(type).elements; }
std::size_t byte_size(RtdeType type) { return row_of(type).elements * row_of(type).element_bytes; }
ValueType value_type(RtdeType type) { return row_of(type).value; }

std::string to_string(const RtdeControllerVersion& v) {
  return std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.bugfix) + "." +
         std::to_string(v.build);
}

std::string_view to_string(RtdeLevel level) {
  constexpr std::array<std::string_view, 4> kNames = {"exception", "error", "warning", "information"};
  return kNames[static_cast<std::size_t>(level)];
}

void RtdePackageReader::clear() {
  buffer_.clear();
  read_ = 0;
}

Result<std::optional<RtdePackage>> RtdePackageReader::next() {
  if (read_ == buffer_.size()) clear();
  if (read_ > 1u << 16) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
  }
  const Bytes rest = Bytes(buffer_).subspan(read_);
  if (rest.size() < kHeader) return std::optional<RtdePackage>();
  const auto size = static_cast<std::size_t>(read_unsigned(rest, 2));
  if (size < kHeader) {
    return Error{ErrorCode::kBadInput,
                 "RTDE package with a size of " + std::to_string(size) + " bytes, below that of its header"};
  }
  constexpr std::string_view kKnown = "VvMUOISP";
  if (kKnown.find(static_cast<char>(rest[2])) == std::string_view::npos) {
    return Error{ErrorCode::kBadInput, "RTDE package of the unknown type " + std::to_string(rest[2])};
  }
  if (rest.size() < size) return std::optional<RtdePackage>();
  RtdePackage package{static_cast<RtdePackageType>(rest[2]),
                      {rest.begin() + kHeader, rest.begin() + static_cast<std::ptrdiff_t>(size)}};
  read_ += size;
  return std::optional<RtdePackage>(std::move(package));
}

void append_package(RtdePackageType type, Bytes payload, std::vector<std::uint8_t>& out) {
  GEOUL_EXPECTS(payload.size() + kHeader <= std::numeric_limits<std::uint16_t>::max());
  append_unsigned(payload.size() + kHeader, 2, out);
  out.push_back(static_cast<std::uint8_t>(type));
  out.insert(out.end(), payload.begin(), payload.end());
}

Result<bool> decode_accepted(const RtdePackage& package) {
  if (package.payload.size() != 1) return wrong(package, "should hold 1 byte, whether it was accepted");
  return package.payload[0] != 0;
}

Result<RtdeControllerVersion> decode_controller_version(const RtdePackage& package) {
  if (package.payload.size() != 16) return wrong(package, "should hold 4 numbers of 4 bytes, the version");
  const auto number = [&](std::size_t i) {
    return static_cast<std::uint32_t>(read_unsigned(Bytes(package.payload).subspan(4 * i), 4));
  };
  return RtdeControllerVersion{number(0), number(1), number(2), number(3)};
}

Result<RtdeText> decode_text(const RtdePackage& package) {
  Bytes rest = package.payload;
  RtdeText text;
  for (std::string* part : {&text.message, &text.source}) {
    if (rest.empty() || rest.size() - 1 < rest[0]) return wrong(package, "ends inside its text");
    *part = printable(rest.subspan(1, rest[0]));
    rest = rest.subspan(1u + rest[0]);
  }
  if (rest.size() != 1) return wrong(package, "should end with 1 byte, the level");
  if (rest[0] > 3) return wrong(package, "has the unknown level " + std::to_string(rest[0]));
  text.level = static_cast<RtdeLevel>(rest[0]);
  return text;
}

Result<RtdeRecipe> decode_recipe(const RtdePackage& package) {
  if (package.payload.empty()) return wrong(package, "holds no recipe");
  RtdeRecipe recipe{package.payload[0], {}};
  const Bytes spelled = Bytes(package.payload).subspan(1);
  for (const std::string& name : split_names({reinterpret_cast<const char*>(spelled.data()), spelled.size()})) {
    const auto type = rtde_type(name);
    if (!type) {
      const Bytes shown(reinterpret_cast<const std::uint8_t*>(name.data()), std::min<std::size_t>(name.size(), 40));
      return wrong(package, "names the unknown type '" + printable(shown) + "'");
    }
    recipe.types.push_back(*type);
  }
  return recipe;
}

Result<std::uint16_t> decode_protocol_version(const RtdePackage& package) {
  if (package.payload.size() != 2) return wrong(package, "should hold 2 bytes, the version");
  return static_cast<std::uint16_t>(read_unsigned(package.payload, 2));
}

Result<RtdeOutputSetup> decode_output_setup(const RtdePackage& package) {
  if (package.payload.size() < 9) return wrong(package, "should hold a frequency and at least one name");
  RtdeOutputSetup setup;
  setup.frequency = std::bit_cast<double>(read_unsigned(package.payload, 8));
  if (!(setup.frequency > 0) || !std::isfinite(setup.frequency)) return wrong(package, "asks for no frequency above 0");
  auto names = decode_names(package, Bytes(package.payload).subspan(8));
  if (!names) return names.error();
  setup.names = std::move(names).value();
  return setup;
}

Result<std::vector<std::string>> decode_input_setup(const RtdePackage& package) {
  return decode_names(package, package.payload);
}

Result<std::uint8_t> decode_data_recipe(const RtdePackage& package) {
  if (package.payload.empty()) return wrong(package, "names no recipe");
  return package.payload[0];
}

Result<void> decode_data(const RtdePackage& package, std::span<const RtdeType> types, std::vector<Value>& values) {
  std::size_t expected = 1;
  for (const RtdeType type : types) expected += byte_size(type);
  if (package.payload.size() != expected) {
    return wrong(package, "should have " + std::to_string(expected + kHeader) + " bytes by its recipe");
  }
  values.clear();
  Bytes rest = Bytes(package.payload).subspan(1);
  for (const RtdeType type : types) {
    const TypeRow& row = row_of(type);
    for (std::size_t e = 0; e < row.elements; ++e) {
      const std::uint64_t bits = read_unsigned(rest, row.element_bytes);
      rest = rest.subspan(row.element_bytes);
      switch (row.value) {
        case ValueType::kBoolean: values.emplace_back(bits != 0); break;
        case ValueType::kDouble: values.emplace_back(std::bit_cast<double>(bits)); break;
        default:
          values.emplace_back(is_signed(type) ? std::int64_t{static_cast<std::int32_t>(bits)}
                                              : static_cast<std::int64_t>(bits));
      }
    }
  }
  return {};
}

std::vector<std::uint8_t> encode_protocol_version(std::uint16_t version) {
  std::vector<std::uint8_t> out;
  append_unsigned(version, 2, out);
  return out;
}

std::vector<std::uint8_t> encode_accepted(bool accepted) { return {static_cast<std::uint8_t>(accepted)}; }

std::vector<std::uint8_t> encode_controller_version(const RtdeControllerVersion& version) {
  std::vector<std::uint8_t> out;
  for (const std::uint32_t number : {version.major, version.minor, version.bugfix, version.build}) {
    append_unsigned(number, 4, out);
  }
  return out;
}

std::vector<std::uint8_t> encode_text(const RtdeText& text) {
  std::vector<std::uint8_t> out;
  for (const std::string* part : {&text.message, &text.source}) {
    const std::string_view shown = std::string_view(*part).substr(0, 255);
    out.push_back(static_cast<std::uint8_t>(shown.size()));
    out.insert(out.end(), shown.begin(), shown.end());
  }
  out.push_back(static_cast<std::uint8_t>(text.level));
  return out;
}

std::vector<std::uint8_t> encode_recipe(const RtdeRecipe& recipe) {
  std::vector<std::uint8_t> out = {recipe.id};
  for (std::size_t i = 0; i < recipe.types.size(); ++i) {
    if (i > 0) out.push_back(',');
    const std::string_view name = to_string(recipe.types[i]);
    out.insert(out.end(), name.begin(), name.end());
  }
  return out;
}

std::vector<std::uint8_t> encode_output_setup(const RtdeOutputSetup& setup) {
  std::vector<std::uint8_t> out;
  append_unsigned(std::bit_cast<std::uint64_t>(setup.frequency), 8, out);
  const std::string names = joined(setup.names);
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

std::vector<std::uint8_t> encode_input_setup(const std::vector<std::string>& names) {
  const std::string text = joined(names);
  return {text.begin(), text.end()};
}

void append_element(RtdeType type, double value, std::vector<std::uint8_t>& out) {
  const TypeRow& row = row_of(type);
  if (row.value == ValueType::kDouble) return append_unsigned(std::bit_cast<std::uint64_t>(value), 8, out);
  if (row.value == ValueType::kBoolean) return out.push_back(value != 0 && !std::isnan(value));
  const double rounded = std::isfinite(value) ? std::round(value) : 0;
  const auto bits = static_cast<double>(8 * row.element_bytes);
  const double least = is_signed(type) ? -std::exp2(bits - 1) : 0;
  const double most = is_signed(type) ? std::exp2(bits - 1) - 1 : std::exp2(bits) - 1;
  if (row.element_bytes == 8 && rounded >= most) return append_unsigned(~std::uint64_t{0}, 8, out);
  const double held = std::clamp(rounded, least, most);
  append_unsigned(
      held < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(held)) : static_cast<std::uint64_t>(held),
      row.element_bytes, out);
}

}  // namespace geoul::link
