#include "geoul/runtime/simulation_snapshot.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/snapshot.h"
#include "geoul/history/little_endian.h"

namespace geoul::runtime {
namespace {

using history::put;
using history::put_text;
using history::Taker;

Error damaged() {
  return {ErrorCode::kBadInput, "the snapshot is damaged, or the scene is another one than that of the run"};
}

}  // namespace

std::string encode(const SimulationInput& input) {
  std::string out;
  put(input.client, out);
  put(static_cast<std::uint8_t>(input.drag.has_value()), out);
  if (input.drag) encode(*input.drag, out);
  return out;
}

std::optional<SimulationInput> decode_input(std::string_view bytes) {
  Taker in(bytes);
  SimulationInput out;
  out.client = in.integer<std::uint64_t>();
  const auto kind = in.integer<std::uint8_t>();
  if (!in.ok() || kind > 1) return std::nullopt;
  if (kind == 0) return in.done() ? std::optional(out) : std::nullopt;
  out.drag = decode_drag(in.rest());
  return out.drag ? std::optional(std::move(out)) : std::nullopt;
}

SteppedWorld::SteppedWorld(const Twin& twin, const dynamics::StepOptions& options)
    : twin_(&twin), world_(twin.scene, twin.model) {
  world_.options = options;
  can_break_ = std::any_of(twin.scene.joints.begin(), twin.scene.joints.end(), [](const scene::Joint& joint) {
    return std::isfinite(joint.break_force) || std::isfinite(joint.break_torque);
  });
  dynamics::evaluate(world_.model, world_.options, world_.controls, world_.data, world_.state);
  complete();
}

dynamics::StepReport SteppedWorld::step() {
  drags_.apply(world_);
  const std::size_t broken = world_.breaks.size();
  if (can_break_) {
    before_.clear();
    save_now(before_);
  }
  const dynamics::StepReport report = dynamics::step(world_);
  ++steps_;
  if (world_.breaks.size() != broken) breaks_.push_back(before_);
  return report;
}

void SteppedWorld::complete() {
  dynamics::reaction_wrenches(world_.model, world_.controls.wrenches, world_.data, world_.state);
}

Result<void> SteppedWorld::apply(const SimulationInput& input) {
  if (input.drag) return drags_.set(input.client, *input.drag, world_);
  drags_.release(input.client);
  return {};
}

void SteppedWorld::save_now(std::string& out) const {
  put(steps_, out);
  std::string part;
  drags_.save(part);
  put_text(part, out);
  dynamics::save(world_, out);
}

Result<void> SteppedWorld::restore_now(std::string_view bytes) {
  Taker in(bytes);
  const auto steps = in.integer<std::uint64_t>();
  const std::string_view drags = in.text();
  if (!in.ok()) return damaged();
  if (Result<void> done = dynamics::restore(in.rest(), world_); !done) return damaged();
  steps_ = steps;
  return drags_.restore(drags, world_);
}

void SteppedWorld::save(std::string& out) const {
  put(static_cast<std::uint32_t>(breaks_.size()), out);
  for (const std::string& before : breaks_) put_text(before, out);
  save_now(out);
}

Result<void> SteppedWorld::restore(std::string_view bytes) {
  Taker in(bytes);
  std::vector<std::string> breaks;
  for (auto n = in.integer<std::uint32_t>(); n > 0 && in.ok(); --n) breaks.emplace_back(in.text());
  if (!in.ok()) return damaged();
  const bool same_so_far =
      breaks_.size() <= breaks.size() && std::equal(breaks_.begin(), breaks_.end(), breaks.begin());
  if (!same_so_far) {
    const dynamics::StepOptions options = world_.options;
    world_ = dynamics::World(twin_->scene, twin_->model);
    world_.options = options;
    breaks_.clear();
  }
  for (std::size_t i = breaks_.size(); i < breaks.size(); ++i) {
    if (Result<void> done = restore_now(breaks[i]); !done) return done;
    step();
    if (breaks_.size() != i + 1) return damaged();  // nothing broke
  }
  return restore_now(in.rest());
}

}  // namespace geoul::runtime
