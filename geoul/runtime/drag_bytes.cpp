// Drags as bytes.
#include <bit>
#include <cmath>

#include "geoul/history/little_endian.h"
#include "geoul/runtime/drag.h"

namespace geoul::runtime {
namespace {

using history::put;
using history::put_text;
using history::Taker;

void put_number(double x, std::string& out) { put(std::bit_cast<std::uint64_t>(x), out); }
double take_number(Taker& in) { return std::bit_cast<double>(in.integer<std::uint64_t>()); }
void put_vector(const Vec3d& v, std::string& out) {
  for (int k = 0; k < 3; ++k) put_number(v[k], out);
}
Vec3d take_vector(Taker& in) {
  const double x = take_number(in), y = take_number(in), z = take_number(in);
  return {x, y, z};
}
void put_gain(const std::optional<double>& gain, std::string& out) {
  put(static_cast<std::uint8_t>(gain.has_value()), out);
  put_number(gain.value_or(0), out);
}
std::optional<double> take_gain(Taker& in) {
  const bool given = in.integer<std::uint8_t>() != 0;
  const double gain = take_number(in);
  return given ? std::optional(gain) : std::nullopt;
}

Drag take_drag(Taker& in) {
  Drag out;
  out.body = in.text();
  out.point_B = take_vector(in), out.target_W = take_vector(in);
  out.stiffness = take_gain(in), out.damping = take_gain(in);
  return out;
}

}  // namespace

void encode(const Drag& drag, std::string& out) {
  put_text(drag.body, out);
  put_vector(drag.point_B, out), put_vector(drag.target_W, out);
  put_gain(drag.stiffness, out), put_gain(drag.damping, out);
}

std::optional<Drag> decode_drag(std::string_view bytes) {
  Taker in(bytes);
  Drag out = take_drag(in);
  return in.done() ? std::optional(std::move(out)) : std::nullopt;
}

void Drags::save(std::string& out) const {
  put(static_cast<std::uint8_t>(applied_), out);
  put(static_cast<std::uint32_t>(pulls_.size()), out);
  for (const auto& [client, pull] : pulls_) {
    put(client, out);
    encode(pull.drag, out);
    put(pull.body.value, out);
    put_number(pull.stiffness, out), put_number(pull.damping, out);
    put_vector(pull.point_W, out), put_vector(pull.force_W, out);
  }
}

Result<void> Drags::restore(std::string_view bytes, const dynamics::World& world) {
  Taker in(bytes);
  applied_ = in.integer<std::uint8_t>() != 0;
  pulls_.clear();
  for (auto n = in.integer<std::uint32_t>(); n > 0 && in.ok(); --n) {
    const auto client = in.integer<std::uint64_t>();
    Pull pull;
    pull.drag = take_drag(in);
    pull.body.value = in.integer<std::int32_t>();
    pull.stiffness = take_number(in), pull.damping = take_number(in);
    pull.point_W = take_vector(in), pull.force_W = take_vector(in);
    const bool exists = pull.body.valid() && pull.body.index() < world.model.bodies.size();
    if (in.ok() && exists) pulls_.emplace(client, std::move(pull));
    if (!exists) break;
  }
  if (in.done()) return {};
  pulls_.clear();
  return Error{ErrorCode::kBadInput, "the drags of a snapshot are damaged, or of another scene"};
}

}  // namespace geoul::runtime
