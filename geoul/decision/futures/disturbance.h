// Disturbances: what may be otherwise than the twin says. A number of its own distribution for each draw; draw m is the
// same for every action, so that actions are compared under the same luck (common random numbers).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/core/time.h"
#include "geoul/dynamics/batch.h"
#include "geoul/dynamics/model.h"

namespace geoul::decision {

struct Distribution {
  enum class Kind { kConstant, kUniform, kNormal };  // kNormal: cut off at 3 deviations
  Kind kind = Kind::kConstant;
  double a = 0, b = 0;  // constant a; uniform in [a, b); normal with mean a and deviation b

  static Distribution constant(double value) { return {Kind::kConstant, value, 0}; }
  static Distribution uniform(double low, double high) { return {Kind::kUniform, low, high}; }
  static Distribution normal(double mean, double deviation) { return {Kind::kNormal, mean, deviation}; }
};

enum class Parameter {
  kPayload,          // [kg] point mass more on body `target` at `point`
  kMassFactor,       // of body `target`; -1: of all
  kGravityFactor,    // of gravity
  kFrictionFactor,   // Coulomb friction of degree `target`; -1: of all
  kFriction,         // [N.m, N] the same, in place of the model's
  kDampingFactor,    // passive damping of degree `target`; -1: of all
  kDriveGain,        // factor of stiffness and damping of the drive of degree `target`; -1: of all
  kDriveSpeed,       // factor of the speed that the scene asks of the drive of degree `target` (conveyors)
  kContactFriction,  // factor of all
  kStartPosition,    // [rad, m] more at the start, of degree `target`; -1: of every controlled joint, each its own draw
  kStartVelocity,    // [rad/s, m/s] the same
  kPush,             // [N] on body `target` at `point` along direction_W from `begin` on for `length`
};
const char* to_string(Parameter parameter);

struct Disturbance {
  Parameter parameter = Parameter::kPayload;
  int target = -1;  // body, or degree (address in State::v)
  Distribution value;
  Vec3d point;                  // in the body's frame [m]
  Vec3d direction_W{0, 0, -1};  // unit
  Time begin;                   // after the start
  Duration length{200'000'000};
};

// One draw: what a world is made with.
struct Draw {
  dynamics::WorldParameters world;
  std::vector<double> damping, drive_gain;             // (nv) factors; or empty
  std::vector<double> drive_speed;                     // (nv) factors; or empty
  std::vector<double> start_position, start_velocity;  // (nv) added; or empty
  struct Push {
    int body;
    Vec3d point, force_W;
    Time begin, end;
  };
  std::vector<Push> pushes;
  std::vector<double> values;  // (ndisturbance) as drawn; of noise per joint, the first
};

// What is wrong with a disturbance of this model (a target that there is not, a factor or mass below zero ...); empty
// where nothing.
std::string problem(const Disturbance& disturbance, const dynamics::Model& model);

// Draw `number` of `seed`. controlled: degrees that noise without a target falls on. Needs problem() empty for all.
Draw draw(const dynamics::Model& model, std::span<const Disturbance> disturbances, std::span<const int> controlled,
          std::uint64_t seed, int number);

}  // namespace geoul::decision
