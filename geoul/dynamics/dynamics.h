// Algorithms on one world. q (nq), v (nv), tau (nv) are addressed by model.layout; results go to Data and to the
// output named last. Nothing here allocates after make_data and make_state.
#pragma once

#include <span>

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/state.h"

namespace geoul::dynamics {

Data make_data(const Model& model);
// The same into memory that is there already.
void reset_data(const Model& model, Data& data);
// The start of the scene, with bodies placed.
scene::State make_state(const Model& model);
void reset_state(const Model& model, scene::State& state);  // the bodies are not placed yet

// Link poses and velocities for (q, v): data.links[i].X_WL, .V (link frame). O(nlink).
void forward_kinematics(const Model& model, std::span<const double> q, std::span<const double> v, Data& data);

// The same for one island. Does nothing where its links were last placed at the same bits of (q, v): who writes X_PL,
// X_WL, V or c of its links must clear data.placed of the island.
void place_links(const Model& model, const Island& island, const double* q, const double* v, Data& data);

// tau that gives acceleration a at (q, v), with gravity and external wrenches: recursive Newton-Euler, O(nlink).
// Armature counts; joint laws do not. Source: Featherstone 2008, table 5.1.
void inverse_dynamics(const Model& model, std::span<const double> q, std::span<const double> v,
                      std::span<const double> a, const BodyWrenches& wrenches, Data& data, std::span<double> tau);

// Acceleration under tau at (q, v), with gravity, external wrenches and armature: articulated bodies, O(nlink). Links
// that are prescribed keep the acceleration already in `a`; the force that this takes goes to data.needed. Source:
// Featherstone 2008, tables 7.1 and 9.1 (hybrid dynamics).
void forward_dynamics(const Model& model, std::span<const double> q, std::span<const double> v,
                      std::span<const double> tau, const BodyWrenches& wrenches, Data& data, std::span<double> a);

// Joint-space inertia M (nv x nv, row-major, symmetric, armature included): composite bodies. Source: table 6.2.
void mass_matrix(const Model& model, std::span<const double> q, Data& data, std::span<double> M);

// Jacobian (6 x nv, row-major; rows w then v) of a point fixed to a body: velocity of the body and of the point
// p_B (body frame), in the world frame. Needs forward_kinematics.
void body_jacobian(const Model& model, const Data& data, scene::BodyId body, const Vec3d& p_B, std::span<double> J);
void site_jacobian(const Model& model, const Data& data, scene::SiteId site, std::span<double> J);

struct Energy {
  double kinetic = 0;    // [J], rotors included
  double potential = 0;  // [J] of gravity (zero at the world's origin) and of springs
  double total() const { return kinetic + potential; }
};
// Need forward_kinematics.
Energy energy(const Model& model, const Data& data, std::span<const double> q, std::span<const double> v);
Forced momentum(const Model& model, const Data& data);  // of all links about the world's origin, in W
double total_mass(const Model& model);                  // of all links [kg]
Vec3d center_of_mass(const Model& model, const Data& data);

// External wrenches, springs and weightless parts of one island into data.links[i].f_ext. Needs forward_kinematics.
void gather_external(const Model& model, const Island& island, const BodyWrenches& wrenches, Data& data);

// Pose, velocity and acceleration of every body into state, from state.q, v, a. Runs forward_kinematics.
void place_bodies(const Model& model, Data& data, scene::State& state);

// Reaction wrench of every joint for state.q, v, a into state.wrenches; fixed joints by equilibrium of the bodies
// of their group, shared at minimum norm where statically indeterminate. O(nbody).
void reaction_wrenches(const Model& model, const BodyWrenches& wrenches, Data& data, scene::State& state);

// q moved by v over dt: along the joints, rotations on the manifold. out may be q.
void integrate_position(const Model& model, std::span<const double> q, std::span<const double> v, double dt,
                        std::span<double> out);
// The same for one tree.
void integrate_position(const Model& model, const Tree& tree, std::span<const double> q, std::span<const double> v,
                        double dt, std::span<double> out);

}  // namespace geoul::dynamics
