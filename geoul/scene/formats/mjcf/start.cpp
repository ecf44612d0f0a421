// Where everything is at the start: qpos0 or a keyframe, and forward kinematics.
#include <algorithm>
#include <cmath>

#include "geoul/scene/formats/mjcf/couplings.h"

namespace geoul::scene::mjcf {
namespace {

using Precise = Transform<long double>;
using urdf::printable;

Precise precise(const Posed& X) {
  return {rotation_matrix(normalized(Quat<long double>(X.R))), Vec3<long double>(X.p)};
}

Posed rounded(const Precise& X) { return {normalized(Quatd(quaternion(X.R))), Vec3d(X.p)}; }

// Poses and velocities of all bodies from one state; bodies stand after their parents.
//   q, v  of tree.coordinates, in their order
void place(const Tree& tree, const std::vector<double>& q, const std::vector<double>& v, Scene& scene) {
  std::vector<std::size_t> q_at(scene.joints.size(), 0), v_at(scene.joints.size(), 0);
  std::size_t nq = 0, nv = 0;
  for (const JointId id : tree.coordinates) {
    q_at[id.index()] = nq, v_at[id.index()] = nv;
    nq += static_cast<std::size_t>(position_size(scene.joints[id.index()].type));
    nv += static_cast<std::size_t>(velocity_size(scene.joints[id.index()].type));
  }
  std::vector<Precise> X_W(scene.bodies.size());
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    Body& body = scene.bodies[b];
    const JointId id = tree.incoming[b];
    if (!id.valid()) {
      X_W[b] = precise(body.X_WB);
      continue;
    }
    const Joint& joint = scene.joints[id.index()];
    const double* at = q.data() + q_at[id.index()];
    const double* rate = v.data() + v_at[id.index()];
    Precise X_J;
    Vec3d w_J, v_J;  // in the joint frame on the parent, ball and free: w in the child's
    switch (joint.type) {
      case JointType::kRevolute:
      case JointType::kContinuous:
        if (*at != 0)
          X_J.R = rotation_matrix(exp_rotation(static_cast<long double>(*at) * Vec3<long double>(joint.axis)));
        w_J = *rate * joint.axis;
        break;
      case JointType::kPrismatic:
        X_J.p = static_cast<long double>(*at) * Vec3<long double>(joint.axis);
        v_J = *rate * joint.axis;
        break;
      case JointType::kSpherical:
        X_J.R = precise({{at[0], at[1], at[2], at[3]}, {}}).R;
        w_J = Mat3d(X_J.R) * Vec3d{rate[0], rate[1], rate[2]};
        break;
      case JointType::kFree:
        X_J = precise({{at[3], at[4], at[5], at[6]}, {at[0], at[1], at[2]}});
        v_J = {rate[0], rate[1], rate[2]};
        w_J = Mat3d(X_J.R) * Vec3d{rate[3], rate[4], rate[5]};
        break;
      default: break;
    }
    Precise X_WP;
    Motiond V_WP;
    Vec3d p_P;
    if (joint.parent.valid()) {
      X_WP = X_W[joint.parent.index()];
      V_WP = scene.bodies[joint.parent.index()].V_WB;
      p_P = scene.bodies[joint.parent.index()].X_WB.p;
    }
    const Precise X_WF = X_WP * precise(joint.X_PJ);
    X_W[b] = X_WF * X_J * inverse(precise(joint.X_CJ));
    body.X_WB = rounded(X_W[b]);
    const Vec3d anchor((X_WF * X_J).p);
    const Vec3d w_own = Mat3d(X_WF.R) * w_J, v_own = Mat3d(X_WF.R) * v_J;
    body.V_WB.w = V_WP.w + w_own;
    body.V_WB.v = V_WP.v + cross(V_WP.w, body.X_WB.p - p_P) + v_own + cross(w_own, body.X_WB.p - anchor);
  }
}

std::vector<double> positions_at_reference(const Tree& tree, const Scene& scene) {
  std::vector<double> q;
  for (const JointId id : tree.coordinates) {
    const Joint& joint = scene.joints[id.index()];
    const Posed& X = scene.bodies[joint.child.index()].X_WB;
    if (joint.type == JointType::kFree) {
      q.insert(q.end(), {X.p.x, X.p.y, X.p.z, X.R.w, X.R.x, X.R.y, X.R.z});
    } else if (joint.type == JointType::kSpherical) {
      q.insert(q.end(), {1, 0, 0, 0});
    } else {
      q.push_back(tree.reference[id.index()]);
    }
  }
  return q;
}

std::size_t velocities(const Tree& tree, const Scene& scene) {
  std::size_t nv = 0;
  for (const JointId id : tree.coordinates)
    nv += static_cast<std::size_t>(velocity_size(scene.joints[id.index()].type));
  return nv;
}

const Element* find_keyframe(Document& document, const Model& model) {
  const auto& wanted = document.options().keyframe;
  for (const Element& section : model.root.children) {
    if (section.name != "keyframe") continue;
    for (const Element& key : section.children) {
      if (key.name == "key" && (!wanted || document.text({&key, nullptr}, "name") == *wanted)) return &key;
    }
  }
  if (wanted) {
    document.error(model.root, "keyframe", "unknown-keyframe", "there is no keyframe '" + printable(*wanted) + "'",
                   "name one of <keyframe>");
  }
  return nullptr;
}

// Numbers of a keyframe: as many as needed, or none with an error.
bool take(Document& document, const Node& key, const char* attribute, std::size_t count, std::vector<double>& out) {
  if (!document.has(key, attribute)) return true;
  const auto values = document.list(key, attribute, who(*key.element), count, count);
  if (values) out = *values;
  return values.has_value();
}

// Unit quaternions at these places; false with an error where one has no length.
bool normalize(Document& document, const Element& key, double* q) {
  const Quatd written{q[0], q[1], q[2], q[3]};
  if (!(squared_norm(written) > 1e-20)) {
    document.error(key, who(key), "zero-axis", "a quaternion of the keyframe has length 0", "write unit quaternions");
    return false;
  }
  const Quatd unit = squared_norm(written) == 1 ? written : normalized(written);
  q[0] = unit.w, q[1] = unit.x, q[2] = unit.y, q[3] = unit.z;
  return true;
}

}  // namespace

void place_reference(const Tree& tree, Scene& scene) {
  const std::vector<double> q = positions_at_reference(tree, scene);
  place(tree, q, std::vector<double>(velocities(tree, scene), 0), scene);
  for (const JointId id : tree.coordinates) {
    Joint& joint = scene.joints[id.index()];
    if (velocity_size(joint.type) == 1) joint.position = tree.reference[id.index()];
  }
}

std::vector<double> apply_keyframe(Document& document, const Model& model, const Tree& tree, Scene& scene) {
  if (!document.options().use_keyframe) return {};
  const Element* element = find_keyframe(document, model);
  if (element == nullptr) return {};
  const Node key{element, nullptr};
  std::vector<double> q = positions_at_reference(tree, scene), v(velocities(tree, scene), 0), mpos, mquat, ctrl;
  if (!take(document, key, "qpos", q.size(), q) || !take(document, key, "qvel", v.size(), v) ||
      !take(document, key, "mpos", 3 * tree.mocap.size(), mpos) ||
      !take(document, key, "mquat", 4 * tree.mocap.size(), mquat)) {
    return {};
  }
  if (const auto values = document.list(key, "ctrl", who(*element), 0, 1'000'000)) ctrl = *values;
  std::size_t at = 0;
  for (const JointId id : tree.coordinates) {
    const JointType type = scene.joints[id.index()].type;
    double* own = q.data() + at;
    if (type == JointType::kFree && !normalize(document, *element, own + 3)) return {};
    if (type == JointType::kSpherical && !normalize(document, *element, own)) return {};
    at += static_cast<std::size_t>(position_size(type));
  }
  for (std::size_t i = 0; i < tree.mocap.size(); ++i) {
    Posed& X = scene.bodies[tree.mocap[i].index()].X_WB;
    if (!mpos.empty()) X.p = {mpos[3 * i], mpos[3 * i + 1], mpos[3 * i + 2]};
    if (!mquat.empty() && normalize(document, *element, &mquat[4 * i])) {
      X.R = {mquat[4 * i], mquat[4 * i + 1], mquat[4 * i + 2], mquat[4 * i + 3]};
    }
  }
  place(tree, q, v, scene);
  std::size_t iq = 0, iv = 0;
  for (const JointId id : tree.coordinates) {
    Joint& joint = scene.joints[id.index()];
    if (velocity_size(joint.type) == 1) joint.position = q[iq], joint.velocity = v[iv];
    iq += static_cast<std::size_t>(position_size(joint.type)),
        iv += static_cast<std::size_t>(velocity_size(joint.type));
  }
  document.info(*element, who(*element), "start-keyframe", "the scene starts at this keyframe");
  return ctrl;
}

}  // namespace geoul::scene::mjcf
