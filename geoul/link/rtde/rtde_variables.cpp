#include "geoul/link/rtde/rtde_variables.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "geoul/core/nearest.h"

namespace geoul::link {
namespace {

using T = RtdeType;

void add_registers(std::vector<RtdeVariable>& list, const std::string& stem, int first, int last, RtdeType type,
                   const std::string& description) {
  for (int i = first; i <= last; ++i) list.push_back({stem + std::to_string(i), type, "", description});
}

void add_motion(std::vector<RtdeVariable>& v) {
  v.insert(v.end(), {
                        {"timestamp", T::kDouble, "s", "time since the controller was started"},
                        {"target_q", T::kVector6d, "rad", "joint positions asked for"},
                        {"target_qd", T::kVector6d, "rad/s", "joint velocities asked for"},
                        {"target_qdd", T::kVector6d, "rad/s2", "joint accelerations asked for"},
                        {"target_current", T::kVector6d, "A", "motor currents asked for"},
                        {"target_moment", T::kVector6d, "N.m", "joint torques asked for"},
                        {"actual_q", T::kVector6d, "rad", "joint positions"},
                        {"actual_qd", T::kVector6d, "rad/s", "joint velocities"},
                        {"actual_current", T::kVector6d, "A", "motor currents"},
                        {"actual_current_window", T::kVector6d, "A", "motor currents that are allowed"},
                        {"joint_control_output", T::kVector6d, "A", "currents of the joint controllers"},
                        {"actual_TCP_pose", T::kVector6d, "", "tool: position [m] and rotation vector [rad]"},
                        {"actual_TCP_speed", T::kVector6d, "", "tool: velocity [m/s] and angular velocity [rad/s]"},
                        {"actual_TCP_force", T::kVector6d, "", "tool: force [N] and torque [N.m]"},
                        {"target_TCP_pose", T::kVector6d, "", "tool asked for: position [m], rotation vector [rad]"},
                        {"target_TCP_speed", T::kVector6d, "", "tool asked for: velocity [m/s], angular [rad/s]"},
                        {"elbow_position", T::kVector3d, "m", "elbow: position in the base frame"},
                        {"elbow_velocity", T::kVector3d, "m/s", "elbow: velocity in the base frame"},
                        {"actual_tool_accelerometer", T::kVector3d, "m/s2", "accelerometer of the tool flange"},
                        {"actual_momentum", T::kDouble, "kg.m/s", "norm of the linear momentum"},
                        {"tcp_force_scalar", T::kDouble, "N", "norm of the tool's force"},
                        {"ft_raw_wrench", T::kVector6d, "", "force [N] and torque [N.m] at the flange, raw"},
                        {"wrench_calc_from_currents", T::kVector6d, "", "force [N] and torque [N.m] by the currents"},
                        {"payload", T::kDouble, "kg", "mass of the payload"},
                        {"payload_cog", T::kVector3d, "m", "centre of gravity of the payload"},
                        {"payload_inertia", T::kVector6d, "kg.m2", "inertia of the payload: xx yy zz xy xz yz"},
                        {"target_gravity", T::kVector3d, "m/s2", "acceleration by gravity in the base frame"},
                        {"target_base_acceleration", T::kVector6d, "", "acceleration of the base"},
                    });
}

void add_state(std::vector<RtdeVariable>& v) {
  v.insert(v.end(),
           {
               {"actual_execution_time", T::kDouble, "s", "time that the controller's cycle takes"},
               {"robot_mode", T::kInt32, "", "-1 none, 3 off, 5 idle, 7 running"},
               {"joint_mode", T::kVector6Int32, "", "modes of the joints; 253 running"},
               {"safety_mode", T::kInt32, "", "1 normal, 3 protective stop, 7 emergency stop"},
               {"safety_status", T::kInt32, "", "1 normal, 3 protective stop, 7 emergency stop"},
               {"robot_status_bits", T::kUint32, "", "0 power, 1 program runs, 2 teach button, 3 power button"},
               {"safety_status_bits", T::kUint32, "", "0 normal, 1 reduced, 2 protective stop, 7 emergency stop"},
               {"runtime_state", T::kUint32, "", "program: 1 stopped, 2 playing, 4 paused"},
               {"speed_scaling", T::kDouble, "", "speed of the trajectory limiter, 0 to 1"},
               {"target_speed_fraction", T::kDouble, "", "speed slider, 0 to 1"},
               {"script_control_line", T::kUint32, "", "line of the program that is in control"},
               {"time_scale_source", T::kInt32, "", "what slows the robot down"},
               {"joint_position_deviation_ratio", T::kDouble, "", "1: a protective stop follows"},
               {"collision_detection_ratio", T::kDouble, "", "1: a protective stop follows"},
               {"control_step", T::kUint64, "", "count of the controller's cycles"},
               {"joint_temperatures", T::kVector6d, "degC", "temperatures of the joints"},
               {"actual_main_voltage", T::kDouble, "V", "voltage of the main board"},
               {"actual_robot_voltage", T::kDouble, "V", "voltage of the robot, 48 V nominal"},
               {"actual_robot_current", T::kDouble, "A", "current of the robot"},
               {"actual_joint_voltage", T::kVector6d, "V", "voltages of the joints"},
               {"actual_robot_energy_consumed", T::kDouble, "J", "energy consumed since the start"},
               {"actual_robot_braking_energy_dissipated", T::kDouble, "J", "energy braked away since the start"},
           });
}

void add_io(std::vector<RtdeVariable>& v) {
  v.insert(v.end(), {
                        {"actual_digital_input_bits", T::kUint64, "", "0-7 standard, 8-15 configurable, 16-17 tool"},
                        {"actual_digital_output_bits", T::kUint64, "", "0-7 standard, 8-15 configurable, 16-17 tool"},
                        {"analog_io_types", T::kUint32, "", "bits: 0 current, 1 voltage; inputs 0 1, outputs 0 1"},
                        {"standard_analog_input0", T::kDouble, "", "[A] or [V] by analog_io_types"},
                        {"standard_analog_input1", T::kDouble, "", "[A] or [V] by analog_io_types"},
                        {"standard_analog_output0", T::kDouble, "", "[A] or [V] by analog_io_types"},
                        {"standard_analog_output1", T::kDouble, "", "[A] or [V] by analog_io_types"},
                        {"io_current", T::kDouble, "A", "current of the inputs and outputs"},
                        {"euromap67_input_bits", T::kUint32, "", "Euromap67 inputs"},
                        {"euromap67_output_bits", T::kUint32, "", "Euromap67 outputs"},
                        {"euromap67_24V_voltage", T::kDouble, "V", "Euromap67 supply"},
                        {"euromap67_24V_current", T::kDouble, "A", "Euromap67 supply"},
                        {"tool_mode", T::kUint32, "", "mode of the tool"},
                        {"tool_analog_input_types", T::kUint32, "", "bits: 0 current, 1 voltage"},
                        {"tool_analog_input0", T::kDouble, "", "[A] or [V] by tool_analog_input_types"},
                        {"tool_analog_input1", T::kDouble, "", "[A] or [V] by tool_analog_input_types"},
                        {"tool_output_voltage", T::kInt32, "V", "0, 12 or 24"},
                        {"tool_output_current", T::kDouble, "A", "current of the tool"},
                        {"tool_temperature", T::kDouble, "degC", "temperature of the tool"},
                        {"tool_output_mode", T::kUint8, "", "0 digital, 1 power"},
                        {"tool_digital_output0_mode", T::kUint8, "", "kind of the output"},
                        {"tool_digital_output1_mode", T::kUint8, "", "kind of the output"},
                        {"encoder0_raw", T::kInt32, "", "conveyor encoder"},
                        {"encoder1_raw", T::kInt32, "", "conveyor encoder"},
                        {"output_bit_registers0_to_31", T::kUint32, "", "general purpose bits"},
                        {"output_bit_registers32_to_63", T::kUint32, "", "general purpose bits"},
                        {"input_bit_registers0_to_31", T::kUint32, "", "general purpose bits, read back"},
                        {"input_bit_registers32_to_63", T::kUint32, "", "general purpose bits, read back"},
                    });
  for (const std::string side : {"output", "input"}) {
    const std::string what = side == "input" ? "general purpose, read back" : "general purpose";
    add_registers(v, side + "_bit_register_", 64, 127, T::kBool, what);
    add_registers(v, side + "_int_register_", 0, 47, T::kInt32, what);
    add_registers(v, side + "_double_register_", 0, 47, T::kDouble, what);
  }
}

std::vector<RtdeVariable> make_inputs() {
  std::vector<RtdeVariable> v = {
      {"speed_slider_mask", T::kUint32, "", "1 takes speed_slider_fraction"},
      {"speed_slider_fraction", T::kDouble, "", "0 to 1"},
      {"standard_digital_output_mask", T::kUint8, "", "outputs to set"},
      {"standard_digital_output", T::kUint8, "", "their values"},
      {"configurable_digital_output_mask", T::kUint8, "", "outputs to set"},
      {"configurable_digital_output", T::kUint8, "", "their values"},
      {"tool_digital_output_mask", T::kUint8, "", "outputs to set"},
      {"tool_digital_output", T::kUint8, "", "their values"},
      {"standard_analog_output_mask", T::kUint8, "", "outputs to set"},
      {"standard_analog_output_type", T::kUint8, "", "bits: 0 current, 1 voltage"},
      {"standard_analog_output_0", T::kDouble, "", "0 to 1 of the range"},
      {"standard_analog_output_1", T::kDouble, "", "0 to 1 of the range"},
      {"external_force_torque", T::kVector6d, "", "force [N] and torque [N.m] of an own sensor"},
      {"input_bit_registers0_to_31", T::kUint32, "", "general purpose bits"},
      {"input_bit_registers32_to_63", T::kUint32, "", "general purpose bits"},
  };
  add_registers(v, "input_bit_register_", 64, 127, T::kBool, "general purpose");
  add_registers(v, "input_int_register_", 0, 47, T::kInt32, "general purpose");
  add_registers(v, "input_double_register_", 0, 47, T::kDouble, "general purpose");
  return v;
}

const RtdeVariable* find_in(const std::vector<RtdeVariable>& list, std::string_view name) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const RtdeVariable& v) { return v.name == name; });
  return at == list.end() ? nullptr : &*at;
}

Error does_not_fit(const std::string& name, const Value& value, const std::string& what) {
  return {ErrorCode::kBadInput, "'" + name + "' takes " + what + ", not " + to_string(value)};
}

// Outputs that a mask guards: how many there are of each.
struct Masked {
  const char* stem;
  std::size_t count;
};
constexpr Masked kDigital[] = {
    {"standard_digital_output", 8}, {"configurable_digital_output", 8}, {"tool_digital_output", 2}};

}  // namespace

const std::vector<RtdeVariable>& rtde_outputs() {
  static const std::vector<RtdeVariable> list = [] {
    std::vector<RtdeVariable> v;
    add_motion(v);
    add_state(v);
    add_io(v);
    return v;
  }();
  return list;
}

const std::vector<RtdeVariable>& rtde_inputs() {
  static const std::vector<RtdeVariable> list = make_inputs();
  return list;
}

const RtdeVariable* find_output(std::string_view name) { return find_in(rtde_outputs(), name); }
const RtdeVariable* find_input(std::string_view name) { return find_in(rtde_inputs(), name); }

std::vector<std::string> signal_names(const RtdeVariable& variable) {
  const std::size_t count = element_count(variable.type);
  if (count <= 1) return {variable.name};
  std::vector<std::string> names;
  for (std::size_t e = 0; e < count; ++e) names.push_back(variable.name + "_" + std::to_string(e));
  return names;
}

const std::vector<std::string>& rtde_signal_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const RtdeVariable& variable : rtde_outputs()) {
      for (std::string& name : signal_names(variable)) all.push_back(std::move(name));
    }
    return all;
  }();
  return names;
}

std::optional<RtdeElement> split_element(std::string_view signal) {
  const std::size_t underscore = signal.rfind('_');
  if (underscore == std::string_view::npos || underscore == 0) return std::nullopt;
  const std::string_view digits = signal.substr(underscore + 1);
  std::size_t element = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), element);
  if (code != std::errc() || end != digits.data() + digits.size() || element > 5) return std::nullopt;
  const RtdeVariable* known = find_output(signal.substr(0, underscore));
  if (known && element >= element_count(known->type)) return std::nullopt;
  if (known && element_count(known->type) == 1) return std::nullopt;
  return RtdeElement{std::string(signal.substr(0, underscore)), element};
}

const std::vector<std::string>& rtde_writable_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"speed_slider_fraction", "standard_analog_output_0", "standard_analog_output_1"};
    for (const Masked& masked : kDigital) {
      for (std::size_t i = 0; i < masked.count; ++i) all.push_back(std::string(masked.stem) + "_" + std::to_string(i));
    }
    for (const RtdeVariable& input : rtde_inputs()) {
      if (input.name.starts_with("input_")) all.push_back(input.name);
    }
    return all;
  }();
  return names;
}

Result<RtdeWrite> plan_write(const std::string& name, const Value& value, bool analog_current) {
  const double number = number_of(value);
  if (!std::isfinite(number)) return does_not_fit(name, value, "a number");
  for (const Masked& masked : kDigital) {
    for (std::size_t i = 0; i < masked.count; ++i) {
      if (name != std::string(masked.stem) + "_" + std::to_string(i)) continue;
      if (number != 0 && number != 1) return does_not_fit(name, value, "true or false");
      const double bit = static_cast<double>(1u << i);
      return RtdeWrite{{std::string(masked.stem) + "_mask", masked.stem}, {bit, number * bit}};
    }
  }
  const bool is_slider = name == "speed_slider_fraction";
  const bool is_analog = name == "standard_analog_output_0" || name == "standard_analog_output_1";
  if ((is_slider || is_analog) && !(number >= 0 && number <= 1)) return does_not_fit(name, value, "a number of 0 to 1");
  if (is_slider) return RtdeWrite{{"speed_slider_mask", name}, {1, number}};
  if (is_analog) {
    const bool is_first = name.back() == '0';
    const double bit = is_first ? 1 : 2;
    return RtdeWrite{{"standard_analog_output_mask", "standard_analog_output_type", "standard_analog_output_0",
                      "standard_analog_output_1"},
                     {bit, analog_current ? 0 : bit, is_first ? number : 0, is_first ? 0 : number}};
  }
  const RtdeVariable* input = name.starts_with("input_") ? find_input(name) : nullptr;
  if (!input) {
    return Error{ErrorCode::kNotFound, "RTDE has no input '" + name + "'; " +
                                           did_you_mean(name, rtde_writable_names(), "geoul link probe lists them")};
  }
  const auto within = [&](double least, double most) {
    return number == std::round(number) && number >= least && number <= most;
  };
  if (input->type == T::kBool && !within(0, 1)) return does_not_fit(name, value, "true or false");
  if (input->type == T::kInt32 && !within(-2147483648.0, 2147483647)) return does_not_fit(name, value, "an INT32");
  if (input->type == T::kUint32 && !within(0, 4294967295)) return does_not_fit(name, value, "a UINT32");
  return RtdeWrite{{name}, {number}};
}

}  // namespace geoul::link
