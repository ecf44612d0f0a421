// One filter's state and its two moves: prediction over time and update by a measurement. Used by Estimator alone.
#pragma once

#include <vector>

#include "geoul/estimation/estimator.h"

namespace geoul::estimation {

// Everything that filtering changes, so that a copy is a restart.
struct FilterState {
  std::vector<double> q, v, d;  // (nq), (nv), (nv)
  std::vector<double> tau;      // (nv) drives' effort now
  std::vector<double> U, D;     // (3 nv x 3 nv), (3 nv)
  std::vector<Time> seen;       // (nv) newest measurement that a position had
  // Of encoders, by degree.
  std::vector<double> last, last_speed, deviation;  // (nv) value; |v| less 3 deviations as it came; of the noise
  std::vector<Time> last_change;                    // (nv)
  std::vector<char> frozen;                         // (nv)
  // Mean normalised innovation squared: by degree, then of poses and IMUs together.
  std::vector<double> consistency, readings;  // (nv + 1)
  std::vector<double> early_square;           // (nv) sum of d^2 over the readings of the first second
  double early_readings = 0;
  long left_out = 0;
};

class Filter {
 public:
  Filter(const dynamics::Model& model, const EstimatorOptions& options);

  FilterState start(Time time, const scene::State* given) const;
  void predict(Duration duration, FilterState& state);
  void update(const Measurement& measurement, Time begin, FilterState& state);
  // Acceleration at the state.
  void acceleration(const FilterState& state, std::span<double> a);

  dynamics::Data& data() { return data_; }
  const dynamics::Model& model() const { return model_; }
  const EstimatorOptions& options() const { return options_; }

 private:
  struct Point {
    std::vector<double> q, v, d;
  };
  void net_force(const double* q, const double* v, const double* d, const double* tau);
  void move(const Point& from, const std::vector<double>& tau, double dt, Point& to);
  void displace(const FilterState& state, std::span<const double> error, Point& out) const;
  void difference(const Point& a, const Point& b, std::span<double> error) const;
  void predict_once(double dt, FilterState& state);
  void add_noise(const FilterState& state, double dt, int column);
  void observe(const Measurement& measurement, const FilterState& state, const Point& at, std::span<double> z);
  int linearize(const Measurement& measurement, const FilterState& state);
  void correct(std::span<const double> dx, FilterState& state);
  void note(int slot, double square, FilterState& state) const;
  void update_position(const Measurement& m, FilterState& state);
  void update_vector(const Measurement& m, FilterState& state);
  double apply(std::span<const double> h, double residual, double deviation, FilterState& state);

  const dynamics::Model& model_;
  EstimatorOptions options_;
  int nv_, n_;  // n = 3 nv
  dynamics::Data data_;
  std::vector<double> force_, a_, zero_, gain_, dx_, error_, step_;
  Point center_, moved_, other_, moved_other_;
  std::vector<double> F_, W_, weights_, mean_;  // (n x n), (n x (2 n + 2 nv)), (2 n + 2 nv), (n)
  std::vector<double> H_, z0_, z1_, z2_;        // (6 x n), (6)
  std::vector<double> saved_U_, saved_D_;
  Quatd reference_;  // attitude from which a pose's turn is counted
};

// Position b as seen from a on the manifold: the velocity that leads from a to b in one second.
void position_difference(const dynamics::Model& model, std::span<const double> a, std::span<const double> b,
                         std::span<double> out);

}  // namespace geoul::estimation
