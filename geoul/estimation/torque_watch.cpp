#include "geoul/estimation/torque_watch.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

constexpr int kSmoothings = 5;
constexpr double kTimeConstants[kSmoothings] = {.005, .01, .02, .04, .08};  // [s]
constexpr int kOwnSmoothing = 3;                                            // whose inertial torque y leaves out

int missed_class(const TorqueFeatures& features, int joint) {
  return (features.observed(joint, 1) ? 0 : 2) + (features.observed(joint, 2) ? 0 : 1);
}

}  // namespace

TorqueFeatures::TorqueFeatures(const TorqueWatchOptions& options, int n)
    : options_(options), n_(static_cast<std::size_t>(n)), length_(0) {
  GEOUL_EXPECTS(n > 0 && options.lags.size() == n_ && options.windows.size() == n_ && options.period > 0);
  GEOUL_EXPECTS(options.autoregression >= 1 && options.autoregression <= kMostLags && options.past >= 1);
  GEOUL_EXPECTS(options.spread >= 0 && options.others >= 0);
  int lag_most = 0;
  for (int lag : options.lags) lag_most = std::max(lag_most, lag);
  length_ = static_cast<std::size_t>(lag_most + std::max({options.past, options.spread, options.others, 3}) + 1);
  v_.resize(n_);
  smooth_.resize(kSmoothings * n_);
  dv_.resize(length_ * n_);
  y_.resize(length_ * n_);
  M_.resize(length_ * n_ * n_);
  Ma_.resize(length_ * n_ * kSmoothings);
  seen_.resize(length_);
}

std::size_t TorqueFeatures::slot(int back) const {
  const auto length = static_cast<long>(length_);
  return static_cast<std::size_t>(((cycles_ - 1 - back) % length + length) % length);
}

void TorqueFeatures::push(const TorqueFrame& frame) {
  GEOUL_EXPECTS(frame.v.size() == n_ && frame.tau.size() == n_ && frame.bias.size() == n_);
  GEOUL_EXPECTS(frame.M.size() == n_ * n_);
  ++cycles_;
  const std::size_t at = slot(0);
  double* dv = &dv_[at * n_];
  for (std::size_t i = 0; i < n_; ++i) {
    dv[i] = cycles_ > 1 ? (frame.v[i] - v_[i]) / options_.period : 0;
    v_[i] = frame.v[i];
  }
  std::copy(frame.M.begin(), frame.M.end(), M_.begin() + static_cast<std::ptrdiff_t>(at * n_ * n_));
  for (int s = 0; s < kSmoothings; ++s) {
    double* a = &smooth_[static_cast<std::size_t>(s) * n_];
    const double share = options_.period / (kTimeConstants[s] + options_.period);
    for (std::size_t i = 0; i < n_; ++i) a[i] += share * (dv[i] - a[i]);
    double* Ma = &Ma_[(at * kSmoothings + static_cast<std::size_t>(s)) * n_];
    for (std::size_t i = 0; i < n_; ++i) {
      Ma[i] = 0;
      for (std::size_t k = 0; k < n_; ++k) Ma[i] += frame.M[i * n_ + k] * a[k];
    }
  }
  const double* own = &Ma_[(at * kSmoothings + kOwnSmoothing) * n_];
  for (std::size_t i = 0; i < n_; ++i) y_[at * n_ + i] = frame.tau[i] - frame.bias[i] - own[i];
  seen_[at] = frame.observed;
}

bool TorqueFeatures::ready(int joint) const {
  const int back = lag(joint) + std::max({options_.past, options_.spread, options_.others, 3});
  return cycles_ > back;
}

int TorqueFeatures::columns(int joint) const {
  const int n = static_cast<int>(n_);
  return kSmoothings + (lag(joint) + options_.past) + n * (lag(joint) + options_.spread) + (n - 1) * options_.others +
         1;
}

void TorqueFeatures::row(int joint, std::span<double> out) const {
  const auto j = static_cast<std::size_t>(joint);
  std::size_t at = 0;
  const std::size_t now = slot(lag(joint));
  for (std::size_t s = 0; s < kSmoothings; ++s) out[at++] = Ma_[(now * kSmoothings + s) * n_ + j];
  const double* M = &M_[(now * n_ + j) * n_];
  for (int back = 0; back < lag(joint) + options_.past; ++back) {
    const double* dv = &dv_[slot(back) * n_];
    double sum = 0;
    for (std::size_t i = 0; i < n_; ++i) sum += M[i] * dv[i];
    out[at++] = sum;
  }
  for (int back = 0; back < lag(joint) + options_.spread; ++back) {
    const double* dv = &dv_[slot(back) * n_];
    for (std::size_t i = 0; i < n_; ++i) out[at++] = dv[i];
  }
  for (std::size_t i = 0; i < n_; ++i) {
    if (i == j) continue;
    for (int back = 0; back < options_.others; ++back) out[at++] = y_[slot(lag(joint) + back) * n_ + i];
  }
  out[at] = 1;
}

namespace {

// One joint's training rows: what is known from elsewhere, the target, and which cycles were observed.
struct Rows {
  Eigen::MatrixXf X;  // (rows x columns), single precision: it is large, and the columns are scaled
  Eigen::VectorXd y;
  std::vector<char> observed;
  std::vector<int> missed;  // class
};

Rows collect(const TorqueWatchOptions& options, int n, long count, const std::function<TorqueFrame(long)>& frame,
             int joint) {
  TorqueFeatures features(options, n);
  const int columns = features.columns(joint);
  Rows rows{Eigen::MatrixXf(count, columns), Eigen::VectorXd(count), {}, {}};
  std::vector<double> row(static_cast<std::size_t>(columns));
  Eigen::Index at = 0;
  for (long i = 0; i < count; ++i) {
    features.push(frame(i));
    if (!features.ready(joint)) continue;
    features.row(joint, row);
    for (int c = 0; c < columns; ++c) rows.X(at, c) = static_cast<float>(row[static_cast<std::size_t>(c)]);
    rows.y(at++) = features.target(joint);
    rows.observed.push_back(features.observed(joint));
    rows.missed.push_back(missed_class(features, joint));
  }
  rows.X.conservativeResize(at, columns);
  rows.y.conservativeResize(at);
  return rows;
}

// Coefficients of [own past, exogenous] for filled targets, over observed rows from `begin` on.
Eigen::VectorXd regress(const Rows& rows, const Eigen::VectorXd& filled, int own, double ridge) {
  const Eigen::Index columns = own + rows.X.cols(), n = rows.X.rows();
  Eigen::MatrixXd G = Eigen::MatrixXd::Zero(columns, columns);
  Eigen::VectorXd g = Eigen::VectorXd::Zero(columns);
  constexpr Eigen::Index kBlock = 256;
  Eigen::MatrixXd block(kBlock, columns);
  Eigen::VectorXd target(kBlock);
  Eigen::Index used = 0;
  const auto flush = [&] {
    G.selfadjointView<Eigen::Lower>().rankUpdate(block.topRows(used).transpose());
    g.noalias() += block.topRows(used).transpose() * target.head(used);
    used = 0;
  };
  for (Eigen::Index t = own; t < n; ++t) {
    if (!rows.observed[static_cast<std::size_t>(t)]) continue;
    for (int k = 0; k < own; ++k) block(used, k) = filled(t - 1 - k);
    block.row(used).tail(rows.X.cols()) = rows.X.row(t).cast<double>();
    target(used++) = rows.y(t);
    if (used == kBlock) flush();
  }
  flush();
  const Eigen::VectorXd scale = G.diagonal().cwiseSqrt().cwiseMax(1e-12);
  const Eigen::VectorXd inverse = scale.cwiseInverse();
  Eigen::MatrixXd A = inverse.asDiagonal() * Eigen::MatrixXd(G.selfadjointView<Eigen::Lower>()) * inverse.asDiagonal();
  A.diagonal().array() += ridge / static_cast<double>(n);
  return inverse.cwiseProduct(A.ldlt().solve(inverse.cwiseProduct(g)));
}

// Own past with missed cycles replaced by their prediction, and the innovations.
void fill(const Rows& rows, const Eigen::VectorXd& coefficients, int own, Eigen::VectorXd& filled,
          Eigen::VectorXd& innovation) {
  const Eigen::VectorXd known = rows.X.cast<double>() * coefficients.tail(rows.X.cols());
  innovation.setZero(rows.y.size());
  for (Eigen::Index t = own; t < rows.y.size(); ++t) {
    double predicted = known(t);
    for (int k = 0; k < own; ++k) predicted += coefficients(k) * filled(t - 1 - k);
    const bool observed = rows.observed[static_cast<std::size_t>(t)] != 0;
    filled(t) = observed ? rows.y(t) : predicted;
    innovation(t) = observed ? rows.y(t) - predicted : 0;
  }
}

TorqueWatchModel::Joint fit_joint(const TorqueWatchOptions& options, const Rows& rows) {
  const int own = options.autoregression;
  Eigen::VectorXd filled = rows.y, coefficients, e;
  for (int pass = 0; pass < 2; ++pass) {
    coefficients = regress(rows, filled, own, options.ridge);
    fill(rows, coefficients, own, filled, e);
  }
  TorqueWatchModel::Joint joint;
  joint.own.assign(coefficients.data(), coefficients.data() + own);
  joint.exogenous.assign(coefficients.data() + own, coefficients.data() + coefficients.size());
  std::array<double, 4> square{}, count{};
  for (Eigen::Index t = own; t < e.size(); ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (!rows.observed[i]) continue;
    square[static_cast<std::size_t>(rows.missed[i])] += e(t) * e(t);
    count[static_cast<std::size_t>(rows.missed[i])] += 1;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    constexpr double kFewest = 20;  // else the plain class stands for it
    joint.sigma[k] = std::sqrt(count[k] >= kFewest ? square[k] / count[k] : square[0] / std::max(count[0], 1.0));
    GEOUL_EXPECTS(joint.sigma[k] > 0);
  }
  return joint;
}

}  // namespace

TorqueWatchModel fit_torque_watch(const TorqueWatchOptions& options, int n, long count,
                                  const std::function<TorqueFrame(long)>& frame) {
  TorqueWatchModel model{options, {}};
  for (int j = 0; j < n; ++j) model.joints.push_back(fit_joint(options, collect(options, n, count, frame, j)));
  for (TorqueWatchModel::Joint& joint : model.joints) joint.threshold = 1e300;
  TorqueWatch watch(model);
  std::vector<std::vector<double>> scores(static_cast<std::size_t>(n));
  for (long i = 0; i < count; ++i) {
    watch.step(frame(i));
    for (int j = 0; j < n; ++j) scores[static_cast<std::size_t>(j)].push_back(watch.score(j));
  }
  for (int j = 0; j < n; ++j) {
    const std::vector<double>& own = scores[static_cast<std::size_t>(j)];
    TorqueWatchModel::Joint& joint = model.joints[static_cast<std::size_t>(j)];
    joint.largest = *std::max_element(own.begin(), own.end());
    joint.threshold = calibrate_threshold(own, options.calibration_block, options.run_length);
  }
  return model;
}

TorqueWatch::TorqueWatch(const TorqueWatchModel& model)
    : model_(&model), features_(model.options, static_cast<int>(model.joints.size())) {
  std::size_t most = 0;
  for (std::size_t j = 0; j < model.joints.size(); ++j) {
    const TorqueWatchModel::Joint& joint = model.joints[j];
    tests_.emplace_back(ChangeTestOptions{model.options.windows[j], std::min(12, model.options.windows[j]), 60, 9},
                        joint.own);
    past_.emplace_back(joint.own.size());
    most = std::max(most, joint.exogenous.size());
  }
  scores_.resize(model.joints.size());
  warm_.resize(model.joints.size());
  quiet_.assign(model.joints.size(), 1L << 40);
  row_.resize(most);
}

TorqueStep TorqueWatch::step(const TorqueFrame& frame) {
  features_.push(frame);
  TorqueStep found;
  double farthest = 0;
  for (std::size_t j = 0; j < tests_.size(); ++j) {
    const int joint = static_cast<int>(j);
    if (!features_.ready(joint)) continue;
    const TorqueWatchModel::Joint& fitted = model_->joints[j];
    const std::span<double> row(row_.data(), fitted.exogenous.size());
    features_.row(joint, row);
    double predicted = 0;
    for (std::size_t c = 0; c < row.size(); ++c) predicted += fitted.exogenous[c] * row[c];
    std::vector<double>& past = past_[j];
    if (warm_[j] < past.size()) {
      ++warm_[j];
      std::copy_backward(past.begin(), past.end() - 1, past.end());
      past[0] = features_.target(joint);
      continue;
    }
    for (std::size_t k = 0; k < past.size(); ++k) predicted += fitted.own[k] * past[k];
    const bool observed = features_.observed(joint);
    const double y = observed ? features_.target(joint) : predicted;
    std::copy_backward(past.begin(), past.end() - 1, past.end());
    past[0] = y;
    scores_[j] =
        tests_[j].step(y - predicted, fitted.sigma[static_cast<std::size_t>(missed_class(features_, joint))], observed);
    const bool above = scores_[j].judged && scores_[j].z > fitted.threshold;
    const int window = model_->options.windows[j];
    if (above && quiet_[j] > window && scores_[j].z / fitted.threshold > farthest) {
      farthest = scores_[j].z / fitted.threshold;
      const long now = features_.cycles() - 1;
      found = {true,         joint,           now - model_->options.lags[j] - window + 1,
               now,          scores_[j].size, scores_[j].deviation,
               scores_[j].z, fitted.threshold};
    }
    quiet_[j] = above ? 0 : quiet_[j] + 1;
  }
  return found;
}

std::string describe(const TorqueStep& step, const std::string& joint, double period) {
  char text[200];
  std::snprintf(text, sizeof(text), "%s: measured torque is %.2f +- %.2f N.m %s what the model explains since %.3f s",
                joint.c_str(), std::abs(step.size), 2 * step.deviation, step.size > 0 ? "above" : "below",
                static_cast<double>(step.onset) * period);
  return text;
}

}  // namespace geoul::estimation
