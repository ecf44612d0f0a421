#include "geoul/decision/safety/filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "geoul/decision/safety/gaps.h"
#include "geoul/decision/safety/projection.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::decision::safety {
namespace {

constexpr int kMostGaps = 512, kPast = 128, kRounds = 2, kBisections = 5;
constexpr double kMargin = 1e-7;  // asked for beyond zero when a gap is made linear [m]
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One way to spend the next cycle: a jerk a joint, or the checked profile.
struct Candidate {
  double jerk[kMostJoints];
  bool follows[kMostJoints];  // the checked profile
  Profile profile[kMostJoints];
  Motions motions;
};

}  // namespace

struct Filter::Impl {
  std::shared_ptr<const Robot> robot;
  Contract contract;
  dynamics::Data data;
  std::vector<Profile> plan;  // (nv) checked
  std::vector<double> q, v, a, tau;
  std::vector<Gap> gaps;
  std::array<std::array<double, kMostJoints>, kPast> past;  // reference positions, newest at past_count - 1 mod kPast
  std::int64_t past_count = 0;
  Time clock;  // when the reference's start is due
  bool running = false;
  double multipliers[Projection::kMostRows] = {};
  int warm_gap[Projection::kMostRows][3] = {};
  int warm_rows = 0;
  Candidate wanted, chosen, best;

  Impl(std::shared_ptr<const Robot> r, const Contract& c)
      : robot(std::move(r)), contract(c), data(dynamics::make_data(robot->model)) {
    const auto n = static_cast<std::size_t>(robot->joints());
    plan.resize(n), q.resize(n), v.resize(n), a.resize(n), tau.resize(n);
    gaps.reserve(kMostGaps);
  }

  int n() const { return robot->joints(); }
  const JointLimits& limits(int j) const { return robot->options.limits[std::size_t(j)]; }
  double cycle() const { return contract.cycle.seconds(); }

  static void add(Decision& out, Cause cause, int subject, int object, double margin) {
    for (int i = 0; i < out.reasons; ++i) {
      if (out.reason[i].cause == cause && out.reason[i].subject == subject && out.reason[i].object == object) return;
    }
    if (out.reasons < Decision::kMostReasons) out.reason[out.reasons++] = {cause, subject, object, margin};
  }

  void remember() {
    auto& row = past[std::size_t(past_count % kPast)];
    for (int j = 0; j < n(); ++j) row[std::size_t(j)] = plan[std::size_t(j)].start.q;
    ++past_count;
  }
  void follow(int cycles) {
    for (int i = 0; i < cycles; ++i) {
      for (Profile& p : plan) p = tail(p, cycle());
      remember();
    }
  }

  // Sets joint j of a candidate.
  void set(Candidate& c, int j, double jerk) const {
    c.jerk[j] = jerk, c.follows[j] = false;
    c.profile[j] = cycle_and_stop(plan[std::size_t(j)].start, jerk, cycle(), limits(j));
    c.motions.travel[std::size_t(j)] = travel(c.profile[j]);
  }
  void set_following(Candidate& c, int j) const {
    c.follows[j] = true, c.profile[j] = plan[std::size_t(j)];
    c.jerk[j] = (at(c.profile[j], cycle()).a - c.profile[j].start.a) / cycle();
    c.motions.travel[std::size_t(j)] = travel(c.profile[j]);
  }
  bool within(const Candidate& c, int j) const {
    const Travel& t = c.motions.travel[std::size_t(j)];
    const JointLimits& l = limits(j);
    const double q0 = c.profile[j].start.q, end = c.profile[j].start.a + c.jerk[j] * cycle();
    return std::abs(end) <= l.acceleration && t.speed() <= l.velocity && q0 + t.high <= l.upper &&
           q0 + t.low >= l.lower;
  }

  void check_world(const Inputs& in, Decision& out);
  bool diverged(const Inputs& in, Decision& out) const;
  void choose_alone(const Inputs& in, Decision& out);
  void greatest_motions(Motions& most) const;
  bool proven(const Candidate& c, const Gap& gap) const;
  void lock(Decision& out);
  double worst(const Candidate& c, const Gap** which = nullptr) const;
  double torque_margin(const Candidate& c, int& joint);
  bool holds(const Candidate& c, Decision* out);
  int pick_rows(const Candidate& c, const Gap* (&rows)[Projection::kMostRows]) const;
  void make_linear(const Candidate& c, const Gap* const* rows, int count, Projection& p);
  bool project_once(const Inputs& in, const double* low, const double* high, Decision& out);
  void change_least(const Inputs& in, Decision& out);
  bool take(const Inputs& in, Decision& out);
};

Filter::Filter(std::shared_ptr<const Robot> robot, const Contract& contract) {
  GEOUL_EXPECTS(robot != nullptr);
  GEOUL_EXPECTS(contract.cycle.ns > 0 && contract.reaction.ns >= 0 && contract.person_speed >= 0);
  GEOUL_EXPECTS(contract.reaction.ns / contract.cycle.ns + 4 < kPast);
  impl_ = std::make_unique<Impl>(std::move(robot), contract);
}
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;
Filter::~Filter() = default;
const Robot& Filter::robot() const { return *impl_->robot; }
const Contract& Filter::contract() const { return impl_->contract; }
std::span<const Profile> Filter::reference() const { return impl_->plan; }

void Filter::reset(std::span<const double> q, Time now) {
  GEOUL_EXPECTS(q.size() == impl_->plan.size());
  for (std::size_t j = 0; j < q.size(); ++j) {
    GEOUL_EXPECTS(q[j] >= impl_->limits(int(j)).lower && q[j] <= impl_->limits(int(j)).upper);
    impl_->plan[j] = {};
    impl_->plan[j].start.q = q[j];
  }
  impl_->past_count = 0, impl_->warm_rows = 0;
  impl_->remember();
  impl_->clock = now, impl_->running = true;
}

// Whatever makes moving on wrong, whoever proposed it.
void Filter::Impl::check_world(const Inputs& in, Decision& out) {
  if (in.acceleration.size() != plan.size()) add(out, Cause::kNoProposal, -1, -1, 0);
  for (std::size_t j = 0; j < in.acceleration.size(); ++j) {
    if (!std::isfinite(in.acceleration[j])) add(out, Cause::kNotFinite, int(j), -1, 0);
  }
  Time oldest = in.people_seen;
  for (const BodyPart& part : in.people) {
    oldest = std::min(oldest, part.measured);
    const Vec3d sum = part.shape.a + part.shape.b;
    if (!std::isfinite(sum.x + sum.y + sum.z + part.shape.radius + part.speed)) {
      add(out, Cause::kNotFinite, -1, int(&part - in.people.data()), 0);
    }
  }
  // What claims to be measured later than now cannot be trusted either.
  const auto age = [&](Time measured, Duration most, Cause cause) {
    const Duration old = in.now - measured;
    if (old > most || old.ns < 0) add(out, cause, -1, -1, (most - old).seconds());
  };
  age(oldest, contract.oldest_people, Cause::kOldPeople);
  if (int(in.people.size()) > contract.most_parts) {
    add(out, Cause::kTooManyPeople, -1, -1, contract.most_parts - double(in.people.size()));
  }
  age(in.position_measured, contract.oldest_plant, Cause::kOldPlant);
  if (contract.tool_force < scene::kUnlimited) {
    age(in.tool_force_measured, contract.oldest_plant, Cause::kOldPlant);
    if (!(in.tool_force <= contract.tool_force)) {
      add(out, Cause::kToolForce, -1, -1, contract.tool_force - in.tool_force);
    }
  }
  diverged(in, out);
  if (!in.trusted) add(out, Cause::kDistrust, -1, -1, 0);
}

// The plant must be within `tracking` of where the reference was at some instant of the last `reaction`.
bool Filter::Impl::diverged(const Inputs& in, Decision& out) const {
  if (in.position.size() != plan.size()) return add(out, Cause::kOldPlant, -1, -1, 0), true;
  const std::int64_t ago = std::max<std::int64_t>(0, (in.now - in.position_measured).ns / contract.cycle.ns);
  const std::int64_t back = ago + contract.reaction.ns / contract.cycle.ns + 3;
  const std::int64_t end = past_count - 1, newest = std::max<std::int64_t>(0, end - ago);
  const std::int64_t first = std::max<std::int64_t>({0, end - back, past_count - kPast});
  bool any = false;
  for (int j = 0; j < n(); ++j) {
    double low = kInfinity, high = -kInfinity;
    for (std::int64_t k = first; k <= newest; ++k) {
      const double at = past[std::size_t(k % kPast)][std::size_t(j)];
      low = std::min(low, at), high = std::max(high, at);
    }
    // Between two samples the reference may turn: by at most a T^2 / 8.
    const double turn = 0.125 * limits(j).acceleration * cycle() * cycle();
    const double slack = robot->options.tracking[std::size_t(j)] + turn + 1e-9, x = in.position[std::size_t(j)];
    const double margin = std::min(x - (low - slack), high + slack - x);
    if (!(margin >= 0)) add(out, Cause::kDiverged, j, -1, margin), any = true;
  }
  return any;
}

// The nearest jerk to the proposal by each joint's own limits.
void Filter::Impl::choose_alone(const Inputs& in, Decision& out) {
  for (int j = 0; j < n(); ++j) {
    const double want = (in.acceleration[std::size_t(j)] - plan[std::size_t(j)].start.a) / cycle();
    set(wanted, j, std::clamp(want, -limits(j).jerk, limits(j).jerk));
    const bool clipped = wanted.jerk[j] != want;
    if (clipped) add(out, Cause::kJointLimit, j, -1, limits(j).jerk - std::abs(want));
    if (within(wanted, j)) continue;
    if (!clipped) add(out, Cause::kJointLimit, j, -1, 0);
    const JerkRange range = jerk_range(plan[std::size_t(j)].start, cycle(), limits(j));
    if (!range.empty()) set(wanted, j, std::clamp(wanted.jerk[j], range.low, range.high));
    if (range.empty() || !within(wanted, j)) set_following(wanted, j);
  }
}

// Of each joint, the greatest displacement that any jerk of the next cycle can lead to, and more than its longest stop.
void Filter::Impl::greatest_motions(Motions& most) const {
  for (int j = 0; j < n(); ++j) {
    const JointLimits& l = limits(j);
    const JointState& s = plan[std::size_t(j)].start;
    const double up = std::clamp((l.acceleration - s.a) / cycle(), 0.0, l.jerk);
    const double down = std::clamp((l.acceleration + s.a) / cycle(), 0.0, l.jerk);
    const Travel high = travel(cycle_and_stop(s, up, cycle(), l)), low = travel(cycle_and_stop(s, -down, cycle(), l));
    const Travel now = travel(plan[std::size_t(j)]);
    Travel& t = most.travel[std::size_t(j)];
    t.high = std::max(high.high, now.high), t.low = std::min(low.low, now.low);
    t.fastest = l.velocity, t.slowest = -l.velocity;
    t.time = cycle() + l.velocity / l.acceleration + 3 * l.acceleration / l.jerk;
  }
}

// Whether all that can change the gap goes on as it was checked before.
bool Filter::Impl::proven(const Candidate& c, const Gap& gap) const {
  for (int j = 0; j < n(); ++j) {
    if ((gap.joints >> j & 1) && !c.follows[j]) return false;
  }
  return true;
}

// Gaps that the checked profile does not keep by what is measured now (it was checked by what was measured then, which
// holds as well): nothing that changes them may be anything but the checked profile.
void Filter::Impl::lock(Decision& out) {
  for (int j = 0; j < n(); ++j) set_following(chosen, j);
  std::uint32_t locked = 0;
  for (const Gap& gap : gaps) {
    const double l = left(*robot, gap, chosen.motions);
    if (l >= 0) continue;
    locked |= gap.joints;
    bool wishes = false;  // whether somebody wanted to move what is locked
    for (int j = 0; j < n(); ++j) {
      if (gap.joints >> j & 1) wishes = wishes || std::abs(wanted.jerk[j] - chosen.jerk[j]) > 1e-9 * limits(j).jerk;
    }
    if (wishes) add(out, gap.cause, gap.subject, gap.object, l);
  }
  for (int j = 0; j < n(); ++j) {
    if (locked >> j & 1) set_following(wanted, j);
  }
}

double Filter::Impl::worst(const Candidate& c, const Gap** which) const {
  double least = kInfinity;
  for (const Gap& gap : gaps) {
    if (proven(c, gap)) continue;
    const double l = left(*robot, gap, c.motions);
    if (l < least) least = l, which ? void(*which = &gap) : void();
  }
  return least;
}

// Greatest lack of torque at the end of the cycle [N.m]; infinite where torque is not limited.
double Filter::Impl::torque_margin(const Candidate& c, int& joint) {
  if (robot->options.torque.empty()) return kInfinity;
  for (int j = 0; j < n(); ++j) {
    const JointState s = at(c.profile[j], cycle());
    q[std::size_t(j)] = s.q, v[std::size_t(j)] = s.v, a[std::size_t(j)] = s.a;
  }
  dynamics::inverse_dynamics(robot->model, q, v, a, {}, data, tau);
  double least = kInfinity;
  for (int j = 0; j < n(); ++j) {
    const double margin = robot->options.torque[std::size_t(j)] - std::abs(tau[std::size_t(j)]);
    if (margin < least) least = margin, joint = j;
  }
  return least;
}

// Whether the candidate may be taken. out: gets the reason why not.
bool Filter::Impl::holds(const Candidate& c, Decision* out) {
  const Gap* gap = nullptr;
  const double least = worst(c, &gap);
  if (least < 0) {
    if (out) add(*out, gap->cause, gap->subject, gap->object, least);
    return false;
  }
  int joint = -1;
  const double margin = torque_margin(c, joint);
  if (margin < 0) {
    if (out) add(*out, Cause::kTorque, joint, -1, margin);
    return false;
  }
  return true;
}

// The gaps that a candidate leaves least of: those that become rows.
int Filter::Impl::pick_rows(const Candidate& c, const Gap* (&rows)[Projection::kMostRows]) const {
  double value[Projection::kMostRows];
  int count = 0;
  for (const Gap& gap : gaps) {
    if (proven(c, gap)) continue;
    const double l = left(*robot, gap, c.motions);
    if (l > 0.05) continue;
    int at = count < Projection::kMostRows ? count++ : count;
    if (at == Projection::kMostRows) {
      if (l >= value[at - 1]) continue;
      --at;
    }
    for (; at > 0 && value[at - 1] > l; --at) value[at] = value[at - 1], rows[at] = rows[at - 1];
    value[at] = l, rows[at] = &gap;
  }
  return count;
}

// left(x) >= left(c) + slopes (x - c), by differences towards the checked profile.
void Filter::Impl::make_linear(const Candidate& c, const Gap* const* rows, int count, Projection& p) {
  double before[Projection::kMostRows];
  for (int r = 0; r < count; ++r) {
    before[r] = left(*robot, *rows[r], c.motions);
    p.bound[r] = before[r] - kMargin;
  }
  Candidate& near = best;
  near.motions = c.motions;
  for (int j = 0; j < n(); ++j) {
    if (c.follows[j]) {
      for (int r = 0; r < count; ++r) p.row[r][j] = 0;
      continue;
    }
    const double back = (at(plan[std::size_t(j)], cycle()).a - plan[std::size_t(j)].start.a) / cycle();
    double step = 0.25 * (back - c.jerk[j]);
    if (std::abs(step) < 0.02 * limits(j).jerk) step = c.jerk[j] > 0 ? -0.02 * limits(j).jerk : 0.02 * limits(j).jerk;
    const Travel kept = near.motions.travel[std::size_t(j)];
    near.motions.travel[std::size_t(j)] =
        travel(cycle_and_stop(plan[std::size_t(j)].start, c.jerk[j] + step, cycle(), limits(j)));
    for (int r = 0; r < count; ++r) {
      // As -slope, in units of the joint's jerk limit: row x <= bound.
      const double slope = (left(*robot, *rows[r], near.motions) - before[r]) / step * limits(j).jerk;
      p.row[r][j] = -slope;
      p.bound[r] += p.row[r][j] * c.jerk[j] / limits(j).jerk;
    }
    near.motions.travel[std::size_t(j)] = kept;
  }
}

// One linearisation of the gaps about `chosen`, and the nearest point to the proposal; into chosen.
bool Filter::Impl::project_once(const Inputs& in, const double* low, const double* high, Decision& out) {
  const Gap* rows[Projection::kMostRows];
  Projection p;
  p.n = n(), p.rows = pick_rows(chosen, rows);
  make_linear(chosen, rows, p.rows, p);
  for (int j = 0; j < p.n; ++j) {
    const JointLimits& l = limits(j);
    p.target[j] = (in.acceleration[std::size_t(j)] - plan[std::size_t(j)].start.a) / cycle() / l.jerk;
    p.weight[j] = l.jerk * l.jerk / (l.acceleration * l.acceleration);
    if (chosen.follows[j]) {
      p.target[j] = p.low[j] = p.high[j] = chosen.jerk[j] / l.jerk;
    } else {
      p.low[j] = low[j] / l.jerk, p.high[j] = high[j] / l.jerk;
    }
  }
  double start[Projection::kMostRows] = {};
  for (int r = 0; r < p.rows; ++r) {
    for (int k = 0; k < warm_rows; ++k) {
      if (warm_gap[k][0] == int(rows[r]->cause) && warm_gap[k][1] == rows[r]->subject &&
          warm_gap[k][2] == rows[r]->object) {
        start[r] = multipliers[k];
      }
    }
  }
  double x[kMostJoints];
  const ProjectionReport report = project(p, start, x);
  warm_rows = p.rows;
  for (int r = 0; r < p.rows; ++r) {
    multipliers[r] = start[r];
    warm_gap[r][0] = int(rows[r]->cause), warm_gap[r][1] = rows[r]->subject, warm_gap[r][2] = rows[r]->object;
  }
  for (int j = 0; j < n(); ++j) {
    if (!chosen.follows[j]) set(chosen, j, x[j] * limits(j).jerk);
  }
  out.projected = report.converged;
  return report.converged;
}

// Gaps are short: the nearest candidate that keeps them, or the checked profile (then `chosen` follows it everywhere).
void Filter::Impl::change_least(const Inputs& in, Decision& out) {
  double low[kMostJoints], high[kMostJoints];
  chosen = wanted;
  for (int j = 0; j < n(); ++j) {
    if (chosen.follows[j]) continue;
    const JerkRange range = jerk_range(plan[std::size_t(j)].start, cycle(), limits(j));
    low[j] = range.low, high[j] = range.high;
    if (range.empty()) set_following(chosen, j);
  }
  bool good = false;
  for (int round = 0; round < kRounds && !good; ++round) {
    project_once(in, low, high, out);
    bool inside = true;
    for (int j = 0; j < n(); ++j) inside = inside && (chosen.follows[j] || within(chosen, j));
    good = inside && holds(chosen, nullptr);
  }
  if (good) return;
  // Between there and the checked profile.
  const Candidate from = chosen;
  double bad = 0, fine = 1;
  bool found = false;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = 0.5 * (bad + fine);
    bool inside = true;
    for (int j = 0; j < n(); ++j) {
      const double back = (at(plan[std::size_t(j)], cycle()).a - plan[std::size_t(j)].start.a) / cycle();
      if (from.follows[j]) continue;
      set(best, j, from.jerk[j] + middle * (back - from.jerk[j]));
      inside = inside && within(best, j);
    }
    for (int j = 0; j < n(); ++j) {
      if (from.follows[j]) set_following(best, j);
    }
    if (inside && holds(best, nullptr)) {
      fine = middle, found = true, chosen = best;
    } else {
      bad = middle;
    }
  }
  if (!found) {
    for (int j = 0; j < n(); ++j) set_following(chosen, j);
  }
}

// Decides into `chosen`; false where nothing may be decided and the checked profile goes on.
bool Filter::Impl::take(const Inputs& in, Decision& out) {
  Motions most;
  greatest_motions(most);
  for (int j = 0; j < n(); ++j) q[std::size_t(j)] = plan[std::size_t(j)].start.q, v[std::size_t(j)] = 0;
  dynamics::forward_kinematics(robot->model, q, v, data);
  out.distance = kInfinity;
  const bool must_stop = out.reasons > 0;
  const std::span<const BodyPart> people =
      in.people.subspan(0, std::min(in.people.size(), std::size_t(contract.most_parts)));
  const bool fits = find_gaps({*robot, contract, data, people, std::max(in.now, clock), most}, gaps, out.distance);
  if (!fits) add(out, Cause::kTooManyPeople, -1, -1, 0);
  if (must_stop || !fits) {
    for (int j = 0; j < n(); ++j) set_following(chosen, j);
    return false;
  }
  choose_alone(in, out);
  lock(out);
  if (holds(wanted, &out)) {
    chosen = wanted;
  } else {
    change_least(in, out);
  }
  return true;
}

Decision Filter::step(const Inputs& in) {
  Impl& m = *impl_;
  GEOUL_EXPECTS(m.running);
  Decision out;
  out.margin = out.distance = kInfinity;
  if (in.now < m.clock - m.contract.cycle) {  // a second step for one cycle would make the reference run ahead
    Impl::add(out, Cause::kLate, -1, -1, (in.now - m.clock).seconds());
    out.verdict = Verdict::kStopping, out.reference = m.plan;
    return out;
  }
  // The plant has followed the stop for as long as steps were missing.
  const std::int64_t missed = (in.now - m.clock).ns / m.contract.cycle.ns;
  if (missed > 0) {
    m.follow(int(std::min<std::int64_t>(missed, 1'000'000)));
    m.clock = m.clock + m.contract.cycle * missed;
  }
  m.check_world(in, out);
  const bool decided = m.take(in, out);

  bool follows = true, rests = true;
  double change = 0;
  for (int j = 0; j < m.n(); ++j) {
    follows = follows && m.chosen.follows[j];
    rests = rests && m.chosen.profile[j].count == 0;
    if (in.acceleration.size() == m.plan.size()) {
      const double given = at(m.chosen.profile[j], m.cycle()).a;
      const double d = (given - in.acceleration[std::size_t(j)]) / m.limits(j).acceleration;
      change += d * d;
    }
  }
  out.change = std::sqrt(change);
  const bool same = decided && out.change <= 1e-9;
  out.verdict = same ? Verdict::kPassed : rests ? Verdict::kHeld : follows ? Verdict::kStopping : Verdict::kChanged;
  for (const Gap& gap : m.gaps) {
    if (!m.proven(m.chosen, gap)) out.margin = std::min(out.margin, left(*m.robot, gap, m.chosen.motions));
    if (gap.cause == Cause::kPerson && gap.distance <= out.distance) {
      out.separation = separation_of(*m.robot, m.contract, gap, m.chosen.motions);
    }
  }
  for (int j = 0; j < m.n(); ++j) m.plan[std::size_t(j)] = m.chosen.profile[j];
  out.reference = {m.chosen.profile, std::size_t(m.n())};
  for (Profile& p : m.plan) p = tail(p, m.cycle());
  m.remember();
  m.clock = m.clock + m.contract.cycle;
  if (missed > 0) Impl::add(out, Cause::kLate, -1, -1, -(m.contract.cycle * missed).seconds());
  return out;
}

}  // namespace geoul::decision::safety
