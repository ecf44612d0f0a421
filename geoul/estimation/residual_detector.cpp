#include "geoul/estimation/residual_detector.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

constexpr double kDrift = 2;  // of the CUSUM
constexpr long kSkip = 20;    // frames at the start that calibration leaves out
constexpr double kRearm = 1;  // [s] of quiet after which a new alarm may come

std::size_t size(int n) { return static_cast<std::size_t>(n); }

}  // namespace

ResidualDetector::ResidualDetector(const dynamics::Model& model, const ResidualDetectorOptions& options)
    : model_(&model), options_(options), observer_(model, options.observer), data_(make_data(model)) {
  GEOUL_EXPECTS(options.cycles_per_frame >= 1 && options.window >= 4);
  GEOUL_EXPECTS(options.before >= 0 && options.after > 0 && options.false_alarm_time > 0);
  const auto nv = size(model.nv);
  sum_q_.resize(size(model.nq));
  for (auto* x : {&sum_v_, &sum_x_, &v_begin_, &mean_, &sigma_}) x->resize(nv);
  covariance_.resize(nv * nv);
  inverse_.resize(nv * nv);
  thresholds_.resize(nv + 1);
  scores_.resize(nv + 1);
}

std::optional<Alarm> ResidualDetector::step(Time time, std::span<const double> q, std::span<const double> v,
                                            std::span<const double> tau) {
  const bool first = first_;
  GEOUL_EXPECTS(first || time > last_);
  const double dt = first ? 1e-3 : (time - last_).seconds();
  observer_.step(dt, q, v, tau);
  last_ = time;
  if (first) {
    first_ = false;
    begin_ = frame_begin_ = time;
    std::copy(v.begin(), v.end(), v_begin_.begin());
    // Frames that hold evidence_time at the pace of the first two cycles are not known yet: 5 ms at 1 kHz is meant.
    const double frame_time = options_.cycles_per_frame * 1e-3;
    ring_.resize(static_cast<std::size_t>((options_.before + options_.after + 0.5) / frame_time) +
                 size(options_.window));
    for (EvidenceFrame& f : ring_) {
      f.q.resize(q.size());
      for (auto* x : {&f.v, &f.a, &f.external, &f.load}) x->resize(v.size());
    }
    return std::nullopt;
  }
  for (std::size_t i = 0; i < v.size(); ++i) {
    sum_v_[i] += v[i];
    sum_x_[i] += observer_.unfiltered()[i];
  }
  if (cycles_ == options_.cycles_per_frame / 2) std::copy(q.begin(), q.end(), sum_q_.begin());  // the middle one's
  if (++cycles_ < options_.cycles_per_frame) return std::nullopt;
  close_frame(time);
  std::copy(v.begin(), v.end(), v_begin_.begin());
  if (!calibrated_) {
    heard_.push_back(frame(0).external);
    return std::nullopt;
  }
  score();
  return look(time);
}

void ResidualDetector::close_frame(Time time) {
  ++frames_;
  EvidenceFrame& f = frame(0);
  const double span = (time - frame_begin_).seconds();
  f.time = 0.5 * ((frame_begin_ - begin_).seconds() + (time - begin_).seconds());
  f.q = sum_q_;
  for (std::size_t i = 0; i < sum_v_.size(); ++i) {
    f.v[i] = sum_v_[i] / cycles_;
    f.external[i] = sum_x_[i] / cycles_ - (calibrated_ ? mean_[i] : 0);
  }
  const std::vector<double>* older = frames_ > 1 ? &frame(1).v : nullptr;
  for (std::size_t i = 0; i < f.v.size(); ++i) f.a[i] = older ? (f.v[i] - (*older)[i]) / span : 0;
  inverse_dynamics(*model_, f.q, f.v, f.a, {}, data_, f.load);
  cycles_ = 0;
  frame_begin_ = time;
  std::fill(sum_v_.begin(), sum_v_.end(), 0.0);
  std::fill(sum_x_.begin(), sum_x_.end(), 0.0);
}

double ResidualDetector::distance(const EvidenceFrame& f) const {
  const std::size_t nv = mean_.size();
  double sum = 0;
  for (std::size_t i = 0; i < nv; ++i) {
    for (std::size_t k = 0; k < nv; ++k) sum += f.external[i] * inverse_[i * nv + k] * f.external[k];
  }
  return sum;
}

void ResidualDetector::score() {
  const EvidenceFrame& f = frame(0);
  const std::size_t nv = mean_.size();
  for (std::size_t i = 0; i < nv; ++i) scores_[i] = tests_[i].step(f.external[i], sigma_[i], true).z;
  cusum_ += distance(f) / static_cast<double>(nv) - kDrift;
  if (cusum_ <= 0) cusum_ = 0, cusum_since_ = f.time;
  scores_[nv] = cusum_;
}

void ResidualDetector::calibrate() {
  const auto nv = static_cast<Eigen::Index>(mean_.size());
  const auto n = static_cast<Eigen::Index>(heard_.size()) - kSkip;
  constexpr int kBlock = 40;
  GEOUL_EXPECTS(!calibrated_ && n >= 20 * kBlock);
  Eigen::MatrixXd x(n, nv);
  for (Eigen::Index t = 0; t < n; ++t) {
    x.row(t) = Eigen::Map<const Eigen::RowVectorXd>(heard_[static_cast<std::size_t>(t + kSkip)].data(), nv);
  }
  const Eigen::RowVectorXd mean = x.colwise().mean();
  x.rowwise() -= mean;
  Eigen::MatrixXd S = x.transpose() * x / static_cast<double>(n);
  S.diagonal() *= 1 + 1e-6;
  const Eigen::LLT<Eigen::MatrixXd> factor(S);
  GEOUL_EXPECTS(factor.info() == Eigen::Success);
  const Eigen::MatrixXd inverse = factor.solve(Eigen::MatrixXd::Identity(nv, nv));
  std::copy(S.data(), S.data() + nv * nv, covariance_.begin());
  std::copy(inverse.data(), inverse.data() + nv * nv, inverse_.begin());
  for (Eigen::Index i = 0; i < nv; ++i) {
    mean_[static_cast<std::size_t>(i)] = mean(i);
    sigma_[static_cast<std::size_t>(i)] = std::sqrt(S(i, i));
    tests_.emplace_back(ChangeTestOptions{options_.window, options_.window / 2, 60, 9}, std::span<const double>{});
  }
  std::vector<std::vector<double>> scores(static_cast<std::size_t>(nv) + 1);
  double cusum = 0;
  for (Eigen::Index t = 0; t < n; ++t) {
    const Eigen::RowVectorXd e = x.row(t);
    for (std::size_t i = 0; i < tests_.size(); ++i) {
      scores[i].push_back(tests_[i].step(e(static_cast<Eigen::Index>(i)), sigma_[i], true).z);
    }
    cusum = std::max(0.0, cusum + e.dot(inverse * e.transpose()) / static_cast<double>(nv) - kDrift);
    scores.back().push_back(cusum);
  }
  const double frame_time = (last_ - begin_).seconds() / static_cast<double>(frames_);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    thresholds_[i] = calibrate_threshold(scores[i], kBlock, options_.false_alarm_time / frame_time);
  }
  heard_ = {};
  calibrated_ = true;
  for (ChangeTest& test : tests_) test.reset();
  first_ = true;  // what comes next is another run
  frames_ = 0, cycles_ = 0;
  observer_ = MomentumObserver(*model_, options_.observer);
}

std::optional<Alarm> ResidualDetector::look(Time time) {
  double farthest = 0;
  for (std::size_t i = 0; i < scores_.size(); ++i) farthest = std::max(farthest, scores_[i] / thresholds_[i]);
  const bool above = farthest > 1;
  const double frame_time = (time - begin_).seconds() / static_cast<double>(frames_);
  if (above && !active_ && static_cast<double>(quiet_) * frame_time > kRearm) {
    active_ = true, complete_ = false;
    detected_ = time;
    // The onset: the first frame of the last window that is no noise.
    const auto nv = static_cast<double>(mean_.size());
    long back = std::min<long>(options_.window + 4, frames_ - 1);
    while (back > 0 && distance(frame(back)) < nv + 4 * std::sqrt(2 * nv)) --back;
    onset_ = begin_ + Duration::from_seconds(frame(back).time - 0.5 * frame_time);
    quiet_ = 0;
    return make_alarm(time);
  }
  quiet_ = above ? 0 : quiet_ + 1;
  if (active_ && !complete_ && (time - detected_).seconds() >= options_.after) {
    complete_ = true;
    Alarm alarm = make_alarm(time);
    alarm.revision = 1;
    return alarm;
  }
  if (active_ && complete_ && static_cast<double>(quiet_) * frame_time > kRearm) active_ = false;
  return std::nullopt;
}

Alarm ResidualDetector::make_alarm(Time time) {
  Alarm alarm;
  alarm.onset = onset_;
  alarm.detected = detected_;
  const double onset = (onset_ - begin_).seconds(), now = (time - begin_).seconds();
  std::vector<EvidenceFrame> evidence;
  for (long back = std::min(frames_, length()) - 1; back >= 0; --back) {
    if (frame(back).time < onset - options_.before || frame(back).time > now) continue;
    evidence.push_back(frame(back));
    evidence.back().time -= onset;
  }
  double most = 0;
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    double sum = 0, square = 0, count = 0;
    for (const EvidenceFrame& f : evidence) {
      if (f.time < 0) continue;
      sum += f.external[i], square += f.external[i] * f.external[i], count += 1;
    }
    const double strength = square / (sigma_[i] * sigma_[i] * std::max(count, 1.0));
    if (count == 0 || strength <= most) continue;
    most = strength;
    alarm.joint = static_cast<int>(i);
    alarm.size = sum / count;
    alarm.deviation = sigma_[i] / std::sqrt(count);
  }
  CauseOptions options = options_.causes;
  options.from_start = onset < options_.first_moments;
  alarm.causes = rank_causes(*model_, options, evidence, covariance_);
  char text[160];
  std::snprintf(text, sizeof(text),
                "since %.3f s (told %.3f s later) %.3g +- %.2g N.m at joint %d that the model does not "
                "explain; ",
                onset_.seconds(), (detected_ - onset_).seconds(), alarm.size, 2 * alarm.deviation, alarm.joint + 1);
  alarm.words = text + std::string("likeliest: ") + describe(alarm.causes[0], *model_) + "; then " +
                describe(alarm.causes[1], *model_);
  return alarm;
}

}  // namespace geoul::estimation
