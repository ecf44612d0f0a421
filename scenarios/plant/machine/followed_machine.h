// The machine of the UR3e cell (scenarios/plant) and the twin that follows it, without a link and without a clock: for
// tests.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "geoul/runtime/row_evaluator.h"
#include "geoul/runtime/site.h"
#include "scenarios/plant/machine/machine.h"

namespace geoul::plant {

inline constexpr int kCyclesPerRow = 4;  // 125 rows a second of 500

// The machine of the UR3e cell and the twin that follows it, without a link and without a clock.
class FollowedMachine {
 public:
  explicit FollowedMachine(std::vector<Fault> faults, std::uint64_t seed = 7) {
    Diagnostics diagnostics;
    site_ = runtime::read_site(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/machine.yaml", diagnostics).value();
    twin_ = runtime::load_twin(site_.scene, diagnostics);
    bindings_ = runtime::bind(site_, *twin_, runtime::Feed::kLive, diagnostics).value();
    MachineOptions options;
    options.scene = site_.scene;
    options.seed = seed;
    options.hidden = draw(seed, options.nominal);
    options.faults = std::move(faults);
    options.contact = false;
    machine_ = std::make_unique<Machine>(Machine::make(options, diagnostics).value());
    evaluator_ = std::make_unique<runtime::RowEvaluator>(*twin_, site_, bindings_);
    const std::vector<std::string> names = machine_columns();
    for (const runtime::BoundColumn& column : bindings_.columns) {
      const auto at = std::find(names.begin(), names.end(), column.name);
      if (at == names.end()) throw std::runtime_error("the machine has no " + column.name);
      columns_.push_back(static_cast<std::size_t>(at - names.begin()));
    }
  }

  // The next row into measures().
  const scene::State& next() {
    for (int i = 0; i < kCyclesPerRow; ++i) {
      if (!machine_->cycle()) throw std::runtime_error("the machine failed");
    }
    std::vector<double> values;
    for (const std::size_t c : columns_) values.push_back(machine_->row()[c]);
    values.resize(bindings_.width());
    std::vector<double> acceleration;
    const double dt = kCyclesPerRow * 0.002;
    for (const runtime::BoundJoint& joint : bindings_.joints) {
      const auto v = static_cast<std::size_t>(joint.velocity);
      acceleration.push_back(before_.empty() ? 0 : (values[v] - before_[v]) / dt);
    }
    before_ = values;
    evaluator_->evaluate(Time::from_seconds(machine_->row_time()), values, acceleration, measures_);
    return evaluator_->snapshot().state;
  }

  const runtime::Twin& twin() const { return *twin_; }
  const runtime::Bindings& bindings() const { return bindings_; }
  const runtime::RowMeasures& measures() const { return measures_; }
  Machine& machine() { return *machine_; }
  double start() const { return machine_->row_time() - machine_->time(); }  // [s] of the clock that rows tell

 private:
  runtime::Site site_;
  std::optional<runtime::Twin> twin_;
  runtime::Bindings bindings_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<runtime::RowEvaluator> evaluator_;
  std::vector<std::size_t> columns_;
  std::vector<double> before_;
  runtime::RowMeasures measures_;
};

}  // namespace geoul::plant
