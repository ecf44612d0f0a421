// Motions of known machines, for tests and figures: sums of sines, torques by inverse dynamics and a friction law.
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/estimation/identify.h"
#include "geoul/estimation/test_records.h"

namespace geoul::estimation {

// The first joints of a chain, as scene, model and columns.
struct SimulatedArm {
  scene::Scene scene;
  dynamics::Model model;
  JointColumns columns;

  SimulatedArm(scene::Scene chain, std::size_t joints) : scene(std::move(chain)) {
    scene.bodies.resize(joints);
    scene.joints.resize(joints);
    model = dynamics::compiled(scene);
    columns = joint_columns(model, all_joints(scene)).value();
  }
};

// Every joint a sum of three sines about its start, without noise; a is exact. tau is rigid-body torque (armature
// included).
inline RegularMotion simulated_motion(const dynamics::Model& model, const JointColumns& columns, int n, double period,
                                      std::uint64_t seed) {
  Random random(seed);
  const int joints = columns.count();
  RegularMotion m;
  m.period = period;
  m.q = m.v = m.a = m.tau = RowMatrix::Zero(n, joints);
  for (int j = 0; j < joints; ++j) {
    for (int k = 1; k <= 3; ++k) {
      const double w = 2 * std::numbers::pi * k * random.uniform(0.15, 0.25), phase = random.uniform(0, 6.28);
      const double amplitude = random.uniform(0.3, 0.8) / k;
      for (int i = 0; i < n; ++i) {
        const double angle = w * period * i + phase;
        m.q(i, j) += amplitude * std::sin(angle);
        m.v(i, j) += amplitude * w * std::cos(angle);
        m.a(i, j) -= amplitude * w * w * std::sin(angle);
      }
    }
  }
  dynamics::Data data = make_data(model);
  std::vector<double> q = model.q_start, v(static_cast<std::size_t>(model.nv)), a(v.size()), tau(v.size());
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < joints; ++j) {
      q[static_cast<std::size_t>(columns.q[static_cast<std::size_t>(j)])] = m.q(i, j);
      v[static_cast<std::size_t>(columns.v[static_cast<std::size_t>(j)])] = m.v(i, j);
      a[static_cast<std::size_t>(columns.v[static_cast<std::size_t>(j)])] = m.a(i, j);
    }
    inverse_dynamics(model, q, v, a, {}, data, tau);
    for (int j = 0; j < joints; ++j) {
      m.tau(i, j) = tau[static_cast<std::size_t>(columns.v[static_cast<std::size_t>(j)])];
    }
  }
  return m;
}

// Adds the terms of one friction law, the same coefficients at all joints.
inline void add_friction(const FrictionShape& shape, std::span<const double> coefficients, RegularMotion& m) {
  std::vector<double> z(shape.lengths.size()), terms(static_cast<std::size_t>(shape.terms()));
  for (Eigen::Index j = 0; j < m.q.cols(); ++j) {
    std::fill(z.begin(), z.end(), 0.0);
    for (Eigen::Index i = 0; i < m.q.rows(); ++i) {
      if (i > 0) advance(shape, m.q(i, j) - m.q(i - 1, j), z);
      friction_terms(shape, m.v(i, j), m.a(i, j), z, terms);
      for (std::size_t k = 0; k < terms.size(); ++k) m.tau(i, j) += coefficients[k] * terms[k];
    }
  }
}

// Noise of first order with memory: deviation `size`, correlation `memory` from one value to the next in a series.
inline void add_noise(double size, double memory, int series, Random& random, Eigen::VectorXd& y) {
  for (int s = 0; s < series; ++s) {
    double e = size * random.normal();
    for (Eigen::Index i = s; i < y.size(); i += series) {
      y(i) += e;
      e = memory * e + size * std::sqrt(1 - memory * memory) * random.normal();
    }
  }
}

}  // namespace geoul::estimation
