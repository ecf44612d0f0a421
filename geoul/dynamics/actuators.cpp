#include "geoul/dynamics/actuators.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::dynamics {
namespace {

constexpr double kSubstepAngle = 0.1;  // of the elastic rotor's oscillation in one substep [rad]
constexpr int kMostSubsteps = 200;

const scene::JointAddress& address_of(const Actuator& actuator, const Model& model) {
  GEOUL_EXPECTS(actuator.joint.valid() && actuator.joint.index() < model.layout.joints.size());
  return model.layout.joints[actuator.joint.index()];
}

// ---- command delay ----

// The command that acts now: the last one given at least `delay` ago. The ring keeps it and all later ones.
double delayed_command(const Actuator& actuator, std::size_t i, Time now, double command, ActuatorMemory& memory) {
  const auto size = static_cast<std::size_t>(memory.queue_size);
  DelayedCommand* ring = memory.queue.data() + i * size;
  auto first = static_cast<std::size_t>(memory.queue_first[i]);
  auto count = static_cast<std::size_t>(memory.queue_count[i]);
  ring[(first + count++) % size] = {now, command};
  while (count > 1 && ring[(first + 1) % size].given + actuator.delay <= now) first = (first + 1) % size, --count;
  memory.queue_first[i] = static_cast<int>(first);
  memory.queue_count[i] = static_cast<int>(count);
  return ring[first].given + actuator.delay <= now ? ring[first].effort : 0;
}

// Whether one more command finds room, once those that are through are dropped.
bool has_room(const Actuator& actuator, std::size_t i, Time now, const ActuatorMemory& memory) {
  const auto size = static_cast<std::size_t>(memory.queue_size);
  if (static_cast<std::size_t>(memory.queue_count[i]) < size) return true;
  const auto second = static_cast<std::size_t>(memory.queue_first[i] + 1) % size;
  return size > 1 && memory.queue[i * size + second].given + actuator.delay <= now;
}

Time newest_command(std::size_t i, const ActuatorMemory& memory) {
  if (memory.queue_count[i] == 0) return Time{std::numeric_limits<std::int64_t>::min()};
  const auto size = static_cast<std::size_t>(memory.queue_size);
  return memory.queue[i * size + static_cast<std::size_t>(memory.queue_first[i] + memory.queue_count[i] - 1) % size]
      .given;
}

// ---- motor ----

struct Motor {
  double k, R;  // at the winding's temperature
  double speed;
};

double derating(const ThermalModel& thermal, double winding) {
  if (winding <= thermal.derate_from) return 1;
  return std::clamp((thermal.derate_to - winding) / (thermal.derate_to - thermal.derate_from), 0.0, 1.0);
}

// Least and greatest current, wherever the limit comes from; notes which one acted.
double limited_current(const Actuator& actuator, std::size_t i, double wanted, double dt, const ActuatorMemory& memory,
                       unsigned char& flags) {
  const auto limit = [&](double value, double most, LimitFlag flag) {
    if (std::abs(value) <= most) return value;
    flags = static_cast<unsigned char>(flags | flag);
    return std::copysign(most, value);
  };
  double current = limit(wanted, actuator.peak_current, kPeakCurrent);
  const double continuous = actuator.continuous_current;
  if (continuous < scene::kUnlimited) {
    const double full = (actuator.peak_current * actuator.peak_current - continuous * continuous) * actuator.peak_time;
    const double room = std::max(0.0, full - memory.budget[i]) / dt;
    current = limit(current, std::sqrt(continuous * continuous + room), kI2t);
  }
  const double scale = derating(actuator.thermal, memory.winding[i]);
  if (scale < 1) current = limit(current, scale * actuator.peak_current, kDerated);
  return limit(current, memory.tripped[i] != 0 ? 0 : scene::kUnlimited, kTripped);
}

// What the supply's voltage and the torque curves leave of a current.
double physical_current(const Actuator& actuator, const Motor& motor, double current, unsigned char& flags) {
  double allowed = current;
  const TorqueCurve& curve = current * motor.speed >= 0 ? actuator.motoring : actuator.braking;
  if (curve.points > 0) {
    const double most = curve_torque(curve, std::abs(motor.speed)) / motor.k;
    allowed = std::clamp(allowed, -most, most);
    if (allowed != current) flags |= kTorqueCurve;
  }
  if (actuator.supply_voltage < scene::kUnlimited) {
    const double U = actuator.supply_voltage, emf = motor.k * motor.speed;
    const double before = allowed;
    allowed = std::clamp(allowed, (-U - emf) / motor.R, (U - emf) / motor.R);
    if (allowed != before) flags |= kVoltage;
  }
  return allowed;
}

// ---- gear ----

// Torque between rotor and joint over one substep h, from deflection x and rates; implicit Euler. x and u move on.
double gear_substep(const Actuator& actuator, double torque, double joint_velocity, double h, double& x, double& u) {
  const double J = actuator.armature(), b = actuator.backlash / 2;
  const double free_u = u + h * torque / J;
  const double free_x = x + h * (free_u - joint_velocity);
  double E = 0, new_u = free_u;
  if (std::abs(free_x) > b) {
    const double side = free_x > 0 ? 1 : -1;
    // E = k (x + h (u' - v) - side b) + d (u' - v), with u' = u + h (torque - E) / J
    const double slope = actuator.stiffness * h + actuator.damping;
    const double rate = free_u - joint_velocity;
    E = (actuator.stiffness * (x - side * b) + slope * rate) / (1 + slope * h / J);
    if (side * E < 0) E = 0;  // damping does not pull
    new_u = u + h * (torque - E) / J;
    if (side * (x + h * (new_u - joint_velocity)) < b && side * E > 0 && side * x <= b) {
      // damping alone would throw it out again before it touched: it just touches
      new_u = joint_velocity + (side * b - x) / h;
      E = torque - J * (new_u - u) / h;
    }
  }
  u = new_u;
  x += h * (u - joint_velocity);
  return E;
}

// Mean torque of the elastic gear on the joint over the step; the joint is taken to move at its speed. Rotor and joint
// exchange one impulse, so momentum is kept whatever the substeps.
double elastic_gear(const Actuator& actuator, std::size_t i, double torque, double q, double v, double dt,
                    ActuatorMemory& memory) {
  const double frequency = std::sqrt(actuator.stiffness / actuator.armature());
  const int n = static_cast<int>(std::clamp(std::ceil(dt * frequency / kSubstepAngle), 1.0, double{kMostSubsteps}));
  const double h = dt / n;
  double x = memory.rotor_position[i] - q, u = memory.rotor_velocity[i], sum = 0;
  for (int k = 0; k < n; ++k) sum += gear_substep(actuator, torque, v, h, x, u);
  memory.rotor_position[i] = x + q + dt * v;
  memory.rotor_velocity[i] = u;
  return sum / n;
}

void actuate_one(const Actuator& actuator, std::size_t i, Time now, double q, double v, double command, double dt,
                 ActuatorMemory& memory, ActuatorOutput& out) {
  const double effort = delayed_command(actuator, i, now, command, memory);
  const double warm = memory.winding[i] - actuator.reference_temperature;
  const Motor motor{actuator.torque_constant * (1 + actuator.torque_constant_slope * warm),
                    actuator.resistance * (1 + actuator.resistance_slope * warm),
                    actuator.ratio * (actuator.elastic() ? memory.rotor_velocity[i] : v)};
  unsigned char flags = 0;
  const double wanted = effort / (actuator.ratio * actuator.torque_constant);
  double current = limited_current(actuator, i, wanted, dt, memory, flags);
  if (actuator.current_lag > 0 && memory.tripped[i] == 0)
    current += (memory.current[i] - current) * std::exp(-dt / actuator.current_lag);
  current = physical_current(actuator, motor, current, flags);

  const double torque = motor.k * current;
  double E = actuator.ratio * torque;
  if (actuator.elastic()) E = elastic_gear(actuator, i, E, q, v, dt, memory);
  // E e where the motor drives, E / e' where it is driven: a mean, and a loss that opposes motion
  const double with = actuator.efficiency, against = 1 / actuator.backdrive_efficiency;
  out.effort[i] = 0.5 * (against + with) * E;
  out.friction[i] = stribeck_friction(actuator, v) + 0.5 * (against - with) * std::abs(E);

  const double heat = motor.R * current * current;
  const double voltage = motor.R * current + motor.k * motor.speed;
  out.current[i] = current;
  out.motor_torque[i] = torque;
  out.motor_speed[i] = motor.speed;
  out.voltage[i] = voltage;
  out.supply_power[i] = voltage * current;
  out.heat[i] = heat;
  out.limits[i] = flags;

  memory.current[i] = current;
  if (actuator.continuous_current < scene::kUnlimited) {
    const double over = current * current - actuator.continuous_current * actuator.continuous_current;
    memory.budget[i] = std::max(0.0, memory.budget[i] + over * dt);
  }
  const Temperatures t = heat_up(actuator.thermal, {memory.winding[i], memory.housing[i]}, heat, dt);
  memory.winding[i] = t.winding, memory.housing[i] = t.housing;
  if (t.winding >= actuator.thermal.trip_at) memory.tripped[i] = 1;
}

// ---- checks ----

struct Checker {
  const Location where;
  Diagnostics& diagnostics;

  void bad(const std::string& field, double value, const std::string& mend) {
    diagnostics.error(where, std::isnan(value) ? "not-a-number" : "out-of-range",
                      field + " is " + std::to_string(value), mend);
  }
  void positive(double value, const char* field, bool or_infinite = false) {
    if (!(value > 0) || (!or_infinite && std::isinf(value))) bad(field, value, "write a positive number");
  }
  void at_least_zero(double value, const char* field) {
    if (!(value >= 0) || std::isinf(value)) bad(field, value, "write zero or a positive number");
  }
  void finite(double value, const char* field) {
    if (!std::isfinite(value)) bad(field, value, "write a finite number");
  }
  void share(double value, const char* field) {
    if (!(value > 0 && value <= 1)) bad(field, value, "write a number above 0, at most 1");
  }
};

void validate_curve(const TorqueCurve& curve, const char* name, Checker& check) {
  if (curve.points < 0 || curve.points > static_cast<int>(curve.speed.size()))
    return check.bad(std::string(name) + " curve's number of points", curve.points, "write 0 to 8");
  for (std::size_t k = 0; k < static_cast<std::size_t>(curve.points); ++k) {
    check.at_least_zero(curve.torque[k], name);
    check.at_least_zero(curve.speed[k], name);
    if (k > 0 && !(curve.speed[k] > curve.speed[k - 1]))
      check.bad(std::string(name) + " curve's speed", curve.speed[k], "let speeds ascend");
  }
}

// Constants that fall in a line with temperature must not reach zero.
bool constants_hold(const Actuator& a, double winding) {
  const double warm = winding - a.reference_temperature;
  return 1 + a.torque_constant_slope * warm > 0 && 1 + a.resistance_slope * warm > 0;
}

void validate_motor(const Actuator& a, Checker& check) {
  check.positive(a.torque_constant, "torque constant");
  check.finite(a.torque_constant_slope, "torque constant's slope");
  check.positive(a.resistance, "resistance");
  check.finite(a.resistance_slope, "resistance's slope");
  check.finite(a.reference_temperature, "reference temperature");
  check.at_least_zero(a.rotor_inertia, "rotor inertia");
  check.positive(a.supply_voltage, "supply voltage", true);
  check.at_least_zero(a.current_lag, "current lag");
  check.positive(a.peak_current, "peak current", true);
  check.positive(a.continuous_current, "continuous current", true);
  check.at_least_zero(a.peak_time, "peak time");
  if (a.continuous_current > a.peak_current && a.continuous_current < scene::kUnlimited)
    check.bad("continuous current", a.continuous_current, "write at most the peak current");
  if (a.continuous_current < scene::kUnlimited && !std::isfinite(a.peak_current))
    check.bad("peak current", a.peak_current, "a continuous current needs a peak current");
  if (a.thermal.derate_from < scene::kUnlimited && !std::isfinite(a.peak_current))
    check.bad("peak current", a.peak_current, "derating needs a peak current to take a share of");
  if (!constants_hold(a, a.thermal.ambient))
    check.bad("ambient temperature", a.thermal.ambient, "torque constant or resistance is not positive there");
  validate_curve(a.motoring, "motoring", check);
  validate_curve(a.braking, "braking", check);
}

void validate_thermal(const ThermalModel& t, Checker& check) {
  check.at_least_zero(t.winding_capacity, "winding capacity");
  check.positive(t.housing_capacity, "housing capacity");
  check.positive(t.winding_to_housing, "thermal resistance from winding to housing");
  check.positive(t.housing_to_ambient, "thermal resistance from housing to ambient");
  check.finite(t.ambient, "ambient temperature");
  if (std::isnan(t.trip_at)) check.bad("trip temperature", t.trip_at, "write a number");
  if (std::isnan(t.derate_from) || (t.derate_from < scene::kUnlimited && !(t.derate_to > t.derate_from)))
    check.bad("derating's end", t.derate_to, "write more than its beginning");
  if (std::isinf(t.derate_to) && t.derate_from < scene::kUnlimited)
    check.bad("derating's end", t.derate_to, "write the temperature at which no current is left");
}

void validate_gear(const Actuator& a, Checker& check) {
  check.positive(a.ratio, "gear ratio");
  check.share(a.efficiency, "efficiency");
  check.share(a.backdrive_efficiency, "backdrive efficiency");
  check.positive(a.stiffness, "gear stiffness", true);
  check.at_least_zero(a.damping, "gear damping");
  check.at_least_zero(a.backlash, "backlash");
  if (a.backlash > 0 && !a.elastic()) check.bad("gear stiffness", a.stiffness, "backlash needs a finite stiffness");
  if (a.elastic() && !(a.rotor_inertia > 0))
    check.bad("rotor inertia", a.rotor_inertia, "an elastic gear needs a rotor with inertia");
  check.at_least_zero(a.coulomb_friction, "Coulomb friction");
  check.at_least_zero(a.static_friction, "static friction");
  if (a.static_friction < a.coulomb_friction)
    check.bad("static friction", a.static_friction, "write at least the Coulomb friction");
  check.positive(a.stribeck_speed, "Stribeck speed");
  check.positive(a.stribeck_exponent, "Stribeck exponent");
  check.at_least_zero(a.viscous_friction, "viscous friction");
  if (a.delay.ns < 0) check.bad("delay in seconds", a.delay.seconds(), "write zero or a positive delay");
}

}  // namespace

void validate(const Actuator& actuator, const Model& model, Diagnostics& diagnostics) {
  Checker check{{{}, 0, actuator.name}, diagnostics};
  const std::size_t j = actuator.joint.valid() ? actuator.joint.index() : model.layout.joints.size();
  if (j >= model.layout.joints.size() || model.layout.joints[j].nv != 1)
    diagnostics.error(check.where, "no-degree", "its joint does not exist or has not exactly one degree of freedom",
                      "choose a revolute, continuous or prismatic joint of the tree");
  validate_motor(actuator, check);
  validate_thermal(actuator.thermal, check);
  validate_gear(actuator, check);
}

void configure_joint(const Actuator& actuator, scene::Joint& joint) {
  joint.armature = actuator.elastic() ? 0 : actuator.armature();
  joint.friction = actuator.static_friction;
  joint.damping = actuator.viscous_friction;
  joint.effort_limit = scene::kUnlimited;  // the motor's own limits act
  joint.drive = {};                        // and the controller in front of it
}

Result<ActuatorMemory> make_actuator_memory(std::span<const Actuator> actuators, const Model& model,
                                            const scene::State& state, Duration shortest_step) {
  GEOUL_EXPECTS(shortest_step.ns > 0);
  Diagnostics diagnostics;
  for (const Actuator& actuator : actuators) validate(actuator, model, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  const std::size_t n = actuators.size();
  ActuatorMemory memory;
  for (auto* array : {&memory.current, &memory.budget, &memory.winding, &memory.housing, &memory.rotor_position,
                      &memory.rotor_velocity})
    array->assign(n, 0);
  memory.tripped.assign(n, 0);
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    memory.winding[i] = memory.housing[i] = actuators[i].thermal.ambient;
    const scene::JointAddress& address = address_of(actuators[i], model);
    memory.rotor_position[i] = state.q[static_cast<std::size_t>(address.q)];
    memory.rotor_velocity[i] = state.v[static_cast<std::size_t>(address.v)];
    longest = std::max(longest, actuators[i].delay.ns);
  }
  const std::int64_t size = longest / shortest_step.ns + 3;
  if (size > 1'000'000)
    return Error{ErrorCode::kBadInput, "a command delay of " + std::to_string(Duration{longest}.seconds()) +
                                           " s is more than a million steps; shorten it"};
  memory.queue_size = static_cast<int>(size);
  memory.queue.resize(n * static_cast<std::size_t>(size));
  memory.queue_first.assign(n, 0);
  memory.queue_count.assign(n, 0);
  return memory;
}

ActuatorOutput make_actuator_output(std::size_t n) {
  const std::vector<double> zero(n);
  return {zero, zero, zero, zero, zero, zero, zero, zero, std::vector<unsigned char>(n)};
}

Result<void> actuate(std::span<const Actuator> actuators, const Model& model, const scene::State& state,
                     std::span<const double> command, Duration dt, ActuatorMemory& memory, ActuatorOutput& out) {
  const std::size_t n = actuators.size();
  GEOUL_EXPECTS(command.size() == n && memory.current.size() == n && out.effort.size() == n && dt.ns > 0);
  for (std::size_t i = 0; i < n; ++i) {
    const scene::JointAddress& address = address_of(actuators[i], model);
    if (!std::isfinite(command[i]))
      return Error{ErrorCode::kBadInput, actuators[i].name + ": the command is not a number; nothing was moved"};
    if (!std::isfinite(state.q[static_cast<std::size_t>(address.q)]) ||
        !std::isfinite(state.v[static_cast<std::size_t>(address.v)]))
      return Error{ErrorCode::kBadInput, actuators[i].name + ": the joint's position or velocity is not a number"};
    if (!constants_hold(actuators[i], memory.winding[i]))
      return Error{ErrorCode::kBadInput, actuators[i].name + ": at " + std::to_string(memory.winding[i]) +
                                             " degC its torque constant or resistance is not positive; set trip_at"};
    if (newest_command(i, memory) > state.time)
      return Error{ErrorCode::kBadInput, actuators[i].name +
                                             ": time runs backwards; restore the actuators' memory "
                                             "together with the state"};
    if (!has_room(actuators[i], i, state.time, memory))
      return Error{ErrorCode::kBadInput, actuators[i].name +
                                             ": more commands are under way than its delay has room for; give "
                                             "make_actuator_memory the shortest step that is used"};
  }
  for (std::size_t i = 0; i < n; ++i) {
    const scene::JointAddress& address = address_of(actuators[i], model);
    actuate_one(actuators[i], i, state.time, state.q[static_cast<std::size_t>(address.q)],
                state.v[static_cast<std::size_t>(address.v)], command[i], dt.seconds(), memory, out);
  }
  return {};
}

void apply(std::span<const Actuator> actuators, const ActuatorOutput& out, Model& model, Controls& controls) {
  for (std::size_t i = 0; i < actuators.size(); ++i) {
    const auto k = static_cast<std::size_t>(address_of(actuators[i], model).v);
    controls.effort[k] = out.effort[i];
    model.laws[k].friction = out.friction[i];
  }
}

void reset_trip(std::size_t actuator, ActuatorMemory& memory) {
  GEOUL_EXPECTS(actuator < memory.tripped.size());
  memory.tripped[actuator] = 0;
}

double stribeck_friction(const Actuator& actuator, double velocity) {
  const double extra = actuator.static_friction - actuator.coulomb_friction;
  if (extra == 0) return actuator.coulomb_friction;
  const double x = std::abs(velocity) / actuator.stribeck_speed;
  return actuator.coulomb_friction + extra * std::exp(-std::pow(x, actuator.stribeck_exponent));
}

double curve_torque(const TorqueCurve& curve, double speed) {
  const auto n = static_cast<std::size_t>(curve.points);
  if (n == 0) return scene::kUnlimited;
  for (std::size_t k = 0; k < n; ++k) {
    if (speed > curve.speed[k]) continue;
    if (k == 0) return curve.torque[0];
    const double s = (speed - curve.speed[k - 1]) / (curve.speed[k] - curve.speed[k - 1]);
    return (1 - s) * curve.torque[k - 1] + s * curve.torque[k];
  }
  return curve.torque[n - 1];
}

// dT/dt = A (T - T_end): the 2 x 2 exponential by its eigenvalues, which are real and apart.
Temperatures heat_up(const ThermalModel& model, const Temperatures& from, double heat, double dt) {
  if (model.winding_capacity == 0) return from;
  const double housing_end = model.ambient + heat * model.housing_to_ambient;
  const double winding_end = housing_end + heat * model.winding_to_housing;
  const double a = -1 / (model.winding_capacity * model.winding_to_housing), b = -a;
  const double c = 1 / (model.housing_capacity * model.winding_to_housing);
  const double d = -c - 1 / (model.housing_capacity * model.housing_to_ambient);
  const double mean = 0.5 * (a + d), root = std::sqrt(0.25 * (a - d) * (a - d) + b * c);
  const double slow = mean + root, fast = mean - root;
  const double w = from.winding - winding_end, h = from.housing - housing_end;
  const double es = std::exp(slow * dt), ef = std::exp(fast * dt);
  const double Aw = a * w + b * h, Ah = c * w + d * h;
  return {winding_end + (es * (Aw - fast * w) - ef * (Aw - slow * w)) / (slow - fast),
          housing_end + (es * (Ah - fast * h) - ef * (Ah - slow * h)) / (slow - fast)};
}

}  // namespace geoul::dynamics
