// The safety filter: stands between whoever decides and the plant, and lets nothing through after which the robot could
// not be stopped in time. Its promise, for as long as the contract below is kept:
//   after every step there is a stop, known joint by joint, along which every limit holds, no part of the robot meets
//   an obstacle or itself, and nobody who moves no faster than was stated is met by a robot that still moves.
// How: a proposal is taken only with a stop behind it that was checked; else it is changed as little as a checked one
// allows; else the stop that was checked a cycle before goes on, which nothing can make wrong. docs/notes/safety.md
// has the bounds and their proofs. No claim of certification: this is software without a safety rating, to stand in
// front of a rated safety controller, never in its place.
//
// Nothing allocates after the constructor but words(); bounded work; same input, same bits. Not thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/time.h"
#include "geoul/decision/safety/robot.h"
#include "geoul/decision/safety/standards.h"

namespace geoul::decision::safety {

// What is assumed of the world. Whoever sets these answers for them; the filter cannot see most of them break.
struct Contract {
  Duration cycle{10'000'000};           // between steps; the plant runs one cycle of reference after the other
  Duration reaction{50'000'000};        // greatest delay from a step until the plant follows what it gave
  Duration oldest_people{200'000'000};  // older measurements of people stop the robot
  Duration oldest_plant{100'000'000};   // the same of the plant's joints and of the force at the tool
  double person_speed = kWalkingSpeed;  // nobody within 0.5 m of standing about moves faster [m/s]
  double intrusion = 0;                 // C: what of a person may stick out of what is measured [m]
  double person_uncertainty = 0.05;     // Z_d: greatest error of a measured person [m]
  double obstacle_clearance = 0.005;    // kept from obstacles, itself and planes [m]
  // Robot and person may touch where every point of the robot is slower than this [m/s]; 0: never. See
  // contact_speed() of standards.h.
  double contact_speed = 0;
  double tool_force = scene::kUnlimited;  // measured force at the tool beyond which the robot stops [N]
  int most_parts = 16;                    // body parts of people; more stop the robot
  // Also assumed, by RobotOptions: the plant keeps within `tracking` of the reference of some instant of the last
  // `reaction`, and can always brake by the limits' accelerations and jerks. And: everybody near enough to matter is in
  // every list of people; obstacles stand where the scene says; the plant goes on along the stop that came with the
  // last command where none follows.
};

// A part of a person: a capsule, measured.
struct BodyPart {
  Capsule shape;  // in W
  Time measured;
  double speed = 0;  // of this one; 0: the contract's
};

struct Inputs {
  Time now;
  std::span<const double> acceleration;  // proposed for the end of the cycle (nv) [rad/s2]; empty: none, stop
  std::span<const BodyPart> people;
  Time people_seen;                  // of the measurement, also where nobody was seen
  std::span<const double> position;  // measured (nv) [rad]; empty: not measured, which stops the robot
  Time position_measured;
  double tool_force = 0;  // measured [N]
  Time tool_force_measured;
  bool trusted = true;  // false: somebody else found that the twin and the plant part (watch.h)
};

enum class Cause : std::uint8_t {
  kNoProposal,
  kNotFinite,
  kLate,  // steps were missing, or came too early
  kJointLimit,
  kPerson,
  kObstacle,
  kSelf,
  kWorkspace,
  kSpeed,
  kTorque,
  kToolForce,
  kOldPeople,
  kOldPlant,
  kDiverged,
  kDistrust,
  kTooManyPeople,
};
const char* to_string(Cause cause);

struct Reason {
  Cause cause = Cause::kNoProposal;
  int subject = -1;   // joint, capsule or point
  int object = -1;    // body part, obstacle, other capsule or plane
  double margin = 0;  // what was short: [m, m/s, rad, s, N.m], negative
};

enum class Verdict : std::uint8_t {
  kPassed,    // as proposed
  kChanged,   // the nearest that a stop can follow
  kStopping,  // along the stop that was checked before
  kHeld,      // at rest, and stays
};
const char* to_string(Verdict verdict);

struct Decision {
  static constexpr int kMostReasons = 8;
  Verdict verdict = Verdict::kHeld;
  std::span<const Profile> reference;  // (nv) the cycle to come, and the stop that follows where nothing else does
  double change = 0;                   // root of the sum over joints of (given - proposed)^2 / acceleration limit^2
  int reasons = 0;
  Reason reason[kMostReasons];
  double margin = 0;    // least of all gaps beyond what they need, after the decision [m]; infinite where none is near
  double distance = 0;  // to the nearest person [m]; infinite where there is none
  Separation separation;  // what was asked for there
  bool projected = true;  // the projection kept its rows (else the line search answers for it)
};

class Filter {
 public:
  Filter(std::shared_ptr<const Robot> robot, const Contract& contract);
  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;
  ~Filter();

  const Robot& robot() const;
  const Contract& contract() const;
  // Begins anew, at rest, where the plant stands (nv), which must be clear of things by all that `tracking` can do.
  // Throws ContractError where that is beyond a limit.
  void reset(std::span<const double> q, Time now);
  // The cycle that is due. A step that comes less than a cycle early changes nothing; for every cycle that was missed
  // the stop is taken to have gone on.
  Decision step(const Inputs& inputs);
  // Where the reference stands after the last step (nv).
  std::span<const Profile> reference() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What was done and why, for a person. Allocates.
std::string words(const Filter& filter, const Decision& decision);

// Accelerations to propose so that a joint reaches a velocity soon and without overshoot by its limits.
double toward_velocity(const JointState& state, double velocity, const JointLimits& limits, Duration cycle);
// The same to come to rest at a position.
double toward_position(const JointState& state, double position, const JointLimits& limits, Duration cycle);

}  // namespace geoul::decision::safety
