// What a plant will do next if nothing changes: what it did the last time that it moved as it moves now. Works go round
// in cycles; nobody has to tell the twin the program.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "geoul/decision/futures/action.h"

namespace geoul::runtime::oversight {

class MotionMemory {
 public:
  // degrees: addresses in State::v of one-degree joints; length: of what is remembered.
  explicit MotionMemory(std::vector<int> degrees, Duration length = {180'000'000'000});

  // position, velocity (n). Times must increase: a row that does not is left out, and a step back of more than a second
  // forgets what was before it.
  void add(Time time, std::span<const double> position, std::span<const double> velocity);
  std::size_t rows() const { return rows_.size(); }

  // The motion of the `horizon` to come, from the newest row on, or none where nothing remembered resembles the last
  // half second: root of the mean square over it and all joints within `tolerance` [rad, m] of positions, and five
  // times that of velocities. Between rows a cubic; where the remembered motion began elsewhere, the difference fades
  // within 0.3 s.
  std::optional<decision::Action> expected(Duration horizon, double tolerance = 0.02) const;

 private:
  struct Row {
    Time time;
    std::vector<double> q, v;
  };
  std::size_t row_before(Time time) const;  // the last row at or before it
  void at(Time time, std::vector<double>& q, std::vector<double>& v) const;
  std::vector<Row> look_back(Time time) const;
  double mismatch(const std::vector<Row>& now, Time then, double most) const;

  std::vector<int> degrees_;
  Duration length_;
  std::deque<Row> rows_;
};

}  // namespace geoul::runtime::oversight
