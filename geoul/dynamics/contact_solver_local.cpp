// The laws of single blocks: projections, natural map, exact solves.
// Sources: Hwangbo, Lee, Hutter, "Per-contact iteration method for solving contact dynamics", RA-L 2018;
// Bonnefon, Daviet, "Quartic formulation of Coulomb 3D frictional contact", INRIA 2011.
#include "geoul/dynamics/contact_solver_island.h"

namespace geoul::dynamics::rows {

namespace {

double length(const double* x, int n) { return n == 1 ? std::abs(x[0]) : std::sqrt(x[0] * x[0] + x[1] * x[1]); }

void to_disk(double* x, int n, double radius) {
  const double l = length(x, n);
  if (l <= radius) return;
  const double s = l > 0 ? radius / l : 0;
  for (int i = 0; i < n; ++i) x[i] *= s;
}

// Slip: lambda > 0 with |p_t| = mu p_n, p_t = -(S + lambda)^-1 d, p_n = -(c_n + a . p_t) / A_nn.
// f(lambda) = mu p_n / |p_t| - 1 grows from below 0 at sticking to infinity, nearly on a line.
struct Slip {
  double S00, S01, S11, d0, d1, a0, a1, c, mu;  // a, c: over A_nn

  double value(double lambda, double p[3], double* slope) const {
    const double s00 = S00 + lambda, s11 = S11 + lambda;
    const double inverse = 1 / (s00 * s11 - S01 * S01);
    p[1] = -(s11 * d0 - S01 * d1) * inverse;
    p[2] = -(s00 * d1 - S01 * d0) * inverse;
    p[0] = -(c + a0 * p[1] + a1 * p[2]);
    // derivative of p_t: -(S + lambda)^-1 p_t
    const double q1 = -(s11 * p[1] - S01 * p[2]) * inverse, q2 = -(s00 * p[2] - S01 * p[1]) * inverse;
    const double l2 = p[1] * p[1] + p[2] * p[2], l = std::sqrt(l2);
    const double dl = (p[1] * q1 + p[2] * q2) / l;
    *slope = mu * (-(a0 * q1 + a1 * q2) - p[0] * dl / l) / l;
    return mu * p[0] / l - 1;
  }
};

bool solve_slip(const Slip& slip, double guess, double p[3]) {
  double low = 0, high = -1, lambda = guess, slope = 0;
  for (int i = 0; i < 100; ++i) {
    const double f = slip.value(lambda, p, &slope);
    if (!std::isfinite(f)) return false;
    (f < 0 ? low : high) = lambda;
    if (std::abs(f) < 4e-16) break;
    double next = lambda - f / slope;
    if (!(slope > 0) || next <= low || (high >= 0 && next >= high)) {
      next = high < 0 ? 4 * lambda : 0.5 * (low + high);
    } else if (high < 0 && next > 1e3 * lambda) {
      next = 1e3 * lambda;
    }
    if (std::abs(next - lambda) <= 1e-16 * lambda || next == low || next == high) break;
    lambda = next;
  }
  return p[0] >= 0;
}

}  // namespace

void to_cone(const Block& block, double* p) {
  if (block.law == RowLaw::kBounded) {
    p[0] = std::clamp(p[0], block.lower, block.upper);
    return;
  }
  p[0] = std::max(p[0], 0.0);
  for (int i = 0; i < block.disks; ++i) {
    const Disk& disk = block.disk[i];
    to_disk(p + disk.first, disk.n, disk.coefficient * p[0]);
  }
}

double natural_map(const Block& block, const double* p, const double* w) {
  if (block.law == RowLaw::kBounded) {
    const double g = block.scale;
    if (g <= 0) return 0;
    return std::abs(g * (p[0] - std::clamp(p[0] - w[0] / g, block.lower, block.upper)));
  }
  double worst = std::abs(std::min(block.scale * p[0], w[0]));
  for (int i = 0; i < block.disks; ++i) {
    const Disk& disk = block.disk[i];
    if (disk.scale <= 0) continue;
    double x[2] = {}, y[2] = {};
    for (int k = 0; k < disk.n; ++k) {
      x[k] = disk.scale * p[disk.first + k];
      y[k] = x[k] - w[disk.first + k];
    }
    to_disk(y, disk.n, disk.scale * disk.coefficient * std::max(p[0], 0.0));
    for (int k = 0; k < disk.n; ++k) x[k] -= y[k];
    worst = std::max(worst, length(x, disk.n));
  }
  return worst;
}

namespace {

// Normal and tangents together: open, sticking or slipping.
void solve_contact(const Block& block, const double w[3], double p[3]) {
  const double* A = block.A;
  const int m = block.rows;
  // About the present impulse: w = A (p - p_now) + w_now; eps (p - p_now) keeps singular blocks solvable.
  double c[3];
  for (int k = 0; k < 3; ++k)
    c[k] = w[k] - A[k * m] * p[0] - A[k * m + 1] * p[1] - A[k * m + 2] * p[2] - block.eps * p[k];
  if (c[0] >= 0) {
    p[0] = p[1] = p[2] = 0;
    return;
  }
  const double mu = block.disk[0].coefficient;
  const double* B = block.stick;
  double q[3];
  for (int k = 0; k < 3; ++k) q[k] = -(B[3 * k] * c[0] + B[3 * k + 1] * c[1] + B[3 * k + 2] * c[2]);
  if (q[0] >= 0 && q[1] * q[1] + q[2] * q[2] <= mu * mu * q[0] * q[0]) {
    p[0] = q[0], p[1] = q[1], p[2] = q[2];
    return;
  }
  const double g = 1 / (A[0] + block.eps);
  q[0] = -c[0] * g, q[1] = q[2] = 0;
  if (mu > 0) {
    Slip slip;
    slip.mu = mu, slip.a0 = A[1] * g, slip.a1 = A[2] * g, slip.c = c[0] * g;
    slip.S00 = A[m + 1] + block.eps - A[m] * slip.a0;
    slip.S01 = A[m + 2] - A[m] * slip.a1;
    slip.S11 = A[2 * m + 2] + block.eps - A[2 * m] * slip.a1;
    slip.d0 = c[1] - A[m] * slip.c, slip.d1 = c[2] - A[2 * m] * slip.c;
    const double l = length(p + 1, 2), v = length(w + 1, 2);
    double x[3];
    const double guess = l > 0 && v > 1e-12 * l * block.disk[0].scale ? v / l : block.disk[0].scale;
    if (solve_slip(slip, guess, x)) q[0] = x[0], q[1] = x[1], q[2] = x[2];
    to_disk(q + 1, 2, mu * q[0]);
  }
  p[0] = q[0], p[1] = q[1], p[2] = q[2];
}

// One disk of given radius: sticking inside, or slipping on its rim.
void solve_disk(const Block& block, const Disk& disk, double radius, const double* w, double* p) {
  const int m = block.rows;
  const double* A = block.A + disk.first * (m + 1);
  if (disk.n == 1) {
    const double g = A[0] + block.eps;
    p[0] = std::clamp(p[0] - w[0] / g, -radius, radius);
    return;
  }
  Slip slip{A[0] + block.eps, A[1], A[m + 1] + block.eps, 0, 0, 0, 0, -radius, 1};
  slip.d0 = w[0] - slip.S00 * p[0] - slip.S01 * p[1];
  slip.d1 = w[1] - slip.S01 * p[0] - slip.S11 * p[1];
  double q[3], slope = 0;
  if (slip.value(0, q, &slope) < 0 && solve_slip(slip, disk.scale, q)) to_disk(q + 1, 2, radius);
  p[0] = q[1], p[1] = q[2];
}

}  // namespace

void solve_block(const Block& block, double* w, double* p) {
  if (block.law == RowLaw::kBounded) {
    p[0] = block.scale > 0 ? p[0] - w[0] / block.scale : 0;
    p[0] = std::clamp(p[0], block.lower, block.upper);
    return;
  }
  if (block.scale <= 0) {
    for (int k = 0; k < block.rows; ++k) p[k] = 0;
    return;
  }
  if (block.law == RowLaw::kUnilateral) {
    p[0] = std::max(0.0, p[0] - w[0] / block.scale);
    return;
  }
  const double old[3] = {p[0], p[1], p[2]};
  const int m = block.rows;
  solve_contact(block, w, p);
  for (int k = 3; k < m; ++k) {
    for (int i = 0; i < 3; ++i) w[k] += block.A[k * m + i] * (p[i] - old[i]);
  }
  for (int i = 1; i < block.disks; ++i) {
    const Disk& disk = block.disk[i];
    double before[2] = {p[disk.first], p[disk.first + disk.n - 1]};
    solve_disk(block, disk, disk.coefficient * p[0], w + disk.first, p + disk.first);
    for (int k = disk.first + disk.n; k < m; ++k) {
      for (int c = 0; c < disk.n; ++c) w[k] += block.A[k * m + disk.first + c] * (p[disk.first + c] - before[c]);
    }
  }
}

}  // namespace geoul::dynamics::rows
