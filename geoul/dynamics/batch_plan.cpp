#include <algorithm>
#include <cmath>

#include "geoul/dynamics/batch_parameters.h"
#include "geoul/dynamics/batch_plan_data.h"

namespace geoul::dynamics {
namespace {

BatchLink batch_link(const Model& model, const Link& link, FrameKind frame) {
  BatchLink b;
  b.parent = link.parent, b.motion = static_cast<int>(link.motion), b.frame = frame;
  b.q = link.q, b.v = link.v, b.ball = link.ball;
  b.massless = link.inertia == Inertiad{};
  if (link.ball >= 0) return b;
  const JointLaw& law = model.laws[static_cast<std::size_t>(link.v)];
  b.sprung = law.stiffness != 0;
  b.driven = law.drive_stiffness != 0 || law.drive_damping != 0;
  b.saturates = std::isfinite(law.drive_limit);
  b.bounded = std::isfinite(law.lower) || std::isfinite(law.upper);
  b.hurried = std::isfinite(law.velocity_limit);
  return b;
}

void make_links(const Model& model, PlanData& data) {
  for (std::size_t i = 0; i < model.links.size(); ++i)
    data.links.push_back(batch_link(model, model.links[i], data.frames[i].kind));
  for (BatchLink& link : data.links) {
    const bool from_straight = link.parent < 0 || data.links[static_cast<std::size_t>(link.parent)].straight;
    const bool slides = link.motion == static_cast<int>(LinkMotion::kSlide);
    link.straight = from_straight && slides, link.on_straight = from_straight && !slides;
  }
  for (std::size_t i = data.links.size(); i-- > 0;) {  // children come after their parents, so here before them
    BatchLink& link = data.links[i];
    data.plan.nball = std::max(data.plan.nball, link.ball + 1);
    if (link.parent < 0) continue;
    BatchLink& parent = data.links[static_cast<std::size_t>(link.parent)];
    if (parent.slot < 0) parent.slot = data.plan.nslot++, link.opens = true;
  }
}

void make_trees(const Model& model, PlanData& data) {
  for (const Tree& t : model.trees) {
    BatchTree tree{t.begin, t.end, t.v_begin, t.v_end, t.q_begin, t.q_end};
    for (int k = t.v_begin; k < t.v_end; ++k) {
      const JointLaw& law = model.laws[static_cast<std::size_t>(k)];
      tree.rubs = tree.rubs || (law.q >= 0 && law.friction > 0);
    }
    data.trees.push_back(tree);
  }
}

void make_numbers(const Model& model, double h, PlanData& data) {
  for (const KernelFrame& f : data.frames) {
    const Mat3d& R = f.whole;
    data.frame_numbers.insert(data.frame_numbers.end(),
                              {f.cos_tilt, f.sin_tilt, f.cos_turn, f.sin_turn, f.offset, R.r0.x, R.r0.y, R.r0.z, R.r1.x,
                               R.r1.y, R.r1.z, R.r2.x, R.r2.y, R.r2.z});
  }
  for (const JointLaw& l : model.laws) {
    const bool one = l.q >= 0;  // balls have damping alone
    const double passive = l.armature + (h * l.damping + (one ? h * h * l.stiffness : 0));
    const double slope = one ? h * l.drive_damping + h * h * l.drive_stiffness : 0;
    data.laws.insert(data.laws.end(),
                     {l.damping, l.stiffness, l.spring_position, l.drive_stiffness, l.drive_damping, l.drive_limit,
                      l.lower, l.upper, l.velocity_limit, l.armature, passive, passive + slope});
  }
  fill_parameters(model, data.frames, {model.gravity, {}, {}}, data.parameters);
  const auto narrowed = [](const std::vector<double>& values, std::vector<float>& out) {
    out.clear();
    for (const double x : values) out.push_back(static_cast<float>(x));
  };
  narrowed(data.parameters, data.parameters_f), narrowed(data.frame_numbers, data.frame_numbers_f);
  narrowed(data.laws, data.laws_f);
}

}  // namespace

void make_plan(const Model& model, const StepOptions& options, PlanData& data) {
  data.frames = kernel_frames(model);
  make_links(model, data);
  make_trees(model, data);
  make_numbers(model, options.dt.seconds(), data);
  BatchPlan& plan = data.plan;
  plan.links = data.links.data(), plan.trees = data.trees.data();
  plan.nlink = model.nlink, plan.ntree = static_cast<int>(data.trees.size());
  plan.nq = model.nq, plan.nv = model.nv;
  plan.in_double = {data.parameters.data(), data.frame_numbers.data(), data.laws.data()};
  plan.in_float = {data.parameters_f.data(), data.frame_numbers_f.data(), data.laws_f.data()};
  plan.h = options.dt.seconds(), plan.max_iterations = options.max_iterations;
}

}  // namespace geoul::dynamics
