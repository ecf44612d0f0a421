#include "geoul/dynamics/batch_parameters.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/batch_contacts.h"
#include "geoul/dynamics/batch_plan.h"
#include "geoul/dynamics/contacts.h"

namespace geoul::dynamics {
namespace {

template <class T>
Inertia<T> scaled(T s, const Inertia<T>& a) {
  return {s * a.m, s * a.h, {s * a.I.xx, s * a.I.yy, s * a.I.zz, s * a.I.xy, s * a.I.xz, s * a.I.yz}};
}

Inertia<long double> inertia_of(const scene::MassProperties& mass) {
  return Inertia<long double>(inertia_about_origin(mass.mass, mass.center, mass.inertia));
}

Inertiad scaled_inertia(const Model& model, const Link& link, const WorldParameters& p) {
  if (link.group < 0) return link.inertia;
  const Group& group = model.groups[static_cast<std::size_t>(link.group)];
  Inertiad own = link.inertia;
  if (!p.mass_scale.empty()) {
    Inertia<long double> sum;
    for (std::size_t b = 0; b < group.bodies.size(); ++b) {
      const auto s = static_cast<long double>(p.mass_scale[static_cast<std::size_t>(group.bodies[b])]);
      sum += scaled(s, Inertia<long double>(group.inertia_G[b]));
    }
    own = Inertiad(to_parent(Transform<long double>(group.X_LG), sum));
  }
  for (const AddedMass& more : p.added) {
    const BodyAddress& at = model.bodies[more.body.index()];
    if (at.group == link.group) own += Inertiad(to_parent(Transform<long double>(at.X_LB), inertia_of(more.mass)));
  }
  return own;
}

bool all_of(const std::vector<double>& values, bool (*good)(double)) {
  return std::all_of(values.begin(), values.end(), good);
}
bool positive(double x) { return x > 0 && std::isfinite(x); }
bool not_negative(double x) { return x >= 0 && std::isfinite(x); }

}  // namespace

bool fits_lanes(const Model& model, const StepOptions& options, BatchPrecision precision) {
  if (options.integrator != Integrator::kImplicit || !model.constraints.empty()) return false;
  if (model.contact && options.contact && (precision != BatchPrecision::kDouble || !contact_fits_lanes(model)))
    return false;
  for (const Island& island : model.islands) {
    if (!island.springs.empty()) return false;
  }
  return std::none_of(model.links.begin(), model.links.end(),
                      [](const Link& l) { return l.prescribed || l.weightless_mass != 0; });
}

const char* out_of_range(const WorldParameters& p) {
  if (!std::isfinite(p.gravity.x) || !std::isfinite(p.gravity.y) || !std::isfinite(p.gravity.z))
    return "gravity is not finite";
  if (!(p.geometry_scale >= 0.5 && p.geometry_scale <= 2)) return "geometry_scale must be within 0.5 and 2";
  if (!not_negative(p.contact_friction)) return "contact_friction must not be negative, and finite";
  if (!all_of(p.mass_scale, positive)) return "mass_scale must be positive and finite";
  for (const AddedMass& more : p.added) {
    if (!not_negative(more.mass.mass) || inertia_fault(more.mass) != scene::InertiaFault::kNone)
      return "added mass must not be negative, with an inertia that a body can have";
  }
  if (!all_of(p.joint_friction, not_negative)) return "joint_friction must not be negative, and finite";
  return nullptr;
}

const char* not_scalar(const Model& model, const WorldParameters& p) {
  if (p.geometry_scale != 1) return "geometry_scale of worlds that step one by one is fixed";
  const auto floats = [](const Link& link) { return link.weightless_mass != 0; };
  if ((!p.mass_scale.empty() || !p.added.empty()) && std::any_of(model.links.begin(), model.links.end(), floats))
    return "mass_scale or added mass beside bodies without gravity";
  return nullptr;
}

void fill_parameters(const Model& model, const std::vector<KernelFrame>& frames, const WorldParameters& p,
                     std::vector<double>& out) {
  const double s = p.geometry_scale;
  out.clear();
  out.insert(out.end(), {p.gravity.x, p.gravity.y, p.gravity.z});
  for (std::size_t i = 0; i < model.links.size(); ++i) {
    const auto X_KL = inverse(Transform<long double>(frames[i].X_LK));
    const auto own = scaled_inertia(model, model.links[i], p);
    const Inertiad I(to_parent(X_KL, Inertia<long double>(own)));
    const Vec3d at = s * frames[i].p;
    out.insert(out.end(), {at.x, at.y, at.z, I.m, s * I.h.x, s * I.h.y, s * I.h.z, s * s * I.I.xx, s * s * I.I.yy,
                           s * s * I.I.zz, s * s * I.I.xy, s * s * I.I.xz, s * s * I.I.yz});
  }
  for (std::size_t k = 0; k < model.laws.size(); ++k)
    out.push_back(p.joint_friction.empty() ? model.laws[k].friction : p.joint_friction[k]);
  out.push_back(p.contact_friction);
}

Model varied(const Model& model, const WorldParameters& p) {
  Model own = model;
  own.gravity = p.gravity;
  for (Link& link : own.links) link.inertia = scaled_inertia(model, link, p);
  for (Group& group : own.groups) {
    for (std::size_t b = 0; !p.mass_scale.empty() && b < group.bodies.size(); ++b)
      group.inertia_G[b] = scaled(p.mass_scale[static_cast<std::size_t>(group.bodies[b])], group.inertia_G[b]);
  }
  for (const AddedMass& more : p.added) {
    const BodyAddress& at = model.bodies[more.body.index()];
    Group& group = own.groups[static_cast<std::size_t>(at.group)];
    const auto node = std::find(group.bodies.begin(), group.bodies.end(), static_cast<int>(more.body.index()));
    group.inertia_G[static_cast<std::size_t>(node - group.bodies.begin())] +=
        Inertiad(to_parent(Transform<long double>(at.X_GB), inertia_of(more.mass)));
  }
  for (std::size_t k = 0; k < p.joint_friction.size(); ++k) own.laws[k].friction = p.joint_friction[k];
  if (model.contact && p.contact_friction != 1) {
    auto contact = std::make_shared<ContactSetup>(*model.contact);
    for (ContactMaterial& m : contact->materials)
      m.static_friction *= p.contact_friction, m.dynamic_friction *= p.contact_friction;
    own.contact = std::move(contact);
  }
  return own;
}

}  // namespace geoul::dynamics
