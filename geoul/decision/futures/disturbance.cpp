#include "geoul/decision/futures/disturbance.h"

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::decision {
namespace {

using std::size_t;

double sample(const Distribution& d, Random& random) {
  switch (d.kind) {
    case Distribution::Kind::kUniform: return random.uniform(d.a, d.b);
    case Distribution::Kind::kNormal:
      for (;;) {
        if (const double z = random.normal(); std::abs(z) <= 3) return d.a + d.b * z;
      }
    default: return d.a;
  }
}

double least(const Distribution& d) { return d.kind == Distribution::Kind::kNormal ? d.a - 3 * d.b : d.a; }

bool of_body(Parameter p) { return p == Parameter::kPayload || p == Parameter::kMassFactor || p == Parameter::kPush; }
bool of_degree(Parameter p) {
  return !of_body(p) && p != Parameter::kGravityFactor && p != Parameter::kContactFriction;
}
bool signed_value(Parameter p) {
  return p == Parameter::kStartPosition || p == Parameter::kStartVelocity || p == Parameter::kPush ||
         p == Parameter::kDriveSpeed || p == Parameter::kGravityFactor;
}

// Factors (n), all 1 before.
void scale(std::vector<double>& factors, size_t n, int target, double by) {
  if (factors.empty()) factors.assign(n, 1);
  for (size_t k = 0; k < n; ++k) {
    if (target < 0 || static_cast<size_t>(target) == k) factors[k] *= by;
  }
}

struct Drawing {
  const dynamics::Model& model;
  std::span<const int> controlled;
  Draw& out;
  size_t nv = static_cast<size_t>(model.nv);

  void friction(const Disturbance& d, double value) {
    std::vector<double>& of = out.world.joint_friction;
    if (of.empty()) {
      for (const dynamics::JointLaw& law : model.laws) of.push_back(law.friction);
    }
    for (size_t k = 0; k < nv; ++k) {
      if (d.target >= 0 && static_cast<size_t>(d.target) != k) continue;
      of[k] = d.parameter == Parameter::kFriction ? value : of[k] * value;
    }
  }

  void start(const Disturbance& d, double value, Random& random) {
    std::vector<double>& of = d.parameter == Parameter::kStartPosition ? out.start_position : out.start_velocity;
    if (of.empty()) of.assign(nv, 0);
    if (d.target >= 0) {
      of[static_cast<size_t>(d.target)] += value;
      return;
    }
    for (size_t k = 0; k < controlled.size(); ++k)
      of[static_cast<size_t>(controlled[k])] += k == 0 ? value : sample(d.value, random);
  }

  void take(const Disturbance& d, Random& random) {
    const double value = sample(d.value, random);
    out.values.push_back(value);
    switch (d.parameter) {
      case Parameter::kPayload:
        if (value > 0) out.world.added.push_back({scene::BodyId{d.target}, {value, d.point, {}}});
        break;
      case Parameter::kMassFactor:
        scale(out.world.mass_scale, static_cast<size_t>(model.nbody), d.target, value);
        break;
      case Parameter::kGravityFactor: out.world.gravity = value * out.world.gravity; break;
      case Parameter::kFrictionFactor:
      case Parameter::kFriction: friction(d, value); break;
      case Parameter::kDampingFactor: scale(out.damping, nv, d.target, value); break;
      case Parameter::kDriveGain: scale(out.drive_gain, nv, d.target, value); break;
      case Parameter::kDriveSpeed: scale(out.drive_speed, nv, d.target, value); break;
      case Parameter::kContactFriction: out.world.contact_friction *= value; break;
      case Parameter::kStartPosition:
      case Parameter::kStartVelocity: start(d, value, random); break;
      case Parameter::kPush:
        out.pushes.push_back({d.target, d.point, value * d.direction_W, d.begin, d.begin + d.length});
        break;
    }
  }
};

}  // namespace

const char* to_string(Parameter parameter) {
  switch (parameter) {
    case Parameter::kPayload: return "payload";
    case Parameter::kMassFactor: return "mass";
    case Parameter::kGravityFactor: return "gravity";
    case Parameter::kFrictionFactor:
    case Parameter::kFriction: return "friction";
    case Parameter::kDampingFactor: return "damping";
    case Parameter::kDriveGain: return "gain";
    case Parameter::kDriveSpeed: return "speed";
    case Parameter::kContactFriction: return "contact friction";
    case Parameter::kStartPosition: return "start position";
    case Parameter::kStartVelocity: return "start velocity";
    default: return "push";
  }
}

std::string problem(const Disturbance& d, const dynamics::Model& model) {
  const std::string name = to_string(d.parameter);
  if (!std::isfinite(d.value.a) || !std::isfinite(d.value.b)) return name + ": its distribution is not finite";
  if (d.value.kind == Distribution::Kind::kUniform && !(d.value.a <= d.value.b))
    return name + ": a uniform distribution runs from low to high";
  if (d.value.kind == Distribution::Kind::kNormal && !(d.value.b >= 0)) return name + ": a deviation is not negative";
  const double low = least(d.value);
  if (d.parameter == Parameter::kMassFactor ? !(low > 0) : !signed_value(d.parameter) && !(low >= 0))
    return name + " may become " + std::to_string(low) +
           ": it must not be negative (a mass not zero); normal draws reach 3 deviations down";
  if (of_body(d.parameter)) {
    const bool all = d.target == -1 && d.parameter == Parameter::kMassFactor;
    if (!all && (d.target < 0 || d.target >= model.nbody)) return name + ": there is no such body";
    if (!all && model.bodies[static_cast<size_t>(d.target)].link < 0)
      return name + ": " + model.body_paths[static_cast<size_t>(d.target)] + " does not move, so it changes nothing";
    if (!std::isfinite(d.point.x + d.point.y + d.point.z)) return name + ": its point is not finite";
  }
  if (of_degree(d.parameter) && (d.target < -1 || d.target >= model.nv)) return name + ": there is no such joint";
  if (d.parameter == Parameter::kPush) {
    if (!(std::abs(norm(d.direction_W) - 1) < 1e-9)) return "push: its direction is not a unit vector";
    if (d.begin.ns < 0 || d.length.ns <= 0) return "push: it begins after the start and lasts longer than 0 s";
  }
  return {};
}

Draw draw(const dynamics::Model& model, std::span<const Disturbance> disturbances, std::span<const int> controlled,
          std::uint64_t seed, int number) {
  GEOUL_EXPECTS(number >= 0);
  Draw out;
  out.world.gravity = model.gravity;
  Drawing drawing{model, controlled, out};
  for (size_t i = 0; i < disturbances.size(); ++i) {
    // A stream for each disturbance: one more changes nothing of what the others draw.
    Random random(seed, (static_cast<std::uint64_t>(i) << 32) | static_cast<std::uint64_t>(number));
    drawing.take(disturbances[i], random);
  }
  return out;
}

}  // namespace geoul::decision
