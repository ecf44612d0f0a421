#include "geoul/link/modbus/modbus_address.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "geoul/core/nearest.h"

namespace geoul::link {
namespace {

constexpr std::array<std::string_view, 4> kTables = {"coil", "discrete", "holding", "input"};
constexpr std::array<std::string_view, 9> kTypes = {"bit",   "int16",  "uint16",  "int32",  "uint32",
                                                    "int64", "uint64", "float32", "float64"};
constexpr std::array<std::uint16_t, 9> kRegisters = {1, 1, 1, 2, 2, 4, 4, 2, 4};
constexpr std::array<std::string_view, 4> kOrders = {"abcd", "cdab", "badc", "dcba"};
constexpr unsigned kMaxRegisters = 125, kMaxBits = 2000;  // of one request

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - names.begin()));
}

template <class Integer>
bool read_whole(std::string_view text, Integer& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

Error wrong(std::string_view name, const std::string& what) {
  return {ErrorCode::kBadInput, "'" + std::string(name) + "' " + what};
}

bool swaps_registers(ModbusOrder order) { return order == ModbusOrder::kCdab || order == ModbusOrder::kDcba; }
bool swaps_bytes(ModbusOrder order) { return order == ModbusOrder::kBadc || order == ModbusOrder::kDcba; }

std::uint16_t swapped(std::uint16_t r) { return static_cast<std::uint16_t>(r << 8 | r >> 8); }

struct Range {
  double least, most;
};
Range range_of(ModbusType type) {
  switch (type) {
    case ModbusType::kInt16: return {-32768, 32767};
    case ModbusType::kUint16: return {0, 65535};
    case ModbusType::kInt32: return {-2147483648.0, 2147483647};
    case ModbusType::kUint32: return {0, 4294967295};
    case ModbusType::kInt64: return {-9223372036854775808.0, 9223372036854774784.0};
    default: return {0, 18446744073709549568.0};
  }
}

}  // namespace

std::string_view to_string(ModbusTable table) { return kTables[static_cast<std::size_t>(table)]; }
std::string_view to_string(ModbusType type) { return kTypes[static_cast<std::size_t>(type)]; }

std::optional<ModbusOrder> modbus_order(std::string_view spelled) {
  std::string lower;
  for (const char c : spelled) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const auto at = index_of(kOrders, lower);
  return at ? std::optional(static_cast<ModbusOrder>(*at)) : std::nullopt;
}

std::uint16_t ModbusAddress::count() const { return is_bits() ? 1 : kRegisters[static_cast<std::size_t>(type)]; }

ValueType ModbusAddress::value_type() const {
  if (type == ModbusType::kBit) return ValueType::kBoolean;
  return type == ModbusType::kFloat32 || type == ModbusType::kFloat64 ? ValueType::kDouble : ValueType::kInteger;
}

Result<ModbusAddress> parse_modbus_address(std::string_view name, ModbusOrder order) {
  ModbusAddress out{.order = order};
  const std::size_t slash = name.find('/');
  const auto table = index_of(kTables, name.substr(0, slash));
  if (slash == std::string_view::npos || !table) {
    return wrong(name, "begins with no table; write coil/5, discrete/5, holding/100 or input/30");
  }
  out.table = static_cast<ModbusTable>(*table);
  std::string_view rest = name.substr(slash + 1);
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  std::string_view place = rest.substr(0, colon), form = rest.substr(colon);
  const std::size_t dot = std::min(place.find('.'), place.size());
  if (!read_whole(place.substr(0, dot), out.address)) {
    return wrong(name, "has no address of 0 to 65535 after the '/'; write such as holding/100");
  }
  if (out.is_bits()) {
    out.type = ModbusType::kBit;
    if (dot != place.size() || !form.empty()) return wrong(name, "is one bit and takes no type; write coil/5");
    return out;
  }
  if (dot != place.size()) {
    if (!read_whole(place.substr(dot + 1), out.bit) || out.bit < 0 || out.bit > 15 || !form.empty()) {
      return wrong(name, "names no bit of 0 to 15; write such as holding/100.3");
    }
    out.type = ModbusType::kBit;
    return out;
  }
  if (!form.empty()) {
    form.remove_prefix(1);
    const std::size_t second = std::min(form.find(':'), form.size());
    const auto type = index_of(kTypes, form.substr(0, second));
    if (!type || *type == 0) {
      const std::vector<std::string> known(kTypes.begin() + 1, kTypes.end());
      return wrong(name, "has no type '" + std::string(form.substr(0, second)) + "'; " +
                             did_you_mean(form.substr(0, second), known, "write uint16, int32, float32 or the like"));
    }
    out.type = static_cast<ModbusType>(*type);
    if (second < form.size()) {
      const auto own = modbus_order(form.substr(second + 1));
      if (!own) return wrong(name, "has no order of bytes at its end; write abcd, cdab, badc or dcba");
      out.order = *own;
    }
  }
  if (out.address + out.count() > 65536) return wrong(name, "reaches beyond the last register, 65535");
  return out;
}

Value decode_registers(const ModbusAddress& address, std::span<const std::uint16_t> registers) {
  GEOUL_EXPECTS(registers.size() == address.count());
  if (address.type == ModbusType::kBit) return Value((registers[0] >> std::max(address.bit, 0) & 1) != 0);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < registers.size(); ++i) {
    const std::uint16_t r = registers[swaps_registers(address.order) ? registers.size() - 1 - i : i];
    bits = bits << 16 | (swaps_bytes(address.order) ? swapped(r) : r);
  }
  switch (address.type) {
    case ModbusType::kInt16: return Value(std::int64_t{static_cast<std::int16_t>(bits)});
    case ModbusType::kInt32: return Value(std::int64_t{static_cast<std::int32_t>(bits)});
    case ModbusType::kFloat32: return Value(double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))});
    case ModbusType::kFloat64: return Value(std::bit_cast<double>(bits));
    default: return Value(static_cast<std::int64_t>(bits));
  }
}

Result<std::vector<std::uint16_t>> encode_registers(const ModbusAddress& address, const Value& value) {
  GEOUL_EXPECTS(address.type != ModbusType::kBit);
  const double number = number_of(value);
  const std::string what = "a register of type " + std::string(to_string(address.type)) + " does not hold ";
  std::uint64_t bits = 0;
  if (!std::isfinite(number)) return Error{ErrorCode::kBadInput, what + to_string(value)};
  if (address.type == ModbusType::kFloat32) {
    const auto narrow = static_cast<float>(number);
    if (!std::isfinite(narrow)) return Error{ErrorCode::kBadInput, what + to_string(value)};
    bits = std::bit_cast<std::uint32_t>(narrow);
  } else if (address.type == ModbusType::kFloat64) {
    bits = std::bit_cast<std::uint64_t>(number);
  } else {
    const Range range = range_of(address.type);
    if (number != std::round(number) || number < range.least || number > range.most) {
      return Error{ErrorCode::kBadInput, what + to_string(value)};
    }
    const auto* exact = std::get_if<std::int64_t>(&value);
    bits = exact        ? static_cast<std::uint64_t>(*exact)
           : number < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(number))
                        : static_cast<std::uint64_t>(number);
  }
  const std::size_t count = address.count();
  std::vector<std::uint16_t> registers(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto r = static_cast<std::uint16_t>(bits >> (16 * (count - 1 - i)));
    registers[swaps_registers(address.order) ? count - 1 - i : i] = swaps_bytes(address.order) ? swapped(r) : r;
  }
  return registers;
}

std::vector<ModbusRequest> plan_requests(std::span<const ModbusAddress> addresses, std::span<const std::size_t> signals,
                                         int gap) {
  std::vector<std::size_t> order(signals.begin(), signals.end());
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(addresses[a].table, addresses[a].address) < std::pair(addresses[b].table, addresses[b].address);
  });
  std::vector<ModbusRequest> requests;
  for (const std::size_t signal : order) {
    const ModbusAddress& a = addresses[signal];
    if (!requests.empty() && gap >= 0 && requests.back().table == a.table) {
      ModbusRequest& r = requests.back();
      const unsigned end = r.first + unsigned{r.count},
                     new_end = std::max<unsigned>(end, a.address + unsigned{a.count()});
      if (a.address <= end + static_cast<unsigned>(gap) &&
          new_end - r.first <= (a.is_bits() ? kMaxBits : kMaxRegisters)) {
        r.count = static_cast<std::uint16_t>(new_end - r.first);
        r.signals.push_back(signal);
        continue;
      }
    }
    requests.push_back({a.table, a.address, a.count(), {signal}});
  }
  return requests;
}

}  // namespace geoul::link
