// Data: what the kernels compute for one world, link by link. Allocated once by make_data.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/dynamics/inertia_factor.h"

namespace geoul::dynamics {

// External wrenches on bodies (nbody), in the world frame about each body's origin [N.m, N]; or empty.
using BodyWrenches = std::span<const Forced>;

// Articulated-body inertia, symmetric 6 x 6: [I H; H^T M] for (w, v).
template <class T>
struct ArticulatedInertia {
  Sym3<T> I;
  Mat3<T> H;
  Sym3<T> M;
};

// By stage that computes it. All in the link's frame L unless a letter says otherwise.
template <class T>
struct LinkDataT {
  // kinematics
  Transform<T> X_PL;  // in the parent link
  Transform<T> X_WL;  // in the world
  Motion<T> V;        // velocity
  Motion<T> c;        // velocity-product acceleration
  // dynamics
  Motion<T> A;     // acceleration; with gravity taken as -g at the root
  Force<T> f_ext;  // external wrench, weightless parts included
  Force<T> f;      // bias force, and force through the joint
  ArticulatedInertia<T> IA;
  Force<T> U;     // IA S                        (one-degree joints)
  T Dinv;         // 1 / (S^T IA S + diagonal)   (one-degree joints)
  T u;            // tau - S^T p                 (one-degree joints)
  Inertia<T> Ic;  // composite inertia
};

// The same for balls.
template <class T>
struct BallDataT {
  Force<T> U[3];  // IA S_k
  T Dinv[3][3];
  T u[3];
};

using LinkData = LinkDataT<double>;
using BallData = BallDataT<double>;

// Of the contacts of one step.
struct ContactReport {
  int count = 0;
  double penetration = 0;      // largest [m]
  double cone = 0;             // largest violation of a friction cone [N]
  double complementarity = 0;  // [W]
  double residual = 0;         // of the laws [m/s]
  int iterations = 0;
  bool converged = true;
};

struct ContactData;  // contacts.h

// Copies what it points to.
template <class T>
struct Owned {
  std::shared_ptr<T> value;

  Owned() = default;
  explicit Owned(std::shared_ptr<T> v) : value(std::move(v)) {}
  Owned(Owned&&) noexcept = default;
  Owned& operator=(Owned&&) noexcept = default;
  Owned(const Owned& other) : value(other.value ? other.copy(*other.value) : nullptr), copy(other.copy) {}
  Owned& operator=(const Owned& other) {
    value = other.value ? other.copy(*other.value) : nullptr;
    copy = other.copy;
    return *this;
  }
  T& operator*() const { return *value; }
  T* operator->() const { return value.get(); }
  explicit operator bool() const { return value != nullptr; }

  std::shared_ptr<T> (*copy)(const T&) = nullptr;
};

struct StepReport {
  bool converged = true;  // joint laws and midpoint solved, and everything finite
  bool finite = true;
  bool refused = false;  // an input was not finite: nothing was changed; see bad_input
  int iterations = 1;    // most solves that one tree needed
  double residual = 0;   // last change of a velocity in the midpoint iteration [rad/s, m/s]; 0 for other integrators
  ContactReport contact;
  double closure = 0;  // largest error of a loop or coupling at the end of the step [m, rad]
};

// Rows of the constraints of all islands; see constraints.h.
struct ConstraintData {
  std::vector<double> J, W;     // (constraint_size) rows, and their responses M^-1 J^T
  std::vector<double> G, L;     // envelopes of J M^-1 J^T and of its factor
  std::vector<double> force;    // (nrow) along the rows [N, N.m; effort of couplings]: mean over the step
  std::vector<double> error;    // (nrow) c(q) [m, rad]
  std::vector<double> work[3];  // (nrow)
  std::vector<double> tau, a;   // (nv)
};

// Generalised position, velocity and acceleration at one instant.
struct Coordinates {
  std::vector<double> q, v, a;  // (nq), (nv), (nv)
};

struct Data {
  std::vector<LinkData> links;   // (nlink)
  std::vector<char> placed;      // (nisland) links hold the kinematics of `place`; place_links alone may write there
  Coordinates place;             // q, v only
  std::vector<BallData> balls;   // by Link::ball
  std::vector<double> diagonal;  // (nv) added to the joint-space inertia: armature, and implicit laws
  std::vector<char> held;        // (nlink) held in this solve: prescribed, or stopped by a joint law
  std::vector<double> needed;    // (nv) force that held links need, armature left out
  std::vector<double> zero;      // (nv)

  InertiaFactor inertia;  // empty where nothing collides
  ConstraintData constraints;
  Owned<ContactData> contact;  // none where nothing collides

  // reaction_wrenches
  std::vector<Forced> node_wrench;  // (largest group)
  std::vector<Forced> edge_wrench;  // (largest group and its loops)
  std::vector<double> loop_work;
  std::vector<Forced> group_load;  // (nbody) wrenches of moving joints on bodies, in G

  // step
  Coordinates given[3];             // prescribed motion at the begin, middle and end of the step
  Coordinates stage;                // where forces are evaluated
  std::vector<double> tau;          // (nv)
  std::vector<double> work[8];      // (nv) each
  std::vector<signed char> modes;   // (3 nv) joint laws: drive, friction, bound
  std::vector<StepReport> reports;  // (nisland)
};

}  // namespace geoul::dynamics
