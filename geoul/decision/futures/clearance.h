// Clearance: the least distance between what moves and what it may touch, along a motion. Exact at every place that is
// looked at, and cheap: of the many pairs only those are measured that could be nearer than what was seen so far.
// Source of the idea: conservative bounds on motion, Mirtich, Impulse-based Dynamic Simulation (1996), ch. 2.
#pragma once

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "geoul/collision/bounds.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/model.h"

namespace geoul::decision {

// Constant; shared by all worlds of a model.
struct ClearanceModel {
  std::shared_ptr<const dynamics::ContactSetup> contact;  // none: nothing collides
  struct Pair {
    int a, b;            // colliders, a < b
    int body_a, body_b;  // places in `moving`; -1: stands still
  };
  std::vector<Pair> pairs;
  std::vector<int> moving;               // bodies that move and collide
  std::vector<double> reach;             // (moving) of any point of a body's colliders from its origin [m]
  std::vector<Posed> X_WB;               // (nbody) of those that stand still
  std::vector<collision::Bounds> still;  // (ncollider) of those that stand still
  std::vector<std::string> notes;        // what is not judged, in words
};

// Pairs that the scene lets touch and that can move against each other. Left out, with a note: surfaces (meshes without
// an inside) and pairs that touch or overlap at the state `start`. Between two free bodies nothing is judged.
ClearanceModel make_clearance(const dynamics::Model& model, const scene::State& start);

struct ClearanceTrack {
  double least = std::numeric_limits<double>::infinity();  // [m] so far; negative: depth
  int pair = -1;                                           // of it
  double step = 0;  // [m] largest way that two bodies went against each other from one look to the next
  bool begun = false;
  std::vector<double> due;     // (npair) lower bound of the distance + travel of both bodies when it was found
  std::vector<double> travel;  // (moving) way of any point so far [m]
  std::vector<Posed> last;     // (moving)
};
struct ClearanceScratch {
  std::vector<Posed> X_WB;                // (nbody)
  std::vector<collision::Bounds> bounds;  // (ncollider) of what moves
  std::vector<char> bounded;              // (ncollider)
};
ClearanceTrack make_track(const ClearanceModel& model);
ClearanceScratch make_scratch(const ClearanceModel& model);

// Looks at one place: data holds the kinematics (forward_kinematics). Lowers track.least; returns whether it did.
// Allocates nothing. Measured distances are exact to 1e-9 of the shapes' size.
bool look(const ClearanceModel& model, const dynamics::Model& dynamics, const dynamics::Data& data,
          ClearanceScratch& scratch, ClearanceTrack& track);

// Least distance at one place, every pair whose boxes are near looked at; the pair in track.pair.
double clearance(const ClearanceModel& model, const dynamics::Model& dynamics, const dynamics::Data& data,
                 ClearanceScratch& scratch, ClearanceTrack& track);

// "/Cell/UR3e/forearm and /Cell/bench"
std::string pair_name(const ClearanceModel& model, const dynamics::Model& dynamics, int pair);

}  // namespace geoul::decision
