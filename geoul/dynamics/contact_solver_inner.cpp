// Sources: De Saxce, Feng, "The bipotential method", Math. Comput. Modelling 28 (1998); Cadoux, PhD thesis,
// Grenoble 2009 (fixed point on the shift); Castro, Permenter, Han, "An unconstrained convex formulation of compliant
// contact", T-RO 2022 (primal potential of the velocities); Rockafellar, "Augmented Lagrangians and applications of
// the proximal point algorithm", Math. Oper. Res. 1 (1976).
#include "geoul/core/clones.h"
#include "geoul/dynamics/contact_solver_newton.h"

namespace geoul::dynamics::rows {

namespace {

double softest(const Island& island, const Block& block, int first, int n) {
  double most = 0;
  for (int k = first; k < first + n; ++k) most = std::max(most, island.R[block.row + k]);
  return most;
}

// Where the rows of one block are, in the metric of the compliance c: z = centre - y / c.
struct Metric {
  double normal = 0, disk[3] = {};
};
Metric metric(const Island& island, const Block& block, double proximal) {
  Metric c{island.R[block.row] + proximal * block.scale, {}};
  for (int k = 0; k < block.disks; ++k) {
    const Disk& disk = block.disk[k];
    c.disk[k] = softest(island, block, disk.first, disk.n) + proximal * disk.scale;
  }
  return c;
}

double length(const double* x, int n) { return n == 1 ? std::abs(x[0]) : std::sqrt(x[0] * x[0] + x[1] * x[1]); }

// Normal impulse of the projection of z onto the cone: the root of a concave, increasing, piecewise linear function,
// by Newton's method from the left. rim: disks on whose rim it lies; stiffness: the function's slope.
double project_normal(const Block& block, const Metric& c, const double* z, bool rim[3], double* stiffness) {
  double lengths[3], force = c.normal * z[0], sum = c.normal;
  for (int k = 0; k < block.disks; ++k) {
    const Disk& disk = block.disk[k];
    lengths[k] = length(z + disk.first, disk.n);
    rim[k] = true;
    force += c.disk[k] * disk.coefficient * lengths[k], sum += c.disk[k] * disk.coefficient * disk.coefficient;
  }
  if (!(force > 0)) return 0;
  double p = force / sum;
  for (int round = 0; round < 3; ++round) {
    bool changed = false;
    for (int k = 0; k < block.disks; ++k) {
      const Disk& disk = block.disk[k];
      if (!rim[k] || lengths[k] > disk.coefficient * p) continue;
      rim[k] = false, changed = true;
      force -= c.disk[k] * disk.coefficient * lengths[k], sum -= c.disk[k] * disk.coefficient * disk.coefficient;
    }
    if (!changed) break;
    p = force / sum;
  }
  *stiffness = sum;
  return std::max(p, 0.0);
}

// p = projection of z; D = -dp/dy where asked. False: D is zero.
bool project(const Block& block, const Metric& c, const double* z, double* p, double* D) {
  const int m = block.rows;
  if (D) std::fill_n(D, m * m, 0.0);
  if (block.law == RowLaw::kBounded) {
    p[0] = std::clamp(z[0], block.lower, block.upper);
    if (p[0] != z[0]) return false;
    if (D) D[0] = 1 / c.normal;
    return true;
  }
  bool rim[3] = {};
  double stiffness = c.normal;
  p[0] = project_normal(block, c, z, rim, &stiffness);
  if (p[0] <= 0) {
    std::fill_n(p, m, 0.0);
    return false;
  }
  double v[6] = {1, 0, 0, 0, 0, 0};
  for (int k = 0; k < block.disks; ++k) {
    const Disk& disk = block.disk[k];
    const int f = disk.first;
    if (!rim[k]) {
      for (int i = f; i < f + disk.n; ++i) {
        p[i] = z[i];
        if (D) D[i * (m + 1)] = 1 / c.disk[k];
      }
      continue;
    }
    const double l = length(z + f, disk.n), s = l > 0 ? disk.coefficient * p[0] / l : 0;
    double e[2] = {};
    for (int i = 0; i < disk.n; ++i) {
      p[f + i] = s * z[f + i], e[i] = l > 0 ? z[f + i] / l : 0;
      v[f + i] = disk.coefficient * e[i];
    }
    if (!D || disk.n == 1) continue;
    const double t = s / c.disk[k];
    D[f * m + f] = t * e[1] * e[1], D[f * m + f + 1] = D[(f + 1) * m + f] = -t * e[0] * e[1];
    D[(f + 1) * m + f + 1] = t * e[0] * e[0];
  }
  if (!D) return true;
  for (int i = 0; i < m; ++i) {
    for (int k = 0; k < m; ++k) D[i * m + k] += v[i] * v[k] / stiffness;
  }
  return true;
}

// The same for the exact law: each disk's radius is that of the normal impulse, which the tangents do not change.
bool project_exact(const Block& block, const Metric& c, const double* z, double* p, double* D) {
  const int m = block.rows;
  if (block.law != RowLaw::kContact) return project(block, c, z, p, D);
  if (D) std::fill_n(D, m * m, 0.0);
  std::fill_n(p, m, 0.0);
  if (z[0] <= 0) return false;
  p[0] = z[0];
  if (D) D[0] = 1 / c.normal;
  for (int k = 0; k < block.disks; ++k) {
    const Disk& disk = block.disk[k];
    const int f = disk.first;
    const double l = length(z + f, disk.n), radius = disk.coefficient * p[0];
    const bool rim = l > radius;
    const double s = rim ? radius / l : 1, t = s / c.disk[k];
    for (int i = f; i < f + disk.n; ++i) p[i] = s * z[i];
    if (!D) continue;
    if (!rim) {
      for (int i = f; i < f + disk.n; ++i) D[i * (m + 1)] = t;
      continue;
    }
    double e[2] = {z[f] / l, disk.n == 2 ? z[f + 1] / l : 0};
    for (int i = 0; i < disk.n; ++i) D[(f + i) * m] = disk.coefficient * e[i] * D[0];
    if (disk.n == 1) continue;
    D[f * m + f] = t * e[1] * e[1], D[f * m + f + 1] = D[(f + 1) * m + f] = -t * e[0] * e[1];
    D[(f + 1) * m + f + 1] = t * e[0] * e[0];
  }
  return true;
}

// The inner problem: least potential over velocities u = u_free + W^T q with the shift and the centre held.
struct Inner {
  const Island& island;
  const Newton& newton;
  double proximal;
  bool exact = false;

  // p of one block at y + step * dy
  bool impulse(int i, double step, double* p, double* D) const {
    const Block& block = island.blocks[i];
    const Metric c = metric(island, block, proximal);
    double z[6];
    const auto at = [&](int k, double scale) {
      const int r = block.row + k;
      return newton.centre[r] - (newton.y[r] + step * newton.dy[r]) / scale;
    };
    if (block.scale <= 0) {
      std::fill_n(p, block.rows, 0.0);
      return false;
    }
    z[0] = at(0, c.normal);
    for (int k = 0; k < block.disks; ++k) {
      const Disk& disk = block.disk[k];
      for (int r = disk.first; r < disk.first + disk.n; ++r) z[r] = at(r, c.disk[k]);
    }
    return exact ? project_exact(block, c, z, p, D) : project(block, c, z, p, D);
  }
  // Slope of the potential along the step.
  double slope(double step) const {
    double sum = 0, p[6];
    for (int i = 0; i < island.nblock; ++i) {
      const Block& block = island.blocks[i];
      impulse(i, step, p, nullptr);
      for (int k = 0; k < block.rows; ++k) {
        const int r = block.row + k;
        sum += (newton.q[r] + step * newton.dp[r] - p[k]) * newton.dy[r];
      }
    }
    return sum;
  }
  // |u - u_free - W^T p|^2 in the metric of M at the step.
  double distance(double step) const {
    double* difference = newton.r;
    for (int i = 0; i < island.nblock; ++i) {
      const Block& block = island.blocks[i];
      impulse(i, step, difference + block.row, nullptr);
    }
    for (int r = 0; r < island.nrow; ++r) difference[r] = newton.q[r] + step * newton.dp[r] - difference[r];
    std::fill_n(island.u, island.nu, 0.0);
    for (int i = 0; i < island.nblock; ++i) push(island, island.blocks[i], difference + island.blocks[i].row);
    double sum = 0;
    for (int i = 0; i < island.nblock; ++i) {
      const Block& block = island.blocks[i];
      for (int k = 0; k < block.rows; ++k) {
        double s = 0;
        for (int side = 0; side < 2; ++side) s += dot(block.J[k][side], island.u + block.u[side], block.n[side]);
        sum += s * difference[block.row + k];
      }
    }
    return sum;
  }
  double search_exact() const {
    const double start = distance(0);
    if (!(start > 0)) return 0;
    for (double step = 1; step > 0.02; step *= 0.5) {
      if (distance(step) < (1 - 0.2 * step) * start) return step;
    }
    return 0;
  }
  // A step where the slope has fallen to a quarter: false position with halving (Illinois).
  double search() const {
    const double start = slope(0);
    if (!(start < 0)) return 0;
    double low = 0, high = 1, f_low = start, f_high = slope(1);
    if (f_high <= -0.25 * start) return 1;
    for (int i = 0; i < 12; ++i) {
      const double middle = low + (high - low) * std::clamp(f_low / (f_low - f_high), 0.02, 0.98);
      const double f = slope(middle);
      if (std::abs(f) <= -0.25 * start) return middle;
      if (f > 0) {
        high = middle, f_high = f, f_low *= 0.5;
      } else {
        low = middle, f_low = f, f_high *= 0.5;
      }
    }
    return low > 0 ? low : high;
  }
  // One Newton step; the largest change of a row's velocity [m/s], negative where none was made.
  double step(double* stretch) const {
    std::fill_n(newton.dy, island.nrow, 0.0);
    start_matrix(island, newton);
    for (int i = 0; i < island.nblock; ++i) {
      const Block& block = island.blocks[i];
      double* r = newton.r + block.row;  // q - p
      const bool soft = impulse(i, 0, r, newton.D + 36 * i);
      for (int k = 0; k < block.rows; ++k) r[k] = newton.q[block.row + k] - r[k];
      add_block(island, newton, i, soft);
    }
    if (!solve_matrix(island, newton, newton.dy)) return -1;
    const double length = exact ? search_exact() : search();
    double most = 0;
    for (int r = 0; r < island.nrow; ++r) {
      newton.q[r] += length * newton.dp[r], newton.y[r] += length * newton.dy[r];
      most = std::max(most, std::abs(length * newton.dy[r]));
    }
    *stretch = length;
    return length > 0 ? most : -1;
  }
  void finish() const {
    std::fill_n(newton.dy, island.nrow, 0.0);
    for (int i = 0; i < island.nblock; ++i) impulse(i, 0, island.p + island.blocks[i].row, nullptr);
  }
};

}  // namespace

GEOUL_CLONES [[gnu::flatten]] int inner_steps(const Island& island, const Newton& newton, double proximal,
                                              double tolerance, int most_steps, Law law) {
  const bool exact = law == Law::kExact;
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    const double* w = island.w + block.row;
    for (int k = 0; k < block.rows; ++k) {
      const int r = block.row + k;
      newton.centre[r] = newton.q[r] = island.p[r], newton.y[r] = w[k];
    }
    for (int k = 0; k < block.disks && !exact; ++k) {
      newton.y[block.row] += block.disk[k].coefficient * length(w + block.disk[k].first, block.disk[k].n);
    }
  }
  const Inner inner{island, newton, proximal, exact};
  int steps = 0;
  while (steps < most_steps) {
    double length = 0;
    const double change = inner.step(&length);
    ++steps;
    if (change < 0) break;
    if (length == 1 && change <= tolerance) return inner.finish(), steps;
  }
  inner.finish();
  return -steps;
}

}  // namespace geoul::dynamics::rows
