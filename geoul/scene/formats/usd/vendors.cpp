// Attributes of MuJoCo (mjc:), Newton (newton:) and PhysX (physx*:) that mean something here; the table of all stands
// in docs/notes/usd.md. mjc: numbers are MuJoCo's own, SI; the others are in units of the file, angles in degrees. What
// is written as geoul: counts before them.
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

// Meaning that has no counterpart: said once for a file and name, with how often it stands there.
constexpr std::array<const char*, 12> kUnread = {"physxRigidBody:linearDamping",
                                                 "physxRigidBody:angularDamping",
                                                 "physxLimit:angular:stiffness",
                                                 "physxLimit:linear:stiffness",
                                                 "physxLimit:rotX:stiffness",
                                                 "physxLimit:rotY:stiffness",
                                                 "physxLimit:rotZ:stiffness",
                                                 "physxJoint:jointFriction",
                                                 "physxRigidBody:lockedPosAxis",
                                                 "physxRigidBody:lockedRotAxis",
                                                 "mjc:solreflimit",
                                                 "mjc:solref"};

const Prim* first_target(const View& view, const Prim& prim, const std::string& relationship) {
  if (!view.stage.has_relationship(prim, relationship)) return nullptr;
  bool broken = false;
  return view.target(prim, relationship, broken);
}

void add_mimic(View& view, const Prim& prim, const std::string& relationship, JointId joint, double multiplier,
               double offset) {
  const Prim* source = first_target(view, prim, relationship);
  if (!source) return;
  if (const auto found = view.joints.find(view.index(*source)); found != view.joints.end()) {
    view.scene.mimics.push_back({joint, found->second, multiplier, offset});
  } else {
    view.error(prim, relationship, "bad-mimic", "<" + source->path + "> is no joint", "name the joint to follow");
  }
}

}  // namespace

void read_vendor_joint(const View& view, const Prim& prim, Joint& joint) {
  const bool linear = joint.type == JointType::kPrismatic;
  const double unit = linear ? view.meters : kDegree;                                // of a position
  const double inertia = view.kilograms * (linear ? 1 : view.meters * view.meters);  // of an armature
  const double force = view.kilograms * view.meters * (linear ? 1 : view.meters);    // of an effort
  const std::string axis = linear ? "linear" : "angular";
  const auto first = [&](std::initializer_list<std::pair<std::string, double>> names, double otherwise) {
    for (const auto& [name, factor] : names) {
      if (view.stage.attribute(prim, name)) return factor * view.positive(prim, name, 0);
    }
    return otherwise;
  };
  const std::string physx = "physxJointAxis:" + axis + ":";
  joint.armature = first({{"mjc:armature", 1},
                          {"newton:armature", inertia},
                          {physx + "armature", inertia},
                          {"physxJoint:armature", inertia}},
                         0);
  joint.friction =
      first({{"mjc:frictionloss", 1}, {"newton:friction", force}, {physx + "dynamicFrictionEffort", force}}, 0);
  joint.damping = first({{"mjc:damping", 1}, {physx + "viscousFrictionCoefficient", force / unit}}, 0);
  joint.stiffness = first({{"mjc:stiffness", 1}}, 0);
  if (joint.stiffness > 0) {
    // springref is in the units of the joint's position: degrees or metres.
    joint.spring_position = view.number(prim, "mjc:springref").value_or(0) * (linear ? 1 : kDegree);
  }
  joint.velocity_limit =
      first({{"newton:velocityLimit", unit}, {physx + "maxJointVelocity", unit}, {"physxJoint:maxJointVelocity", unit}},
            kUnlimited);
  joint.effort_limit = first({{"newton:effortLimit", force}}, kUnlimited);
  if (velocity_size(joint.type) != 1) return;
  const std::string newton = linear ? "newton:linear:" : "newton:angular:";
  if (const auto x = view.number(prim, newton + "position")) joint.position = unit * *x;
  if (const auto x = view.number(prim, newton + "velocity")) joint.velocity = unit * *x;
}

bool vendor_gravity(const View& view, const Prim& prim) {
  if (view.flag(prim, "physxRigidBody:disableGravity").value_or(false)) return false;
  const double compensation = view.number(prim, "mjc:gravcomp").value_or(0);
  if (compensation != 0 && compensation != 1) {
    view.warning(prim, "mjc:gravcomp", "not-read", "gravity is compensated in part, which is not supported",
                 "write 0 or 1");
  }
  return compensation != 1;
}

void read_vendor_material(const View& view, const Prim& prim, Material& material) {
  material.torsional_friction = view.positive(prim, "mjc:torsionalfriction", 0);
  material.rolling_friction = view.positive(prim, "mjc:rollingfriction", 0);
  material.contact_stiffness = view.kilograms * view.positive(prim, "physxMaterial:compliantContactStiffness", 0);
  material.contact_damping = view.kilograms * view.positive(prim, "physxMaterial:compliantContactDamping", 0);
}

// PhysX: q + gearing q_source + offset = 0. Newton and MuJoCo: q = coef0 + coef1 q_source.
void read_vendor_mimics(View& view, const Prim& prim, JointId joint) {
  const bool linear = view.scene.joints[joint.index()].type == JointType::kPrismatic;
  const double unit = linear ? view.meters : kDegree;
  for (const char* axis : {"rotX", "rotY", "rotZ", "transX", "transY", "transZ"}) {
    if (!prim.has_api(std::string("PhysxMimicJointAPI:") + axis)) continue;
    const std::string prefix = std::string("physxMimicJoint:") + axis + ":";
    add_mimic(view, prim, prefix + "referenceJoint", joint, -view.number(prim, prefix + "gearing").value_or(1),
              -unit * view.number(prim, prefix + "offset").value_or(0));
  }
  if (prim.has_api("NewtonMimicAPI") && view.flag(prim, "newton:mimicEnabled").value_or(true)) {
    add_mimic(view, prim, "newton:mimicJoint", joint, view.number(prim, "newton:mimicCoef1").value_or(1),
              unit * view.number(prim, "newton:mimicCoef0").value_or(0));
  }
  if (prim.has_api("MjcEqualityJointAPI")) {
    add_mimic(view, prim, "mjc:target", joint, view.number(prim, "mjc:coef1").value_or(1),
              view.number(prim, "mjc:coef0").value_or(0));
  }
}

void report_unread(const View& view) {
  std::map<std::pair<std::string, std::string>, std::pair<Location, int>> found;  // by name and file
  const auto count = [&](const std::string& name, const Location& where) {
    auto [at, fresh] = found.try_emplace({name, where.file}, where, 0);
    ++at->second.second;
  };
  for (const Prim& prim : view.stage.prims()) {
    const std::string& type = prim.type_name;
    if (type == "MjcActuator" || type == "NewtonActuator") count(type, prim.where());
    const bool physics = type.find("Joint") != std::string::npos || prim.has_api("PhysicsRigidBodyAPI");
    if (!physics) continue;
    for (const char* name : kUnread) {
      const std::optional<Resolved> value = view.stage.attribute(prim, name);
      if (!value) continue;
      const auto* x = std::get_if<Value::Reals>(&value->value->content);
      if (x && x->size() == 1 && x->front() == 0) continue;
      count(name, prim.where(name));
    }
  }
  for (const auto& [key, what] : found) {
    view.diagnostics.info(what.first, "not-read",
                          key.first + " is not read, as of " + std::to_string(what.second) + " prims of this file");
  }
}

}  // namespace geoul::scene::usd
