// UsdPhysics joints, their drives and limits, and the custom attributes geoul:* that the schema has no word for.
#include <array>
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/usd/joint_chain.h"
#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr auto& kAxes = kGenericAxes;

struct End {
  BodyId body;
  Posed X;  // of the joint frame in the body, in the world for kWorld
};

// One side: the rigid body at or above what body0 or body1 names, with the named prim's frame composed.
std::optional<End> read_end(const View& view, const Prim& prim, const std::string& side) {
  bool broken = false;
  const Prim* named = view.target(prim, "physics:body" + side, broken);
  if (broken) return std::nullopt;
  Frame local;
  if (const auto p = view.vector(prim, "physics:localPos" + side)) local.X.p = view.meters * *p;
  if (const auto q = view.quaternion(prim, "physics:localRot" + side)) local.X.R = *q;
  if (!named) return End{kWorld, local.X};
  const Placement& place = view.placement(*named);
  return End{place.body, (place.in_body * local).X};
}

bool read_axis(const View& view, const Prim& prim, Vec3d& axis) {
  const std::string token = view.token(prim, "physics:axis").value_or("X");
  if (token != "X" && token != "Y" && token != "Z") {
    view.error(prim, "physics:axis", "bad-token", "axis '" + token + "' is none of X, Y, Z", "write X, Y or Z");
    return false;
  }
  axis = token == "X" ? Vec3d{1, 0, 0} : token == "Y" ? Vec3d{0, 1, 0} : Vec3d{0, 0, 1};
  return true;
}

double unit_of(const View& view, JointType type) { return type == JointType::kPrismatic ? view.meters : kDegree; }

// Limits in file units. The exact limits in SI, geoul:lowerLimit and geoul:upperLimit, stand where they agree.
void read_limits(const View& view, const Prim& prim, const std::string& low, const std::string& high, Joint& joint) {
  const double unit = unit_of(view, joint.type);
  const auto exact = [&](const char* name, double read) {
    const std::optional<double> x = view.number(prim, name);
    if (!x) return read;
    if (std::abs(*x - read) <= 1e-5 * (1 + std::abs(read))) return *x;
    view.warning(prim, name, "contradiction",
                 std::string("'") + name + "' differs from the schema's limit, which is used", "remove it");
    return read;
  };
  if (const auto x = view.extended(prim, low)) joint.lower = exact("geoul:lowerLimit", unit * *x);
  if (const auto x = view.extended(prim, high)) joint.upper = exact("geoul:upperLimit", unit * *x);
}

void read_drive(const View& view, const Prim& prim, const std::string& name, Joint& joint) {
  const std::string api = "PhysicsDriveAPI:" + name, prefix = "drive:" + name + ":physics:";
  bool written = prim.has_api(api);
  for (const char* property : {"stiffness", "damping", "targetPosition", "targetVelocity", "maxForce"}) {
    written = written || view.applies(prim, api, prefix + property);
  }
  if (!written) return;
  const bool linear = joint.type == JointType::kPrismatic;
  const double unit = unit_of(view, joint.type);
  const double force = view.kilograms * view.meters * (linear ? 1 : view.meters);
  Drive& drive = joint.drive;
  drive.stiffness = view.positive(prim, prefix + "stiffness", 0) * force / unit;
  drive.damping = view.positive(prim, prefix + "damping", 0) * force / unit;
  drive.target_position = unit * view.number(prim, prefix + "targetPosition").value_or(0);
  drive.target_velocity = unit * view.number(prim, prefix + "targetVelocity").value_or(0);
  const std::optional<double> most = view.extended(prim, prefix + "maxForce");
  if (most && *most < 0) {
    view.error(prim, prefix + "maxForce", "negative-value", "the greatest force is negative", "write a number >= 0");
  } else if (most) {
    drive.max_force = force * *most;
  }
  const Value::Reals* si = view.reals(prim, "geoul:drive", 1);  // stiffness, damping, position, velocity in SI
  if (si && si->size() == 4) {
    const double read[] = {drive.stiffness, drive.damping, drive.target_position, drive.target_velocity};
    bool same = true;
    for (std::size_t i = 0; i < 4; ++i)
      same = same && std::abs(read[i] - (*si)[i]) <= 1e-5 * (1e-9 + std::abs(read[i]));
    if (same) {
      drive.stiffness = (*si)[0], drive.damping = (*si)[1], drive.target_position = (*si)[2];
      drive.target_velocity = (*si)[3];
    } else {
      view.warning(prim, "geoul:drive", "contradiction", "differs from the schema's drive, which is used", "remove it");
    }
  }
  if (view.token(prim, prefix + "type").value_or("force") != "force") {
    view.warning(prim, prefix + "type", "acceleration-drive",
                 "acceleration drives are not supported yet: the gains are read as those of a force drive",
                 "multiply the gains by the inertia seen at the joint and write type = \"force\"");
  }
}

// Which degrees of freedom of a generic joint are locked: low above high, or both zero.
bool read_locked(const View& view, const Prim& prim, std::array<bool, 6>& locked) {
  bool good = true;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string api = std::string("PhysicsLimitAPI:") + kAxes[i];
    const std::string low = std::string("limit:") + kAxes[i] + ":physics:low";
    const std::string high = std::string("limit:") + kAxes[i] + ":physics:high";
    locked[i] = false;
    if (!view.applies(prim, api, low) && !view.applies(prim, api, high)) continue;
    const double a = view.extended(prim, low).value_or(-kUnlimited), b = view.extended(prim, high).value_or(kUnlimited);
    locked[i] = a >= b;
    if (a == b && a != 0) {
      view.error(prim, low, "unsupported-joint", std::string(kAxes[i]) + " is locked away from zero",
                 "move the joint frame, and lock it with low = 0 and high = 0");
      good = false;
    }
  }
  return good;
}

// The type of a generic joint by its locked degrees of freedom; false where none fits.
bool classify(const std::array<bool, 6>& locked, Joint& joint, int& free_axis) {
  int translations = 0, rotations = 0, free_translation = 0, free_rotation = 0, locked_translation = 0;
  for (int i = 0; i < 3; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (locked[k]) locked_translation = i;
    if (!locked[k]) ++translations, free_translation = i;
    if (!locked[k + 3]) ++rotations, free_rotation = i;
  }
  const auto axis = [&](int i) { joint.axis = {i == 0 ? 1.0 : 0.0, i == 1 ? 1.0 : 0.0, i == 2 ? 1.0 : 0.0}; };
  free_axis = -1;
  if (translations == 0 && rotations == 0) {
    joint.type = JointType::kFixed;
  } else if (translations == 0 && rotations == 1) {
    joint.type = JointType::kRevolute, axis(free_rotation), free_axis = 3 + free_rotation;
  } else if (translations == 1 && rotations == 0) {
    joint.type = JointType::kPrismatic, axis(free_translation), free_axis = free_translation;
  } else if (translations == 0 && rotations == 3) {
    joint.type = JointType::kSpherical;
  } else if (translations == 3 && rotations == 3) {
    joint.type = JointType::kFree;
  } else if (translations == 2 && rotations == 1 && free_rotation == locked_translation) {
    joint.type = JointType::kPlanar, axis(free_rotation);
  } else {
    return false;
  }
  return true;
}

bool is_limited(const Prim& prim, const char* axis) {
  return prim.has_api(std::string("PhysicsLimitAPI:") + axis) || prim.has_api(std::string("PhysicsDriveAPI:") + axis);
}

// Whether a generic joint is read as joints one behind another: no one type is free in what it is free in, or in a
// plane with limits or drives.
bool is_chain(const Prim& prim, const std::array<bool, 6>& locked) {
  Joint joint;
  int free_axis = -1;
  if (!classify(locked, joint, free_axis)) return true;
  if (joint.type != JointType::kPlanar) return false;
  for (std::size_t i = 0; i < 6; ++i) {
    if (!locked[i] && is_limited(prim, kAxes[i])) return true;
  }
  return false;
}

void read_generic(const View& view, const Prim& prim, const std::array<bool, 6>& locked, Joint& joint) {
  int free_axis = -1;
  classify(locked, joint, free_axis);
  if (free_axis >= 0) {
    const std::string name = kAxes[static_cast<std::size_t>(free_axis)];
    read_limits(view, prim, "limit:" + name + ":physics:low", "limit:" + name + ":physics:high", joint);
    read_drive(view, prim, name, joint);
    return;
  }
  for (std::size_t i = 0; i < 6; ++i) {
    if (!locked[i] && prim.has_api(std::string("PhysicsLimitAPI:") + kAxes[i])) {
      view.warning(
          prim, "", "limit-ignored",
          std::string("limits of ") + kAxes[i] + " are not supported on joints with several degrees of freedom");
    }
    if (prim.has_api(std::string("PhysicsDriveAPI:") + kAxes[i])) {
      view.warning(prim, "", "drive-ignored",
                   std::string("the drive of ") + kAxes[i] + " is not supported on a joint of this kind");
    }
  }
}

// False where the joint cannot be read.
bool read_type(const View& view, const Prim& prim, Joint& joint) {
  const std::string& type = prim.type_name;
  if (type == "PhysicsFixedJoint") {
    joint.type = JointType::kFixed;
  } else if (type == "PhysicsRevoluteJoint") {
    joint.type = view.flag(prim, "geoul:continuous").value_or(false) ? JointType::kContinuous : JointType::kRevolute;
    if (!read_axis(view, prim, joint.axis)) return false;
    read_limits(view, prim, "physics:lowerLimit", "physics:upperLimit", joint);
    read_drive(view, prim, "angular", joint);
  } else if (type == "PhysicsPrismaticJoint") {
    joint.type = JointType::kPrismatic;
    if (!read_axis(view, prim, joint.axis)) return false;
    read_limits(view, prim, "physics:lowerLimit", "physics:upperLimit", joint);
    read_drive(view, prim, "linear", joint);
  } else if (type == "PhysicsSphericalJoint") {
    joint.type = JointType::kSpherical;
    for (const char* cone : {"physics:coneAngle0Limit", "physics:coneAngle1Limit"}) {
      if (view.number(prim, cone).value_or(-1) >= 0) {
        view.warning(prim, cone, "limit-ignored", "cone limits are not supported: the ball turns freely",
                     "write a PhysicsJoint with limits of rotX, rotY, rotZ, one of them locked");
      }
    }
  } else if (type == "PhysicsDistanceJoint") {
    view.error(prim, "", "unsupported-joint", "distance joints are not supported: no joint here keeps two points apart",
               "write a PhysicsJoint that is free in transX within limits and in rotX, rotY, rotZ, or leave it out");
    return false;
  } else {
    view.error(prim, "", "unsupported-joint", type + " is not supported", "leave it out, or use another joint");
    return false;
  }
  return true;
}

void read_custom(const View& view, const Prim& prim, Joint& joint) {
  read_vendor_joint(view, prim, joint);
  joint.effort_limit = view.positive(prim, "geoul:effortLimit", joint.effort_limit);
  joint.velocity_limit = view.positive(prim, "geoul:velocityLimit", joint.velocity_limit);
  joint.damping = view.positive(prim, "geoul:damping", joint.damping);
  joint.friction = view.positive(prim, "geoul:friction", joint.friction);
  joint.armature = view.positive(prim, "geoul:armature", joint.armature);
  joint.stiffness = view.positive(prim, "geoul:stiffness", joint.stiffness);
  joint.spring_position = view.number(prim, "geoul:springPosition").value_or(joint.spring_position);
  if (velocity_size(joint.type) != 1) return;
  const std::string state = joint.type == JointType::kPrismatic ? "state:linear:physics:" : "state:angular:physics:";
  const double unit = unit_of(view, joint.type);
  if (const auto x = view.number(prim, state + "position")) joint.position = unit * *x;
  if (const auto x = view.number(prim, state + "velocity")) joint.velocity = unit * *x;
  if (const auto x = view.number(prim, "geoul:position")) joint.position = *x;
  if (const auto x = view.number(prim, "geoul:velocity")) joint.velocity = *x;
}

// A generic joint as several: each with the limits, the drive and the start of its degree of freedom.
void read_chain(View& view, const Prim& prim, const Joint& whole, const std::array<bool, 6>& locked) {
  std::string free;
  for (std::size_t i = 0; i < 6; ++i) free += locked[i] ? "" : std::string(free.empty() ? "" : ", ") + kAxes[i];
  if (!whole.enabled) {
    view.warning(prim, "physics:jointEnabled", "disabled-joint",
                 "a disabled joint that is free in " + free + " is left out");
    return;
  }
  view.diagnostics.info(prim.where(), "joint-chain", "free in " + free + ": it becomes joints one behind another");
  add_chain(view, prim, whole, locked, [&](Joint& joint, std::size_t axis) {
    if (axis < 6) {
      const std::string name = kAxes[axis];
      read_limits(view, prim, "limit:" + name + ":physics:low", "limit:" + name + ":physics:high", joint);
      read_drive(view, prim, name, joint);
      const double unit = unit_of(view, joint.type);
      if (const auto x = view.number(prim, "state:" + name + ":physics:position")) joint.position = unit * *x;
      if (const auto x = view.number(prim, "state:" + name + ":physics:velocity")) joint.velocity = unit * *x;
    }
    read_custom(view, prim, joint);
  });
}

void read_joint(View& view, const Prim& prim) {
  Joint joint;
  joint.path = prim.path;
  std::array<bool, 6> locked{};
  const bool generic = prim.type_name == "PhysicsJoint";
  if (generic ? !read_locked(view, prim, locked) : !read_type(view, prim, joint)) return;
  const bool chain = generic && is_chain(prim, locked);
  if (generic && !chain) read_generic(view, prim, locked, joint);
  const std::optional<End> parent = read_end(view, prim, "0"), child = read_end(view, prim, "1");
  if (!parent || !child) return;
  joint.parent = parent->body, joint.X_PJ = parent->X;
  joint.child = child->body, joint.X_CJ = child->X;
  joint.enabled = view.flag(prim, "physics:jointEnabled").value_or(true);
  joint.collision_enabled = view.flag(prim, "physics:collisionEnabled").value_or(false);
  joint.excluded_from_articulation = view.flag(prim, "physics:excludeFromArticulation").value_or(false);
  const double force = view.kilograms * view.meters;
  const auto breaking = [&](const char* name, double unit) {
    const double x = view.extended(prim, name).value_or(kUnlimited);
    if (x >= 0) return unit * x;
    view.error(prim, name, "negative-value", std::string("'") + name + "' is negative", "write a number >= 0");
    return kUnlimited;
  };
  joint.break_force = breaking("physics:breakForce", force);
  joint.break_torque = breaking("physics:breakTorque", force * view.meters);
  if (chain) return read_chain(view, prim, joint, locked);
  read_custom(view, prim, joint);
  view.joints[view.index(prim)] = JointId::from_index(view.scene.joints.size());
  view.scene.joints.push_back(std::move(joint));
  view.scene.joint_sources.push_back(prim.where());
}

void read_mimics(View& view) {
  for (const auto& [index, joint] : view.joints) {
    const Prim& prim = view.stage.prims()[static_cast<std::size_t>(index)];
    read_vendor_mimics(view, prim, joint);
    if (!view.stage.has_relationship(prim, "geoul:mimicSource")) continue;
    bool broken = false;
    const Prim* source = view.target(prim, "geoul:mimicSource", broken);
    if (!source) continue;
    const auto found = view.joints.find(view.index(*source));
    if (found == view.joints.end()) {
      view.error(prim, "geoul:mimicSource", "bad-mimic", "<" + source->path + "> is no joint",
                 "name the joint to follow");
      continue;
    }
    view.scene.mimics.push_back({joint, found->second, view.number(prim, "geoul:mimicMultiplier").value_or(1),
                                 view.number(prim, "geoul:mimicOffset").value_or(0)});
  }
}

}  // namespace

void read_joints(View& view) {
  for (const Prim& prim : view.stage.prims()) {
    if (prim.type_name.find("Joint") != std::string::npos) read_joint(view, prim);  // also vendors' own
  }
  read_mimics(view);
}

}  // namespace geoul::scene::usd
