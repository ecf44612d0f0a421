// ModbusClient: libmodbus behind a small face: one connection, requests with a deadline, exceptions by name.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "geoul/link/modbus/modbus_address.h"
#include "geoul/link/tcp.h"

namespace geoul::link {

// What became of a request. `exception` is the device's answer (ILLEGAL_DATA_ADDRESS), after which the connection goes
// on; an Error ends it.
struct ModbusAnswer {
  std::string exception;                 // empty: done
  std::vector<std::uint16_t> registers;  // of a read; one a bit for coils and discrete inputs
};

class ModbusClient {
 public:
  // An interrupt ends only the wait for the connection; requests wait at most `patience`.
  static Result<ModbusClient> connect(const std::string& host, std::uint16_t port, int unit, Duration patience,
                                      const Interrupt& stop);
  ~ModbusClient();
  ModbusClient(ModbusClient&&) noexcept;
  ModbusClient& operator=(ModbusClient&&) noexcept;

  Result<ModbusAnswer> read(const ModbusRequest& request);
  Result<ModbusAnswer> write_coil(std::uint16_t address, bool value);
  Result<ModbusAnswer> write_registers(std::uint16_t address, std::span<const std::uint16_t> registers);
  Result<ModbusAnswer> write_bit(std::uint16_t address, int bit, bool value);  // of a holding register, by a mask

 private:
  struct Context;
  explicit ModbusClient(std::unique_ptr<Context> context);
  Result<ModbusAnswer> finish(int result, ModbusAnswer answer, int code);
  std::unique_ptr<Context> context_;
};

}  // namespace geoul::link
