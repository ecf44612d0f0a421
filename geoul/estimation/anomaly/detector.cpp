#include "geoul/estimation/anomaly/detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/core/contract.h"

namespace geoul::estimation::anomaly {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kSettling = 20;         // samples before a statistic says anything
constexpr double kForgetting = 0.9995;   // of the blend of seasons
constexpr double kSeasonSamples = 2000;  // time constant of mean and scale
constexpr double kDayGain = 0.1, kWeekGain = 0.3;
constexpr double kClip = 3;  // residuals teach the blend no more than this many scales
constexpr double kTrace = 1e6;
constexpr std::int64_t kDay = 86'400'000'000'000, kWeek = 7 * kDay;

}  // namespace

void Detector::Running::add(double x, double samples) {
  const double gain = std::max(1 / samples, 1 / (count + 1));
  const double d = x - mean;
  mean += gain * d;
  variance = (1 - gain) * (variance + gain * d * d);
  count += 1;
}

Detector::Detector(const DetectorOptions& options) : options_(options), episodes_(options.episodes) {
  GEOUL_EXPECTS(options.threshold > 0 && options.shift_samples >= 1 && options.long_samples >= 1);
  GEOUL_EXPECTS(options.jump_samples >= 1);
  season_.day.fill(kNone);
  season_.week.fill(kNone);
  season_.P = {100, 0, 0, 0, 100, 0, 0, 0, 100};
}

// Source of the recursion: Ljung, System Identification, 2nd ed., section 11.2.
double Detector::season(Time time, double value, Reading& reading) {
  Season& s = season_;
  const std::int64_t week_ns = ((time.ns % kWeek) + kWeek) % kWeek;
  double& day = s.day[static_cast<std::size_t>((week_ns % kDay) * 96 / kDay)];
  double& week = s.week[static_cast<std::size_t>(week_ns / (kWeek / 336))];
  s.count = std::min(s.count + 1, kSeasonSamples);
  s.mean += (value - s.mean) / s.count;
  s.scale += (std::abs(value - s.mean) - s.scale) / s.count;
  const double unit = s.scale > 0 ? s.scale : std::max(1e-9, 1e-9 * std::abs(s.mean));
  const double by_day = std::isnan(day) ? 0 : (day - s.mean) / unit;
  const std::array<double, 3> phi = {1, by_day, std::isnan(week) ? by_day : (week - s.mean) / unit};
  const double predicted = s.w[0] * phi[0] + s.w[1] * phi[1] + s.w[2] * phi[2];
  const double residual = (value - s.mean) / unit - predicted;
  reading.expected = s.mean + predicted * unit;
  reading.deviation = s.spread * unit;
  s.spread += (std::min(std::abs(residual), kClip) - s.spread) / s.count;

  std::array<double, 3> gain{};
  double denominator = kForgetting;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) gain[i] += s.P[3 * i + j] * phi[j];
  }
  for (std::size_t i = 0; i < 3; ++i) denominator += phi[i] * gain[i];
  const double clipped = std::clamp(residual, -kClip, kClip);
  for (std::size_t i = 0; i < 3; ++i) s.w[i] += gain[i] / denominator * clipped;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      s.P[3 * i + j] = (s.P[3 * i + j] - gain[i] * gain[j] / denominator) / kForgetting;
    }
  }
  if (s.P[0] + s.P[4] + s.P[8] > kTrace) {
    for (double& p : s.P) p /= 2;
  }
  day = std::isnan(day) ? value : day + kDayGain * (value - day);
  week = std::isnan(week) ? value : week + kWeekGain * (value - week);
  return std::abs(residual);
}

double Detector::shift(double value) {
  const double sigma = std::sqrt(slow_.variance);
  const double d = slow_.count < kSettling || sigma == 0 ? 0 : std::abs(fast_.mean - slow_.mean) / sigma;
  fast_.add(value, options_.shift_samples);
  slow_.add(value, options_.long_samples);
  return d;
}

double Detector::jump(double value) {
  const double d = std::abs(value - recent_.mean);
  const double sigma = std::sqrt(recent_.variance);
  const double floor = 1e-9 * std::max(std::abs(recent_.mean), 1e-9);  // a signal that stood still
  const double statistic = recent_.count < kSettling ? 0 : d / std::max(sigma, floor);
  recent_.add(value, options_.jump_samples);
  return std::min(statistic, 1e6);
}

Reading Detector::step(Time time, double value) {
  GEOUL_EXPECTS(std::isfinite(value));
  Reading reading;
  std::array<double, 3> surprises{};
  surprises[0] = tails_[0].step(std::min(season(time, value, reading), 1e300));
  surprises[1] = tails_[1].step(shift(value));
  surprises[2] = tails_[2].step(jump(value));
  reading.surprise = surprises[0] + surprises[1] + surprises[2];
  reading.reason = static_cast<Reason>(std::max_element(surprises.begin(), surprises.end()) - surprises.begin());
  reading.score = episodes_.begins(reading.surprise) ? to_score(reading.surprise, options_.threshold) : 0;
  return reading;
}

}  // namespace geoul::estimation::anomaly
