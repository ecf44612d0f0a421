// Estimator: where a machine is, from encoders, drives, IMUs and cameras, on its rigid-body model.
//   state   q (nq), v (nv), and d (nv): the external generalised force, that is contact, payload and what else the
//           model does not know
//   error   (dq, dv, dd) in 3 nv coordinates; dq is a velocity over one second (dynamics::integrate_position), so turns
//           of balls and floating bases are on the manifold
//   motion  a = forward_dynamics(q, v, tau + d - friction);  v' = v + a dt;  q' = q moved by (v + v') dt / 2
//           d' = d exp(-dt / T)
// An error-state Kalman filter, extended (Jacobians by differences) or cubature; covariance in U D factors
// (covariance.h). Measurements may come late and in any order: the filter keeps a knot a time stamp over the last
// `history`, puts what is late in its place and filters again from there, so that the estimate does not depend on the
// order of arrival. Same input, same bits. Needs an open tree without contact between bodies: what touches is d.
// Sources: Sola, "Quaternion kinematics for the error-state Kalman filter", 2017; Arasaratnam, Haykin, "Cubature Kalman
// filters", IEEE TAC 54(6), 2009; Bar-Shalom, Li, Kirubarajan, Estimation with Applications (2001), ch. 5 (NEES, NIS).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "geoul/core/time.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::estimation {

enum class MeasurementKind : std::int8_t {
  kTorque,         // drive's effort of degree `index` from `time` on: value [N.m, N]. An input: deviation is not read
  kPosition,       // of degree `index` (in v), not of a ball: value [rad, m]
  kVelocity,       // of degree `index`: value [rad/s, m/s]
  kPose,           // of body `index` in the world: X; deviation [m], second_deviation [rad]
  kAngularRate,    // of body `index` at X (X_BS), in S: vector [rad/s]
  kSpecificForce,  // the same: vector [m/s2]
};

struct Measurement {
  MeasurementKind kind = MeasurementKind::kPosition;
  int index = 0;
  Time time;
  double value = 0;
  double deviation = 0;         // of the noise, white from sample to sample; > 0
  double second_deviation = 0;  // kPose: of the rotation [rad]
  Vec3d vector;
  Posed X;
};

enum class FilterMethod { kExtended, kCubature };

struct EstimatorOptions {
  FilterMethod method = FilterMethod::kExtended;
  Duration history{200'000'000};  // how late a measurement may come
  int knots = 256;                // time stamps kept; must span the history
  int most = 64;                  // measurements of one time stamp
  double torque_noise = 0.05;     // white error of drive torques and friction [N.m/sqrt(Hz)], every degree
  double external_rate = 5;       // random walk of d [N.m/sqrt(s)]
  double external_time = 0;       // T [s]; 0: d does not fade
  double friction_speed = 0.02;   // [rad/s] Coulomb friction is tanh(v / this)
  // At the start.
  double position_deviation = 0.1, velocity_deviation = 0.1, external_deviation = 1;
  // What is told (Finding).
  double consistency = 2;           // bound on the mean normalised innovation squared (1 where the filter is right)
  double consistency_memory = 200;  // measurements over which it is the mean
  double outlier = 0;               // normalised innovation squared from which kPose is left out; 0: nothing is
  double collapse = 0.01;           // deviation of the estimate over that of one reading
  double contradiction = 3;         // |d| over the first second, over what external_deviation and _rate allow
};

enum class FindingKind : std::int8_t {
  kFrozen,        // the sensor repeats its value to the bit while the machine moves
  kInconsistent,  // innovations are larger than the covariance allows
  kCollapsed,     // the covariance is too small for any reading to count
  kContradicts,   // the plant contradicts the model from the first second on
  kTooLate,       // measurements were older than the history
  kLeftOut,       // readings were left out as outliers, or were not finite
  kCrowded,       // more measurements of one time stamp than `most`
};

struct Finding {
  FindingKind kind = FindingKind::kFrozen;
  int index = 0;     // degree in v; body of a pose or IMU
  double value = 0;  // seconds frozen; mean squared innovation; ratio; N.m; count
  Time since;
};
// In words, with what to do: "joint2: its encoder repeats one value since 3.214 s while the machine moves: ...".
std::string describe(const Finding& finding, const dynamics::Model& model);

struct Estimate {
  Time time;
  scene::State state;              // q, v, a, tau and the bodies, as any other State
  std::vector<double> external;    // d (nv) [N.m, N]
  std::vector<double> covariance;  // (3 nv x 3 nv) of (dq, dv, dd)
  std::vector<Duration> age;       // (nv) since the newest measurement that a degree's position had
  double consistency = 1;          // mean normalised innovation squared, worst degree; right: 1
  std::vector<Finding> findings;   // what holds now
};

class Estimator {
 public:
  // The state at `time` is that of the model's start, or of `start`, with the options' deviations.
  Estimator(const dynamics::Model& model, const EstimatorOptions& options, Time time,
            const scene::State* start = nullptr);
  ~Estimator();
  Estimator(Estimator&&) noexcept;

  // Takes the measurements (any order, any age within the history) and gives the estimate at `time`, which must not be
  // before the newest measurement. Allocates nothing. O(nv^3) a time stamp that is new or filtered again.
  const Estimate& step(Time time, std::span<const Measurement> measurements);

  // Squared distance of the truth from the estimate in units of its covariance, over (q, v, d) or (q, v) (nv each):
  // chi-square distributed with 3 nv (2 nv) degrees where the filter is right. external may be empty.
  double squared_error(std::span<const double> q, std::span<const double> v, std::span<const double> external) const;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

// A force or wrench at a body that explains the external torques: F minimises |d - J^T F| in units of d's covariance.
struct ContactWrench {
  Forced F_W;                           // about the point, in W
  std::array<double, 36> covariance{};  // of (moment, force)
  double residual = 0;                  // squared distance of d from J^T F: chi-square with nv - 6 (nv - 3) degrees
  bool force_only = false;
};
// At the point p_B of a body. force_only: no moment (a touch at a point). Allocates nothing for nv <= 32.
ContactWrench contact_wrench(const dynamics::Model& model, dynamics::Data& data, const Estimate& estimate,
                             scene::BodyId body, const Vec3d& p_B, bool force_only);

}  // namespace geoul::estimation
