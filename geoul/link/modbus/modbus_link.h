// A Modbus TCP device as a link, through libmodbus. Signals are named as in modbus_address.h ("holding/100:float32").
// The device is asked every `period`; neighbours are read together. It gives no time: the receive time stands for it.
//
// - An exception of the device makes the signals of its request bad, and is a problem by its name; a request of several
//   signals is then asked one by one, so that the others stay good.
// - A name that does not parse is a problem; its signal stays bad.
// - write() sets coils, holding registers and bits of holding registers (mask write); the device acknowledges.
// - What the numbers mean (scale, unit) is not known here: the site file says it.
#pragma once

#include <memory>
#include <string>

#include "geoul/link/link.h"
#include "geoul/link/modbus/modbus_address.h"

namespace geoul::link {

struct ModbusOptions {
  LinkOptions link = {};
  std::string host = {};
  std::uint16_t port = 502;
  int unit = 255;                // unit identifier: 255 the device itself, 1 to 247 behind a gateway
  Duration period{100'000'000};  // between polls
  ModbusOrder order = ModbusOrder::kAbcd;
  int gap = 8;                        // registers or bits that nobody asked for, to read over in one request
  Duration patience{1'000'000'000};   // for a connection or an answer; at most 1.5 s, so that stop() keeps its promise
  Duration retry_first{250'000'000};  // see Backoff
  Duration retry_longest{30'000'000'000};
};

// Needs a host, a unit of 0 to 255 and a period above 0.
std::unique_ptr<Link> make_modbus_link(ModbusOptions options);

}  // namespace geoul::link
