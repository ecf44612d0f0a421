#include "geoul/dynamics/constraints.h"
#include "geoul/core/clones.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {
namespace {

using scene::JointType;
using std::size_t;

constexpr double kProximal = 1e-10;  // added to the diagonal of J M^-1 J^T, relative; taken out by refinement
constexpr double kFloor = 1e-15;     // of the largest diagonal
constexpr int kRefinements = 8;

// ---- rows of a loop joint ----

// What a joint locks: positions of frame B's origin along axes of A, and products of axes of A and of B.
struct Locks {
  int positions = 0, products = 0;
  int position[3] = {};
  int product[3][2] = {};
};

constexpr Locks locks(JointType type) {
  switch (type) {
    case JointType::kRevolute:
    case JointType::kContinuous: return {3, 2, {0, 1, 2}, {{0, 2}, {1, 2}}};
    case JointType::kPrismatic: return {2, 3, {0, 1}, {{0, 1}, {1, 2}, {2, 0}}};
    case JointType::kSpherical: return {3, 0, {0, 1, 2}, {}};
    case JointType::kPlanar: return {1, 2, {2}, {{0, 2}, {1, 2}}};
    case JointType::kFixed: return {3, 3, {0, 1, 2}, {{0, 1}, {1, 2}, {2, 0}}};
    default: return {};
  }
}

struct Frame {
  Mat3d R;  // in the world
  Vec3d p;
  Vec3d w, v;      // of the frame's origin
  Vec3d alpha, a;  // classical acceleration
};

Transformd frame_pose(const Data& data, int link, const Transformd& X_LJ) {
  return link < 0 ? X_LJ : data.links[static_cast<size_t>(link)].X_WL * X_LJ;
}

// With accelerations from data.links[].A where gravity is taken as -g at the root.
Frame frame_motion(const Model& model, const Data& data, int link, const Transformd& X_LJ) {
  const Transformd X = frame_pose(data, link, X_LJ);
  Frame f{X.R, X.p, {}, {}, {}, {}};
  if (link < 0) return f;
  const LinkData& d = data.links[static_cast<size_t>(link)];
  const Vec3d r = d.X_WL.R * X_LJ.p;
  f.w = d.X_WL.R * d.V.w;
  f.v = d.X_WL.R * d.V.v + cross(f.w, r);
  f.alpha = d.X_WL.R * d.A.w;
  f.a = d.X_WL.R * (d.A.v + cross(d.V.w, d.V.v)) + cross(f.alpha, r) + cross(f.w, cross(f.w, r)) + model.gravity;
  return f;
}

// One row of a loop: a force along f and a moment n on B's link at the origin of B, the opposite on A's link.
struct Direction {
  Vec3d n, f;
};

template <class Visit>
void each_direction(JointType type, const Transformd& A, const Transformd& B, Visit visit) {
  const Locks lock = locks(type);
  int row = 0;
  for (int i = 0; i < lock.positions; ++i) visit(row++, Direction{{}, A.R.column(lock.position[i])});
  for (int i = 0; i < lock.products; ++i) {
    visit(row++, Direction{cross(B.R.column(lock.product[i][1]), A.R.column(lock.product[i][0])), {}});
  }
}

// c'' of the rows under the frames' accelerations.
void loop_accelerations(JointType type, const Frame& A, const Frame& B, double* out) {
  const Locks lock = locks(type);
  const Vec3d r = B.p - A.p, dr = B.v - A.v;  // p_A = R_A^T r
  const Vec3d u = dr - cross(A.w, r);
  const Vec3d ddp = B.a - A.a - cross(A.alpha, r) - cross(A.w, dr) - cross(A.w, u);
  for (int i = 0; i < lock.positions; ++i) *out++ = dot(A.R.column(lock.position[i]), ddp);
  for (int i = 0; i < lock.products; ++i) {
    const Vec3d x = A.R.column(lock.product[i][0]), y = B.R.column(lock.product[i][1]);
    const Vec3d dx = cross(A.w, x), dy = cross(B.w, y);
    *out++ = dot(cross(A.alpha, x) + cross(A.w, dx), y) + 2 * dot(dx, dy) + dot(x, cross(B.alpha, y) + cross(B.w, dy));
  }
}

void loop_positions(JointType type, const Transformd& A, const Transformd& B, double* out) {
  const Locks lock = locks(type);
  const Vec3d r = B.p - A.p;
  for (int i = 0; i < lock.positions; ++i) *out++ = dot(A.R.column(lock.position[i]), r);
  for (int i = 0; i < lock.products; ++i) {
    *out++ = dot(A.R.column(lock.product[i][0]), B.R.column(lock.product[i][1]));
  }
}

const ConstraintPart* part_of(const Model& model, const Constraint& c, int link) {
  if (link < 0) return nullptr;
  const int v = model.links[static_cast<size_t>(link)].v;
  for (const ConstraintPart& part : c.parts) {
    if (v >= part.v && v < part.v + part.n) return &part;
  }
  return nullptr;
}

template <class Visit>
void each_constraint(const Model& model, const Island& island, Visit visit) {
  for (int i = island.constraint_begin; i < island.constraint_end; ++i)
    visit(model.constraints[static_cast<size_t>(i)]);
}

// Sum over the parts of row r of its coefficients times x.
double row_times(const Constraint& c, int r, const double* J, const double* x) {
  double sum = 0;
  for (const ConstraintPart& part : c.parts) {
    const double* row = J + part.at + static_cast<size_t>(r * part.n);
    for (int k = 0; k < part.n; ++k) sum += row[k] * x[part.v + k];
  }
  return sum;
}

// ---- the envelope of G and of its factor ----

struct Envelope {
  const Model& model;
  const Island& island;
  ConstraintData& data;

  int first(int row) const { return model.row_first[static_cast<size_t>(row)]; }
  double* row(std::vector<double>& m, int r) const {
    return m.data() + model.row_at[static_cast<size_t>(r)] - first(r);  // [column]
  }

  void assemble() {
    std::fill(data.G.data() + model.row_at[static_cast<size_t>(island.row_begin)],
              data.G.data() + model.row_at[static_cast<size_t>(island.row_end)], 0.0);
    each_constraint(model, island, [&](const Constraint& c) {
      for (const ConstraintMeeting& m : c.meetings) {
        const Constraint& o = model.constraints[static_cast<size_t>(m.other)];
        for (int r = 0; r < c.rows; ++r) {
          double* g = row(data.G, c.row + r);
          const double* J = data.J.data() + m.at + static_cast<size_t>(r * m.n);
          for (int s = 0; s < o.rows && o.row + s <= c.row + r; ++s) {
            const double* W = data.W.data() + m.other_at + static_cast<size_t>(s * m.n);
            double sum = 0;
            for (int k = 0; k < m.n; ++k) sum += J[k] * W[k];
            g[o.row + s] += sum;
          }
        }
      }
    });
  }

  void factor() {
    double largest = 0;  // a row that no velocity changes is left alone: its diagonal is rounding
    for (int i = island.row_begin; i < island.row_end; ++i) largest = std::max(largest, row(data.G, i)[i]);
    const double floor = largest > 0 ? kFloor * largest : 1;
    for (int i = island.row_begin; i < island.row_end; ++i) {
      const double* g = row(data.G, i);
      double* l = row(data.L, i);
      for (int j = first(i); j <= i; ++j) {
        const double* m = row(data.L, j);
        double sum = g[j];
        if (j == i) sum += std::max(kProximal * g[i], floor);
        for (int k = std::max(first(i), first(j)); k < j; ++k) sum -= l[k] * m[k];
        l[j] = j < i ? sum / m[j] : std::sqrt(std::max(sum, 1e-300));
      }
    }
  }

  void substitute(double* x) {
    for (int i = island.row_begin; i < island.row_end; ++i) {
      const double* l = row(data.L, i);
      for (int k = first(i); k < i; ++k) x[i] -= l[k] * x[k];
      x[i] /= l[i];
    }
    for (int i = island.row_end - 1; i >= island.row_begin; --i) {
      const double* l = row(data.L, i);
      x[i] /= l[i];
      for (int k = first(i); k < i; ++k) x[k] -= l[k] * x[i];
    }
  }

  // out -= G x
  void subtract_product(const double* x, double* out) {
    for (int i = island.row_begin; i < island.row_end; ++i) {
      const double* g = row(data.G, i);
      for (int k = first(i); k < i; ++k) {
        out[i] -= g[k] * x[k];
        out[k] -= g[k] * x[i];
      }
      out[i] -= g[i] * x[i];
    }
  }

  // G x = b by proximal refinement; b becomes what is left of it.
  void solve(double* b, double* x) {
    double* step = data.work[1].data();
    double last = INFINITY, start = 0;
    for (int i = island.row_begin; i < island.row_end; ++i) x[i] = 0, start = std::max(start, std::abs(b[i]));
    for (int n = 0; n < kRefinements; ++n) {
      double left = 0;
      for (int i = island.row_begin; i < island.row_end; ++i) left = std::max(left, std::abs(b[i]));
      if (left <= 1e-15 * start || (n > 1 && left > 0.25 * last) || !std::isfinite(left)) return;
      last = left;
      std::copy(b + island.row_begin, b + island.row_end, step + island.row_begin);
      substitute(step);
      for (int i = island.row_begin; i < island.row_end; ++i) x[i] += step[i];
      subtract_product(step, b);
    }
  }
};

// data.constraints.a (nv) = M^-1 J^T force, and what held links need of it into `needed`.
void respond(const Model& model, const Island& island, std::span<const double> force, Data& data,
             std::vector<double>& needed) {
  ConstraintData& cd = data.constraints;
  std::fill(cd.tau.begin() + island.all.v_begin, cd.tau.begin() + island.all.v_end, 0.0);
  add_constraint_forces(model, island, force, data, cd.tau);
  kernels::response(model, island.all.begin, island.all.end, cd.tau.data(), data.held.data(), data.links.data(),
                    data.balls.data(), cd.a.data(), needed.data());
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] void add_wrench(const Model& model, const Data& data, int link, const Vec3d& p_W,
                                              const Vec3d& n, const Vec3d& f, double* row) {
  for (int i = link; i >= 0; i = model.links[static_cast<size_t>(i)].parent) {
    const Link& l = model.links[static_cast<size_t>(i)];
    const Transformd& X = data.links[static_cast<size_t>(i)].X_WL;
    double* at = row + l.v;
    switch (l.motion) {
      case LinkMotion::kTurn: at[0] += dot(X.R.column(2), n + cross(p_W - X.p, f)); break;
      case LinkMotion::kSlide: at[0] += dot(X.R.column(2), f); break;
      case LinkMotion::kBall: {
        const Vec3d moment = transpose_times(X.R, n + cross(p_W - X.p, f));
        at[0] += moment.x, at[1] += moment.y, at[2] += moment.z;
        break;
      }
    }
  }
}

GEOUL_CLONES [[gnu::flatten]] void add_contact_wrenches(const Model& model, const Data& data, int link,
                                                        const Vec3d& p_W, const Vec3d axes[3], double sign, int rows,
                                                        double* const row[6]) {
  for (int i = link; i >= 0; i = model.links[static_cast<size_t>(i)].parent) {
    const Link& l = model.links[static_cast<size_t>(i)];
    const Transformd& X = data.links[static_cast<size_t>(i)].X_WL;
    const Vec3d r = p_W - X.p;
    for (int d = l.motion == LinkMotion::kBall ? 0 : 2; d < 3; ++d) {
      const Vec3d along = sign * X.R.column(d);
      const int at = l.motion == LinkMotion::kBall ? l.v + d : l.v;
      const bool slides = l.motion == LinkMotion::kSlide;
      const Vec3d moved = slides ? along : cross(along, r);
      for (int k = 0; k < 3; ++k) row[k][at] += dot(axes[k], moved);
      for (int k = 3; k < rows && !slides; ++k) row[k][at] += dot(axes[k - 3], along);
    }
  }
}

void constraint_jacobian(const Model& model, const Island& island, Data& data) {
  std::vector<double>& J = data.constraints.J;
  each_constraint(model, island, [&](const Constraint& c) {
    for (const ConstraintPart& part : c.parts) {
      std::fill_n(J.begin() + static_cast<std::ptrdiff_t>(part.at), part.n * c.rows, 0.0);
    }
    for (const CouplingTerm& term : c.terms) {
      for (const ConstraintPart& part : c.parts) {
        if (term.v >= part.v && term.v < part.v + part.n)
          J[part.at + static_cast<size_t>(term.v - part.v)] += term.coefficient;
      }
    }
    if (!c.joint.valid()) return;
    const Transformd A = frame_pose(data, c.link_a, c.X_AJ), B = frame_pose(data, c.link_b, c.X_BJ);
    const ConstraintPart* a = part_of(model, c, c.link_a);
    const ConstraintPart* b = part_of(model, c, c.link_b);
    each_direction(model.joints[c.joint.index()].type, A, B, [&](int r, const Direction& d) {
      if (b) add_wrench(model, data, c.link_b, B.p, d.n, d.f, J.data() + b->at + static_cast<size_t>(r * b->n) - b->v);
      if (a)
        add_wrench(model, data, c.link_a, B.p, -d.n, -d.f, J.data() + a->at + static_cast<size_t>(r * a->n) - a->v);
    });
  });
}

double constraint_error(const Model& model, const Island& island, std::span<const double> q, Data& data) {
  std::vector<double>& error = data.constraints.error;
  double largest = 0;
  each_constraint(model, island, [&](const Constraint& c) {
    const auto row = static_cast<size_t>(c.row);
    if (c.joint.valid()) {
      loop_positions(model.joints[c.joint.index()].type, frame_pose(data, c.link_a, c.X_AJ),
                     frame_pose(data, c.link_b, c.X_BJ), &error[row]);
    } else {
      error[row] = -c.offset;
      for (const CouplingTerm& term : c.terms) error[row] += term.coefficient * q[static_cast<size_t>(term.q)];
    }
    for (int r = 0; r < c.rows; ++r) largest = std::max(largest, std::abs(error[row + static_cast<size_t>(r)]));
  });
  return largest;
}

GEOUL_CLONES [[gnu::flatten]] void factor_constraints(const Model& model, const Island& island, Data& data) {
  ConstraintData& cd = data.constraints;
  each_constraint(model, island, [&](const Constraint& c) {
    for (const ConstraintPart& part : c.parts) {
      const Tree& tree = model.trees[static_cast<size_t>(part.tree)];
      for (int r = 0; r < c.rows; ++r) {
        const auto at = part.at + static_cast<size_t>(r * part.n);
        kernels::response(model, tree.begin, tree.end, cd.J.data() + at - part.v, data.held.data(), data.links.data(),
                          data.balls.data(), cd.W.data() + at - part.v, cd.a.data());
      }
    }
  });
  Envelope envelope{model, island, cd};
  envelope.assemble();
  envelope.factor();
}

void add_constraint_forces(const Model& model, const Island& island, std::span<const double> force, const Data& data,
                           std::span<double> tau) {
  each_constraint(model, island, [&](const Constraint& c) {
    for (int r = 0; r < c.rows; ++r) {
      for (const ConstraintPart& part : c.parts) {
        const double* J = data.constraints.J.data() + part.at + static_cast<size_t>(r * part.n);
        for (int k = 0; k < part.n; ++k) {
          tau[static_cast<size_t>(part.v + k)] += force[static_cast<size_t>(c.row + r)] * J[k];
        }
      }
    }
  });
}

GEOUL_CLONES [[gnu::flatten]] void constrain(const Model& model, const Island& island, const ConstraintSolve& solve,
                                             Data& data, std::span<double> a) {
  ConstraintData& cd = data.constraints;
  constraint_jacobian(model, island, data);
  double* residual = cd.work[0].data();
  each_constraint(model, island, [&](const Constraint& c) {
    double rows[6] = {};
    if (solve.level == ConstraintLevel::kVelocity) {
      for (int r = 0; r < c.rows; ++r) {
        rows[r] = row_times(c, r, cd.J.data(), a.data()) + solve.scale * row_times(c, r, cd.J.data(), solve.v.data());
      }
    } else if (c.joint.valid()) {
      loop_accelerations(model.joints[c.joint.index()].type, frame_motion(model, data, c.link_a, c.X_AJ),
                         frame_motion(model, data, c.link_b, c.X_BJ), rows);
    } else {
      rows[0] = row_times(c, 0, cd.J.data(), a.data());
    }
    for (int r = 0; r < c.rows; ++r) residual[c.row + r] = -rows[r];
  });
  factor_constraints(model, island, data);
  Envelope{model, island, cd}.solve(residual, cd.force.data());
  std::vector<double>& extra = data.work[6];
  respond(model, island, cd.force, data, extra);
  for (int i = island.all.begin; i < island.all.end; ++i) {
    const Link& link = model.links[static_cast<size_t>(i)];
    for (auto k = static_cast<size_t>(link.v); k < static_cast<size_t>(link.v + kernels::degrees(link.motion)); ++k) {
      if (data.held[static_cast<size_t>(i)]) {
        data.needed[k] += extra[k];
      } else {
        a[k] += cd.a[k];
      }
    }
  }
}

void constrain_response(const Model& model, const Island& island, Data& data, double* x) {
  ConstraintData& cd = data.constraints;
  each_constraint(model, island, [&](const Constraint& c) {
    for (int r = 0; r < c.rows; ++r) cd.work[0][static_cast<size_t>(c.row + r)] = -row_times(c, r, cd.J.data(), x);
  });
  Envelope{model, island, cd}.solve(cd.work[0].data(), cd.work[2].data());
  respond(model, island, cd.work[2], data, data.work[6]);
  for (int k = island.all.v_begin; k < island.all.v_end; ++k) x[k] += cd.a[static_cast<size_t>(k)];
}

GEOUL_CLONES [[gnu::flatten]] double project(const Model& model, const Island& island, Data& data, std::span<double> q,
                                             std::span<double> v) {
  constexpr int kNewton = 8;
  ConstraintData& cd = data.constraints;
  const Tree& all = island.all;
  const auto place = [&] { place_links(model, island, q.data(), v.data(), data); };
  place();
  double left = constraint_error(model, island, q, data), last = INFINITY;
  // articulated inertias of the pose; velocities and forces do not matter to them
  kernels::articulated_bodies(model, all.begin, all.end, data.zero.data(), data.diagonal.data(), data.held.data(),
                              data.links.data(), data.balls.data(), cd.a.data(), data.work[6].data());
  constraint_jacobian(model, island, data);
  factor_constraints(model, island, data);
  Envelope envelope{model, island, cd};
  std::vector<double>& x = cd.work[2];
  const auto correct = [&](std::vector<double>& wrong) {
    for (int r = island.row_begin; r < island.row_end; ++r) wrong[static_cast<size_t>(r)] *= -1;
    envelope.solve(wrong.data(), x.data());
    respond(model, island, x, data, data.work[6]);
  };
  for (int n = 0; n < kNewton && left > 1e-14 && left < 0.5 * last; ++n) {
    last = left;
    if (n > 0 && left > 1e-6) {  // far away: Newton with new rows
      kernels::articulated_bodies(model, all.begin, all.end, data.zero.data(), data.diagonal.data(), data.held.data(),
                                  data.links.data(), data.balls.data(), cd.a.data(), data.work[6].data());
      constraint_jacobian(model, island, data);
      factor_constraints(model, island, data);
    }
    correct(cd.error);
    integrate_position(model, all, q, cd.a, 1, q);
    place();
    left = constraint_error(model, island, q, data);
  }
  constraint_jacobian(model, island, data);
  std::vector<double>& rate = cd.work[0];
  for (int n = 0; n < 3; ++n) {
    double worst = 0, size = 0;
    each_constraint(model, island, [&](const Constraint& c) {
      for (int r = 0; r < c.rows; ++r) {
        rate[static_cast<size_t>(c.row + r)] = row_times(c, r, cd.J.data(), v.data());
        worst = std::max(worst, std::abs(rate[static_cast<size_t>(c.row + r)]));
      }
    });
    for (int k = all.v_begin; k < all.v_end; ++k) size = std::max(size, std::abs(v[static_cast<size_t>(k)]));
    if (worst <= 1e-15 * size) break;
    correct(rate);
    for (int k = all.v_begin; k < all.v_end; ++k) v[static_cast<size_t>(k)] += cd.a[static_cast<size_t>(k)];
  }
  return left;
}

Forced loop_wrench(const Model& model, const Constraint& c, const Data& data) {
  Forced sum{};
  const Transformd A = frame_pose(data, c.link_a, c.X_AJ), B = frame_pose(data, c.link_b, c.X_BJ);
  each_direction(model.joints[c.joint.index()].type, A, B, [&](int r, const Direction& d) {
    const double force = data.constraints.force[static_cast<size_t>(c.row + r)];
    sum += Forced{force * d.n, force * d.f};
  });
  return sum;
}

}  // namespace geoul::dynamics
