// Contact scenarios run to their end, with what is to be judged. Tests run them short, bench at full length.
// All with the default tolerance unless a report says otherwise; wall times are of this machine and this call.
#pragma once

#include "geoul/dynamics/step.h"
#include "scenarios/contacts.h"

namespace geoul::scenarios {

// What every run has in common.
struct ContactRun {
  long steps = 0, unconverged = 0;  // steps; those whose contacts were not solved to the tolerance
  double contacts = 0;              // mean over the steps
  int most_contacts = 0;
  double iterations = 0;       // mean over the steps
  double penetration = 0;      // largest [m]
  double cone = 0;             // largest violation [N]
  double residual = 0;         // largest, of the contact laws [m/s]
  double complementarity = 0;  // largest [W]
  double wall = 0;             // [s]
};

// A hand shaken along x, y and z at 1 g amplitude each (1.3, 1.7 and 2.3 Hz) for `seconds`, after 0.5 s of gripping.
struct GripperReport : ContactRun {
  double slip = 0;  // farthest that the cylinder moves in the left finger's frame, along the pad [m]
  double turn = 0;  // and turns [rad]
};
GripperReport run_gripper(double seconds, double dt = 1e-3, const Gripper& options = {});

// Boxes of growing mass on each other for `seconds`; kept awake where not `sleep`.
struct TowerReport : ContactRun {
  double drift = 0;  // farthest that a box moves sideways [m]
  double sink = 0;   // farthest that a box moves down [m]
};
TowerReport run_tower(int boxes, double first_mass, double growth, double seconds, double dt = 1e-3, bool sleep = true);

// Solved to 1e-6 m/s in at most 100 iterations; sleeps below 1e-5 m/s.
struct BowlReport : ContactRun {
  double start_energy = 0;  // [J], potential from the bowl's bottom
  double rise = 0;          // most that the energy rose above what it was at any earlier time [J]
  double kinetic = 0;       // at the end [J]
  double fastest = 0;       // ball at the end [m/s]
  int asleep = 0;           // bodies at the end
  double last_step = 0;     // wall time of a step, mean over the last tenth [s]
  double busiest_step = 0;  // mean over the tenth that took longest [s]
};
BowlReport run_bowl(int balls, double seconds, double dt = 2e-3);

// SimBenchmark's metrics: mean over the steps of the squared error of velocity (box and first ball) [m2/s2], and of
// the energy of all balls [J2]. Rolling is solved to 1e-13 m/s; bouncing flies by runge-kutta-4.
struct SimBenchmarkReport : ContactRun {
  double error = 0;
};
SimBenchmarkReport run_simbenchmark_rolling(bool diagonal, double dt = 1e-3, double seconds = 4);
SimBenchmarkReport run_simbenchmark_bouncing(double dt = 1e-3, double seconds = 20);

}  // namespace geoul::scenarios
