// External torques from the change of momentum, without accelerations: over a cycle
//   x = (p' - p) / dt - (tau - friction - beta),   p = M v,   beta = inverse_dynamics(q, v, 0) - Mdot v
//   r' = exp(-K dt) r + (1 - exp(-K dt)) x
// r is the external generalised force seen through a first-order filter of bandwidth K, exactly, joint by joint; x is
// the same without a filter, with all the noise. Mdot v is a central difference of M along v.
// Sources: De Luca, Mattone, "Actuator failure detection and isolation using generalized momenta", ICRA 2003; the same,
// "Sensorless robot collision detection and hybrid force/motion control", ICRA 2005; Haddadin, De Luca, Albu-Schaffer,
// "Robot collisions: a survey on detection, isolation, and identification", IEEE T-RO 33(6), 2017.
#pragma once

#include <span>
#include <vector>

#include "geoul/dynamics/dynamics.h"

namespace geoul::estimation {

struct MomentumObserverOptions {
  double bandwidth = 50;         // K [1/s]
  double friction_speed = 0.02;  // [rad/s] Coulomb friction of the model is tanh(v / this)
};

class MomentumObserver {
 public:
  MomentumObserver(const dynamics::Model& model, const MomentumObserverOptions& options);

  // After a cycle of dt [s] > 0: q (nq), v (nv) now, tau (nv) the drives' mean over the cycle. The first call only sets
  // the momentum. Allocates nothing. Six inverse dynamics.
  void step(double dt, std::span<const double> q, std::span<const double> v, std::span<const double> tau);

  std::span<const double> external() const { return r_; }    // r (nv) [N.m, N]
  std::span<const double> unfiltered() const { return x_; }  // x (nv): mean over the last cycle

 private:
  void momentum(std::span<const double> q, std::span<const double> v, std::vector<double>& p);

  const dynamics::Model* model_;
  MomentumObserverOptions options_;
  dynamics::Data data_;
  std::vector<double> p_, beta_, r_, x_;
  std::vector<double> zero_, p_next_, beta_next_, before_, after_, q_near_, gravity_;
  bool started_ = false;
};

}  // namespace geoul::estimation
