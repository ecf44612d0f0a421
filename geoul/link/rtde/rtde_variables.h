// The variables of RTDE as Universal Robots document them, and how the names of signals map to them. A signal is one
// element of a variable: "timestamp", "robot_mode", "actual_q_0" to "actual_q_5", "actual_TCP_pose_3". These are also
// the column names of recordings made with UR's own recorder. Source: Universal Robots, Real-Time Data Exchange (RTDE)
// Guide, "Robot controller outputs" and "inputs".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/link/rtde/rtde_package.h"

namespace geoul::link {

struct RtdeVariable {
  std::string name;
  RtdeType type = RtdeType::kDouble;
  std::string unit;  // SI, "" where it has none
  std::string description;
};

const std::vector<RtdeVariable>& rtde_outputs();  // registers of inputs, which can be read back, included
const std::vector<RtdeVariable>& rtde_inputs();
const RtdeVariable* find_output(std::string_view name);
const RtdeVariable* find_input(std::string_view name);

// Names of the signals of one variable: its own, or with _0, _1, ... for a vector.
std::vector<std::string> signal_names(const RtdeVariable& variable);
// Of all documented outputs, for suggestions.
const std::vector<std::string>& rtde_signal_names();

// "actual_q_3" as {actual_q, 3} where the text before the last underscore names a vector or nothing that is known; none
// for a name without an index.
struct RtdeElement {
  std::string variable;
  std::size_t element = 0;
};
std::optional<RtdeElement> split_element(std::string_view signal);

// What is sent to set one input: all variables of one recipe with their values (inputs that a mask guards go with it).
struct RtdeWrite {
  std::vector<std::string> names;
  std::vector<double> values;
};
// The names that can be written:
//   speed_slider_fraction            0 to 1
//   standard_digital_output_0 to _7, configurable_digital_output_0 to _7, tool_digital_output_0, _1   truth
//   standard_analog_output_0, _1     0 to 1 of the range; as voltage, or as current where `analog_current`
//   input_bit_registers0_to_31, input_bit_registers32_to_63, input_bit_register_64 to _127, input_int_register_0 to
//   _47, input_double_register_0 to _47
// Errors: kNotFound with the nearest names, kBadInput where the value does not fit.
Result<RtdeWrite> plan_write(const std::string& name, const Value& value, bool analog_current);
const std::vector<std::string>& rtde_writable_names();

}  // namespace geoul::link
