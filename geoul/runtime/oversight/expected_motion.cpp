#include "geoul/runtime/oversight/expected_motion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/core/contract.h"

namespace geoul::runtime::oversight {
namespace {

constexpr Duration kLook{500'000'000};  // of the past that is compared
constexpr Duration kLag{100'000'000};   // between the instants compared
constexpr Duration kShort{10'000'000};  // step of the search
constexpr Duration kFade{300'000'000};
constexpr Duration kBack{1'000'000'000};
constexpr double kVelocityScale = 0.2;  // [s]: a velocity that is off by 5 counts like a position that is off by 1

// 1 at 0, 0 at 1, with no slope and no curvature at either.
double faded(double x) { return x >= 1 ? 0 : 1 - x * x * x * (10 - 15 * x + 6 * x * x); }

}  // namespace

MotionMemory::MotionMemory(std::vector<int> degrees, Duration length) : degrees_(std::move(degrees)), length_(length) {}

void MotionMemory::add(Time time, std::span<const double> position, std::span<const double> velocity) {
  GEOUL_EXPECTS(position.size() == degrees_.size() && velocity.size() == degrees_.size());
  if (!rows_.empty() && time <= rows_.back().time) {
    if (rows_.back().time - time < kBack) return;
    rows_.clear();
  }
  rows_.push_back({time, {position.begin(), position.end()}, {velocity.begin(), velocity.end()}});
  while (time - rows_.front().time > length_) rows_.pop_front();
}

std::size_t MotionMemory::row_before(Time time) const {
  const auto after =
      std::upper_bound(rows_.begin(), rows_.end(), time, [](Time t, const Row& row) { return t < row.time; });
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, after - rows_.begin()) - 1);
}

// Cubic Hermite between rows.
void MotionMemory::at(Time time, std::vector<double>& q, std::vector<double>& v) const {
  const std::size_t i = std::min(row_before(time), rows_.size() - 2);
  const Row &a = rows_[i], &b = rows_[i + 1];
  const double h = (b.time - a.time).seconds(), s = std::clamp((time - a.time).seconds() / h, 0.0, 1.0);
  q.resize(degrees_.size());
  v.resize(degrees_.size());
  for (std::size_t k = 0; k < q.size(); ++k) {
    const double d = b.q[k] - a.q[k], c2 = 3 * d - h * (2 * a.v[k] + b.v[k]), c3 = h * (a.v[k] + b.v[k]) - 2 * d;
    q[k] = a.q[k] + s * (h * a.v[k] + s * (c2 + s * c3));
    v[k] = a.v[k] + s * (2 * c2 + s * 3 * c3) / h;
  }
}

// The half second before `time`, newest instant first.
std::vector<MotionMemory::Row> MotionMemory::look_back(Time time) const {
  std::vector<Row> out;
  for (Duration back{0}; back <= kLook; back = back + kLag) {
    out.push_back({time - back, {}, {}});
    at(time - back, out.back().q, out.back().v);
  }
  return out;
}

// Of the half second before `then` against the half second before now: mean square over instants and joints; infinite
// as soon as it is `most` or more.
double MotionMemory::mismatch(const std::vector<Row>& now, Time then, double most) const {
  const double count = static_cast<double>(now.size() * degrees_.size());
  std::vector<double> q, v;
  double sum = 0;
  for (const Row& row : now) {
    at(then - (now.front().time - row.time), q, v);
    for (std::size_t k = 0; k < q.size(); ++k) {
      const double dq = q[k] - row.q[k], dv = kVelocityScale * (v[k] - row.v[k]);
      sum += dq * dq + dv * dv;
    }
    if (sum >= most * count) return std::numeric_limits<double>::infinity();
  }
  return sum / count;
}

std::optional<decision::Action> MotionMemory::expected(Duration horizon, double tolerance) const {
  if (degrees_.empty() || rows_.size() < 8) return std::nullopt;
  const Time now = rows_.back().time, first = rows_.front().time + kLook;
  std::optional<Time> best;
  double least = tolerance * tolerance;
  const std::vector<Row> present = look_back(now);
  for (Time then = now - horizon; then >= first; then = then - kShort) {
    const double off = mismatch(present, then, least);
    if (off < least) least = off, best = then;  // of equal ones the newest
  }
  if (!best) return std::nullopt;
  decision::Action out;
  out.name = "carry on";
  out.degrees = degrees_;
  std::vector<double> q, v;
  at(*best, q, v);
  std::vector<double> off(q.size());
  for (std::size_t k = 0; k < q.size(); ++k) off[k] = present.front().q[k] - q[k];
  const double dt = out.period.seconds();
  for (std::int64_t r = 0; out.period * r <= horizon; ++r) {
    at(*best + out.period * r, q, v);
    const double x = static_cast<double>(r) * dt / kFade.seconds();
    for (std::size_t k = 0; k < q.size(); ++k) out.position.push_back(q[k] + off[k] * faded(x));
  }
  // velocities and accelerations of what is asked for, not of what was measured: they fit its positions
  const std::size_t n = q.size(), rows = out.position.size() / n;
  const auto difference = [&](const std::vector<double>& of) {
    std::vector<double> d(of.size());
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t a = r > 0 ? r - 1 : r, b = std::min(r + 1, rows - 1);
      for (std::size_t k = 0; k < n; ++k)
        d[r * n + k] = (of[b * n + k] - of[a * n + k]) / (static_cast<double>(b - a) * dt);
    }
    return d;
  };
  out.velocity = difference(out.position);
  out.acceleration = difference(out.velocity);
  return out;
}

}  // namespace geoul::runtime::oversight
