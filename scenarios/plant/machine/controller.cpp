#include "scenarios/plant/machine/controller.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace geoul::plant {
namespace {

constexpr double kPeriod = 0.002;  // [s] kControlPeriod
constexpr double kBandwidth = 80;  // [rad/s] of the position loop
constexpr double kDampingRatio = 0.8;
constexpr double kRateSlope = 4;         // [1/s] of the speed along the path: from standing to full in 0.25 s
constexpr double kStopSlope = 10;        // [1/s] the same in a protective stop
constexpr double kPathError = 0.02;      // [rad] off the path: brakes
constexpr double kFeedbackShare = 0.27;  // of a joint's greatest torque
constexpr int kFeedbackPeriods = 5;      // in a row
constexpr int kPatience = 100;           // the same where it stands in a protective stop: then brakes
constexpr double kSmoothing = 0.02;      // [rad/s] of the friction that is fed forward
constexpr double kMostPayload = 3;       // [kg] of a UR3e
constexpr double kForceDamping = 0.02;   // of tool_force, against the size of J

Answer answer(AnswerCode code, std::string words) { return {0, code, std::move(words)}; }

// Solves A x = b, 6 x 6, symmetric and positive definite (Cholesky). A is overwritten.
void solve6(std::array<double, 36>& A, std::array<double, 6>& b) {
  const auto at = [&A](std::size_t r, std::size_t c) -> double& { return A[6 * r + c]; };
  for (std::size_t c = 0; c < 6; ++c) {
    for (std::size_t k = 0; k < c; ++k) at(c, c) -= at(c, k) * at(c, k);
    at(c, c) = std::sqrt(at(c, c));
    for (std::size_t r = c + 1; r < 6; ++r) {
      for (std::size_t k = 0; k < c; ++k) at(r, c) -= at(r, k) * at(c, k);
      at(r, c) /= at(c, c);
    }
  }
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t k = 0; k < r; ++k) b[r] -= at(r, k) * b[k];
    b[r] /= at(r, r);
  }
  for (std::size_t r = 6; r-- > 0;) {
    for (std::size_t k = r + 1; k < 6; ++k) b[r] -= at(k, r) * b[k];
    b[r] /= at(r, r);
  }
}

}  // namespace

Controller::Controller(scene::Scene scene, dynamics::Model model, const Arm& arm,
                       const std::array<NominalJoint, kJoints>& joints, bool runs)
    : scene_(std::move(scene)),
      model_(std::move(model)),
      arm_(arm),
      joints_(joints),
      data_(dynamics::make_data(model_)),
      measured_(dynamics::make_state(model_)),
      targets_(dynamics::make_targets(model_, measured_)),
      memory_(dynamics::make_controller_memory(model_)),
      gains_(kJoints),
      effort_(kJoints),
      moment_(kJoints),
      jacobian_(6 * kJoints),
      state_(runs ? RunState::kPlaying : RunState::kStopped) {
  for (std::size_t i = 0; i < kJoints; ++i) {
    gains_[v_of(arm_, model_, i)] = {dynamics::ControlMode::kComputedTorque,
                                     kBandwidth * kBandwidth,
                                     0,
                                     2 * kDampingRatio * kBandwidth,
                                     model_.joints[arm_.joints[i].index()].effort_limit,
                                     scene::kUnlimited};
  }
  const std::size_t link = last_link(arm_, model_);
  tool_link_ = model_.links[link].inertia;
  const scene::BodyId hand = arm_.bodies.back();
  const scene::MassProperties& mass = scene_.bodies[hand.index()].mass;
  bare_link_ = to_parent(model_.bodies[hand.index()].X_LB, inertia_about_origin(mass.mass, mass.center, mass.inertia));
  tool_mass_ = tool_link_.m - bare_link_.m;
  const Vec3d center = (1 / tool_mass_) * (tool_link_.h - bare_link_.h);
  tool_center_ = inverse(flange_in_link(arm_, model_)) * center;
  payload_mass_ = tool_mass_, payload_center_ = tool_center_;
  path_ = {home_pose(), home_pose(), 0};
  begin_step();
}

void Controller::declare(double mass, const Vec3d& center) {
  payload_mass_ = mass, payload_center_ = center;
  const Transformd X_LF = flange_in_link(arm_, model_);
  // the scene's tool keeps its inertia about its own centre; what is declared is its mass and where that is
  const Vec3d p = X_LF * tool_center_;
  const Sym3d about_center = tool_link_.I - bare_link_.I - point_inertia(tool_mass_, p);
  Inertiad link = bare_link_;
  link += inertia_about_origin(mass, X_LF * center, about_center);
  model_.links[last_link(arm_, model_)].inertia = link;
}

void Controller::declare_gripped(bool gripped) {
  gripping_ = gripped;
  Inertiad link = tool_link_;
  payload_mass_ = tool_mass_, payload_center_ = tool_center_;
  if (gripped) {
    const Workpiece piece;
    link += to_parent(flange_in_link(arm_, model_), piece.inertia());
    payload_mass_ += piece.mass;
    payload_center_ = (1 / payload_mass_) * (tool_mass_ * tool_center_ + piece.mass * piece.center);
  }
  model_.links[last_link(arm_, model_)].inertia = link;
}

// ---- path and program ----

void Controller::begin_step() {
  waited_ = 0;
  if (program_[step_].kind != ProgramStep::Kind::kMove) return;
  const Joints from = reference_at(path_, u_, 0, 0).q;
  path_ = plan(from, program_[step_].pose, program_[step_].speed, program_[step_].acceleration);
  u_ = 0;
}

void Controller::run_program() {
  if (state_ != RunState::kPlaying || protected_ || u_ < path_.duration) return;
  const ProgramStep& step = program_[step_];
  if (step.kind != ProgramStep::Kind::kMove) {
    const double before = waited_;
    waited_ += kPeriod;
    const bool is_middle = before < step.seconds / 2 && waited_ >= step.seconds / 2;
    if (is_middle && step.kind != ProgramStep::Kind::kWait) declare_gripped(step.kind == ProgramStep::Kind::kGrip);
    if (waited_ < step.seconds) return;
  }
  step_ = (step_ + 1) % program_.size();
  begin_step();
}

// Speed along the path at the end of this period.
double Controller::next_rate() const {
  const bool moves = !protected_ && (state_ == RunState::kPlaying || state_ == RunState::kGoing);
  const double most = (protected_ ? kStopSlope : kRateSlope) * kPeriod;
  return rate_ + std::clamp((moves ? speed_ * slider_ : 0) - rate_, -most, most);
}

void Controller::advance_path() {
  const double next = next_rate();
  u_ = std::min(path_.duration, u_ + kPeriod * (rate_ + next) / 2);
  rate_ = next;
  if (state_ == RunState::kGoing && u_ >= path_.duration) {
    desk_.settle({go_number_, AnswerCode::kDone, "it is there"});
    state_ = go_ends_in_;
  }
  run_program();
}

void Controller::interrupt_go() {
  if (state_ != RunState::kGoing) return;
  desk_.settle({go_number_, AnswerCode::kInterrupted, "it stands on the way"});
  state_ = go_ends_in_;
}

void Controller::protect(bool brake, std::string why) {
  if (!protected_) reason_ = std::move(why);
  protected_ = true;
  braked_ = braked_ || brake;
  interrupt_go();
}

void Controller::watch(const Joints& q, const ControlOutput& out) {
  for (std::size_t i = 0; i < kJoints; ++i) {
    const scene::Joint& joint = model_.joints[arm_.joints[i].index()];
    const std::string name = joint.path.substr(joint.path.rfind('/') + 1);
    char text[160];
    const double error = q[i] - out.target.q[i];
    if (std::abs(error) > kPathError) {
      std::snprintf(text, sizeof text, "%s is %.4f rad off its path; brakes are on", name.c_str(), error);
      protect(true, text);
    }
    over_[i] = std::abs(out.feedback[i]) > kFeedbackShare * joint.effort_limit ? over_[i] + 1 : 0;
    if (over_[i] < kFeedbackPeriods) continue;
    std::snprintf(text, sizeof text, "%s needs %.1f N.m more than expected", name.c_str(), out.feedback[i]);
    // what goes on when it stands is no push that passes
    protect(protected_ && rate_ == 0 && over_[i] >= kPatience, text);
  }
}

Result<ControlOutput> Controller::update(const Joints& q, const Joints& v) {
  ControlOutput out;
  if (braked_) {  // what stands where it was stopped is where the path begins anew
    path_ = {q, q, 0};
    u_ = rate_ = 0;
  }
  out.target = reference_at(path_, u_, rate_, (next_rate() - rate_) / kPeriod);
  for (std::size_t i = 0; i < kJoints; ++i) {
    const std::size_t iq = q_of(arm_, model_, i), iv = v_of(arm_, model_, i);
    measured_.q[iq] = q[i], measured_.v[iv] = v[i];
    targets_.position[iv] = out.target.q[i], targets_.velocity[iv] = out.target.v[i];
    targets_.acceleration[iv] = out.target.a[i];
    targets_.effort[iv] =
        joints_[i].coulomb * std::tanh(out.target.v[i] / kSmoothing) + joints_[i].viscous * out.target.v[i];
    // an integral that goes on where dry friction holds the joint would wind up and hunt
    gains_[iv].ki = is_standing() ? 0 : kBandwidth * kBandwidth * kBandwidth / 10;
  }
  dynamics::inverse_dynamics(model_, targets_.position, targets_.velocity, targets_.acceleration, {}, data_, moment_);
  const auto controlled =
      dynamics::control(gains_, model_, measured_, targets_, kControlPeriod, data_, memory_, effort_);
  if (!controlled) return controlled.error();
  for (std::size_t i = 0; i < kJoints; ++i) {
    const std::size_t iv = v_of(arm_, model_, i);
    out.moment[i] = moment_[iv];
    out.effort[i] = braked_ ? 0 : effort_[iv];
    out.feedback[i] = braked_ ? 0 : effort_[iv] - moment_[iv] - targets_.effort[iv];
  }
  if (!braked_) watch(q, out);
  out.braked = braked_;
  if (braked_) out.effort = {};
  advance_path();
  return out;
}

// ---- commands ----

Answer Controller::take(const Command& command) {
  return desk_.take(command, [this](const Command& c) { return execute(c); });
}

Answer Controller::run() {
  if (protected_) return answer(AnswerCode::kRefused, "it is in a protective stop; reset it first");
  if (state_ == RunState::kGoing) return answer(AnswerCode::kRefused, "a go command is under way");
  if (state_ == RunState::kPlaying) return answer(AnswerCode::kDone, "it runs already");
  if (state_ == RunState::kStopped || is_away_) {
    if (!is_standing()) return answer(AnswerCode::kRefused, "it is still slowing down");
    const bool waits = program_[step_].kind != ProgramStep::Kind::kMove;
    if (waits) path_ = plan(reference_at(path_, u_, 0, 0).q, last_pose(), 0.5, 1), u_ = 0;
    if (!waits) begin_step();
  }
  state_ = RunState::kPlaying;
  is_away_ = false;
  return answer(AnswerCode::kDone, "it runs");
}

Answer Controller::reset() {
  if (!protected_) return answer(AnswerCode::kRefused, "there is no protective stop");
  if (rate_ > 0) return answer(AnswerCode::kRefused, "it is still slowing down");
  if (state_ == RunState::kPlaying) state_ = RunState::kPaused;
  is_away_ = is_away_ || braked_;
  protected_ = braked_ = false;
  over_ = {};
  memory_ = dynamics::make_controller_memory(model_);
  return answer(AnswerCode::kDone, "it can run again");
}

Answer Controller::execute(const Command& command) {
  using K = CommandKind;
  const auto done = [](const char* words) { return answer(AnswerCode::kDone, words); };
  const auto refused = [](const char* words) { return answer(AnswerCode::kRefused, words); };
  for (const double argument : command.arguments) {
    if (!std::isfinite(argument)) return answer(AnswerCode::kBadArgument, "an argument is not a number");
  }
  const auto kind = static_cast<K>(command.kind);
  const bool is_playing = state_ == RunState::kPlaying || state_ == RunState::kGoing;
  switch (kind) {
    case K::kRun: return run();
    case K::kHold:
      interrupt_go();
      if (state_ == RunState::kPlaying) state_ = RunState::kPaused;
      return done("it holds");
    case K::kStop:
      interrupt_go();
      state_ = RunState::kStopped;
      step_ = 0;
      return done("it stops");
    case K::kReset: return reset();
    case K::kSpeed:
      if (command.arguments[0] < 0 || command.arguments[0] > 1)
        return answer(AnswerCode::kBadArgument, "the speed is a fraction, 0 to 1");
      speed_ = command.arguments[0];
      return done("the speed is set");
    case K::kGo: return go(command);
    case K::kPayload: {
      const Vec3d center{command.arguments[1], command.arguments[2], command.arguments[3]};
      if (command.arguments[0] < 0 || command.arguments[0] > kMostPayload + tool_mass_ || norm(center) > 0.5)
        return answer(AnswerCode::kBadArgument, "a payload is 0 to 4 kg, its centre within 0.5 m of the flange");
      declare(command.arguments[0], center);
      return done("the payload is declared");
    }
    case K::kRelease:
      if (is_playing || !is_standing()) return refused("it moves; hold it first");
      declare_gripped(false);
      return done("the gripper is open");
  }
  return answer(AnswerCode::kUnknown, "there is no such command");
}

Answer Controller::go(const Command& command) {
  if (protected_) return answer(AnswerCode::kRefused, "it is in a protective stop; reset it first");
  if (state_ == RunState::kPlaying || state_ == RunState::kGoing)
    return answer(AnswerCode::kRefused, "it moves; hold it first");
  if (!is_standing()) return answer(AnswerCode::kRefused, "it is still slowing down");
  for (std::size_t i = 0; i < kJoints; ++i) {
    const scene::Joint& joint = model_.joints[arm_.joints[i].index()];
    const double most = 8 * 3.141592653589793;  // turns without limits are counted, not endless
    if (command.arguments[i] < std::max(joint.lower, -most) || command.arguments[i] > std::min(joint.upper, most))
      return answer(AnswerCode::kBadArgument, joint.path + " does not turn so far");
  }
  Joints to{};
  std::copy(command.arguments.begin(), command.arguments.end(), to.begin());
  path_ = plan(reference_at(path_, u_, 0, 0).q, to, 0.5, 1);
  u_ = 0;
  is_away_ = true;
  go_ends_in_ = state_;
  go_number_ = command.number;
  state_ = RunState::kGoing;
  return answer(AnswerCode::kUnderWay, "it goes");
}

Joints Controller::last_pose() const {
  for (std::size_t back = 1; back <= program_.size(); ++back) {
    const ProgramStep& step = program_[(step_ + program_.size() - back) % program_.size()];
    if (step.kind == ProgramStep::Kind::kMove) return step.pose;
  }
  return home_pose();
}

// ---- what it tells ----

Controller::Tool Controller::tool_at(const Joints& q, const Joints& v) {
  for (std::size_t i = 0; i < kJoints; ++i) {
    measured_.q[q_of(arm_, model_, i)] = q[i];
    measured_.v[v_of(arm_, model_, i)] = v[i];
  }
  dynamics::forward_kinematics(model_, measured_.q, measured_.v, data_);
  dynamics::site_jacobian(model_, data_, arm_.tcp, jacobian_);
  const scene::Site& tcp = model_.sites[arm_.tcp.index()];
  const Transformd X_WT =
      data_.links[last_link(arm_, model_)].X_WL * model_.bodies[tcp.body.index()].X_LB * transform(tcp.X_BS);
  const Transformd X_WB = base_in_world();
  Tool tool;
  tool.pose = pose_vector(inverse(X_WB) * X_WT);
  Vec3d w, p;
  for (std::size_t i = 0; i < kJoints; ++i) {
    const std::size_t iv = v_of(arm_, model_, i);
    for (int r = 0; r < 3; ++r) {
      w[r] += jacobian_[static_cast<std::size_t>(r) * kJoints + iv] * v[i];
      p[r] += jacobian_[static_cast<std::size_t>(r + 3) * kJoints + iv] * v[i];
    }
  }
  w = transpose_times(X_WB.R, w), p = transpose_times(X_WB.R, p);
  tool.velocity = {p.x, p.y, p.z, w.x, w.y, w.z};
  return tool;
}

Transformd Controller::base_in_world() const {
  const dynamics::BodyAddress& base = model_.bodies[arm_.base.index()];
  return base.X_LB;  // the base stands: its link is the world
}

std::array<double, 6> Controller::tool_force(const Joints& missing_torque) {
  // F = (J J^T + (lambda size)^2 1)^-1 J tau, of the pose that tool_at was last asked for
  std::array<double, 36> A{};
  std::array<double, 6> b{};
  double size = 0;
  for (const double x : jacobian_) size += x * x;
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t i = 0; i < kJoints; ++i) {
      const std::size_t iv = v_of(arm_, model_, i);
      b[r] += jacobian_[r * kJoints + iv] * missing_torque[i];
      for (std::size_t c = 0; c < 6; ++c) A[6 * r + c] += jacobian_[r * kJoints + iv] * jacobian_[c * kJoints + iv];
    }
    A[7 * r] += kForceDamping * kForceDamping * size;
  }
  solve6(A, b);
  const Mat3d R = base_in_world().R;
  const Vec3d n = transpose_times(R, Vec3d{b[0], b[1], b[2]}), f = transpose_times(R, Vec3d{b[3], b[4], b[5]});
  return {f.x, f.y, f.z, n.x, n.y, n.z};
}

}  // namespace geoul::plant
