// Masses, centres of mass and inertias: bad-inertia, zero-inertia, missing-mass, inertia-size, com-outside, too-dense.
#include <algorithm>
#include <cmath>

#include "geoul/scene/doctor/doctor.h"
#include "geoul/scene/doctor/inertia.h"

namespace geoul::scene::doctor {
namespace {

constexpr double kLeastGyration = 1e-6;     // [m] radius of gyration below which an inertia is none
constexpr double kMostInertiaRatio = 1000;  // beside a box filled evenly
constexpr double kFarOutside = 0.5;         // of the diagonal of the shapes: a warning
constexpr double kOutside = 0.1;            // the same: a note
constexpr double kMostDensity = 22590;      // [kg/m3] of osmium
constexpr double kWater = 1000;             // [kg/m3]

bool finite(const MassProperties& m) {
  return std::isfinite(m.mass) && std::isfinite(norm(m.center)) &&
         std::isfinite(m.inertia.xx + m.inertia.yy + m.inertia.zz + m.inertia.xy + m.inertia.xz + m.inertia.yz);
}

std::string words(const Sym3d& s) {
  std::string out = "ixx " + number(s.xx) + " iyy " + number(s.yy) + " izz " + number(s.zz);
  if (s.xy != 0 || s.xz != 0 || s.yz != 0)
    out += " ixy " + number(s.xy) + " ixz " + number(s.xz) + " iyz " + number(s.yz);
  return out;
}

// Mass of all bodies of a group in the world; none where a number is not finite.
std::optional<MassProperties> total(const Patient& patient, const RigidGroup& group) {
  MassProperties sum;
  for (const BodyId id : group.bodies) {
    const Body& body = patient.scene.bodies[id.index()];
    if (!finite(body.mass) || body.mass.mass < 0) return std::nullopt;
    if (body.mass.mass == 0) continue;
    const MassProperties here = moved(body.X_WB, body.mass);
    sum = sum.mass > 0 ? combine(sum, here) : here;
  }
  return sum;
}

// The body that a finding about the whole group names: the heaviest.
BodyId heaviest(const Patient& patient, const RigidGroup& group) {
  return *std::max_element(group.bodies.begin(), group.bodies.end(), [&](BodyId a, BodyId b) {
    return patient.scene.bodies[a.index()].mass.mass < patient.scene.bodies[b.index()].mass.mass;
  });
}

std::string with_others(const RigidGroup& group) {
  return group.bodies.size() == 1 ? ""
                                  : " (with the " + counted(group.bodies.size() - 1, "part", "parts") + " fixed to it)";
}

double radius_of_gyration_squared(const MassProperties& m) {
  return (m.inertia.xx + m.inertia.yy + m.inertia.zz) / 2 / m.mass;
}

// The body's colliders as solids of density 1, or what is seen of it; none where nothing of it is a solid.
std::optional<MassProperties> solid_of(const Patient& patient, BodyId body) {
  const auto colliders = solids(patient.scene, patient.own_shapes(body, true));
  return colliders ? colliders : solids(patient.scene, patient.own_shapes(body, false));
}

// A mend that gives the body the inertia of its shapes at its own mass, about its own centre of mass.
std::function<std::string(Scene&)> inertia_of_shapes(const Patient& patient, BodyId body) {
  const auto solid = solid_of(patient, body);
  if (!solid) return {};
  return [body, inertia = weighing(*solid, patient.scene.bodies[body.index()].mass.mass).inertia](Scene& scene) {
    Sym3d& own = scene.bodies[body.index()].mass.inertia;
    const std::string before = words(own);
    own = inertia;
    return "inertia of its shapes, filled evenly: " + words(inertia) + " kg m2 (was " + before + ")";
  };
}

// Whether anything can turn a group: not where its mechanism stands on the world by slides alone.
bool can_turn(const Patient& patient, const RigidGroup& group) {
  std::vector<bool> seen(patient.groups.size());
  std::vector<const RigidGroup*> open = {&group};
  bool stands = false;
  while (!open.empty()) {
    const RigidGroup& at = *open.back();
    open.pop_back();
    for (const BodyId body : at.bodies) {
      seen[static_cast<std::size_t>(patient.group_of[body.index()])] = true;
      for (const JointId id : patient.joints_of[body.index()]) {
        const Joint& joint = patient.scene.joints[id.index()];
        if (joint.type == JointType::kFixed) continue;
        if (joint.type != JointType::kPrismatic) return true;
        const BodyId other = joint.parent == body ? joint.child : joint.parent;
        const bool exists = other.valid() && other.index() < patient.group_of.size();
        if (!exists || patient.group(other).held) {
          stands = true;
        } else if (!seen[static_cast<std::size_t>(patient.group_of[other.index()])]) {
          open.push_back(&patient.group(other));
        }
      }
    }
  }
  return !stands;
}

void judge_zero_inertia(const Patient& patient, const RigidGroup& group, const MassProperties& sum,
                        std::vector<Symptom>& out) {
  if (radius_of_gyration_squared(sum) > kLeastGyration * kLeastGyration || !can_turn(patient, group)) return;
  const BodyId body = heaviest(patient, group);
  Symptom s;
  s.mend = inertia_of_shapes(patient, body);
  s.finding = {Severity::kWarning, patient.at(body), "zero-inertia",
               "it weighs " + number(sum.mass) + " kg" + with_others(group) + " and has no inertia",
               s.mend ? "--mend takes that of its shapes, filled evenly" : "write its inertia: it has no closed shape"};
  out.push_back(std::move(s));
}

void judge_missing_mass(const Patient& patient, const RigidGroup& group, std::vector<Symptom>& out) {
  const auto shaped = std::find_if(group.bodies.begin(), group.bodies.end(),
                                   [&](BodyId b) { return !patient.shapes_of[b.index()].empty(); });
  if (shaped == group.bodies.end() || !group.jointed) return;
  const BodyId body = *shaped;
  Symptom s;
  s.finding = {Severity::kWarning, patient.at(body), "missing-mass",
               "it has shapes and moves, and no mass" + with_others(group), "write its mass and inertia"};
  if (const auto solid = solid_of(patient, body)) {
    s.finding.mend += ", or let --mend --only missing-mass fill its shapes with water's density";
    s.mend = [body, mass = weighing(*solid, kWater * solid->mass)](Scene& scene) {
      scene.bodies[body.index()].mass = mass;
      return "its shapes filled with 1000 kg/m3: " + number(mass.mass) + " kg, " + words(mass.inertia) + " kg m2";
    };
  }
  out.push_back(std::move(s));
}

void judge_inertia_size(const Patient& patient, const RigidGroup& group, const MassProperties& sum,
                        std::vector<Symptom>& out) {
  const double own = radius_of_gyration_squared(sum);
  const double box = group.reach.diagonal() * group.reach.diagonal() / 12;
  if (!(own > kLeastGyration * kLeastGyration) || !(box > 0)) return;
  const double ratio = own / box;
  if (ratio <= kMostInertiaRatio && ratio >= 1 / kMostInertiaRatio) return;
  const BodyId body = heaviest(patient, group);
  Symptom s;
  s.mend = inertia_of_shapes(patient, body);
  s.finding = {Severity::kWarning, patient.at(body), "inertia-size",
               "its inertia" + with_others(group) + " is that of " + number(sum.mass) + " kg at " +
                   number(std::sqrt(own)) + " m from the centre; its shapes reach " +
                   number(group.reach.diagonal() / 2) +
                   " m: " + (ratio > 1 ? number(ratio) + " times too large" : number(1 / ratio) + " times too small"),
               s.mend ? "check units and mass, or let --mend --only inertia-size take that of its shapes"
                      : "check units and mass, or the size of its shapes"};
  out.push_back(std::move(s));
}

void judge_center(const Patient& patient, const RigidGroup& group, const MassProperties& sum,
                  std::vector<Symptom>& out) {
  const double size = group.reach.diagonal();
  const double away = distance_to_hull(patient.scene, group.shapes, sum.center);
  if (!(away > kOutside * size)) return;
  const BodyId body = heaviest(patient, group);
  const Severity severity = away > kFarOutside * size ? Severity::kWarning : Severity::kInfo;
  out.push_back({{severity, patient.at(body), "com-outside",
                  "its centre of mass" + with_others(group) + " lies " + number(1e3 * away) +
                      " mm outside the hull of its shapes, which are " + number(1e3 * size) + " mm across",
                  "check the origin of <inertial> (USD: physics:centerOfMass) and the poses of its shapes"},
                 {}});
}

void judge_density(const Patient& patient, const RigidGroup& group, const MassProperties& sum,
                   std::vector<Symptom>& out) {
  const double volume = group.reach.volume();
  if (!(volume > 0) || !(sum.mass > kMostDensity * volume)) return;
  const BodyId body = heaviest(patient, group);
  const Vec3d size = 1e3 * group.reach.size();
  out.push_back({{Severity::kWarning, patient.at(body), "too-dense",
                  "it weighs " + number(sum.mass) + " kg" + with_others(group) + " in a box of " + number(size.x) +
                      " x " + number(size.y) + " x " + number(size.z) + " mm: " + number(sum.mass / volume) +
                      " kg/m3, more than any metal",
                  "check its mass, and the scale of its shapes"},
                 {}});
}

}  // namespace

void check_inertia(const Patient& patient, std::vector<Symptom>& out) {
  for (std::size_t b = 0; b < patient.scene.bodies.size(); ++b) {
    const Body& body = patient.scene.bodies[b];
    if (!finite(body.mass) || body.mass.mass < 0) continue;
    const InertiaFault fault = inertia_fault(body.mass);
    if (fault == InertiaFault::kNone) continue;
    const Vec3d m = principal_moments(body.mass.inertia);
    const std::string moments = number(m.x) + ", " + number(m.y) + ", " + number(m.z) + " kg m2";
    const BodyId id = BodyId::from_index(b);
    Symptom s;
    s.finding = {Severity::kError, patient.at(id), "bad-inertia",
                 "principal moments " + moments + ": " +
                     (fault == InertiaFault::kNegative ? "one is negative"
                                                       : "the largest is " + number(m.z - m.x - m.y) +
                                                             " kg m2 above the sum of the others; no solid has that"),
                 "compute it about the centre of mass, or let --mend take the nearest that is possible"};
    s.mend = [id](Scene& scene) {
      Sym3d& inertia = scene.bodies[id.index()].mass.inertia;
      const std::string before = words(inertia);
      inertia = nearest_physical_inertia(inertia);
      return "nearest possible inertia: " + words(inertia) + " kg m2 (was " + before + ")";
    };
    out.push_back(std::move(s));
  }
}

void check_masses(const Patient& patient, std::vector<Symptom>& out) {
  for (const RigidGroup& group : patient.groups) {
    if (group.held) continue;
    const auto sum = total(patient, group);
    if (!sum) continue;
    if (!(sum->mass > 0)) {
      judge_missing_mass(patient, group, out);
      continue;
    }
    judge_zero_inertia(patient, group, *sum, out);
    if (!group.shapes_known || group.shapes.empty() || !(group.reach.diagonal() > 0)) continue;
    judge_inertia_size(patient, group, *sum, out);
    judge_center(patient, group, *sum, out);
    judge_density(patient, group, *sum, out);
  }
}

}  // namespace geoul::scene::doctor
