#include "geoul/decision/futures/futures.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <numbers>
#include <optional>
#include <set>

#include "geoul/collision/collision.h"
#include "geoul/core/contract.h"
#include "geoul/decision/futures/future_worlds.h"
#include "geoul/decision/futures/ranking.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::decision {
namespace {

using std::size_t;

constexpr size_t kWorldsAtOnce = 64;  // of a part: they fill the lanes and stay in the cache

// What an action asks, tick by tick; from tick to tick a straight line.
struct ActionTable {
  std::vector<double> position, velocity, effort;  // (ticks + 1 x nv) of drives, and fed forward
  std::vector<double> goal;                        // (n)
};

// What all worlds share.
struct Plan {
  const dynamics::Model& asked;  // as given
  dynamics::Model model;         // with drives for all controlled joints
  const scene::State& now;
  std::span<const Action> actions;
  const FutureOptions& options;
  int ticks = 0, check_every = 1;
  std::vector<int> q_of;  // (nv) address in q of one-degree joints; -1
  std::vector<ActionTable> tables;
  std::vector<Draw> draws;
  ClearanceModel clearance;
  ClearanceTrack begun;  // at `now`
};

struct Progress {
  ClearanceTrack clearance;
  double outside = 0;  // [s] last time at which a joint was not at its goal
  double power = 0;    // [W] at the tick before
  bool ended = false;
};

struct Scratch {
  dynamics::Data data;
  ClearanceScratch clearance;
  std::vector<double> q, v, tau;
  std::vector<std::array<std::vector<double>, 3>> controls;  // by action: position, velocity, effort (nv) of a step
  std::vector<double> target_velocity;
};

double cost_of(const Future& f, const FutureWeights& w) {
  const double shortfall = std::isfinite(f.clearance) ? std::max(0.0, 1 - f.clearance / w.comfort) : 0;
  return w.time * f.time + w.energy * f.energy + w.effort * f.effort_share + w.near * shortfall;
}

// One world looked at, tick by tick.
struct Observer {
  const Plan& plan;
  Scratch& scratch;
  Future& f;
  Progress& progress;

  void fail(Failure failure, double t, int degree = -1) {
    if (f.failure != Failure::kNone) return;
    f.failure = failure, f.failed_at = t;
    if (degree >= 0) f.degree = degree;
  }

  // Effective mass and speed of approach along the normal of the pair that hit; the closed form of an impact of two
  // masses. Source: ISO/TS 15066:2016, A.3.6, with the robot's mass at the place of the hit (Khatib, IEEE J. Robotics
  // and Automation 3(1), 1987) in place of a part of its total.
  void hit(double t) {
    fail(Failure::kHit, t);
    progress.ended = true;
    const dynamics::Model& model = plan.model;
    const ClearanceModel::Pair& pair = plan.clearance.pairs[static_cast<size_t>(f.pair)];
    const collision::CollisionModel& geometry = *plan.clearance.contact->geometry;
    const collision::Distance d = collision::distance(geometry, pair.a, pair.b, scratch.clearance.X_WB);
    const auto nv = static_cast<Eigen::Index>(model.nv);
    Eigen::RowVectorXd row = Eigen::RowVectorXd::Zero(nv);
    Eigen::Matrix<double, 6, Eigen::Dynamic, Eigen::RowMajor> J(6, nv);
    const Eigen::RowVector3d n(d.normal_W.x, d.normal_W.y, d.normal_W.z);
    for (const int side : {0, 1}) {
      const scene::BodyId body = geometry.colliders[static_cast<size_t>(side == 0 ? pair.a : pair.b)].body;
      if (!body.valid()) continue;
      const Transformd X_WB = transform(scratch.clearance.X_WB[body.index()]);
      body_jacobian(model, scratch.data, body, inverse(X_WB) * (side == 0 ? d.p_a_W : d.p_b_W),
                    {J.data(), static_cast<size_t>(J.size())});
      row += (side == 0 ? -1.0 : 1.0) * n * J.bottomRows<3>();
    }
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> M(nv, nv);
    mass_matrix(model, scratch.q, scratch.data, {M.data(), static_cast<size_t>(M.size())});
    const double inverse_mass = row.dot(M.ldlt().solve(row.transpose()).transpose());
    const double speed = std::max(0.0, -row.dot(Eigen::Map<const Eigen::RowVectorXd>(scratch.v.data(), nv)));
    if (!(inverse_mass > 0)) return;
    f.hit_energy = 0.5 * speed * speed / inverse_mass;
    f.hit_force = speed * std::sqrt(plan.options.hit_stiffness / inverse_mass);
  }

  void look_at_clearance(double t) {
    forward_kinematics(plan.model, scratch.q, scratch.v, scratch.data);
    if (!look(plan.clearance, plan.model, scratch.data, scratch.clearance, progress.clearance)) return;
    f.clearance = progress.clearance.least, f.pair = progress.clearance.pair;
    if (f.clearance <= 0 && !plan.options.contact) hit(t);
  }

  // Joint k of the action, degree d.
  void look_at_joint(size_t k, int d, int tick, double t, double& power, bool& away) {
    const auto at = static_cast<size_t>(d);
    const dynamics::JointLaw& law = plan.model.laws[at];
    const ActionTable& table = plan.tables[static_cast<size_t>(f.action)];
    const double q = scratch.q[static_cast<size_t>(plan.q_of[at])], v = scratch.v[at], tau = scratch.tau[at];
    const double wanted = table.position[static_cast<size_t>(tick) * scratch.v.size() + at];
    power += std::max(0.0, tau * v);
    away = away || std::abs(q - table.goal[k]) > plan.options.bounds.settle;
    if (const double error = std::abs(q - wanted); error > f.following_error) f.following_error = error;
    if (std::abs(q - wanted) > plan.options.bounds.following_error) fail(Failure::kFollowing, t, d);
    if (const double share = std::abs(tau) / law.drive_limit; share > f.effort_share) {
      f.effort_share = share;
      if (f.failure == Failure::kNone) f.degree = d;
    }
    f.velocity_share = std::max(f.velocity_share, std::abs(v) / law.velocity_limit);
    const bool at_limit = q >= law.upper - 1e-9 || q <= law.lower + 1e-9;
    if (at_limit && std::abs(q - wanted) > plan.options.bounds.settle) fail(Failure::kPositionLimit, t, d);
  }

  void tick(int tick) {
    const double period = plan.options.control_period.seconds(), t = tick * period;
    const Action& action = plan.actions[static_cast<size_t>(f.action)];
    double power = 0;
    bool away = false;
    for (size_t k = 0; k < action.degrees.size(); ++k) look_at_joint(k, action.degrees[k], tick, t, power, away);
    if (away) progress.outside = t + period;
    f.energy += 0.5 * period * (power + progress.power);
    progress.power = power;
    if (tick % plan.check_every == 0 || tick == plan.ticks) look_at_clearance(t);
  }

  void finish() {
    const double horizon = plan.options.horizon.seconds();
    f.clearance = progress.clearance.least, f.pair = progress.clearance.pair;
    f.clearance_slack = 0.5 * progress.clearance.step;
    const bool arrived = !progress.ended && progress.outside <= horizon;
    f.time = arrived ? progress.outside : horizon;
    if (f.failure == Failure::kNone && f.clearance < plan.options.bounds.clearance) fail(Failure::kTooNear, horizon);
    if (f.failure == Failure::kNone && !arrived && plan.options.bounds.arrive) {
      fail(Failure::kNotArrived, horizon, farthest());
    }
    f.cost = cost_of(f, plan.options.weights);
  }
  int farthest() const {
    const Action& action = plan.actions[static_cast<size_t>(f.action)];
    const ActionTable& table = plan.tables[static_cast<size_t>(f.action)];
    int out = -1;
    double most = -1;
    for (size_t k = 0; k < table.goal.size(); ++k) {
      const auto at = static_cast<size_t>(plan.q_of[static_cast<size_t>(action.degrees[k])]);
      if (const double off = std::abs(scratch.q[at] - table.goal[k]); off > most) most = off, out = action.degrees[k];
    }
    return out;
  }
};

// Worlds of one model that run on one thread.
struct Part {
  const dynamics::Model* model = nullptr;
  std::vector<int> futures;  // into Futures::all
};

Scratch make_scratch(const Plan& plan) {
  const auto nv = static_cast<size_t>(plan.model.nv);
  const std::vector<double> none(nv);
  return {make_data(plan.model),
          decision::make_scratch(plan.clearance),
          std::vector<double>(static_cast<size_t>(plan.model.nq)),
          none,
          none,
          std::vector<std::array<std::vector<double>, 3>>(plan.actions.size(), {none, none, none}),
          none};
}

// Controls of the step that ends `part` of the way from a tick to the next, into scratch.controls.
void interpolate(const Plan& plan, int tick, double part, Scratch& scratch) {
  const auto nv = static_cast<size_t>(plan.model.nv), at = static_cast<size_t>(tick) * nv;
  for (size_t a = 0; a < plan.tables.size(); ++a) {
    const ActionTable& table = plan.tables[a];
    const std::vector<double>* from[] = {&table.position, &table.velocity, &table.effort};
    for (size_t i = 0; i < 3; ++i) {
      for (size_t k = 0; k < nv; ++k)
        scratch.controls[a][i][k] = (1 - part) * (*from[i])[at + k] + part * (*from[i])[at + nv + k];
    }
  }
}

// From a tick to the next, under controls that follow the setpoints step by step.
void advance(const Plan& plan, const Part& part, const std::vector<Future>& all, const std::vector<Progress>& progress,
             int tick, Scratch& scratch, FutureWorlds& worlds) {
  const FutureOptions& options = plan.options;
  const auto steps = static_cast<int>(options.control_period.ns / options.dt.ns);
  for (int s = 0; s < steps; ++s) {
    interpolate(plan, tick, static_cast<double>(s + 1) / steps, scratch);
    for (size_t w = 0; w < part.futures.size(); ++w) {
      if (progress[w].ended) continue;
      const Future& f = all[static_cast<size_t>(part.futures[w])];
      const auto& [position, velocity, effort] = scratch.controls[static_cast<size_t>(f.action)];
      const std::vector<double>& speed = plan.draws[static_cast<size_t>(f.draw)].drive_speed;
      if (speed.empty()) {
        worlds.control(static_cast<int>(w), effort, position, velocity);
        continue;
      }
      for (size_t k = 0; k < speed.size(); ++k) scratch.target_velocity[k] = velocity[k] * speed[k];
      worlds.control(static_cast<int>(w), effort, position, scratch.target_velocity);
    }
    worlds.step(1, Time{0} + options.control_period * tick + options.dt * s);
  }
}

Result<bool> run(const Plan& plan, const Part& part, std::vector<Future>& all) {
  const FutureOptions& options = plan.options;
  std::vector<const Draw*> draws;
  for (const int f : part.futures) draws.push_back(&plan.draws[static_cast<size_t>(all[static_cast<size_t>(f)].draw)]);
  dynamics::StepOptions step;
  step.dt = options.dt;
  step.contact = options.contact;
  Result<FutureWorlds> made = FutureWorlds::make(*part.model, plan.now, draws, step);
  if (!made) return made.error();
  FutureWorlds& worlds = *made;
  Scratch scratch = make_scratch(plan);
  std::vector<Progress> progress(part.futures.size(), Progress{plan.begun});
  for (int tick = 0; tick <= plan.ticks; ++tick) {
    bool any = false;
    for (size_t w = 0; w < part.futures.size(); ++w) {
      if (progress[w].ended) continue;
      Future& f = all[static_cast<size_t>(part.futures[w])];
      const auto world = static_cast<int>(w);
      worlds.read(world, scratch.q, scratch.v, scratch.tau);
      Observer observer{plan, scratch, f, progress[w]};
      if (!worlds.finite(world)) {
        observer.fail(Failure::kNotFinite, tick * options.control_period.seconds());
        progress[w].ended = true;
      } else {
        observer.tick(tick);
      }
      if (tick == plan.ticks || progress[w].ended) observer.finish();
      any = any || !progress[w].ended;
    }
    if (!any) break;
    if (tick < plan.ticks) advance(plan, part, all, progress, tick, scratch, worlds);
  }
  return worlds.in_lanes();
}

// ---- making the plan ----

void give_drives(Plan& plan, std::vector<std::string>& notes) {
  const auto nv = static_cast<size_t>(plan.model.nv);
  std::vector<double> M(nv * nv);
  dynamics::Data data = make_data(plan.model);
  mass_matrix(plan.model, plan.now.q, data, M);
  const double w = 2 * std::numbers::pi * plan.options.servo_frequency;
  std::set<int> degrees;
  for (const Action& action : plan.actions) degrees.insert(action.degrees.begin(), action.degrees.end());
  int given = 0;
  for (const int d : degrees) {
    const auto k = static_cast<size_t>(d);
    dynamics::JointLaw& law = plan.model.laws[k];
    if (law.drive_stiffness > 0) continue;
    law.drive_stiffness = w * w * M[k * nv + k];
    law.drive_damping = std::max(0.0, 2 * w * M[k * nv + k] - law.damping);
    ++given;
  }
  if (given == 0) return;
  char words[128];
  std::snprintf(words, sizeof words, "%d joints have no position drive: they follow with servos of %.3g Hz", given,
                plan.options.servo_frequency);
  notes.push_back(words);
}

ActionTable make_table(const Plan& plan, const Action& action) {
  const dynamics::Model& model = plan.model;
  const auto nv = static_cast<size_t>(model.nv);
  const dynamics::Controls base = make_controls(model);
  dynamics::Data data = make_data(model);
  ActionTable out;
  Setpoint point;
  std::vector<double> q = plan.now.q, v(nv), a(nv), tau(nv);
  const Duration period = plan.options.control_period;
  for (int tick = 0; tick <= plan.ticks; ++tick) {
    sample(action, Time{0} + period * tick, point);
    out.position.insert(out.position.end(), base.target_position.begin(), base.target_position.end());
    out.velocity.insert(out.velocity.end(), base.target_velocity.begin(), base.target_velocity.end());
    out.effort.insert(out.effort.end(), base.effort.begin(), base.effort.end());
    const size_t at = static_cast<size_t>(tick) * nv;
    for (size_t k = 0; k < action.degrees.size(); ++k) {
      const auto d = static_cast<size_t>(action.degrees[k]);
      out.position[at + d] = point.position[k], out.velocity[at + d] = point.velocity[k];
      q[static_cast<size_t>(plan.q_of[d])] = point.position[k], v[d] = point.velocity[k], a[d] = point.acceleration[k];
    }
    if (!plan.options.feedforward) continue;
    inverse_dynamics(model, q, v, a, {}, data, tau);
    for (const int degree : action.degrees) {
      const auto d = static_cast<size_t>(degree);
      const dynamics::JointLaw& law = model.laws[d];
      out.effort[at + d] =
          tau[d] + law.damping * v[d] + law.stiffness * (q[static_cast<size_t>(plan.q_of[d])] - law.spring_position);
    }
  }
  sample(action, Time{0} + action.length(), point);
  out.goal = point.position;
  return out;
}

dynamics::Model with_laws(const dynamics::Model& model, const Draw& draw) {
  dynamics::Model out = model;
  for (size_t k = 0; k < out.laws.size(); ++k) {
    if (!draw.damping.empty()) out.laws[k].damping *= draw.damping[k];
    if (draw.drive_gain.empty()) continue;
    out.laws[k].drive_stiffness *= draw.drive_gain[k];
    out.laws[k].drive_damping *= draw.drive_gain[k];
  }
  return out;
}

// Futures of one model and one way to step together, in the order of the first draw of each; parts of kWorldsAtOnce.
std::vector<Part> divide(const Plan& plan, std::vector<std::unique_ptr<dynamics::Model>>& models) {
  using Key = std::pair<std::vector<double>, bool>;
  std::map<Key, size_t> known;
  std::vector<std::pair<const dynamics::Model*, std::vector<int>>> groups;
  for (size_t m = 0; m < plan.draws.size(); ++m) {
    const Draw& draw = plan.draws[m];
    Key key{draw.damping, !draw.pushes.empty()};
    key.first.push_back(-1);
    key.first.insert(key.first.end(), draw.drive_gain.begin(), draw.drive_gain.end());
    const auto [at, fresh] = known.try_emplace(key, groups.size());
    if (fresh) {
      models.push_back(std::make_unique<dynamics::Model>(with_laws(plan.model, draw)));
      groups.emplace_back(models.back().get(), std::vector<int>{});
    }
    for (size_t a = 0; a < plan.actions.size(); ++a)
      groups[at->second].second.push_back(static_cast<int>(a * plan.draws.size() + m));
  }
  std::vector<Part> out;
  for (const auto& [model, futures] : groups) {
    for (size_t i = 0; i < futures.size(); i += kWorldsAtOnce) {
      const size_t end = std::min(i + kWorldsAtOnce, futures.size());
      out.push_back(
          {model,
           {futures.begin() + static_cast<std::ptrdiff_t>(i), futures.begin() + static_cast<std::ptrdiff_t>(end)}});
    }
  }
  return out;
}

std::string wrong(const dynamics::Model& model, const scene::State& now, std::span<const Action> actions,
                  std::span<const Disturbance> disturbances, const FutureOptions& o) {
  if (actions.empty()) return "there is no action";
  if (now.q.size() != static_cast<size_t>(model.nq) || now.v.size() != static_cast<size_t>(model.nv))
    return "the state is not one of this model";
  if (o.draws < 1 || o.draws > 1'000'000) return "draws must be from 1 to 1000000";
  if (o.dt.ns <= 0 || o.control_period.ns < o.dt.ns || o.control_period.ns % o.dt.ns != 0)
    return "the control period must be a whole number of steps";
  if (o.check_period.ns < o.control_period.ns || o.check_period.ns % o.control_period.ns != 0)
    return "the check period must be a whole number of control periods";
  if (o.horizon.ns < o.control_period.ns || o.horizon.ns % o.control_period.ns != 0)
    return "the horizon must be a whole number of control periods";
  if (!(o.servo_frequency > 0) || !(o.tail > 0 && o.tail <= 1)) return "servo_frequency and tail must be positive";
  for (const Action& action : actions) {
    if (std::string words = problem(action, model); !words.empty()) return words;
  }
  for (const Disturbance& disturbance : disturbances) {
    if (std::string words = problem(disturbance, model); !words.empty()) return words;
  }
  return {};
}

// What a person asked and what yet changes nothing.
void note_idle(const dynamics::Model& model, std::span<const Disturbance> disturbances,
               std::vector<std::string>& notes) {
  const auto all = [&](int target, auto value) {
    for (size_t k = 0; k < model.laws.size(); ++k) {
      if ((target < 0 || static_cast<size_t>(target) == k) && value(model.laws[k]) != 0) return false;
    }
    return true;
  };
  for (const Disturbance& d : disturbances) {
    if (d.parameter == Parameter::kFrictionFactor && all(d.target, [](const auto& law) { return law.friction; }))
      notes.push_back("friction: there is none in the scene, so a factor of it changes nothing; ask for one in N.m");
    if (d.parameter == Parameter::kDampingFactor && all(d.target, [](const auto& law) { return law.damping; }))
      notes.push_back("damping: there is none in the scene, so a factor of it changes nothing");
  }
}

void prepare(Plan& plan, std::span<const Disturbance> disturbances, Futures& out) {
  const FutureOptions& options = plan.options;
  plan.ticks = static_cast<int>(options.horizon.ns / options.control_period.ns);
  plan.check_every = static_cast<int>(options.check_period.ns / options.control_period.ns);
  plan.q_of.assign(static_cast<size_t>(plan.model.nv), -1);
  for (const dynamics::Link& link : plan.model.links) {
    if (link.ball < 0) plan.q_of[static_cast<size_t>(link.v)] = link.q;
  }
  give_drives(plan, out.notes);
  note_idle(plan.model, disturbances, out.notes);
  for (const Action& action : plan.actions) plan.tables.push_back(make_table(plan, action));
  const std::vector<int> controlled = controlled_degrees(plan.asked);
  for (int m = 0; m < options.draws; ++m)
    plan.draws.push_back(draw(plan.model, disturbances, controlled, options.seed, m));
  plan.clearance = make_clearance(plan.model, plan.now);
  out.notes.insert(out.notes.end(), plan.clearance.notes.begin(), plan.clearance.notes.end());
  plan.begun = make_track(plan.clearance);
  Scratch scratch = make_scratch(plan);
  forward_kinematics(plan.model, plan.now.q, plan.now.v, scratch.data);
  look(plan.clearance, plan.model, scratch.data, scratch.clearance, plan.begun);
}

}  // namespace

Result<Futures> foresee(const dynamics::Model& model, const scene::State& now, std::span<const Action> actions,
                        std::span<const Disturbance> disturbances, const FutureOptions& options) {
  if (std::string words = wrong(model, now, actions, disturbances, options); !words.empty())
    return Error{ErrorCode::kBadInput, "futures: " + words};
  Futures out;
  Plan plan{model, model, now, actions, options, 0, 1, {}, {}, {}, {}, {}};
  prepare(plan, disturbances, out);
  const auto draws = static_cast<size_t>(options.draws);
  out.all.resize(actions.size() * draws);
  for (size_t f = 0; f < out.all.size(); ++f)
    out.all[f].action = static_cast<int>(f / draws), out.all[f].draw = static_cast<int>(f % draws);
  std::vector<std::unique_ptr<dynamics::Model>> models;
  const std::vector<Part> parts = divide(plan, models);
  std::vector<std::optional<Result<bool>>> done(parts.size());
  const auto run_parts = [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) done[p].emplace(run(plan, parts[p], out.all));
  };
  if (options.pool != nullptr) {
    options.pool->parallel_for(parts.size(), 1, run_parts);
  } else {
    run_parts(0, parts.size());
  }
  for (size_t p = 0; p < parts.size(); ++p) {
    if (!*done[p]) return done[p]->error();
    if (**done[p]) out.in_lanes += static_cast<int>(parts[p].futures.size());
  }
  for (size_t a = 0; a < actions.size(); ++a)
    out.ranking.push_back(judge(model, plan.clearance, options, {&out.all[a * draws], draws}));
  rank(out.ranking);
  out.clearance = std::move(plan.clearance);
  return out;
}

}  // namespace geoul::decision
