#include "scenarios/plant/machine/program.h"

#include <algorithm>
#include <cmath>

namespace geoul::plant {
namespace {

// Stations L1 to L5 of the recordings in scenarios/ur3e_cell/data, with the last wrist, which alone turns about the
// tool's axis, turned further.
constexpr Joints kPick{-1.2298, -0.4200, -1.7100, 2.2024, -1.8863, 12.2};
constexpr Joints kAbove{-1.2403, -0.6569, -2.0646, 2.7108, 0.1979, 12.4};
constexpr Joints kHome{-0.917851, -1.433179, -1.552817, 2.963919, 0.713351, 12.626745};
constexpr Joints kBefore{-0.5876, -1.8447, -1.4716, 3.2858, 0.9746, 12.9};
constexpr Joints kPlace{-0.9623, -2.4798, -0.3231, 2.8011, 0.6070, 13.2};

}  // namespace

Segment plan(const Joints& from, const Joints& to, double speed, double acceleration) {
  Segment segment{from, to, 0};
  for (std::size_t i = 0; i < kJoints; ++i) {
    const double way = std::abs(to[i] - from[i]);
    segment.duration =
        std::max({segment.duration, 15.0 / 8 * way / speed, std::sqrt(10 / std::sqrt(3.0) * way / acceleration)});
  }
  return segment;
}

Reference reference_at(const Segment& segment, double u, double rate, double rate_change) {
  Reference out{segment.to, {}, {}};
  if (segment.duration <= 0 || u >= segment.duration) return out;
  const double T = segment.duration, x = std::max(0.0, u / T);
  const double s = x * x * x * (10 + x * (-15 + 6 * x));
  const double ds = 30 * x * x * (1 + x * (-2 + x)) / T;
  const double dds = 60 * x * (1 + x * (-3 + 2 * x)) / (T * T);
  for (std::size_t i = 0; i < kJoints; ++i) {
    const double way = segment.to[i] - segment.from[i];
    out.q[i] = segment.from[i] + way * s;
    out.v[i] = way * ds * rate;
    out.a[i] = way * (dds * rate * rate + ds * rate_change);
  }
  return out;
}

std::vector<ProgramStep> work_cycle() {
  using K = ProgramStep::Kind;
  const auto move = [](const char* name, const Joints& pose, double speed) {
    return ProgramStep{.kind = K::kMove, .name = name, .pose = pose, .speed = speed};
  };
  const auto other = [](K kind, const char* name, double seconds) {
    return ProgramStep{.kind = kind, .name = name, .seconds = seconds};
  };
  return {move("home", kHome, 1.0),           other(K::kWait, "wait", 0.4), move("above", kAbove, 0.8),
          move("pick", kPick, 1.0),           other(K::kGrip, "grip", 0.6), move("lift", kAbove, 0.8),
          move("carry", kHome, 0.8),          move("before", kBefore, 0.7), move("place", kPlace, 0.8),
          other(K::kRelease, "release", 0.6), move("back", kBefore, 1.0)};
}

const Joints& home_pose() { return kHome; }

}  // namespace geoul::plant
