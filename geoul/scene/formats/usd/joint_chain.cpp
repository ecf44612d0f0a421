#include "geoul/scene/formats/usd/joint_chain.h"

#include <cmath>
#include <utility>

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kBall = 6;

// Angles of R = Rx(a) Ry(b) Rz(c).
Vec3d angles(const Quatd& q) {
  const Mat3d R = rotation_matrix(q);
  const double b = std::asin(std::fmax(-1, std::fmin(1, R.r0.z)));
  return {std::atan2(-R.r1.z, R.r2.z), b, std::atan2(-R.r0.y, R.r0.x)};
}

Vec3d unit(std::size_t i) { return {i == 0 ? 1.0 : 0.0, i == 1 ? 1.0 : 0.0, i == 2 ? 1.0 : 0.0}; }

Posed joined(const Posed& X_AB, const Posed& X_BC) {
  return {X_AB.R * X_BC.R, rotation_matrix(X_AB.R) * X_BC.p + X_AB.p};
}

Posed in_world(const Scene& scene, BodyId body, const Posed& X) {
  return body.valid() ? joined(scene.bodies[body.index()].X_WB, X) : X;
}

}  // namespace

void add_chain(View& view, const Prim& prim, const Joint& whole, const std::array<bool, 6>& locked,
               const std::function<void(Joint& joint, std::size_t axis)>& one) {
  Scene& scene = view.scene;
  const bool ball = !locked[3] && !locked[4] && !locked[5];
  std::vector<std::size_t> axes;
  for (std::size_t i = 0; i < 6; ++i) {
    if (!locked[i] && !(ball && i >= 3)) axes.push_back(i);
  }
  if (ball) axes.push_back(kBall);
  const Posed X_WJ = in_world(scene, whole.parent, whole.X_PJ), X_WK = in_world(scene, whole.child, whole.X_CJ);
  const Transformd X_JK = inverse(transform(X_WJ)) * transform(X_WK);
  const Vec3d turned = angles(quaternion(X_JK.R));
  Posed at = X_WJ;  // of the frame behind the joints so far
  BodyId parent = whole.parent;
  Posed X_PJ = whole.X_PJ;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::size_t axis = axes[k];
    const bool last = k + 1 == axes.size();
    Joint joint = whole;
    joint.path = whole.path + "/" + (axis == kBall ? "ball" : kGenericAxes[axis]);
    joint.type = axis == kBall ? JointType::kSpherical : axis < 3 ? JointType::kPrismatic : JointType::kRevolute;
    if (axis != kBall) joint.axis = unit(axis % 3);
    joint.parent = parent, joint.X_PJ = X_PJ;
    if (axis < 3) at = joined(at, {{}, X_JK.p[static_cast<int>(axis)] * joint.axis});
    if (axis >= 3 && axis != kBall) {
      const double half = turned[static_cast<int>(axis) - 3] / 2;
      const Vec3d v = std::sin(half) * joint.axis;
      at = joined(at, {{std::cos(half), v.x, v.y, v.z}, {}});
    }
    if (!last) {
      Body between;
      between.path = joint.path + "_link";
      between.X_WB = at;
      between.source = prim.where();
      joint.child = BodyId::from_index(scene.bodies.size());
      joint.X_CJ = {};
      joint.break_force = joint.break_torque = kUnlimited;  // the last one gives way for all
      scene.bodies.push_back(std::move(between));
    }
    one(joint, axis);
    parent = joint.child, X_PJ = {};
    scene.joints.push_back(std::move(joint));
    scene.joint_sources.push_back(prim.where());
  }
  if (!whole.collision_enabled) scene.collision_exclusions.emplace_back(whole.parent, whole.child);
}

}  // namespace geoul::scene::usd
