#include "geoul/decision/futures/future_worlds.h"

#include <algorithm>

#include "geoul/dynamics/batch_parameters.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::decision {
namespace {

using std::size_t;

void disturb(const std::vector<double>& by, std::vector<double>& values) {
  for (size_t k = 0; k < by.size(); ++k) values[k] += by[k];
}

// Noise on the positions of one-degree joints, by their addresses in q.
void disturb(const dynamics::Model& model, const std::vector<double>& by, std::vector<double>& q) {
  if (by.empty()) return;
  for (const dynamics::Link& link : model.links) {
    if (link.ball < 0) q[static_cast<size_t>(link.q)] += by[static_cast<size_t>(link.v)];
  }
}

}  // namespace

Result<FutureWorlds> FutureWorlds::make(const dynamics::Model& model, const scene::State& now,
                                        std::span<const Draw* const> draws, const dynamics::StepOptions& step) {
  FutureWorlds out;
  out.step_ = step;
  out.a_.resize(static_cast<size_t>(model.nv));
  const bool pushed = std::any_of(draws.begin(), draws.end(), [](const Draw* d) { return !d->pushes.empty(); });
  if (!pushed) {
    Result<dynamics::Batch> made = dynamics::Batch::make(model, static_cast<int>(draws.size()), {step});
    if (!made) return made.error();
    out.batch_.emplace(std::move(*made));
  }
  for (size_t w = 0; w < draws.size(); ++w) {
    std::vector<double> q = now.q, v = now.v;
    disturb(model, draws[w]->start_position, q);
    disturb(draws[w]->start_velocity, v);
    if (out.batch_) {
      out.batch_->write_state(static_cast<int>(w), q, v);
      if (const Result<void> set = out.batch_->set_parameters(static_cast<int>(w), draws[w]->world); !set)
        return set.error();
      continue;
    }
    if (const char* why = dynamics::not_scalar(model, draws[w]->world)) return Error{ErrorCode::kUnsupported, why};
    Alone alone{dynamics::varied(model, draws[w]->world), {}, {}, {}, draws[w], true};
    alone.data = make_data(alone.model);
    alone.state = make_state(alone.model);
    alone.state.q = q, alone.state.v = v;
    place_bodies(alone.model, alone.data, alone.state);
    alone.controls = make_controls(alone.model);
    alone.controls.wrenches.resize(static_cast<size_t>(model.nbody));
    out.alone_.push_back(std::move(alone));
  }
  return out;
}

void FutureWorlds::read(int world, std::span<double> q, std::span<double> v, std::span<double> tau) const {
  if (batch_) {
    batch_->read_state(world, q, v);
    batch_->read_efforts(world, a_, tau);
    return;
  }
  const Alone& alone = alone_[static_cast<size_t>(world)];
  std::copy(alone.state.q.begin(), alone.state.q.end(), q.begin());
  std::copy(alone.state.v.begin(), alone.state.v.end(), v.begin());
  std::copy(alone.state.tau.begin(), alone.state.tau.end(), tau.begin());
}

void FutureWorlds::control(int world, std::span<const double> effort, std::span<const double> position,
                           std::span<const double> velocity) {
  if (batch_) return batch_->write_controls(world, effort, position, velocity);
  dynamics::Controls& controls = alone_[static_cast<size_t>(world)].controls;
  std::copy(effort.begin(), effort.end(), controls.effort.begin());
  std::copy(position.begin(), position.end(), controls.target_position.begin());
  std::copy(velocity.begin(), velocity.end(), controls.target_velocity.begin());
}

void FutureWorlds::step(int steps, Time now) {
  if (batch_) {
    batch_->step(steps);
    return;
  }
  for (Alone& alone : alone_) {
    for (int s = 0; s < steps && alone.finite; ++s) {
      const Time t = now + step_.dt * s;
      std::fill(alone.controls.wrenches.begin(), alone.controls.wrenches.end(), Forced{});
      for (const Draw::Push& push : alone.draw->pushes) {
        if (t < push.begin || t >= push.end) continue;
        const auto body = static_cast<size_t>(push.body);
        const Vec3d arm = rotation_matrix(alone.state.X_WB[body].R) * push.point;
        alone.controls.wrenches[body] += {cross(arm, push.force_W), push.force_W};
      }
      alone.finite = dynamics::step(alone.model, step_, alone.controls, alone.data, alone.state).finite;
    }
  }
}

bool FutureWorlds::finite(int world) const {
  return batch_ ? batch_->fault(world) == dynamics::WorldFault::kNone : alone_[static_cast<size_t>(world)].finite;
}

}  // namespace geoul::decision
