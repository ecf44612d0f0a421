// Watch: looks at every step of a simulation and says in words what leaves its bound, with the cause and the mend.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "geoul/dynamics/outlook.h"
#include "geoul/dynamics/world.h"
#include "geoul/runtime/report.h"

namespace geoul::runtime {

struct WatchBounds {
  double penetration = 1e-4;  // [m] of rigid shapes
  double closure = 1e-9;      // [m, rad] of loops and couplings
  double speed = 1e4;         // [m/s, rad/s] of any degree of freedom
};

class Watch {
 public:
  explicit Watch(const dynamics::World& world, WatchBounds bounds = {});

  // After a step of the world. Allocates only where something is wrong.
  void look(const dynamics::World& world, const dynamics::StepReport& report);

  // What there is to say since the last call. Each trouble speaks the first time it is seen, then the 10th, the 100th
  // and so on: what is said depends on the simulation alone.
  std::vector<std::string> take();
  // The newest step and the worst so far: contacts, residuals with their bounds, iterations.
  std::vector<ReportLine> figures() const;
  void add_to(Report& report) const;  // the worst, and how many steps had each trouble
  // Why a step was not finite, as far as the laws of the joints tell.
  std::string cause(const dynamics::World& world) const;

 private:
  enum Trouble { kContactResidual, kPenetration, kClosure, kLaws, kSpeed, kBroken, kTroubles };

  void say(Trouble trouble, Time time, const std::string& what, const std::string& mend);
  std::string stiffest(const dynamics::World& world, int island) const;  // empty where no law is stiff
  std::string advice(const dynamics::World& world, int island) const;

  WatchBounds bounds_;
  dynamics::StepReport now_;
  double penetration_ = 0, closure_ = 0, contact_residual_ = 0, cone_ = 0;  // worst so far
  int iterations_ = 0, contacts_ = 0, asleep_ = 0;
  double contact_tolerance_ = 0;
  std::size_t broken_ = 0;
  std::array<std::uint64_t, kTroubles> count_{};
  std::vector<std::string> said_;
};

}  // namespace geoul::runtime
