// Signals of a Modbus device: what their names mean, how registers hold their values, and which requests read them all.
//   coil/5  discrete/7                 one bit
//   holding/100  input/30              one register, as uint16
//   holding/100:int16                  or int16 uint16 int32 uint32 int64 uint64 float32 float64
//   holding/100:float32:cdab           another order of bytes than the link's
//   holding/100.3                      bit 3 of a register (0 is the least)
// Addresses are those of the protocol and count from 0: the register that a manual calls 40101 is holding/100.
// Source: Modbus Application Protocol Specification V1.1b3, ch. 4 and 6.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/signal.h"

namespace geoul::link {

enum class ModbusTable : std::uint8_t { kCoil, kDiscrete, kHolding, kInput };
enum class ModbusType : std::uint8_t {
  kBit,  // a coil, a discrete input, or a bit of a register
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat32,
  kFloat64,
};
// Order of the bytes of a value of several registers, a the most significant; for 8 bytes the same within and between
// registers: cdab is the least register first.
enum class ModbusOrder : std::uint8_t { kAbcd, kCdab, kBadc, kDcba };

std::string_view to_string(ModbusTable table);
std::string_view to_string(ModbusType type);
std::optional<ModbusOrder> modbus_order(std::string_view spelled);  // "cdab", in any case of letters

struct ModbusAddress {
  ModbusTable table = ModbusTable::kHolding;
  std::uint16_t address = 0;
  ModbusType type = ModbusType::kUint16;
  ModbusOrder order = ModbusOrder::kAbcd;
  int bit = -1;  // of a register

  bool is_bits() const { return table == ModbusTable::kCoil || table == ModbusTable::kDiscrete; }
  bool can_write() const { return table == ModbusTable::kCoil || table == ModbusTable::kHolding; }
  std::uint16_t count() const;  // bits or registers
  ValueType value_type() const;
};

// Errors are kBadInput: one line with the form that is right.
Result<ModbusAddress> parse_modbus_address(std::string_view name, ModbusOrder order);

// Needs registers.size() == address.count(). A uint64 above 2^63 - 1 keeps its bits and so turns negative.
Value decode_registers(const ModbusAddress& address, std::span<const std::uint16_t> registers);
// The registers of a value; kBadInput where it does not fit the type. Not for bits.
Result<std::vector<std::uint16_t>> encode_registers(const ModbusAddress& address, const Value& value);

// One request of a run of bits or registers, and the signals that it reads.
struct ModbusRequest {
  ModbusTable table = ModbusTable::kHolding;
  std::uint16_t first = 0, count = 0;
  std::vector<std::size_t> signals;  // index into the addresses
};
// The fewest requests that read all: neighbours are read together over gaps of at most `gap` bits or registers, within
// the protocol's limits of 2000 bits and 125 registers. gap -1: one request a signal.
std::vector<ModbusRequest> plan_requests(std::span<const ModbusAddress> addresses, std::span<const std::size_t> signals,
                                         int gap);

}  // namespace geoul::link
