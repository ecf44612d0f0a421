// Codes of findings: bad-id, not-finite, duplicate-path, zero-axis, reversed-limits, self-joint, joint-without-body,
// no-mass, bad-inertia, bad-rotation, bad-size, bad-mimic,
// bad-coupling, bad-spring.
#include <cmath>
#include <cstdio>
#include <set>

#include "geoul/scene/scene.h"

namespace geoul::scene {
namespace {

bool finite(double x) { return std::isfinite(x); }
bool finite(const Vec3d& v) { return finite(v.x) && finite(v.y) && finite(v.z); }
bool finite(const Posed& X) { return finite(X.p) && finite(squared_norm(X.R)); }
bool finite(const Sym3d& s) { return finite(s.xx + s.yy + s.zz) && finite(s.xy + s.xz + s.yz); }
bool unit(const Quatd& q) { return std::abs(squared_norm(q) - 1) < 1e-6; }

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

struct Validator {
  const Scene& scene;
  Diagnostics& diagnostics;
  std::set<std::string> paths;

  void error(const Location& source, const std::string& path, const char* code, std::string message, std::string mend) {
    diagnostics.error({source.file, source.line, path}, code, std::move(message), std::move(mend));
  }

  bool body_exists(BodyId id) const { return id.value >= -1 && id.value < static_cast<int>(scene.bodies.size()); }

  void unique(const Location& source, const std::string& path) {
    if (!paths.insert(path).second) {
      error(source, path, "duplicate-path", "this name is used twice",
            "give every body, joint and site a name of its own");
    }
  }

  void pose(const Location& source, const std::string& path, const Posed& X, const char* what) {
    if (!finite(X)) {
      error(source, path, "not-finite", std::string(what) + " holds NaN or infinity", "write finite numbers");
    } else if (!unit(X.R)) {
      error(source, path, "bad-rotation", std::string(what) + " has a quaternion that is not of unit length",
            "normalise it");
    }
  }

  // Eigenvalues of the inertia, and the triangle inequality A + B >= C that every real mass distribution meets.
  void mass(const Body& body) {
    const MassProperties& m = body.mass;
    if (!finite(m.mass) || !finite(m.center) || !finite(m.inertia)) {
      error(body.source, body.path, "not-finite", "mass properties hold NaN or infinity", "write finite numbers");
      return;
    }
    if (m.mass < 0) {
      error(body.source, body.path, "no-mass", "mass is " + number(m.mass) + " kg", "write a positive mass");
      return;
    }
    const Vec3d moments = principal_moments(m.inertia);  // ascending
    const InertiaFault fault = inertia_fault(m);
    if (fault == InertiaFault::kNegative) {
      error(body.source, body.path, "bad-inertia",
            "inertia has a negative principal moment (" + number(moments.x) + " kg m2)",
            "recompute the inertia about the centre of mass");
    } else if (fault == InertiaFault::kTriangle) {
      error(body.source, body.path, "bad-inertia",
            "principal moments " + number(moments.x) + ", " + number(moments.y) + ", " + number(moments.z) +
                " kg m2 break the triangle inequality: no solid has them",
            "the largest may be at most " + number(moments.x + moments.y) + " kg m2");
    }
  }

  void joint(std::size_t i) {
    const Joint& j = scene.joints[i];
    const Location source = i < scene.joint_sources.size() ? scene.joint_sources[i] : Location{};
    unique(source, j.path);
    if (!body_exists(j.parent) || !body_exists(j.child)) {
      error(source, j.path, "bad-id", "joint names a body that does not exist", "");
      return;
    }
    if (j.parent == j.child) {
      const char* code = j.parent.valid() ? "self-joint" : "joint-without-body";
      error(source, j.path, code, "both ends are on " + body_name(scene, j.parent), "name two different bodies");
    }
    pose(source, j.path, j.X_PJ, "the joint frame in the parent");
    pose(source, j.path, j.X_CJ, "the joint frame in the child");
    const bool has_axis = velocity_size(j.type) == 1 || j.type == JointType::kPlanar;
    if (has_axis && !(std::abs(norm(j.axis) - 1) < 1e-6)) {
      error(source, j.path, "zero-axis", "the axis has length " + number(norm(j.axis)) + ", not 1",
            "write a unit axis, for example (0, 0, 1)");
    }
    if (j.lower > j.upper) {
      error(source, j.path, "reversed-limits",
            "lower limit " + number(j.lower) + " is above upper limit " + number(j.upper), "exchange them");
    }
    const double values[] = {j.damping, j.friction, j.armature, j.stiffness, j.drive.stiffness, j.drive.damping};
    const char* names[] = {"damping", "friction", "armature", "stiffness", "drive stiffness", "drive damping"};
    for (int k = 0; k < 6; ++k) {
      if (!finite(values[k]) || values[k] < 0) {
        error(source, j.path, "not-finite", std::string(names[k]) + " is " + number(values[k]), "write a number >= 0");
      }
    }
    const double finite_values[] = {j.position.value_or(0), j.velocity.value_or(0), j.spring_position,
                                    j.drive.target_position, j.drive.target_velocity};
    for (double x : finite_values) {
      if (!finite(x))
        error(source, j.path, "not-finite", "a position or target is NaN or infinite", "write a finite number");
    }
    if (std::isnan(j.lower) || std::isnan(j.upper) || !(j.velocity_limit >= 0) || !(j.effort_limit >= 0) ||
        !(j.drive.max_force >= 0)) {
      error(source, j.path, "not-finite", "a limit is NaN or negative", "write a number >= 0, or leave it out");
    }
  }
};

}  // namespace

// Closed form for symmetric 3 x 3 matrices; error about 1e-15 of the largest. Source: Smith, CACM 4(4), 1961.
Vec3d principal_moments(const Sym3d& s) {
  const double p1 = s.xy * s.xy + s.xz * s.xz + s.yz * s.yz;
  const double q = (s.xx + s.yy + s.zz) / 3;
  const double a = s.xx - q, b = s.yy - q, c = s.zz - q;
  const double p = std::sqrt((a * a + b * b + c * c + 2 * p1) / 6);
  if (p == 0) return {q, q, q};
  const Mat3d B{{a / p, s.xy / p, s.xz / p}, {s.xy / p, b / p, s.yz / p}, {s.xz / p, s.yz / p, c / p}};
  const double r = std::fmin(1, std::fmax(-1, determinant(B) / 2));
  const double phi = std::acos(r) / 3;
  const double high = q + 2 * p * std::cos(phi);
  const double low = q + 2 * p * std::cos(phi + 2 * 3.14159265358979323846 / 3);
  return {low, 3 * q - high - low, high};
}

InertiaFault inertia_fault(const MassProperties& m) {
  const Vec3d moments = principal_moments(m.inertia);  // ascending
  // rounding of the eigenvalues, and anything smaller than the inertia of this mass at 30 nm
  const double slack = 1e-9 * (std::abs(moments.x) + std::abs(moments.y) + std::abs(moments.z)) + 1e-15 * m.mass;
  if (moments.x < -slack) return InertiaFault::kNegative;
  const bool too_large = moments.z > moments.x + moments.y + 1e-6 * moments.z + slack;
  return too_large ? InertiaFault::kTriangle : InertiaFault::kNone;
}

void validate(const Scene& scene, Diagnostics& diagnostics) {
  Validator v{scene, diagnostics, {}};
  if (!finite(scene.gravity))
    v.error({}, scene.name, "not-finite", "gravity holds NaN or infinity", "write finite numbers");
  for (const Body& body : scene.bodies) {
    v.unique(body.source, body.path);
    v.pose(body.source, body.path, body.X_WB, "the pose");
    v.mass(body);
  }
  for (std::size_t i = 0; i < scene.joints.size(); ++i) v.joint(i);
  for (const Mimic& m : scene.mimics) {
    const auto exists = [&](JointId id) { return id.valid() && id.index() < scene.joints.size(); };
    if (!exists(m.joint) || !exists(m.source) || m.joint == m.source || !finite(m.multiplier) || !finite(m.offset)) {
      v.error({}, exists(m.joint) ? scene.joints[m.joint.index()].path : "", "bad-mimic",
              "a mimic names no other joint of the scene", "name the joint that it follows");
    }
  }
  for (const Coupling& c : scene.couplings) {
    bool good = !c.terms.empty() && finite(c.offset.value_or(0));
    for (const auto& [joint, coefficient] : c.terms) {
      good = good && joint.valid() && joint.index() < scene.joints.size() && finite(coefficient) && coefficient != 0;
    }
    if (!good) {
      v.error({}, c.path, "bad-coupling", "a coupling names no joints, or has a coefficient that is zero or not finite",
              "name one-degree joints of the scene with finite coefficients");
    }
  }
  for (const Spring& s : scene.springs) {
    const bool numbers = finite(s.stiffness) && finite(s.damping) && finite(s.rest_length) && finite(s.p_A) &&
                         finite(s.p_B) && s.stiffness >= 0 && s.damping >= 0 && s.rest_length >= 0;
    if (!v.body_exists(s.a) || !v.body_exists(s.b) || s.a == s.b || !numbers) {
      v.error({}, s.path, "bad-spring", "a spring joins a body with itself, or has a number that is negative or NaN",
              "name two bodies and write numbers that are not negative");
    }
  }
  for (const Site& site : scene.sites) {
    v.unique({}, site.path);
    if (!v.body_exists(site.body)) v.error({}, site.path, "bad-id", "site names a body that does not exist", "");
    v.pose({}, site.path, site.X_BS, "the pose");
  }
  for (const Shape& shape : scene.shapes) {
    if (!v.body_exists(shape.body)) v.error({}, shape.path, "bad-id", "shape names a body that does not exist", "");
    v.pose({}, shape.path, shape.X_BS, "the pose");
  }
}

void validate_joint(const Scene& scene, JointId joint, Diagnostics& diagnostics) {
  Validator v{scene, diagnostics, {}};
  v.joint(joint.index());
  const std::string& path = scene.joints[joint.index()].path;
  bool used = false;
  for (std::size_t i = 0; i < scene.joints.size(); ++i) used |= i != joint.index() && scene.joints[i].path == path;
  for (const Body& body : scene.bodies) used |= body.path == path;
  for (const Site& site : scene.sites) used |= site.path == path;
  if (used) v.error({}, path, "duplicate-path", "this name is used twice", "give the joint a name of its own");
}

}  // namespace geoul::scene
