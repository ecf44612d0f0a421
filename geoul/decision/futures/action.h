// Actions: what joints are told to do, as rows of setpoints. A candidate of the futures; also what planners hand on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/state.h"

namespace geoul::decision {

// Row k holds at k period, and is n numbers long; between rows a cubic through positions and velocities; before the
// first and after the last row the setpoint rests there.
struct Action {
  std::string name;
  std::vector<int> degrees;  // (n) addresses in State::v of one-degree joints, ascending
  Duration period{4'000'000};
  std::vector<double> position, velocity, acceleration;  // (nrow x n), row-major [rad, m], per s, per s2

  std::size_t rows() const { return degrees.empty() ? 0 : position.size() / degrees.size(); }
  Duration length() const { return period * (static_cast<std::int64_t>(rows()) - 1); }
};

// (n) each.
struct Setpoint {
  std::vector<double> position, velocity, acceleration;
};
// Allocates nothing where out has its size.
void sample(const Action& action, Time t, Setpoint& out);

// One-degree joints that move by themselves: neither prescribed nor, as conveyors do, running at a speed of their
// drive.
std::vector<int> controlled_degrees(const dynamics::Model& model);

// Start of a motion, and what it must keep within.
struct MotionLimits {
  std::vector<double> velocity, acceleration;  // (n) [rad/s, m/s], per s2
};

// Stay where they are.
Action hold(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees);
// From now, where they rest, to goal (n) in the shortest time in which the polynomial of fifth degree, the same for all
// degrees, keeps within the limits: peaks 15/8 d / T and 10 / sqrt(3) d / T^2 of a way d. Rest at both ends, no jump of
// the acceleration. GEOUL_EXPECTS positive limits.
Action move(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees,
            std::span<const double> goal, const MotionLimits& limits);
// Slows from the velocity of now to rest, each degree at its limit of acceleration and all in the time of the slowest.
Action stop(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees,
            const MotionLimits& limits);
// The same way in `factor` times the time: velocities by 1 / factor, accelerations by 1 / factor^2. factor > 0.
Action slower(const Action& action, double factor);

// What is wrong with an action of this model; empty where nothing.
std::string problem(const Action& action, const dynamics::Model& model);

}  // namespace geoul::decision
