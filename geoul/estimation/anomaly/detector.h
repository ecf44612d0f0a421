// Tells when a signal that has no model does what it never did: one number at a time, nothing from the future, one
// setting for all signals. Three statistics are watched:
//   season  distance to what the signal was at this time of the day and of the week
//   shift   distance of its mean over some twenty samples from that over thousands
//   jump    distance of the sample from the last hundred
// Each becomes a surprise (tail.h), and their sum is the sample's. A sample no stranger than one shortly before it
// belongs to the same episode and scores 0: an anomaly is told once, and told again when it becomes worse. Theory,
// figures and limits: docs/notes/anomaly.md.
#pragma once

#include <array>

#include "geoul/core/time.h"
#include "geoul/estimation/anomaly/episodes.h"
#include "geoul/estimation/anomaly/tail.h"

namespace geoul::estimation::anomaly {

enum class Reason { kSeason, kShift, kJump };

struct DetectorOptions {
  double threshold = 5.5;     // sum of surprises (decades of probability) that scores 0.5
  double shift_samples = 20;  // time constants of the running means [samples]
  double long_samples = 5000;
  double jump_samples = 100;
  EpisodeOptions episodes;
};

// What a sample looked like.
struct Reading {
  double score = 0;                 // 0 to 1; from 0.5 on an anomaly begins here
  double surprise = 0;              // of the sample itself, whatever came before it
  double expected = 0;              // by time of day and week, in the signal's unit
  double deviation = 0;             // usual distance from that, the same
  Reason reason = Reason::kSeason;  // the statistic that is most surprised
};

class Detector {
 public:
  explicit Detector(const DetectorOptions& options = {});

  // Judges a sample by those before it, then learns it. Needs a finite value. The time matters by its place in the day
  // and the week (UTC) alone. Allocates nothing.
  Reading step(Time time, double value);

 private:
  // The mean and variance of what came, with weights that fall by a time constant.
  struct Running {
    double mean = 0, variance = 0, count = 0;
    void add(double x, double samples);
  };
  // Means by time of day and week, blended by recursive least squares.
  struct Season {
    std::array<double, 96> day;
    std::array<double, 336> week;
    std::array<double, 9> P;    // (3 x 3)
    std::array<double, 3> w{};  // of 1, day, week
    double mean = 0, scale = 0, spread = 0, count = 0;
  };

  double season(Time time, double value, Reading& reading);
  double shift(double value);
  double jump(double value);

  DetectorOptions options_;
  Season season_;
  Running fast_, slow_, recent_;
  std::array<Tail, 3> tails_;
  Episodes episodes_;
};

}  // namespace geoul::estimation::anomaly
