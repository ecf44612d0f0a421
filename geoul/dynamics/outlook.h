// Outlook: what will trouble a scene when it runs, told before it does, with the cause and the mend.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/dynamics/step.h"
#include "geoul/scene/scene.h"

namespace geoul::dynamics {

// How fast the spring and drive of one degree of freedom answer, beside what they move.
struct LawRate {
  scene::JointId joint;
  int v = 0;
  double inertia = 0;  // that an effort of the joint moves, all others free: 1 / (M^-1)_vv [kg m2, kg]; loops left out
  double stiffness = 0;  // of drive and spring [N.m/rad, N/m]
  double damping = 0;    // of drive and joint [N.m.s/rad, N.s/m]
  double rate() const;   // the faster of sqrt(stiffness / inertia) and damping / inertia [1/s]
  bool by_damping() const;
};

// Of every one-degree joint that has stiffness or damping, at positions q. O(laws x links).
std::vector<LawRate> law_rates(const Model& model, std::span<const double> q);

// The largest rate x dt that an integrator steps without error growing; infinite for those that are always stable.
double stable_rate(Integrator integrator);

// What is said of a law at this step; none where nothing is to be said:
//   unstable  beyond stable_rate: it would explode
//   unseen    faster than half a turn in a step: its own motion cannot show
enum class LawTrouble { kNone, kUnseen, kUnstable };
LawTrouble trouble_of(const LawRate& law, const StepOptions& options);
// "drive gain 1e+09 N.m/rad at dt 2 ms: ..." and what to write instead.
std::string describe(const Model& model, const LawRate& law, const StepOptions& options);
std::string mend(const Model& model, const LawRate& law, const StepOptions& options);

// Two shapes that are inside each other at the start by more than 0.1 mm and 2 % of the thinner, and may touch.
struct Overlap {
  scene::ShapeId a, b;
  double depth = 0;            // [m]
  Vec3d normal_W;              // from a to b
  bool one_mechanism = false;  // both are parts of one tree of joints, or of one that stands on the world
};
// In the order of the colliders. Empty where nothing collides.
std::vector<Overlap> deep_overlaps(const Model& model, const StepOptions& options);

// Warnings (codes): stiff-law (see LawTrouble), stiff-spring (the same of springs between points), tiny-inertia (a
// degree moves less than 1e-9 of what another of its tree moves), mass-ratio (touching bodies beyond 1000 : 1),
// deep-overlap (shapes inside each other at the start, beyond 0.1 mm and 2 % of the thinner), beyond-limit (a joint
// starts outside its limits), target-beyond-limit (a drive cannot reach its target), weak-drive (gravity at the start
// is more than the drive's limit). Infos: drive-sag (how far gravity pulls a drive off its target, beyond 0.01 rad or
// 1 mm). Gravity is judged on trees that stand on the world without loops.
void outlook(const scene::Scene& scene, const Model& model, const StepOptions& options, Diagnostics& diagnostics);

}  // namespace geoul::dynamics
