#include "geoul/decision/planning/free_motion.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::decision {
namespace {

using std::size_t;

std::string joint_name(const dynamics::Model& model, int degree) {
  for (size_t j = 0; j < model.joints.size(); ++j) {
    if (model.layout.joints[j].v == degree) return model.joints[j].path;
  }
  return "degree " + std::to_string(degree);
}

// Farthest that a point of a collider behind `link` can be from the joint's origin, whatever the joints do.
double reach_of(const dynamics::Model& model, const ClearanceModel& clearance, int link) {
  double out = 0;
  for (size_t i = 0; i < clearance.moving.size(); ++i) {
    const dynamics::BodyAddress& body = model.bodies[static_cast<size_t>(clearance.moving[i])];
    double length = norm(body.X_LB.p) + clearance.reach[i];
    int at = body.link;
    while (at >= 0 && at != link) {
      const dynamics::Link& l = model.links[static_cast<size_t>(at)];
      const dynamics::JointLaw& law = model.laws[static_cast<size_t>(l.v)];
      const bool slides = l.motion == dynamics::LinkMotion::kSlide;
      length += norm(l.X_PF.p) + (slides ? std::max(std::abs(law.lower), std::abs(law.upper)) : 0);
      at = l.parent;
    }
    if (at == link) out = std::max(out, length);
  }
  return out;
}

}  // namespace

FreeMotion::FreeMotion(const dynamics::Model& model, const ClearanceModel& clearance, std::vector<int> degrees,
                       std::span<const double> q, const FreeMotionOptions& options)
    : model_(model),
      clearance_(clearance),
      degrees_(std::move(degrees)),
      options_(options),
      q_(q.begin(), q.end()),
      v_(static_cast<size_t>(model.nv)),
      middle_(degrees_.size()),
      data_(make_data(model)),
      scratch_(make_scratch(clearance)),
      track_(make_track(clearance)) {
  GEOUL_EXPECTS(q.size() == static_cast<size_t>(model.nq) && options.resolution > 0 && !degrees_.empty());
  for (const int d : degrees_) {
    const auto link = std::find_if(model.links.begin(), model.links.end(),
                                   [&](const dynamics::Link& l) { return l.ball < 0 && l.v == d; });
    GEOUL_EXPECTS(link != model.links.end());
    q_of_.push_back(link->q);
    const bool slides = link->motion == dynamics::LinkMotion::kSlide;
    reach_.push_back(slides ? 1 : reach_of(model, clearance, static_cast<int>(link - model.links.begin())));
  }
}

double FreeMotion::lower(size_t i) const { return model_.laws[static_cast<size_t>(degrees_[i])].lower; }
double FreeMotion::upper(size_t i) const { return model_.laws[static_cast<size_t>(degrees_[i])].upper; }

bool FreeMotion::within_limits(std::span<const double> x) const {
  for (size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] >= lower(i) && x[i] <= upper(i))) return false;
  }
  return true;
}

double FreeMotion::distance(std::span<const double> x) {
  GEOUL_EXPECTS(x.size() == degrees_.size());
  for (size_t i = 0; i < x.size(); ++i) q_[static_cast<size_t>(q_of_[i])] = x[i];
  forward_kinematics(model_, q_, v_, data_);
  ++checks_;
  return clearance(clearance_, model_, data_, scratch_, track_);
}

double FreeMotion::motion(std::span<const double> a, std::span<const double> b) const {
  double out = 0;
  for (size_t i = 0; i < degrees_.size(); ++i) out += std::abs(b[i] - a[i]) * reach_[i];
  return out;
}

// Both bodies of a pair hang on the same joints or stand still, so that their distance changes by `motion` at most.
bool FreeMotion::free_between(std::span<const double> a, double from, double distance_from, std::span<const double> b,
                              double to, double distance_to, double motion) {
  if (distance_from + distance_to - 2 * options_.clearance > motion || motion < options_.resolution) return true;
  const double half = 0.5 * (from + to);
  for (size_t i = 0; i < middle_.size(); ++i) middle_[i] = a[i] + half * (b[i] - a[i]);
  const double d = distance(middle_);
  return d >= options_.clearance && free_between(a, from, distance_from, b, half, d, 0.5 * motion) &&
         free_between(a, half, d, b, to, distance_to, 0.5 * motion);
}

bool FreeMotion::free(std::span<const double> a, std::span<const double> b) {
  if (!within_limits(a) || !within_limits(b)) return false;
  const double first = distance(a);
  if (first < options_.clearance) return false;
  const double last = distance(b);
  return last >= options_.clearance && free_between(a, 0, first, b, 1, last, motion(a, b));
}

std::string FreeMotion::obstacle(std::span<const double> x) {
  char text[160];
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] >= lower(i) && x[i] <= upper(i)) continue;
    std::snprintf(text, sizeof text, " at %.4g is outside its limits %.4g to %.4g", x[i], lower(i), upper(i));
    return joint_name(model_, degrees_[i]) + text;
  }
  const double d = distance(x);
  if (d >= options_.clearance) return {};
  if (d < 0) {
    std::snprintf(text, sizeof text, " overlap by %.3g mm", -1e3 * d);
  } else {
    std::snprintf(text, sizeof text, " are %.3g mm apart, %.3g are to be kept", 1e3 * d, 1e3 * options_.clearance);
  }
  return pair_name(clearance_, model_, track_.pair) + text;
}

}  // namespace geoul::decision
