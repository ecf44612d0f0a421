#include "geoul/estimation/estimator.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "geoul/core/contract.h"
#include "geoul/estimation/covariance.h"
#include "geoul/estimation/filter.h"

namespace geoul::estimation {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// The measurements of one time stamp, and the state after them.
struct Knot {
  Time time;
  std::vector<Measurement> measurements;  // in order
  FilterState state;
};

// A total order, so that what arrived first does not matter.
bool before(const Measurement& a, const Measurement& b) {
  const auto key = [](const Measurement& m) {
    return std::make_tuple(m.kind, m.index, m.value, m.deviation, m.vector.x, m.vector.y, m.vector.z, m.X.p.x, m.X.p.y,
                           m.X.p.z, m.X.R.w, m.X.R.x, m.X.R.y, m.X.R.z);
  };
  return key(a) < key(b);
}

bool is_finite(const Measurement& m) {
  const double sum =
      m.value + m.deviation + m.second_deviation + dot(m.vector, m.vector) + dot(m.X.p, m.X.p) + squared_norm(m.X.R);
  return std::isfinite(sum);
}

}  // namespace

struct Estimator::Work {
  Filter filter;
  Estimate estimate;
  std::vector<std::unique_ptr<Knot>> knots;  // by time; the first is where filtering can begin again
  std::vector<std::unique_ptr<Knot>> spare;
  FilterState now;
  FilterState first;  // before the first knot, while that is the start
  bool at_start = true;
  Time begin;
  long too_late = 0, left_out = 0, crowded = 0;
  std::vector<double> work;

  Work(const dynamics::Model& model, const EstimatorOptions& options) : filter(model, options) {}
  bool valid(const Measurement& m) const;
  void take(const Measurement& m, Time newest, Time& earliest);
  std::size_t knot_at(Time time);
  void filter_from(Time time);
  void report(Time time);
  void find(Time time);
};

Estimator::Estimator(const dynamics::Model& model, const EstimatorOptions& options, Time time,
                     const scene::State* start)
    : work_(std::make_unique<Work>(model, options)) {
  GEOUL_EXPECTS(options.knots >= 2 && options.most >= 1 && options.history.ns > 0);
  Work& w = *work_;
  w.begin = time;
  w.now = w.filter.start(time, start);
  w.first = w.now;
  w.knots.reserve(size(options.knots));
  for (int i = 0; i < options.knots; ++i) {
    auto knot = std::make_unique<Knot>();
    knot->measurements.reserve(size(options.most));
    knot->state = w.now;
    w.spare.push_back(std::move(knot));
  }
  w.knots.push_back(std::move(w.spare.back()));
  w.spare.pop_back();
  w.knots.front()->time = time;
  const auto n = size(3 * model.nv);
  Estimate& e = w.estimate;
  e.state = make_state(model);
  e.external.resize(size(model.nv));
  e.covariance.resize(n * n);
  e.age.resize(size(model.nv));
  e.findings.reserve(4 * size(model.nv) + 8);
  w.work.resize(n);
  w.report(time);
}

Estimator::~Estimator() = default;
Estimator::Estimator(Estimator&&) noexcept = default;

bool Estimator::Work::valid(const Measurement& m) const {
  const dynamics::Model& model = filter.model();
  const bool of_body = m.kind >= MeasurementKind::kPose;
  GEOUL_EXPECTS(m.index >= 0 && m.index < (of_body ? model.nbody : model.nv));
  GEOUL_EXPECTS(m.kind == MeasurementKind::kTorque || m.deviation > 0);
  GEOUL_EXPECTS(m.kind != MeasurementKind::kPose || m.second_deviation > 0);
  GEOUL_EXPECTS(m.kind != MeasurementKind::kPosition || model.laws[size(m.index)].q >= 0);
  GEOUL_EXPECTS(!of_body || model.bodies[size(m.index)].link >= 0);
  return is_finite(m);
}

// The knot of a time stamp, made where there is none; the oldest goes where no room is left.
std::size_t Estimator::Work::knot_at(Time time) {
  auto at = std::lower_bound(knots.begin(), knots.end(), time,
                             [](const std::unique_ptr<Knot>& knot, Time t) { return knot->time < t; });
  if (at != knots.end() && (*at)->time == time) return static_cast<std::size_t>(at - knots.begin());
  auto position = static_cast<std::size_t>(at - knots.begin());
  if (spare.empty()) {
    spare.push_back(std::move(knots.front()));
    knots.erase(knots.begin());
    at_start = false;
    --position;
  }
  std::unique_ptr<Knot> knot = std::move(spare.back());
  spare.pop_back();
  knot->time = time;
  knot->measurements.clear();
  knots.insert(knots.begin() + static_cast<std::ptrdiff_t>(position), std::move(knot));
  return position;
}

void Estimator::Work::take(const Measurement& m, Time newest, Time& earliest) {
  if (!valid(m)) {
    ++left_out;
    return;
  }
  const Time oldest = knots.front()->time;
  if (m.time + filter.options().history < newest || m.time < oldest || (m.time == oldest && !at_start)) {
    ++too_late;
    return;
  }
  std::vector<Measurement>& own = knots[knot_at(m.time)]->measurements;
  if (own.size() == own.capacity()) {
    ++crowded;
    return;
  }
  own.insert(std::upper_bound(own.begin(), own.end(), m, before), m);
  earliest = std::min(earliest, m.time);
}

void Estimator::Work::filter_from(Time time) {
  for (std::size_t k = 0; k < knots.size(); ++k) {
    Knot& knot = *knots[k];
    if (knot.time < time) continue;
    if (k == 0) {
      knot.state = first;
    } else {
      knot.state = knots[k - 1]->state;
      filter.predict(knot.time - knots[k - 1]->time, knot.state);
    }
    for (const Measurement& m : knot.measurements) filter.update(m, begin, knot.state);
  }
}

const Estimate& Estimator::step(Time time, std::span<const Measurement> measurements) {
  Work& w = *work_;
  Time newest = w.knots.back()->time;
  for (const Measurement& m : measurements) newest = std::max(newest, m.time);
  GEOUL_EXPECTS(time >= newest);
  Time earliest = time + Duration{1};
  for (const Measurement& m : measurements) w.take(m, newest, earliest);
  w.filter_from(earliest);
  w.report(time);
  return w.estimate;
}

void Estimator::Work::report(Time time) {
  const Knot& last = *knots.back();
  now = last.state;
  filter.predict(time - last.time, now);
  estimate.time = time;
  estimate.state.time = time;
  estimate.state.q = now.q;
  estimate.state.v = now.v;
  estimate.state.tau = now.tau;
  filter.acceleration(now, estimate.state.a);
  place_bodies(filter.model(), filter.data(), estimate.state);
  estimate.external = now.d;
  expand(3 * filter.model().nv, now.U, now.D, estimate.covariance);
  for (std::size_t i = 0; i < now.seen.size(); ++i) estimate.age[i] = time - now.seen[i];
  estimate.consistency = *std::max_element(now.consistency.begin(), now.consistency.end());
  find(time);
}

void Estimator::Work::find(Time time) {
  const EstimatorOptions& o = filter.options();
  const auto nv = size(filter.model().nv), n = 3 * nv;
  std::vector<Finding>& found = estimate.findings;
  found.clear();
  for (std::size_t i = 0; i < nv; ++i) {
    const int degree = static_cast<int>(i);
    const double deviation = std::sqrt(estimate.covariance[i * n + i]);
    if (now.frozen[i]) {
      found.push_back({FindingKind::kFrozen, degree, (time - now.last_change[i]).seconds(), now.last_change[i]});
    }
    if (now.readings[i] >= o.consistency_memory && now.consistency[i] > o.consistency) {
      found.push_back({FindingKind::kInconsistent, degree, now.consistency[i], time});
    }
    if (now.deviation[i] > 0 && deviation < o.collapse * now.deviation[i]) {
      found.push_back({FindingKind::kCollapsed, degree, deviation / now.deviation[i], time});
    }
    const double early = now.early_readings > 0 ? std::sqrt(now.early_square[i] / now.early_readings) : 0;
    const double expected = std::hypot(o.external_deviation, std::sqrt(0.5) * o.external_rate);  // mean over a second
    if ((time - begin).seconds() >= 1 && early > o.contradiction * expected) {
      found.push_back({FindingKind::kContradicts, degree, early, begin});
    }
  }
  if (now.readings[nv] >= o.consistency_memory && now.consistency[nv] > o.consistency) {
    found.push_back({FindingKind::kInconsistent, -1, now.consistency[nv], time});
  }
  if (too_late > 0) found.push_back({FindingKind::kTooLate, -1, static_cast<double>(too_late), time});
  const long out = left_out + now.left_out;
  if (out > 0) found.push_back({FindingKind::kLeftOut, -1, static_cast<double>(out), time});
  if (crowded > 0) found.push_back({FindingKind::kCrowded, -1, static_cast<double>(crowded), time});
}

double Estimator::squared_error(std::span<const double> q, std::span<const double> v,
                                std::span<const double> external) const {
  const Work& w = *work_;
  const dynamics::Model& model = w.filter.model();
  const auto nv = size(model.nv);
  GEOUL_EXPECTS(q.size() == size(model.nq) && v.size() == nv && (external.empty() || external.size() == nv));
  std::vector<double> e(3 * nv), work(3 * nv);
  position_difference(model, w.now.q, q, std::span(e).first(nv));
  for (std::size_t i = 0; i < nv; ++i) e[nv + i] = v[i] - w.now.v[i];
  if (!external.empty()) {
    for (std::size_t i = 0; i < nv; ++i) e[2 * nv + i] = external[i] - w.now.d[i];
    return squared_distance(3 * model.nv, w.now.U, w.now.D, e, work);
  }
  // The block of (q, v) alone, factored anew.
  const std::size_t n = 2 * nv;
  std::vector<double> W(n * 3 * nv), U(n * n), D(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = i; k < 3 * nv; ++k) W[i * 3 * nv + k] = w.now.U[i * 3 * nv + k];
  }
  factor_product(2 * model.nv, 3 * model.nv, W, w.now.D, U, D);
  return squared_distance(2 * model.nv, U, D, e, work);
}

}  // namespace geoul::estimation
