#include "geoul/runtime/oversight/watcher.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace geoul::runtime::oversight {
namespace {

constexpr Duration kGap{1'000'000'000};
constexpr std::size_t kMeanOf = 5;          // rows
constexpr std::size_t kMostRows = 100'000;  // to learn from: where a joint never moves the oldest go
constexpr int kLeastRows = 60;              // of such means in which a joint moves, for its motor to be known
constexpr double kLeastError = 0.1;         // relative standard error of a torque constant that is good enough
constexpr double kStanding = 0.05;          // [rad/s]
constexpr double kBreakaway = 1.5;          // of Coulomb friction, at most
constexpr int kRowsPerSample = 10;
constexpr double kMuch = 1e300;
constexpr double kBefore = 0.1;               // [s] of an onset, that is looked at too
constexpr Duration kEpisode{12'000'000'000};  // that is looked at
constexpr Duration kLookAgain{1'000'000'000};
constexpr Duration kSuspicion{4'000'000'000}, kTellAgain{5'000'000'000};
constexpr double kSure = 5;      // of evidence (log likelihood) beyond nothing at all
constexpr double kLarge = 2;     // times a surprise
constexpr double kSurprise = 5;  // deviations of an external torque that are one

// What the plant's controller knows and the twin does not, a payload that was declared; 0 where it tells no reference
// [N.m].
double beyond_twin(const RowMeasures::JointRow& joint) {
  const double beyond = joint.torque - joint.along_reference;
  return std::isfinite(beyond) ? beyond : 0;
}

}  // namespace

Watcher::Watcher(const Twin& twin, const Bindings& bindings, WatcherOptions options)
    : twin_(twin), bindings_(bindings), options_(options), currents_(bindings.joints.size()), model_(twin.model) {
  for (std::size_t j = 0; j < bindings_.joints.size(); ++j) {
    if (bindings_.joints[j].current >= 0) watched_.push_back(j);
  }
  if (!watched_.empty()) phase_ = Phase::kLearning;
  tau_.resize(static_cast<std::size_t>(twin.model.nv));
  torque_before_.resize(watched_.size());
  usual_.resize(watched_.size());
}

Watcher::Said Watcher::observe(const scene::State& state, const RowMeasures& measures) {
  Said said;
  if (phase_ == Phase::kBlind || (last_.ns != 0 && state.time <= last_)) return said;
  if (last_.ns == 0) phase_began_ = state.time;
  const bool after_gap = last_.ns != 0 && state.time - last_ > kGap;
  if (after_gap) has_before_ = false;
  last_ = state.time;
  if (phase_ == Phase::kLearning) {
    learn(state, measures, said);
    return said;
  }
  if (after_gap && phase_ == Phase::kListening) {  // what was heard has a hole: begin again
    begin_to_listen();
    phase_began_ = state.time;
  }
  sample(state, measures);
  const std::optional<estimation::Alarm> alarm = feed(state, measures);
  estimate(state.time);
  if (phase_ == Phase::kListening) {
    if (state.time - phase_began_ < options_.listen) return said;
    detector_->calibrate();
    phase_ = Phase::kWatching;
    said.words = "watches " + std::to_string(watched_.size()) +
                 " joints: their motors were learnt, and how far off they usually are";
    return said;
  }
  if (alarm && !open_) suspect(*alarm);
  if (alarm) surprised_ = state.time;
  if (open_) follow_up(state.time, said);
  return said;
}

// A suspicion becomes an alarm at once where it is large, else when what lasts is likelier than nothing at all; it is
// dropped where that does not happen.
void Watcher::follow_up(Time time, Said& said) {
  const bool large =
      std::any_of(estimates_.begin(), estimates_.end(), [](const Estimate& e) { return e.statistic >= kLarge; });
  if (!told_ && large) tell(time, said);
  if (time >= look_again_ && time - open_->onset < kEpisode) {
    look_again_ = time + kLookAgain;
    const bool sure = weigh();
    if (!told_ && !sure && time - open_->onset > kSuspicion) {
      open_.reset();
      return;
    }
    const auto is_news = [&] { return open_->causes.front().name != told_cause_ || time - told_at_ > kTellAgain; };
    if (sure && (!told_ || is_news())) tell(time, said);
  }
  if (time - surprised_ <= options_.quiet) return;
  if (told_) said.over = open_->place;
  open_.reset();
}

void Watcher::tell(Time time, Said& said) {
  told_ = true;
  told_at_ = time;
  told_cause_ = open_->causes.empty() ? "" : open_->causes.front().name;
  said.alarm = *open_;
}

void Watcher::learn(const scene::State& state, const RowMeasures& measures, Said& said) {
  Row row;
  for (const std::size_t j : watched_) {
    const RowMeasures::JointRow& joint = measures.joints[j];
    row.tau.push_back(joint.along_measured + beyond_twin(joint));
    row.v.push_back(joint.velocity);
    row.current.push_back(joint.current);
  }
  rows_.push_back(std::move(row));
  if (rows_.size() > kMostRows) rows_.pop_front();
  if (state.time - phase_began_ < options_.learn) return;
  if (!fit()) {
    phase_began_ = state.time;  // the rows stay
    said.words = "still learns: " + waits_for_ + " did not move enough for its motor to be known";
    return;
  }
  rows_.clear();
  begin_to_listen();
  phase_ = Phase::kListening;
  phase_began_ = state.time;
  said.words = "has learnt the motors, and listens";
}

// All or none: external torques of one joint show at others.
bool Watcher::fit() {
  std::vector<double> tau, v, current;
  for (std::size_t w = 0; w < watched_.size(); ++w) {
    // Means over some rows: noise of the torque, which is differentiated twice, would make its constant look large.
    tau.clear(), v.clear(), current.clear();
    for (std::size_t begin = 0; begin + kMeanOf <= rows_.size(); begin += kMeanOf) {
      double sums[3] = {};
      for (std::size_t r = begin; r < begin + kMeanOf; ++r) {
        sums[0] += rows_[r].tau[w], sums[1] += rows_[r].v[w], sums[2] += rows_[r].current[w];
      }
      if (!std::isfinite(sums[0] + sums[1] + sums[2])) continue;
      tau.push_back(sums[0] / kMeanOf), v.push_back(sums[1] / kMeanOf), current.push_back(sums[2] / kMeanOf);
    }
    const std::optional<CurrentModel> model = fit_current(tau, v, current, options_.friction_speed);
    const bool good =
        model && model->rows >= kLeastRows && model->per_torque > 0 && model->relative_error < kLeastError;
    if (!good) {
      waits_for_ = bindings_.joints[watched_[w]].label;
      return false;
    }
    currents_[watched_[w]] = model;
  }
  return true;
}

scene::Scene Watcher::learnt_scene() const {
  scene::Scene out = twin_.scene;
  for (const std::size_t j : watched_) {
    if (!currents_[j]) continue;
    scene::Joint& joint = out.joints[bindings_.joints[j].joint.index()];
    joint.damping = std::max(0.0, currents_[j]->viscous());
    joint.friction = std::max(0.0, currents_[j]->coulomb());
  }
  return out;
}

void Watcher::begin_to_listen() {
  model_ = twin_.model;
  for (const std::size_t j : watched_) {
    dynamics::JointLaw& law = model_.laws[static_cast<std::size_t>(bindings_.joints[j].v)];
    law.damping = std::max(0.0, currents_[j]->viscous());
    law.friction = std::max(0.0, currents_[j]->coulomb());
  }
  estimation::ResidualDetectorOptions options;
  options.observer.friction_speed = options.causes.friction_speed = options_.friction_speed;
  options.cycles_per_frame = 1;
  options.false_alarm_time = options_.false_alarm_time;
  detector_.emplace(model_, options);
  has_before_ = false;
  usual_.assign(watched_.size(), {});
  usual_mean_.assign(static_cast<std::size_t>(model_.nv), {});
  samples_.clear();
  mean_.rows = 0;
}

double Watcher::friction(const RowMeasures::JointRow& joint, const CurrentModel& motor) const {
  return motor.viscous() * joint.velocity + motor.coulomb() * std::tanh(joint.velocity / options_.friction_speed);
}

// A joint that stands is held by dry friction, by any torque up to what breaks it loose: the motor's torque says
// nothing within that. What is given back is the torque that the twin expects, and what lies beyond.
double Watcher::beyond_dry_friction(double torque, const RowMeasures::JointRow& joint,
                                    const CurrentModel& motor) const {
  if (std::abs(joint.velocity) > kStanding) return torque;
  const double expected = joint.along_measured + friction(joint, motor), off = torque - expected,
               held = kBreakaway * motor.coulomb();
  return expected + (off > held ? off - held : off < -held ? off + held : 0);
}

std::optional<estimation::Alarm> Watcher::feed(const scene::State& state, const RowMeasures& measures) {
  q_.assign(state.q.begin(), state.q.end());
  v_.assign(state.v.begin(), state.v.end());
  std::fill(tau_.begin(), tau_.end(), 0.0);
  for (std::size_t w = 0; w < watched_.size(); ++w) {
    const std::size_t j = watched_[w];
    const RowMeasures::JointRow& joint = measures.joints[j];
    double torque = currents_[j]->torque_constant() * joint.current - beyond_twin(joint);
    torque = beyond_dry_friction(torque, joint, *currents_[j]);
    if (!std::isfinite(torque)) torque = torque_before_[w];  // a sample that did not come says nothing new
    tau_[static_cast<std::size_t>(bindings_.joints[j].v)] = has_before_ ? (torque + torque_before_[w]) / 2 : torque;
    torque_before_[w] = torque;
  }
  has_before_ = true;
  return detector_->step(state.time, q_, v_, tau_);
}

void Watcher::estimate(Time time) {
  estimates_.clear();
  bool surprise = false;
  for (std::size_t w = 0; w < watched_.size(); ++w) {
    const BoundJoint& joint = bindings_.joints[watched_[w]];
    const double torque = detector_->external()[static_cast<std::size_t>(joint.v)];
    if (phase_ == Phase::kListening) usual_[w].add(torque);
    const double deviation = usual_[w].rms();
    const double statistic = phase_ == Phase::kWatching ? std::abs(torque) / (kSurprise * deviation) : kUnknown;
    surprise = surprise || statistic >= 1;
    estimates_.push_back({"external torque/" + joint.label, {torque, deviation, "N.m"}, 0, statistic});
  }
  if (surprise) surprised_ = time;
}

std::string Watcher::path_of_degree(int degree) const {
  for (const BoundJoint& joint : bindings_.joints) {
    if (joint.v == degree) return twin_.scene.joints[joint.joint.index()].path;
  }
  return "degree " + std::to_string(degree);
}

// What the motor gives less than the twin expects: the external torque on the joint.
double Watcher::unexplained(std::size_t watched, const RowMeasures& measures) const {
  const RowMeasures::JointRow& joint = measures.joints[watched];
  const CurrentModel& motor = *currents_[watched];
  return joint.along_measured + friction(joint, motor) + beyond_twin(joint) - motor.torque_constant() * joint.current;
}

void Watcher::sample(const scene::State& state, const RowMeasures& measures) {
  const auto nv = static_cast<std::size_t>(model_.nv);
  if (mean_.rows == 0) {
    mean_.q.assign(state.q.size(), 0);
    for (auto* x : {&mean_.v, &mean_.a, &mean_.external}) x->assign(nv, 0);
    mean_.slowest.assign(nv, kMuch), mean_.fastest.assign(nv, -kMuch);
  }
  for (std::size_t i = 0; i < state.q.size(); ++i) mean_.q[i] += state.q[i] / kRowsPerSample;
  for (std::size_t i = 0; i < nv; ++i) {
    mean_.v[i] += state.v[i] / kRowsPerSample;
    mean_.a[i] += state.a[i] / kRowsPerSample;
    mean_.slowest[i] = std::min(mean_.slowest[i], state.v[i]);
    mean_.fastest[i] = std::max(mean_.fastest[i], state.v[i]);
  }
  for (const std::size_t j : watched_) {
    mean_.external[static_cast<std::size_t>(bindings_.joints[j].v)] += unexplained(j, measures) / kRowsPerSample;
  }
  if (++mean_.rows < kRowsPerSample) return;
  mean_.rows = 0;
  estimation::EpisodeSample out{0, mean_.q, mean_.v, mean_.a, mean_.external, std::vector<char>(nv)};
  for (const std::size_t j : watched_) {
    const auto i = static_cast<std::size_t>(bindings_.joints[j].v);
    out.known[i] = (mean_.slowest[i] > kStanding || mean_.fastest[i] < -kStanding) && std::isfinite(out.external[i]);
    if (phase_ == Phase::kListening && out.known[i]) usual_mean_[i].add(out.external[i]);
  }
  if (phase_ != Phase::kWatching) return;
  samples_.emplace_back(state.time, std::move(out));
  while (state.time - samples_.front().first > kEpisode) samples_.pop_front();
}

// Causes of the alarm that is open by all that was seen since its onset; false where nothing at all is as likely.
bool Watcher::weigh() {
  std::vector<estimation::EpisodeSample> samples;
  for (const auto& [time, sample] : samples_) {
    samples.push_back(sample);
    samples.back().time = (time - open_->onset).seconds();
    if (samples.back().time < -kBefore) samples.pop_back();
  }
  std::vector<double> deviation;
  for (const RunningFigures& usual : usual_mean_) deviation.push_back(usual.n > 0 ? usual.rms() : 0);
  estimation::EpisodeOptions options;
  options.friction_speed = options_.friction_speed;
  const estimation::EpisodeRanking ranked = estimation::rank_episode(model_, options, samples, deviation);
  if (ranked.causes.empty() || ranked.causes.front().evidence - ranked.nothing < kSure) return false;
  open_->causes.clear();
  for (const estimation::RankedCause& cause : ranked.causes) {
    open_->causes.push_back({estimation::to_string(cause.cause),
                             cause.probability,
                             {cause.size, cause.deviation, cause.unit},
                             estimation::describe(cause, model_)});
  }
  char torque[96];
  std::snprintf(torque, sizeof torque, ": a torque of %.2g +- %.1g N.m that nothing explains; likeliest ",
                open_->size.value, open_->size.deviation);
  open_->text = label_of(open_->place) + torque + open_->causes.front().evidence;
  return true;
}

void Watcher::suspect(const estimation::Alarm& alarm) {
  open_ = Alarm{};
  told_ = false;
  open_->onset = alarm.onset;
  open_->detected = alarm.detected;
  open_->place = path_of_degree(alarm.joint);
  open_->size = {alarm.size, alarm.deviation, "N.m"};
  open_->text = label_of(open_->place) + ": a torque that nothing explains; its cause is being weighed";
  look_again_ = alarm.detected + kLookAgain;
}

}  // namespace geoul::runtime::oversight
