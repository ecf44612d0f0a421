// Gaps: everything that must stay apart, or within, as bounds on what the motions of joints can do to them. Of a point
// p of a link, when joints move by dq_j from where they stand:
//   |p' - p|      <= sum_j r_j |dq_j|                     r_j: distance of p from joint j's axis now
//   n.(p' - p)    <= sum_j g_j dq_j + 1/2 sum_ij L_max(i,j) |dq_i dq_j|      g_j = n.dp/dq_j now, L: reach at any q
// Both hold for displacements of any size; see docs/notes/safety.md. A capsule keeps to the bounds of its two ends.
#pragma once

#include <array>

#include "geoul/decision/safety/filter.h"
#include "geoul/dynamics/data.h"

namespace geoul::decision::safety {

// What joints do in one cycle and the stop behind it: (nv) of each.
struct Motions {
  std::array<Travel, kMostJoints> travel;
};

struct Gap {
  Cause cause = Cause::kPerson;
  int subject = 0, object = 0;
  std::uint32_t joints = 0;  // that change it
  double room = 0;           // distance less all constant allowances [m]; of speeds: the limit [m/s]
  double distance = 0;
  double person_speed = 0;  // [m/s]
  double wait = 0;          // from the measurement until the cycle begins at the plant, at the latest [s]
  double contact_speed = 0;
  int ends = 0;                   // with a direction; 0: only the bound without
  double end_room[2] = {};        // room along the normal at each end [m]
  double g[2][kMostJoints];       // by joint
  double lever[kMostJoints];      // greater of both ends
  const double* reach = nullptr;  // (nv)
};

struct GapInputs {
  const Robot& robot;
  const Contract& contract;
  const dynamics::Data& data;  // kinematics
  std::span<const BodyPart> people;
  Time now;
  const Motions& most;  // the greatest motions that may be chosen: gaps that they cannot close are left out
};

// Appends what may matter to gaps; false where there is no room for it. nearest: least distance to a person.
bool find_gaps(const GapInputs& inputs, std::vector<Gap>& gaps, double& nearest);

// What is left of a gap along motions, in metres (speeds: in 0.1 s of them); negative: not enough.
double left(const Robot& robot, const Gap& gap, const Motions& motions);
// The terms of a person's gap along motions.
Separation separation_of(const Robot& robot, const Contract& contract, const Gap& gap, const Motions& motions);

}  // namespace geoul::decision::safety
