#include "geoul/sensors/encoder.h"

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/sensors/noise.h"

namespace geoul::sensors {
namespace {

constexpr double kMostCounts = 9e15;  // whole numbers are exact in double up to here

std::int64_t modulo(std::int64_t a, std::int64_t n) { return ((a % n) + n) % n; }

// Hermite cubic over a step of h seconds.
double shaft_position(double s, double h, const EncoderTruth& a, const EncoderTruth& b) {
  const double r = 1 - s;
  return r * r * (1 + 2 * s) * a.q + s * s * (1 + 2 * r) * b.q + h * s * r * (r * a.v - s * b.v);
}

double shaft_count(const Encoder& encoder, double q) {
  return std::floor((q - encoder.offset) / encoder.resolution() + 0.5);
}

// The last index mark that the shaft came to on its way from count a to count b, b itself included, a not.
bool passed_index(const Encoder& encoder, std::int64_t a, std::int64_t b, std::int64_t& mark) {
  const std::int64_t n = encoder.counts_per_turn;
  if (b > a) {
    mark = b - modulo(b - encoder.index_count, n);
    return mark > a;
  }
  mark = b + modulo(encoder.index_count - b, n);
  return b < a && mark < a;
}

EncoderSample read(const Encoder& encoder, const SampleTime& when, std::int64_t count, EncoderMemory& memory) {
  EncoderSample sample;
  sample.when = when;
  if (!memory.any && encoder.kind == EncoderKind::kIncremental) memory.origin = count;
  const std::int64_t last = memory.any ? memory.last : count;
  sample.velocity = encoder.resolution() * static_cast<double>(count - last) / encoder.sampling.period.seconds();
  std::int64_t mark = 0;
  sample.index = memory.any && passed_index(encoder, last, count, mark);
  if (encoder.kind != EncoderKind::kIncremental) memory.referenced = true;
  if (sample.index && !memory.referenced) memory.referenced = true, memory.origin = mark;
  sample.referenced = memory.referenced;
  sample.count = count;
  if (encoder.kind == EncoderKind::kSingleTurn) sample.count = modulo(count, encoder.counts_per_turn);
  if (encoder.kind == EncoderKind::kIncremental) sample.count = count - memory.origin;
  sample.position = encoder.resolution() * static_cast<double>(sample.count);
  if (encoder.kind != EncoderKind::kIncremental) sample.position += encoder.offset;
  if (encoder.kind == EncoderKind::kIncremental && memory.referenced)
    sample.position += encoder.offset + encoder.resolution() * static_cast<double>(encoder.index_count);
  memory.any = true;
  memory.last = count;
  return sample;
}

}  // namespace

void validate(const Encoder& encoder, const scene::StateLayout& layout, Diagnostics& diagnostics) {
  const Location where{{}, 0, encoder.name};
  validate(encoder.sampling, where, diagnostics);
  expect_finite(encoder.travel_per_turn, where, "travel per turn", diagnostics);
  expect_finite(encoder.offset, where, "offset", diagnostics);
  if (encoder.counts_per_turn <= 0)
    diagnostics.error(where, "out-of-range", "counts per turn is " + std::to_string(encoder.counts_per_turn),
                      "write a positive number of counts");
  if (encoder.travel_per_turn == 0)
    diagnostics.error(where, "out-of-range", "travel per turn is 0", "write 2 pi for an encoder on the joint's axis");
  if (encoder.index_count < 0 || (encoder.counts_per_turn > 0 && encoder.index_count >= encoder.counts_per_turn))
    diagnostics.error(where, "out-of-range", "index count is " + std::to_string(encoder.index_count),
                      "write a count from 0 to less than counts per turn");
  if (!encoder.joint.valid() || encoder.joint.index() >= layout.joints.size() ||
      layout.joints[encoder.joint.index()].nv != 1)
    diagnostics.error(where, "no-degree", "its joint does not exist or has not exactly one degree of freedom",
                      "choose a revolute, continuous or prismatic joint");
}

Result<EncoderMemory> make_memory(const Encoder& encoder, const scene::StateLayout& layout) {
  Diagnostics diagnostics;
  validate(encoder, layout, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  return EncoderMemory{};
}

Result<void> measure(const Encoder& encoder, const scene::StateLayout& layout, const scene::State& state,
                     EncoderMemory& memory, std::vector<EncoderSample>& out) {
  GEOUL_EXPECTS(encoder.joint.valid() && encoder.joint.index() < layout.joints.size());
  const scene::JointAddress& address = layout.joints[encoder.joint.index()];
  GEOUL_EXPECTS(address.nv == 1 && static_cast<std::size_t>(address.q) < state.q.size() &&
                static_cast<std::size_t>(address.v) < state.v.size());
  const EncoderTruth now{state.q[static_cast<std::size_t>(address.q)], state.v[static_cast<std::size_t>(address.v)]};
  if (!std::isfinite(now.v) || !(std::abs(shaft_count(encoder, now.q)) < kMostCounts))
    return Error{ErrorCode::kBadInput,
                 encoder.name + ": position or velocity of its joint is not a number, or beyond what can be counted"};
  const double h = memory.shown.any ? (state.time - memory.shown.time).seconds() : 0;
  return each_sample(encoder.sampling, state.time, now, encoder.name, memory.shown,
                     [&](const SampleTime& when, double s, const EncoderTruth& a, const EncoderTruth& b) {
                       const double count = shaft_count(encoder, shaft_position(s, h, a, b));
                       out.push_back(read(encoder, when, static_cast<std::int64_t>(count), memory));
                     });
}

}  // namespace geoul::sensors
