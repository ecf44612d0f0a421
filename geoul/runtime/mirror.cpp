#include "geoul/runtime/mirror.h"

#include <algorithm>

#include "geoul/runtime/mirror_report.h"

namespace geoul::runtime {
Mirror::Mirror(const Twin& twin, const Site& site, Bindings bindings, Stream stream)
    : twin_(twin),
      site_(site),
      bindings_(std::move(bindings)),
      stream_(std::move(stream)),
      evaluator_(twin_, site_, bindings_),
      signals_(evaluator_.signals()) {
  const std::size_t joints = bindings_.joints.size();
  acceleration_.resize(stream_.rows() * joints);
  for (std::size_t j = 0; j < joints; ++j) {
    const std::vector<double> column = derivative(stream_, bindings_.joints[j].velocity);
    for (std::size_t row = 0; row < stream_.rows(); ++row) acceleration_[row * joints + j] = column[row];
  }
  measures_.resize(stream_.rows());
  for (std::size_t row = 0; row < stream_.rows(); ++row) evaluate(row);
  fit_currents();
  show(0);
}

void Mirror::evaluate(std::size_t row) {
  const std::size_t joints = bindings_.joints.size();
  evaluator_.evaluate(stream_.time[row], {stream_.values.data() + row * stream_.width, stream_.width},
                      {acceleration_.data() + row * joints, joints}, measures_[row]);
}

void Mirror::fit_currents() {
  currents_.assign(bindings_.joints.size(), std::nullopt);
  const std::vector<std::string>& files = site_.sources.front().names;
  for (const Judge::CurrentFit& wish : site_.judge.current) {
    const auto file = static_cast<std::size_t>(std::find(files.begin(), files.end(), wish.file) - files.begin());
    for (std::size_t j = 0; j < bindings_.joints.size(); ++j) {
      if (twin_.scene.joints[bindings_.joints[j].joint.index()].path != wish.joint.path) continue;
      std::vector<double> tau, v, current;
      for (std::size_t row = stream_.begin[file]; row < stream_.begin[file + 1]; ++row) {
        tau.push_back(measures_[row].joints[j].along_measured);
        v.push_back(measures_[row].joints[j].velocity);
        current.push_back(measures_[row].joints[j].current);
      }
      currents_[j] = fit_current(tau, v, current, site_.judge.moving_above);
    }
  }
}

void Mirror::show(std::size_t row) {
  row_ = row;
  evaluate(row);
  evaluator_.fill_signals(measures_[row], currents_);
}

bool Mirror::step() {
  if (row_ + 1 >= stream_.rows()) return false;
  show(row_ + 1);
  // The end completes the report even where rows were leapt over: the first pass has evaluated them all.
  if (row_ == furthest_ + 1 || row_ + 1 == stream_.rows()) furthest_ = row_;
  while (files_done_ < static_cast<int>(stream_.files()) &&
         furthest_ + 1 >= stream_.begin[static_cast<std::size_t>(files_done_) + 1])
    ++files_done_;
  return true;
}

Time Mirror::next_time() const { return stream_.time[std::min(row_ + 1, stream_.rows() - 1)]; }

void Mirror::seek(Time t) {
  const auto after = std::upper_bound(stream_.time.begin(), stream_.time.end(), t);
  show(static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, after - stream_.time.begin()) - 1));
}

Duration Mirror::dt() const {
  const Duration given = site_.sources.front().period;
  if (given.ns > 0) return given;
  return {(end() - begin()).ns / static_cast<std::int64_t>(stream_.rows() - 1)};
}

void Mirror::measure_speed(const WallClock& clock) {
  constexpr Duration kLong{50'000'000};
  const Time start = clock.now();
  std::size_t rows = 0;
  while (clock.now() - start < kLong) {
    for (std::size_t row = 0; row < stream_.rows(); ++row) evaluate(row);
    rows += stream_.rows();
  }
  rows_per_second_ = static_cast<double>(rows) / (clock.now() - start).seconds();
  show(row_);
}

Report Mirror::report() const {
  return mirror_report({twin_, site_, bindings_, stream_, measures_, currents_, static_cast<std::size_t>(files_done_),
                        rows_per_second_});
}

}  // namespace geoul::runtime
