// Mirror: plays recordings through the twin as a live link would deliver them, row by row.
// Every row becomes a State (row_evaluator.h); the acceleration is the derivative of the measured velocity (stream.h).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "geoul/runtime/clock.h"
#include "geoul/runtime/row_evaluator.h"
#include "geoul/runtime/stream.h"

namespace geoul::runtime {

class Mirror : public Player {
 public:
  // Evaluates every row once (the currents' models are fitted on what that gives), then stands at the first one.
  // The twin and the site must outlive it.
  Mirror(const Twin& twin, const Site& site, Bindings bindings, Stream stream);

  const Snapshot& snapshot() const override { return evaluator_.snapshot(); }
  const std::vector<link::SignalInfo>& signals() const override { return signals_; }
  bool step() override;
  Time next_time() const override;
  Time begin() const override { return stream_.time.front(); }
  Time end() const override { return stream_.time.back(); }
  bool has_end() const override { return true; }
  bool can_seek() const override { return true; }
  void seek(Time t) override;
  Duration dt() const override;
  std::string source() const override { return stream_.names[stream_.file_of(row_)]; }
  Report report() const override;  // of the recordings that were played to their end
  int report_version() const override { return files_done_; }

  std::size_t row() const { return row_; }
  const Stream& stream() const { return stream_; }
  const Bindings& bindings() const { return bindings_; }
  const std::vector<RowMeasures>& measures() const { return measures_; }                  // (nrow)
  const std::vector<std::optional<CurrentModel>>& currents() const { return currents_; }  // (bound joint)
  // Evaluates the recordings again and again for a twentieth of a second, for the report's steps per second.
  void measure_speed(const WallClock& clock);

 private:
  void evaluate(std::size_t row);
  void fit_currents();
  void show(std::size_t row);

  const Twin& twin_;
  const Site& site_;
  Bindings bindings_;
  Stream stream_;
  RowEvaluator evaluator_;
  std::vector<double> acceleration_;  // (nrow x bound joint)
  std::vector<RowMeasures> measures_;
  std::vector<std::optional<CurrentModel>> currents_;
  std::vector<link::SignalInfo> signals_;
  std::size_t row_ = 0;
  std::size_t furthest_ = 0;  // last row that was played without a leap
  int files_done_ = 0;
  double rows_per_second_ = 0;
};

}  // namespace geoul::runtime
