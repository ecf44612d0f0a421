// Row problems of free bodies, for the tests and the benchmark of the row solver. Not part of the library.
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/dynamics/contact_solver.h"

namespace geoul::dynamics::problems {

using Point = std::array<double, 3>;

inline Point cross(const Point& a, const Point& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

struct FreeBody {
  Point x{};
  double mass = 1;
  Point inertia{1, 1, 1};  // about the world's axes through x
};

struct Friction {
  double static_friction = 0, friction = 0, torsion = 0, rolling = 0;
};

// A world of free bodies: velocities of body i at [6 i, 6 i + 6): angular, linear, both in world axes.
struct World {
  std::vector<FreeBody> bodies;
  std::vector<double> v;
  RowProblem problem;

  int add(const FreeBody& body, const std::array<double, 6>& velocity = {}) {
    bodies.push_back(body);
    v.insert(v.end(), velocity.begin(), velocity.end());
    return static_cast<int>(bodies.size()) - 1;
  }
  void accelerate(const Point& g, double dt) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      for (std::size_t k = 0; k < 3; ++k) v[6 * i + 3 + k] += dt * g[k];
    }
  }
  // One row: velocity of b against a (-1: the ground) at `at` along `axis`, or about it.
  void add_row(int a, int b, const Point& at, const Point& axis, bool turn) {
    Row row;
    int side = 0;
    for (const int body : {b, a}) {
      if (body < 0) continue;
      const FreeBody& f = bodies[static_cast<std::size_t>(body)];
      const double sign = body == b ? 1 : -1;
      const Point arm{at[0] - f.x[0], at[1] - f.x[1], at[2] - f.x[2]};
      const Point moment = turn ? axis : cross(arm, axis);
      row.part[side++] = {6 * body, 6, problem.J.size()};
      for (std::size_t k = 0; k < 3; ++k) {
        problem.J.push_back(sign * moment[k]);
        problem.W.push_back(sign * moment[k] / f.inertia[k]);
      }
      for (std::size_t k = 0; k < 3; ++k) {
        problem.J.push_back(turn ? 0 : sign * axis[k]);
        problem.W.push_back(turn ? 0 : sign * axis[k] / f.mass);
      }
    }
    problem.rows.push_back(row);
    problem.target.push_back(0), problem.compliance.push_back(0), problem.impulse.push_back(0);
  }
  void add_contact(int a, int b, const Point& at, const Point& normal, const Friction& friction, int rows = 3) {
    RowBlock block;
    block.row = static_cast<int>(problem.rows.size()), block.rows = rows;
    block.static_friction = friction.static_friction, block.friction = friction.friction;
    block.torsion = friction.torsion, block.rolling = friction.rolling;
    const Point up = std::abs(normal[2]) < 0.9 ? Point{0, 0, 1} : Point{0, 1, 0};
    Point x = cross(up, normal);
    const double length = std::sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
    for (double& k : x) k /= length;
    const Point y = cross(normal, x);
    add_row(a, b, at, normal, false), add_row(a, b, at, x, false), add_row(a, b, at, y, false);
    if (rows >= 4) add_row(a, b, at, normal, true);
    if (rows >= 6) add_row(a, b, at, x, true), add_row(a, b, at, y, true);
    problem.blocks.push_back(block);
  }
  void add_single(RowLaw law, int a, int b, const Point& at, const Point& axis, double lower = 0, double upper = 0) {
    RowBlock block;
    block.law = law, block.row = static_cast<int>(problem.rows.size()), block.rows = 1;
    block.lower = lower, block.upper = upper;
    add_row(a, b, at, axis, false);
    problem.blocks.push_back(block);
  }
};

inline FreeBody box(const Point& x, double mass, double side) {
  const double i = mass * side * side / 6;
  return {x, mass, {i, i, i}};
}

// n boxes of side 1 m on the ground, each standing on four corners of the one below; masses grow by `ratio` upwards.
inline World tower(int n, double ratio, double friction, double dt) {
  World world;
  double mass = 1;
  for (int i = 0; i < n; ++i, mass *= ratio) world.add(box({0, 0, i + 0.5}, mass, 1));
  for (int i = 0; i < n; ++i) {
    for (const double x : {-0.5, 0.5}) {
      for (const double y : {-0.5, 0.5})
        world.add_contact(i - 1, i, {x, y, double(i)}, {0, 0, 1}, {friction, friction});
    }
  }
  world.accelerate({0, 0, -9.81}, dt);
  return world;
}

// A wall of boxes in a square of side n, `layers` high, each corner on a box below (or the ground), four contacts a
// box.
inline World wall(int n, int layers, double friction, double dt) {
  World world;
  for (int l = 0; l < layers; ++l) {
    const int m = n - l, below = static_cast<int>(world.bodies.size()) - (m + 1) * (m + 1);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < m; ++j) {
        const Point x{i + 0.5 * l, j + 0.5 * l, l + 0.5};
        const int b = world.add(box(x, 1, 0.98));
        for (int c = 0; c < 4; ++c) {
          const int a = l == 0 ? -1 : below + (i + c / 2) * (m + 1) + j + c % 2;
          world.add_contact(a, b, {x[0] + 0.4 * (c / 2 * 2 - 1), x[1] + 0.4 * (c % 2 * 2 - 1), double(l)}, {0, 0, 1},
                            {friction, friction});
        }
      }
    }
  }
  world.accelerate({0, 0, -9.81}, dt);
  return world;
}

struct RandomOptions {
  int bodies = 3, contacts = 6;
  double mass_decades = 2;  // masses within 10^-decades .. 10^decades
  double friction = 1;      // up to
  bool all_laws = false;    // limits, bounded rows, torsion, rolling, compliance as well
  bool redundant = true;    // every third contact repeats a former one
  bool grounded = true;     // every body may touch the ground
};

// Bodies with random velocities, contacts at random points and with random normals. Compatible: the ground's normals
// point upwards, so that all bodies can fly away.
inline World random_world(Random& random, const RandomOptions& o) {
  World world;
  const auto some = [&](double s) { return random.uniform(-s, s); };
  for (int i = 0; i < o.bodies; ++i) {
    const double mass = std::pow(10, some(o.mass_decades));
    FreeBody body{{some(1), some(1), i + some(0.3)}, mass, {}};
    for (double& k : body.inertia) k = mass * random.uniform(0.05, 0.2);
    world.add(body, {some(1), some(1), some(1), some(1), some(1), some(1) - 0.5});
  }
  Point at{}, normal{};
  int a = 0, b = 0;
  for (int i = 0; i < o.contacts; ++i) {
    if (i % 3 != 2 || !o.redundant) {
      a = static_cast<int>(random.integer(o.bodies)) - (o.grounded ? 1 : 0);
      if (a >= o.bodies - 1) a = o.bodies - 2;
      b = a + 1 + static_cast<int>(random.integer(o.bodies - 1 - a));
      const FreeBody& f = world.bodies[static_cast<std::size_t>(b)];
      at = {f.x[0] + some(0.5), f.x[1] + some(0.5), f.x[2] - 0.5};
      normal = {some(0.5), some(0.5), 1};
      const double l = std::sqrt(normal[0] * normal[0] + normal[1] * normal[1] + 1);
      for (double& k : normal) k /= l;
    }
    const double mu = random.uniform(0, o.friction);
    const int kind = o.all_laws ? static_cast<int>(random.integer(6)) : 0;
    const std::size_t first = world.problem.rows.size();
    if (kind == 4) {
      world.add_single(RowLaw::kUnilateral, a, b, at, normal);
    } else if (kind == 5) {
      const double m = world.bodies[static_cast<std::size_t>(b)].mass;
      world.add_single(RowLaw::kBounded, a, b, at, normal, -0.3 * m * random.uniform(), 0.3 * m * random.uniform());
    } else {
      world.add_contact(a, b, at, normal, {mu, mu, 0.1 * random.uniform(), 0.1 * random.uniform()},
                        kind < 2    ? 3
                        : kind == 2 ? 4
                                    : 6);
    }
    if (o.all_laws && random.uniform() < 0.3) {
      for (std::size_t k = first; k < world.problem.rows.size(); ++k) {
        world.problem.compliance[k] = random.uniform(0, 0.1) / world.bodies[static_cast<std::size_t>(b)].mass;
      }
    }
  }
  return world;
}

}  // namespace geoul::dynamics::problems
