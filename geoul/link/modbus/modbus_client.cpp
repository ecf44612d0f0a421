#include "geoul/link/modbus/modbus_client.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <string.h>
#include <sys/select.h>

#include <algorithm>

namespace geoul::link {
namespace {

// The names of the exceptions in the specification, ch. 7; empty for what is none.
std::string exception_name(int code) {
  switch (code) {
    case EMBXILFUN: return "ILLEGAL_FUNCTION";
    case EMBXILADD: return "ILLEGAL_DATA_ADDRESS";
    case EMBXILVAL: return "ILLEGAL_DATA_VALUE";
    case EMBXSFAIL: return "SERVER_DEVICE_FAILURE";
    case EMBXACK: return "ACKNOWLEDGE";
    case EMBXSBUSY: return "SERVER_DEVICE_BUSY";
    case EMBXNACK: return "NEGATIVE_ACKNOWLEDGE";
    case EMBXMEMPAR: return "MEMORY_PARITY_ERROR";
    case EMBXGPATH: return "GATEWAY_PATH_UNAVAILABLE";
    case EMBXGTAR: return "GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND";
    default: return "";
  }
}

}  // namespace

struct ModbusClient::Context {
  modbus_t* modbus = nullptr;
  std::string peer;
  ~Context() {
    if (!modbus) return;
    modbus_close(modbus);
    modbus_free(modbus);
  }
};

ModbusClient::ModbusClient(std::unique_ptr<Context> context) : context_(std::move(context)) {}
ModbusClient::~ModbusClient() = default;
ModbusClient::ModbusClient(ModbusClient&&) noexcept = default;
ModbusClient& ModbusClient::operator=(ModbusClient&&) noexcept = default;

Result<ModbusClient> ModbusClient::connect(const std::string& host, std::uint16_t port, int unit, Duration patience,
                                           const Interrupt& stop) {
  auto stream = TcpStream::connect(host, port, patience, &stop);
  if (!stream) return stream.error();
  auto context = std::make_unique<Context>();
  context->peer = stream->peer();
  if (stream->descriptor() >= FD_SETSIZE) {  // libmodbus waits with select
    return Error{ErrorCode::kUnavailable, context->peer + ": more than 1024 files are open; close some"};
  }
  context->modbus = modbus_new_tcp("127.0.0.1", port);  // the socket is ours: its address is never used
  if (!context->modbus) return Error{ErrorCode::kInternal, context->peer + ": libmodbus makes no context"};
  modbus_set_socket(context->modbus, stream->release());
  const auto seconds = static_cast<std::uint32_t>(patience.ns / 1'000'000'000);
  const auto microseconds = static_cast<std::uint32_t>(patience.ns / 1000 % 1'000'000);
  modbus_set_response_timeout(context->modbus, seconds, microseconds);
  modbus_set_byte_timeout(context->modbus, 0, 0);  // the whole answer within the one deadline
  if (modbus_set_slave(context->modbus, unit) != 0) {
    return Error{ErrorCode::kBadInput,
                 context->peer + ": no unit " + std::to_string(unit) + "; write 1 to 247, or 255"};
  }
  return ModbusClient(std::move(context));
}

Result<ModbusAnswer> ModbusClient::finish(int result, ModbusAnswer answer, int code) {
  if (result >= 0) return answer;
  answer.exception = exception_name(code);
  if (!answer.exception.empty()) return answer;
  const std::string peer = context_->peer + ": ";
  switch (code) {
    case ETIMEDOUT:
      return Error{ErrorCode::kUnavailable,
                   peer + "no answer in time; see whether the device hangs, or allow it longer"};
    case ECONNRESET:
    case EPIPE:
      return Error{ErrorCode::kUnavailable, peer +
                                                "the device ended the connection; see whether it was restarted, or "
                                                "allows fewer connections"};
    case EMBBADDATA:
    case EMBBADCRC:
    case EMBBADEXC:
    case EMBBADSLAVE:
    case EMBMDATA:
      return Error{ErrorCode::kBadInput, peer + "an answer that is not Modbus (" + modbus_strerror(code) +
                                             "); check that this is the Modbus port of the device (502)"};
    default: return Error{ErrorCode::kUnavailable, peer + modbus_strerror(code) + "; check the device and the network"};
  }
}

Result<ModbusAnswer> ModbusClient::read(const ModbusRequest& request) {
  ModbusAnswer answer;
  answer.registers.resize(request.count);
  std::vector<std::uint8_t> bits(request.count);
  const int first = request.first, count = request.count;
  int result = -1;
  errno = 0;
  switch (request.table) {
    case ModbusTable::kCoil: result = modbus_read_bits(context_->modbus, first, count, bits.data()); break;
    case ModbusTable::kDiscrete: result = modbus_read_input_bits(context_->modbus, first, count, bits.data()); break;
    case ModbusTable::kHolding:
      result = modbus_read_registers(context_->modbus, first, count, answer.registers.data());
      break;
    case ModbusTable::kInput:
      result = modbus_read_input_registers(context_->modbus, first, count, answer.registers.data());
      break;
  }
  const int code = errno;
  const bool is_bits = request.table == ModbusTable::kCoil || request.table == ModbusTable::kDiscrete;
  if (is_bits) std::copy(bits.begin(), bits.end(), answer.registers.begin());
  return finish(result, std::move(answer), code);
}

Result<ModbusAnswer> ModbusClient::write_coil(std::uint16_t address, bool value) {
  errno = 0;
  const int result = modbus_write_bit(context_->modbus, address, value);
  return finish(result, {}, errno);
}

Result<ModbusAnswer> ModbusClient::write_registers(std::uint16_t address, std::span<const std::uint16_t> registers) {
  errno = 0;
  const int result =
      registers.size() == 1
          ? modbus_write_register(context_->modbus, address, registers[0])
          : modbus_write_registers(context_->modbus, address, static_cast<int>(registers.size()), registers.data());
  return finish(result, {}, errno);
}

Result<ModbusAnswer> ModbusClient::write_bit(std::uint16_t address, int bit, bool value) {
  const auto mask = static_cast<std::uint16_t>(1u << bit);
  errno = 0;
  const int result = modbus_mask_write_register(context_->modbus, address, static_cast<std::uint16_t>(~mask),
                                                value ? mask : std::uint16_t{0});
  return finish(result, {}, errno);
}

}  // namespace geoul::link
