// Watcher: holds the motor currents of a followed plant against the twin, row by row. First it learns: from rows of
// normal work it fits each motor's torque constant and friction, then it listens how large the torques usually are that
// nothing explains. From then on it says when one appears that was not there: since when, where, how large, and why
// (estimation/residual_detector.h). Where the plant tells the torque that its own controller computed along the
// reference, what the controller knows beyond the twin (a payload that was declared) is no surprise.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "geoul/estimation/episode.h"
#include "geoul/estimation/residual_detector.h"
#include "geoul/runtime/bindings.h"
#include "geoul/runtime/current_fit.h"
#include "geoul/runtime/oversight/records.h"
#include "geoul/runtime/row_evaluator.h"
#include "geoul/runtime/running_figures.h"

namespace geoul::runtime::oversight {

struct WatcherOptions {
  Duration learn{22'000'000'000};   // a round of the work; more where a joint did not move enough
  Duration listen{44'000'000'000};  // after it: two rounds
  double false_alarm_time = 3600;   // [s] mean time between false alarms of each joint's test
  Duration quiet{25'000'000'000};   // without a surprise, after which an alarm is over: longer than a round of the work
  double friction_speed = 0.02;     // [rad/s]
};

class Watcher {
 public:
  // All must outlive it. Watches the joints that have a current bound.
  Watcher(const Twin& twin, const Bindings& bindings, WatcherOptions options);

  enum class Phase { kBlind, kLearning, kListening, kWatching };  // kBlind: no joint of the site has a current
  Phase phase() const { return phase_; }
  std::size_t kept_rows() const { return rows_.size(); }  // that it learns from; bounded

  struct Said {
    std::optional<Alarm> alarm;        // raised, or with more evidence
    std::optional<std::string> over;   // place of an alarm that is over
    std::optional<std::string> words;  // what the log should say
  };
  // The next row, as a State with its measures. Rows that do not come later than the last one are left out; after a gap
  // of more than a second the observer begins anew.
  Said observe(const scene::State& state, const RowMeasures& measures);

  // The scene with the friction that was found; as it is until then.
  scene::Scene learnt_scene() const;
  std::span<const Estimate> estimates() const { return estimates_; }  // of the newest row; empty until it listens
  std::span<const std::optional<CurrentModel>> currents() const { return currents_; }  // (Bindings::joints)

 private:
  struct Row {
    std::vector<double> tau, v, current;  // (watched joints)
  };
  void learn(const scene::State& state, const RowMeasures& measures, Said& said);
  bool fit();
  void begin_to_listen();
  std::optional<estimation::Alarm> feed(const scene::State& state, const RowMeasures& measures);
  double friction(const RowMeasures::JointRow& joint, const CurrentModel& motor) const;  // [N.m]
  double beyond_dry_friction(double torque, const RowMeasures::JointRow& joint, const CurrentModel& motor) const;
  void estimate(Time time);
  double unexplained(std::size_t watched, const RowMeasures& measures) const;
  void suspect(const estimation::Alarm& alarm);
  void follow_up(Time time, Said& said);
  void tell(Time time, Said& said);
  void sample(const scene::State& state, const RowMeasures& measures);
  bool weigh();
  std::string path_of_degree(int degree) const;

  const Twin& twin_;
  const Bindings& bindings_;
  WatcherOptions options_;
  Phase phase_ = Phase::kBlind;
  std::vector<std::size_t> watched_;  // of Bindings::joints
  std::vector<std::optional<CurrentModel>> currents_;
  std::deque<Row> rows_;
  Time phase_began_, last_;
  std::string waits_for_;  // joint that did not move enough
  dynamics::Model model_;  // with the friction that was found
  std::optional<estimation::ResidualDetector> detector_;
  std::vector<double> q_, v_, tau_, torque_before_;
  bool has_before_ = false;
  std::vector<RunningFigures> usual_;  // external torque of each watched joint while listening
  std::vector<Estimate> estimates_;
  struct Mean {  // of the rows since the last sample
    int rows = 0;
    std::vector<double> q, v, a, external;
    std::vector<double> slowest, fastest;  // velocity
  };
  Mean mean_;
  std::deque<std::pair<Time, estimation::EpisodeSample>> samples_;  // of the last seconds; times are of the plant
  std::vector<RunningFigures> usual_mean_;                          // (nv) of known ones, while listening
  std::optional<Alarm> open_;                                       // that is not over
  bool told_ = false;                                               // it was raised: before that it is a suspicion
  std::string told_cause_;                                          // as it was told
  Time told_at_, look_again_;                                       // when, and when the causes are weighed anew
  Time surprised_;
};

}  // namespace geoul::runtime::oversight
