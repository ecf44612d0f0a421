#include <cstdio>

#include "geoul/estimation/estimator.h"

namespace geoul::estimation {
namespace {

std::string joint_of(const dynamics::Model& model, int degree) {
  if (degree < 0) return "camera or IMU";
  for (const dynamics::Link& link : model.links) {
    const int degrees = link.motion == dynamics::LinkMotion::kBall ? 3 : 1;
    if (degree < link.v || degree >= link.v + degrees) continue;
    return link.joint.valid() ? model.joints[link.joint.index()].path : "free body";
  }
  return "degree " + std::to_string(degree);
}

}  // namespace

std::string describe(const Finding& f, const dynamics::Model& model) {
  char text[320];
  const std::string where = joint_of(model, f.index);
  const char* name = where.c_str();
  const auto write = [&](const char* form, auto... values) {
    std::snprintf(text, sizeof(text), form, values...);
    return std::string(text);
  };
  switch (f.kind) {
    case FindingKind::kFrozen:
      return write(
          "%s: its encoder has repeated one value for %.3f s, since %.3f s, while the machine moves; its readings "
          "are left out: check the cable and the driver",
          name, f.value, f.since.seconds());
    case FindingKind::kInconsistent:
      return write(
          "%s: readings miss the prediction by %.1f times the variance that the filter believes: its noise figures "
          "are too small, or the model is wrong here",
          name, f.value);
    case FindingKind::kCollapsed:
      return write(
          "%s: the covariance has collapsed to %.2g of one reading's deviation, so readings hardly count any more: "
          "raise torque_noise or external_rate",
          name, f.value);
    case FindingKind::kContradicts:
      return write(
          "%s: the plant contradicts the model from the first second on: %.3g N.m (or N) that the model does not "
          "have; check masses, payload, friction, signs and units",
          name, f.value);
    case FindingKind::kTooLate:
      return write("%.0f measurements were older than the history and were not used: make `history` longer", f.value);
    case FindingKind::kLeftOut: return write("%.0f readings were left out: outliers, or not finite numbers", f.value);
    case FindingKind::kCrowded:
      return write("%.0f measurements found no room at their time stamp: raise `most`", f.value);
  }
  return {};
}

}  // namespace geoul::estimation
