// What a motion costs, for iLQR and MPPI: quadratic in the distance from a goal and in the efforts.
//   running   dt (1/2 sum w_q (q - q*)^2 + 1/2 sum w_v (v - v*)^2 + 1/2 sum w_u u^2)
//   at the end     1/2 sum W_q (q - q*)^2 + 1/2 sum W_v (v - v*)^2
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace geoul::decision {

// (nv) each; models of one-degree joints alone, so that q - q* is a vector.
struct QuadraticCost {
  std::vector<double> q_goal, v_goal;      // [rad, m], per s
  std::vector<double> q_weight, v_weight;  // running
  std::vector<double> q_end, v_end;        // at the end
  std::vector<double> effort_weight;       // (m) of the actuated degrees
};

// Half the weighted squares.
inline double weighted(std::span<const double> x, std::span<const double> goal, std::span<const double> weight) {
  double out = 0;
  for (std::size_t i = 0; i < x.size(); ++i) out += 0.5 * weight[i] * (x[i] - goal[i]) * (x[i] - goal[i]);
  return out;
}
inline double running_cost(const QuadraticCost& c, std::span<const double> q, std::span<const double> v,
                           std::span<const double> u) {
  double out = weighted(q, c.q_goal, c.q_weight) + weighted(v, c.v_goal, c.v_weight);
  for (std::size_t i = 0; i < u.size(); ++i) out += 0.5 * c.effort_weight[i] * u[i] * u[i];
  return out;
}
inline double end_cost(const QuadraticCost& c, std::span<const double> q, std::span<const double> v) {
  return weighted(q, c.q_goal, c.q_end) + weighted(v, c.v_goal, c.v_end);
}

}  // namespace geoul::decision
