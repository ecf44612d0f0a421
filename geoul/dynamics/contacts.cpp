#include "geoul/dynamics/contacts.h"
#include "geoul/core/clones.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "geoul/dynamics/constraints.h"
#include "geoul/dynamics/contact_solver_island.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/integrators.h"
#include "geoul/dynamics/kernels.h"

namespace geoul::dynamics {
namespace {

using std::size_t;

constexpr double kSlow = 1e-2;        // [m/s] slower impacts do not bounce
constexpr double kRecovery = 0.3;     // share of a penetration that one step takes back, as a displacement
constexpr double kDeep = 1e-9;        // [m]
constexpr double kPositions = 1e-11;  // [m] tolerance of the displacements

// Of a contact: its normal and two tangents.
struct Axes {
  Vec3d of[3];
};
Axes axes_of(const Vec3d& n) {
  const Vec3d aid = std::abs(n.x) < 0.6 ? Vec3d{1, 0, 0} : Vec3d{0, 1, 0};
  Vec3d x = cross(n, aid);
  x = (1 / norm(x)) * x;
  return {{n, x, cross(n, x)}};
}

struct ContactStep {
  const Model& model;
  const StepOptions& options;
  const Controls& controls;
  Data& data;
  scene::State& state;
  ContactData& cd = *data.contact;
  double h = options.dt.seconds();
  StepReport report = {};

  int link_of(int collider) const {
    const scene::BodyId body = model.contact->geometry->colliders[static_cast<size_t>(collider)].body;
    return body.valid() ? model.bodies[body.index()].link : -1;
  }
  const Island* island_of(int link) const {
    if (link < 0) return nullptr;
    const auto at = std::upper_bound(model.islands.begin(), model.islands.end(), link,
                                     [](int l, const Island& i) { return l < i.all.end; });
    return &*at;
  }
  template <class Visit>
  void each_island(Visit visit) {
    for (size_t i = 0; i < model.islands.size(); ++i) {
      if (cd.touched[i]) visit(model.islands[i]);
    }
  }

  // ---- rows ----

  RowPart add_part(const Island& island) {
    const RowPart part{island.all.v_begin, island.all.v_end - island.all.v_begin, cd.rows.J.size()};
    cd.rows.J.resize(part.at + static_cast<size_t>(part.n < 8 ? part.n : (part.n + 7) / 8 * 8), 0.0);
    int& first = cd.first_part[static_cast<size_t>(&island - model.islands.data())];
    cd.parts.push_back({part.at, first});
    first = static_cast<int>(cd.parts.size()) - 1;
    return part;
  }

  // W = M^-1 J^T of all rows.
  void respond() {
    cd.rows.W.resize(cd.rows.J.size());
    each_island([&](const Island& island) {
      int part = cd.first_part[static_cast<size_t>(&island - model.islands.data())];
      if (part >= 0 && constrained(island)) factor_inertia(model, island, data);
      while (part >= 0) {
        const double* from[InertiaFactor::kRightSides];
        double* to[InertiaFactor::kRightSides];
        int n = 0;
        for (; n < InertiaFactor::kRightSides && part >= 0; ++n) {
          const ContactData::Part& p = cd.parts[static_cast<size_t>(part)];
          from[n] = cd.rows.J.data() + p.at, to[n] = cd.rows.W.data() + p.at;
          part = p.next;
        }
        solve_inertia(model, island, n, from, to, data);
        for (int i = 0; i < n && constrained(island); ++i) {
          constrain_response(model, island, data, to[i] - island.all.v_begin);
        }
      }
    });
  }

  double rate(const Row& row, const std::vector<double>& v) const {
    double sum = 0;
    for (const RowPart& part : row.part) {
      if (part.n > 0) sum += rows::dot(cd.rows.J.data() + part.at, v.data() + part.v, part.n);
    }
    return sum;
  }

  // Rows of a contact of links a and b at p, with impulses to begin with.
  void add_rows(int link_a, int link_b, const Vec3d& p, const Axes& axes, int n, const double* guess) {
    const Island *a = island_of(link_a), *b = island_of(link_b);
    const size_t first = cd.rows.rows.size();
    for (int k = 0; k < n; ++k) {
      Row row;
      if (a) row.part[0] = add_part(*a);
      if (b) row.part[1] = a == b ? RowPart{} : add_part(*b);
      cd.rows.rows.push_back(row);
      cd.rows.target.push_back(0);
      cd.rows.compliance.push_back(0);
      cd.rows.impulse.push_back(guess[k]);
    }
    const auto act = [&](int link, int side, double sign) {
      double* place[6];
      for (int k = 0; k < n; ++k) {
        const RowPart& part = cd.rows.rows[first + static_cast<size_t>(k)].part[side];
        place[k] = cd.rows.J.data() + part.at - part.v;
      }
      add_contact_wrenches(model, data, link, p, axes.of, sign, n, place);
    };
    if (a) act(link_a, 0, -1);
    if (b) act(link_b, a == b ? 0 : 1, 1);
  }

  void add_contact(Contact& c) {
    const ContactMaterial m =
        mean(model.contact->materials[static_cast<size_t>(c.a)], model.contact->materials[static_cast<size_t>(c.b)]);
    const int a = link_of(c.a), b = link_of(c.b);
    const Axes axes = axes_of(c.normal_W);
    RowBlock block;
    block.row = static_cast<int>(cd.rows.rows.size());
    block.rows = m.rolling > 0 ? 6 : m.torsion > 0 ? 4 : 3;
    block.static_friction = std::max(m.static_friction, m.dynamic_friction);
    block.friction = m.dynamic_friction;
    block.torsion = m.torsion;
    block.rolling = m.rolling;
    add_rows(a, b, c.p_W, axes, block.rows, c.guess);
    cd.rows.blocks.push_back(block);
    const auto normal = static_cast<size_t>(block.row);
    cd.rows.target[normal] = -std::max(c.distance, 0.0) / h;
    if (m.stiffness > 0) {  // p = h (-k (distance + h w) - d w)
      const double slope = h * (h * m.stiffness + m.damping);
      cd.rows.compliance[normal] = 1 / slope;
      cd.rows.target[normal] = -h * m.stiffness * c.distance / slope;
    }
    bounce(c, m.restitution, normal);
  }

  // The impact inside the step: flight to the surface and away from it, under the free acceleration.
  void bounce(const Contact& c, double e, size_t row) {
    if (!(e > 0)) return;
    const double speed = -rate(cd.rows.rows[row], state.v), a = (rate(cd.rows.rows[row], cd.v) + speed) / h;
    if (speed - a * h < kSlow + 2 * std::abs(a) * h) return;
    const double d = std::max(c.distance, 0.0);
    double time = 0;
    if (d > 0) {
      const double root = speed * speed - 2 * a * d;
      if (root < 0) return;
      time = 2 * d / (speed + std::sqrt(root));
      if (time > h) return;  // gets there later
    }
    const double away = e * (speed - a * time), rest = h - time;
    cd.rows.target[row] = away + a * rest;
    cd.bounces.push_back({cd.rows.blocks.size() - 1, time});
  }

  enum Law { kFriction, kLower, kUpper };
  void add_degree(const Island& island, int v, Law law, RowBlock block, double target, double sign) {
    block.row = static_cast<int>(cd.rows.rows.size());
    block.rows = 1;
    Row row;
    row.part[0] = add_part(island);
    cd.rows.J[row.part[0].at + static_cast<size_t>(v - row.part[0].v)] = sign;
    cd.rows.rows.push_back(row);
    cd.rows.target.push_back(target);
    cd.rows.compliance.push_back(0);
    cd.law_of_row.push_back(3 * v + law);
    cd.rows.impulse.push_back(cd.laws_before[static_cast<size_t>(cd.law_of_row.back())]);
    cd.rows.blocks.push_back(block);
  }

  // Limits that the step may reach, dry friction.
  void add_laws(const Island& island) {
    for (int i = island.all.begin; i < island.all.end; ++i) {
      const Link& link = model.links[static_cast<size_t>(i)];
      if (link.ball >= 0 || link.prescribed) continue;
      const JointLaw& law = model.laws[static_cast<size_t>(link.v)];
      const double q = state.q[static_cast<size_t>(link.q)], v = cd.v[static_cast<size_t>(link.v)];
      if (law.friction > 0) {
        add_degree(island, link.v, kFriction, {RowLaw::kBounded, 0, 1, 0, 0, 0, 0, -h * law.friction, h * law.friction},
                   0, 1);
      }
      const auto reach = [&](double room) { return std::max(room < 0 ? 0.1 * room : room, -law.velocity_limit * h); };
      const double near = h * (std::abs(v) + 1);
      if (q - law.lower < near || -v > law.velocity_limit) {
        add_degree(island, link.v, kLower, {RowLaw::kUnilateral},
                   std::max(-reach(q - law.lower) / h, -law.velocity_limit), 1);
      }
      if (law.upper - q < near || v > law.velocity_limit) {
        add_degree(island, link.v, kUpper, {RowLaw::kUnilateral},
                   std::max(-reach(law.upper - q) / h, -law.velocity_limit), -1);
      }
    }
  }

  // ---- displacements ----

  // Bounces into cd.change: the impulses of an impact at `time` move nothing before it. What carries no other contact
  // flies on its parabola besides, where the step's own rule is off by half of h^2 a.
  void shift_bounces() {
    std::fill(cd.change.begin(), cd.change.end(), 0.0);
    if (cd.bounces.empty()) return;
    std::vector<char>& flies = cd.flies;
    for (size_t i = 0; i < flies.size(); ++i) flies[i] = cd.touched[i] && !cd.idle[i];
    size_t next = 0;
    for (size_t i = 0; i < solved(); ++i) {
      const RowBlock& block = cd.rows.blocks[i];
      while (next < cd.bounces.size() && cd.bounces[next].block < i) ++next;
      const bool bouncing = next < cd.bounces.size() && cd.bounces[next].block == i;
      if (!(cd.rows.impulse[static_cast<size_t>(block.row)] > 0)) continue;
      for (int k = 0; bouncing && k < block.rows; ++k) {
        const auto row = static_cast<size_t>(block.row + k);
        for (const RowPart& part : cd.rows.rows[row].part) {
          const double* W = cd.rows.W.data() + part.at;
          const double scale = cd.bounces[next].time * cd.rows.impulse[row];
          for (int j = 0; j < part.n; ++j) cd.change[static_cast<size_t>(part.v + j)] -= scale * W[j];
        }
      }
      for (const int collider : {cd.contacts[i].a, cd.contacts[i].b}) {
        const Island* island = island_of(link_of(collider));
        if (island && !bouncing) flies[static_cast<size_t>(island - model.islands.data())] = 0;
      }
    }
    for (size_t i = 0; i < flies.size(); ++i) {
      const Tree& all = model.islands[i].all;
      const auto laws = cd.laws.begin() + 3 * all.v_begin;
      if (!flies[i] || std::any_of(laws, laws + 3 * (all.v_end - all.v_begin), [](double p) { return p != 0; }))
        continue;
      for (auto k = static_cast<size_t>(all.v_begin); k < static_cast<size_t>(all.v_end); ++k) {
        cd.change[k] -= 0.5 * h * cd.free[k];
      }
    }
  }

  bool bounces(size_t contact) const {
    return std::any_of(cd.bounces.begin(), cd.bounces.end(), [&](const Bounce& b) { return b.block == contact; });
  }

  // Takes penetrations back and puts bounces where they belong, without touching velocities.
  void displace() {
    bool deep = false;
    for (size_t i = 0; i < solved(); ++i) deep = deep || cd.contacts[i].distance < -kDeep;
    if (!deep && cd.bounces.empty()) return;
    RowProblem& p = cd.positions;
    p.blocks.clear(), p.rows.clear(), p.target.clear(), p.compliance.clear(), p.impulse.clear();
    p.J = cd.rows.J;
    p.W = cd.rows.W;
    for (size_t i = 0; i < solved(); ++i) {
      const auto normal = static_cast<size_t>(cd.rows.blocks[i].row);
      RowBlock block{RowLaw::kUnilateral};
      block.row = static_cast<int>(p.rows.size());
      block.rows = 1;
      const double distance = cd.contacts[i].distance, moved = h * rate(cd.rows.rows[normal], cd.v);
      const double target = distance < 0 ? kRecovery * -distance - moved : -(distance + moved);
      if (cd.rows.compliance[normal] > 0) continue;
      if (distance < 0 && cd.rows.impulse[normal] > 0 && bounces(i)) continue;  // leaves by itself
      p.blocks.push_back(block);
      p.rows.push_back(cd.rows.rows[normal]);
      p.target.push_back(target);
      p.compliance.push_back(0);
      p.impulse.push_back(0);
    }
    shift_bounces();
    solve_rows({kPositions, 100}, p, cd.change, cd.work);
    each_island([&](const Island& island) { integrate_position(model, island.all, state.q, cd.change, 1, state.q); });
  }

  // ---- the step ----

  size_t solved() const { return static_cast<size_t>(cd.solved); }

  // Islands whose contacts carry nothing take their own integrator's step.
  void find_idle() {
    for (size_t i = 0; i < cd.idle.size(); ++i) cd.idle[i] = cd.touched[i];
    for (size_t i = 0; i < solved(); ++i) {
      const auto row = static_cast<size_t>(cd.rows.blocks[i].row);
      if (cd.rows.impulse[row] == 0) continue;
      for (const int collider : {cd.contacts[i].a, cd.contacts[i].b}) {
        const Island* island = island_of(link_of(collider));
        if (island) cd.idle[static_cast<size_t>(island - model.islands.data())] = 0;
      }
    }
    for (size_t i = 0; i < cd.idle.size(); ++i) {
      if (!cd.idle[i]) continue;
      const Tree& all = model.islands[i].all;
      for (int k = all.v_begin; k < all.v_end; ++k) cd.lost[static_cast<size_t>(k)] = 0;
      restore_island(model, model.islands[i], data, state);
    }
  }
  template <class Visit>
  void each_busy(Visit visit) {
    for (size_t i = 0; i < model.islands.size(); ++i) {
      if (cd.touched[i] && !cd.idle[i]) visit(model.islands[i]);
    }
  }

  // Solves for the change of the velocities, and adds it with what rounding took from the sum before: bodies that gain
  // speed for long gain all of it.
  RowReport solve_change() {
    std::vector<double>& change = cd.change;
    for (size_t r = 0; r < cd.rows.rows.size(); ++r) cd.rows.target[r] -= rate(cd.rows.rows[r], state.v);
    each_island([&](const Island& island) {
      for (auto k = static_cast<size_t>(island.all.v_begin); k < static_cast<size_t>(island.all.v_end); ++k) {
        change[k] = cd.free[k] = h * state.a[k];
      }
    });
    const RowReport solved =
        solve_rows({options.contact_tolerance, options.contact_iterations}, cd.rows, change, cd.work);
    each_island([&](const Island& island) {
      for (auto k = static_cast<size_t>(island.all.v_begin); k < static_cast<size_t>(island.all.v_end); ++k) {
        const double v = state.v[k], dv = change[k] + cd.lost[k], sum = v + dv, back = sum - v;
        cd.v[k] = sum;
        cd.lost[k] = (v - (sum - back)) + (dv - back);
      }
    });
    return solved;
  }

  void solve() {
    RowProblem& rows = cd.rows;
    rows.blocks.clear(), rows.rows.clear(), rows.J.clear(), rows.W.clear();
    rows.target.clear(), rows.compliance.clear(), rows.impulse.clear();
    cd.bounces.clear();
    cd.law_of_row.clear();
    cd.parts.clear();
    std::fill(cd.first_part.begin(), cd.first_part.end(), -1);
    std::swap(cd.laws, cd.laws_before);
    std::fill(cd.laws.begin(), cd.laws.end(), 0.0);
    std::copy(state.v.begin(), state.v.end(), cd.v.begin());
    each_island([&](const Island& island) {
      free_accelerations(model, island, options, controls, data, state);
      for (auto k = static_cast<size_t>(island.all.v_begin); k < static_cast<size_t>(island.all.v_end); ++k) {
        cd.v[k] = state.v[k] + h * state.a[k];
      }
    });
    for (size_t i = 0; i < solved(); ++i) add_contact(cd.contacts[i]);
    each_island([&](const Island& island) { add_laws(island); });
    respond();
    note(solve_change());
    find_idle();
  }

  // Accelerations alone, as of the step: q and v stay.
  StepReport accelerate() {
    solve();
    each_busy([&](const Island& island) {
      for (auto k = static_cast<size_t>(island.all.v_begin); k < static_cast<size_t>(island.all.v_end); ++k) {
        state.a[k] = (cd.v[k] - state.v[k]) / h;
      }
      restore_island(model, island, data, state);
    });
    return report;
  }

  StepReport run() {
    solve();
    each_busy([&](const Island& island) {
      const Tree& all = island.all;
      for (auto k = static_cast<size_t>(all.v_begin); k < static_cast<size_t>(all.v_end); ++k) {
        state.a[k] = (cd.v[k] - state.v[k]) / h;
        state.v[k] = cd.v[k];
        report.finite = report.finite && std::isfinite(state.v[k]);
      }
      integrate_position(model, all, state.q, state.v, h, state.q);
    });
    displace();
    each_busy([&](const Island& island) {
      const double left = finish_island(model, island, data, state);
      report.closure = std::max(report.closure, left);
    });
    return report;
  }

  void note(const RowReport& all) {
    ContactReport& c = report.contact;
    c.converged = all.converged;
    c.iterations = all.iterations;
    c.cone = all.cone / h;
    c.complementarity = all.complementarity / h;
    c.residual = all.residual;
    report.converged = all.converged;
    const size_t behind = cd.rows.rows.size() - cd.law_of_row.size();
    for (size_t i = 0; i < cd.law_of_row.size(); ++i) {
      const auto law = static_cast<size_t>(cd.law_of_row[i]);
      const double share = cd.rows.judged[solved() + i].share, impulse = cd.rows.impulse[behind + i];
      if (impulse != 0) cd.laws[law] = impulse + share * (cd.laws_before[law] - impulse);
    }
    for (size_t i = 0; i < solved(); ++i) {
      c.penetration = std::max(c.penetration, -cd.contacts[i].distance);
      note(cd.rows.blocks[i], cd.rows.judged[i], cd.contacts[i]);
    }
  }
  void note(const RowBlock& block, const BlockReport& judged, Contact& contact) const {
    const auto row = static_cast<size_t>(block.row);
    double slip[3] = {};
    for (int k = 0; k < 6; ++k) {
      const double p = k < block.rows ? cd.rows.impulse[row + static_cast<size_t>(k)] : 0;
      contact.impulse[k] = p;
      contact.guess[k] = p != 0 ? p + judged.share * (contact.guess[k] - p) : 0;
    }
    for (size_t k = 0; k < 3; ++k) slip[k] = rate(cd.rows.rows[row + k], cd.v);
    const Axes axes = axes_of(contact.normal_W);
    const auto along = [&](const double* x) { return x[0] * axes.of[0] + x[1] * axes.of[1] + x[2] * axes.of[2]; };
    contact.force_W = (1 / h) * along(contact.impulse), contact.moment_W = (1 / h) * along(contact.impulse + 3);
    contact.slip_W = along(slip);
    contact.cone = judged.cone / h, contact.complementarity = judged.complementarity / h;
    contact.iterations = judged.iterations, contact.converged = judged.converged;
  }
};

}  // namespace

namespace {

bool before(const Contact& x, const Contact& y) { return std::tie(x.a, x.b, x.id) < std::tie(y.a, y.b, y.id); }

// Contacts of sleepers go behind the others, as they were.
void keep_sleeping(const Model& model, ContactData& cd) {
  const auto sleeps = [&](int collider) {
    const scene::BodyId body = model.contact->geometry->colliders[static_cast<size_t>(collider)].body;
    return body.valid() && model.bodies[body.index()].link >= 0 && cd.sleep.rests[body.index()] != 0;
  };
  for (const Contact& c : cd.before) {
    if (sleeps(c.a) || sleeps(c.b)) cd.contacts.push_back(c);
  }
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] bool find_contacts(const Model& model, const StepOptions& options, Data& data,
                                                 const scene::State& state) {
  ContactData& cd = *data.contact;
  if (static_cast<size_t>(cd.sleep.count) == model.islands.size()) {  // all stays as it is
    cd.collision.manifolds.clear(), cd.collision.fast.clear();
    cd.solved = 0;
    return false;
  }
  const collision::DetectOptions detection{options.contact_margin, options.dt.seconds(), cd.sleep.rests,
                                           model.contact->thickness};
  const auto detect = [&] {
    collision::detect(*model.contact->geometry, model.contact->filter, state.X_WB, state.V_WB, detection, cd.collision);
  };
  detect();
  while (wake_touched(model, data)) detect();
  std::swap(cd.before, cd.contacts);
  cd.contacts.clear();
  std::fill(cd.touched.begin(), cd.touched.end(), static_cast<char>(0));
  const auto touch = [&](int collider) {
    const scene::BodyId body = model.contact->geometry->colliders[static_cast<size_t>(collider)].body;
    const int link = body.valid() ? model.bodies[body.index()].link : -1;
    if (link < 0) return false;
    const auto at = std::upper_bound(model.islands.begin(), model.islands.end(), link,
                                     [](int l, const Island& i) { return l < i.all.end; });
    cd.touched[static_cast<size_t>(at - model.islands.begin())] = 1;
    return true;
  };
  for (const collision::Manifold& m : cd.collision.manifolds) {
    const bool a = touch(m.a), b = touch(m.b);
    if (!a && !b) continue;
    for (int k = 0; k < m.count; ++k) {
      Contact c;
      c.a = m.a, c.b = m.b, c.id = m.points[k].id;
      c.p_W = m.points[k].p_W, c.normal_W = m.normal_W, c.distance = m.points[k].distance;
      cd.contacts.push_back(c);
    }
  }
  // impulses of the step before, where the same features touched; of sleepers too, where some may have woken
  const bool all = cd.woken;
  const auto end = all ? cd.before.end() : cd.before.begin() + cd.solved;
  cd.woken = false;
  if (!std::is_sorted(cd.before.begin(), end, before)) std::sort(cd.before.begin(), end, before);
  for (Contact& c : cd.contacts) {
    const auto old = std::lower_bound(cd.before.begin(), end, c, before);
    if (old != end && old->a == c.a && old->b == c.b && old->id == c.id) {
      std::copy(std::begin(old->guess), std::end(old->guess), c.guess);
    }
  }
  cd.solved = static_cast<int>(cd.contacts.size());
  if (cd.sleep.count > 0) keep_sleeping(model, cd);
  return cd.solved > 0;
}

GEOUL_CLONES [[gnu::flatten]] StepReport step_contacts(const Model& model, const StepOptions& options,
                                                       const Controls& controls, Data& data, scene::State& state) {
  return ContactStep{model, options, controls, data, state}.run();
}

StepReport contact_accelerations(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                                 scene::State& state) {
  return ContactStep{model, options, controls, data, state}.accelerate();
}

}  // namespace geoul::dynamics
