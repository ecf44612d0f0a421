// The identified machine as a predictor of joint torques, for observers that run beside it: causal, a few microseconds.
//
//   TorqueMemory memory = make_memory(model);
//   every sample: predict(model, q, v, a, memory, tau);     tau_measured - tau has covariance model.covariance
#pragma once

#include <span>
#include <vector>

#include "geoul/estimation/identify.h"

namespace geoul::estimation {

struct TorqueModel {
  dynamics::Model model;  // inertias as identified; armature 0 (the rotors are terms)
  JointColumns columns;
  FrictionShape shape;
  RowMatrix terms;                   // (njoint x shape.terms()) coefficients
  Eigen::MatrixXd covariance;        // (njoint x njoint) of measured minus predicted torque, sample by sample [N.m2]
  Eigen::VectorXd correlation_time;  // (njoint) of that residual [s]: its autocorrelations' integral

  int joints() const { return columns.count(); }
};

struct TorqueMemory {
  dynamics::Data data;
  std::vector<double> q, v, a, tau;  // of the whole model
  std::vector<double> last;          // (njoint) position of the sample before
  RowMatrix z;                       // (njoint x lengths) states of hysteresis
  std::vector<double> work;
  bool started = false;
};

TorqueModel make_torque_model(const dynamics::Model& model, const JointColumns& columns, const Fit& fit);
TorqueMemory make_memory(const TorqueModel& model);

// Torque [N.m] of each joint at q, v, a (njoint each); what friction remembers moves on with q. Allocates nothing.
void predict(const TorqueModel& model, std::span<const double> q, std::span<const double> v, std::span<const double> a,
             TorqueMemory& memory, std::span<double> tau);

// The same over a whole motion: (n x njoint).
RowMatrix predict(const TorqueModel& model, const RegularMotion& motion);

// Covariance and correlation time of measured minus predicted over the motions, into the model.
void measure_residual(std::span<const RegularMotion> motions, TorqueModel& model);

// The scene with the identified masses, and of its joints damping (viscous), friction (Coulomb and the levels of
// hysteresis together, what it comes to in steady motion) and armature. Of several bodies welded to one link the
// heaviest takes the change; where it would not be physical, all share the link's inertia by their mass. What friction
// has more (offset, asymmetry, Stribeck, memory) a scene has no word for.
scene::Scene write_back(const Fit& fit, const dynamics::Model& model, const JointColumns& columns,
                        const scene::Scene& scene);

}  // namespace geoul::estimation
