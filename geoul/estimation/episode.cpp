#include "geoul/estimation/episode.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>

#include "geoul/core/contract.h"
#include "geoul/estimation/regressor.h"

namespace geoul::estimation {
namespace {

constexpr Eigen::Index kFewest = 8;
constexpr int kTransientUnknowns = 6;  // a wrench

// A known value of one joint in one sample.
struct Row {
  std::size_t sample = 0;
  int joint = 0;
  double value = 0;  // in units of the usual deviation
};

struct Fit {
  double rss = 0;
  Eigen::VectorXd p;
  Eigen::MatrixXd covariance;
};

struct Episode {
  const dynamics::Model& model;
  const EpisodeOptions& options;
  std::span<const EpisodeSample> samples;
  std::span<const double> deviation;
  std::vector<Row> rows;
  std::vector<RowMatrix> Y;  // of each sample

  double sigma(int joint) const { return deviation[static_cast<std::size_t>(joint)]; }

  // Least squares of all rows on `columns` unknowns; column(row, c) in the unit of w.
  Fit fit(int columns, const std::function<double(const Row&, int)>& column) const {
    const auto n = static_cast<Eigen::Index>(rows.size());
    Eigen::MatrixXd X(n, columns);
    Eigen::VectorXd y(n);
    for (Eigen::Index r = 0; r < n; ++r) {
      const Row& row = rows[static_cast<std::size_t>(r)];
      for (int c = 0; c < columns; ++c) X(r, c) = column(row, c) / sigma(row.joint);
      y(r) = row.value;
    }
    Fit out;
    const Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> qr(X);
    out.p = qr.solve(y);
    out.rss = (y - X * out.p).squaredNorm();
    const double scale = std::max(1.0, out.rss / static_cast<double>(n));
    out.covariance = scale * (X.transpose() * X).completeOrthogonalDecomposition().pseudoInverse();
    return out;
  }

  double evidence(double rss, int unknowns, double prior) const {
    const auto n = static_cast<double>(rows.size());
    return -n / 2 * std::log(std::max(1.0, rss / n)) - unknowns / 2.0 * std::log(n) + std::log(prior);
  }

  RankedCause inertia_of(Cause cause, int link, bool mass, double prior) const {
    const int first = mass ? 0 : 1, columns = 4 - first;
    const Fit f = fit(
        columns, [&](const Row& row, int c) { return -Y[row.sample](row.joint, kLinkParameters * link + first + c); });
    RankedCause out{cause, 0, evidence(f.rss, columns, prior), link, true, 0, 0, mass ? "kg" : "kg m"};
    out.size = mass ? f.p(0) : f.p.norm();
    out.deviation = mass ? std::sqrt(f.covariance(0, 0)) : std::sqrt(f.covariance.trace());
    if (mass && cause == Cause::kPayload && !(out.size > 0)) out.evidence = -1e300;
    return out;
  }

  RankedCause friction_of(int joint) const {
    const auto j = static_cast<std::size_t>(joint);
    double speed = 0;
    int seen = 0;
    for (const Row& row : rows) {
      if (row.joint != joint) continue;
      speed += std::abs(samples[row.sample].v[j]);
      ++seen;
    }
    RankedCause out{Cause::kFrictionRise, 0, -1e300, joint, false, 0, 0, "N.m"};
    if (seen < 3) return out;
    speed /= seen;
    const Fit f = fit(2, [&](const Row& row, int c) {
      const double v = samples[row.sample].v[j];
      return row.joint != joint ? 0 : -(c == 0 ? std::tanh(v / options.friction_speed) : v);
    });
    const Eigen::Vector2d at(1, speed);  // what it takes at the mean speed
    out.size = at.dot(f.p);
    out.deviation = std::sqrt(std::max(0.0, at.dot(f.covariance * at)));
    if (out.size > 0) out.evidence = evidence(f.rss, 2, 1);
    return out;
  }

  RankedCause bias_of(int joint) const {
    const Fit f = fit(1, [&](const Row& row, int) { return row.joint == joint ? -1.0 : 0.0; });
    return {Cause::kSensorBias, 0, evidence(f.rss, 1, 1), joint, false, f.p(0), std::sqrt(f.covariance(0, 0)), "N.m"};
  }

  RankedCause collision() const {
    double rss = 0, most = 0;
    int joint = 0;
    for (const Row& row : rows) {
      if (samples[row.sample].time > options.transient) {
        rss += row.value * row.value;
      } else if (std::abs(row.value) > most) {
        most = std::abs(row.value), joint = row.joint;
      }
    }
    return {Cause::kCollision, 0,    evidence(rss, kTransientUnknowns, 1), joint, false, most * sigma(joint),
            sigma(joint),      "N.m"};
  }
};

RankedCause better(const RankedCause& a, const RankedCause& b) { return b.evidence > a.evidence ? b : a; }

}  // namespace

EpisodeRanking rank_episode(const dynamics::Model& model, const EpisodeOptions& options,
                            std::span<const EpisodeSample> samples, std::span<const double> deviation) {
  GEOUL_EXPECTS(deviation.size() == static_cast<std::size_t>(model.nv));
  Episode episode{model, options, samples, deviation, {}, {}};
  dynamics::Data data = make_data(model);
  for (std::size_t s = 0; s < samples.size(); ++s) {
    const EpisodeSample& sample = samples[s];
    episode.Y.emplace_back();
    inertial_regressor(model, sample.q, sample.v, sample.a, data, episode.Y.back());
    for (int j = 0; j < model.nv; ++j) {
      const auto at = static_cast<std::size_t>(j);
      if (sample.known[at] && deviation[at] > 0) episode.rows.push_back({s, j, sample.external[at] / deviation[at]});
    }
  }
  EpisodeRanking ranking;
  if (static_cast<Eigen::Index>(episode.rows.size()) < kFewest) return ranking;
  std::vector<RankedCause>& out = ranking.causes;
  double squares = 0;
  for (const Row& row : episode.rows) squares += row.value * row.value;
  ranking.nothing = episode.evidence(squares, 0, 1);
  const int links = static_cast<int>(model.links.size()), tool = options.tool_link < 0 ? links - 1 : options.tool_link;
  out.push_back(episode.inertia_of(Cause::kPayload, tool, true, 1));
  out.push_back(episode.inertia_of(Cause::kSlippedTool, tool, false, 1));
  RankedCause wrong{Cause::kWrongModel, 0, -1e300, 0, true, 0, 0, "kg"};
  for (int link = 0; link < links; ++link) {
    if (link != tool)
      wrong = better(wrong, episode.inertia_of(Cause::kWrongModel, link, true, options.wrong_model_prior));
  }
  out.push_back(wrong);
  RankedCause friction = episode.friction_of(0), bias = episode.bias_of(0);
  for (int j = 1; j < model.nv; ++j) {
    friction = better(friction, episode.friction_of(j));
    bias = better(bias, episode.bias_of(j));
  }
  out.push_back(friction);
  out.push_back(bias);
  out.push_back(episode.collision());
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.evidence > b.evidence; });
  double sum = 0;
  for (const RankedCause& cause : out) sum += std::exp(cause.evidence - out.front().evidence);
  for (RankedCause& cause : out) cause.probability = std::exp(cause.evidence - out.front().evidence) / sum;
  return ranking;
}

}  // namespace geoul::estimation
