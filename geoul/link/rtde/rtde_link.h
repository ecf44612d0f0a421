// A Universal Robots controller as a link, by RTDE. Signals are named as in rtde_variables.h ("actual_q_0",
// "timestamp"); source time is the controller's `timestamp`, seconds since it was switched on, which is always asked
// for.
//
// - A variable that the controller does not have is a problem that names the nearest known one; its signal stays bad.
// - Packages that the controller left out are counted as lost, by the gaps of `timestamp` at the frequency asked for.
// - A controller that was switched on again counts time anew: no jump of its clock is counted for it.
// - write() goes over a second connection, opened at the first use, so that the stream never pauses for it. An input is
//   reserved at its first use, or at connection where it stands in `inputs`, until the link's connection ends; one that
//   another client has reserved fails by name. RTDE acknowledges no input: the outcome is `done` when it was sent, and
//   its message says so.
// - Text messages of the controller above information are the problem of the health.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geoul/link/link.h"

namespace geoul::link {

struct RtdeOptions {
  LinkOptions link = {};
  std::string host = {};
  std::uint16_t port = 30004;
  double frequency = 500;                // [1/s] 1 to 500 (e-Series; CB3 has 125)
  std::vector<std::string> inputs = {};  // to reserve at connection, as write() names them
  bool analog_current = false;           // standard_analog_output_N are currents, not voltages
  Duration patience{1'500'000'000};      // for a connection or an answer
  Duration silence{1'000'000'000};    // without a package, after which the connection is given up; at least 10 periods
  Duration retry_first{250'000'000};  // see Backoff
  Duration retry_longest{30'000'000'000};
};

// Needs a host, and a frequency of 1 to 500.
std::unique_ptr<Link> make_rtde_link(RtdeOptions options);

}  // namespace geoul::link
