#include <algorithm>
#include <cstring>

#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {

namespace {

// A spring's two ends in the world, and its length [m].
struct SpringEnds {
  Vec3d a, b;
  double length = 0;
};

SpringEnds ends_of(const SpringElement& spring, const Data& data) {
  const auto at = [&](int link, const Vec3d& p) {
    return link < 0 ? p : data.links[static_cast<std::size_t>(link)].X_WL * p;
  };
  const Vec3d a = at(spring.link_a, spring.p_A), b = at(spring.link_b, spring.p_B);
  return {a, b, norm(b - a)};
}

void pull(const SpringElement& spring, Data& data) {
  const SpringEnds ends = ends_of(spring, data);
  if (!(ends.length > 0)) return;  // no direction
  const Vec3d along = (1 / ends.length) * (ends.b - ends.a);
  const auto velocity = [&](int link, const Vec3d& p) {
    if (link < 0) return Vec3d{};
    const LinkData& d = data.links[static_cast<std::size_t>(link)];
    return d.X_WL.R * (d.V.v + cross(d.V.w, p));
  };
  const double rate = dot(along, velocity(spring.link_b, spring.p_B) - velocity(spring.link_a, spring.p_A));
  const double force = spring.stiffness * (ends.length - spring.rest_length) + spring.damping * rate;
  const auto act = [&](int link, const Vec3d& p, const Vec3d& f_W) {
    if (link < 0) return;
    LinkData& d = data.links[static_cast<std::size_t>(link)];
    const Vec3d f = transpose_times(d.X_WL.R, f_W);
    d.f_ext += Forced{cross(p, f), f};
  };
  act(spring.link_a, spring.p_A, force * along);
  act(spring.link_b, spring.p_B, -force * along);
}

}  // namespace

void gather_external(const Model& model, const Island& island, const BodyWrenches& wrenches, Data& data) {
  const Tree& tree = island.all;
  for (int i = tree.begin; i < tree.end; ++i) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    LinkData& d = data.links[static_cast<std::size_t>(i)];
    d.f_ext = {};
    if (link.weightless_mass > 0) {
      const Vec3d g = transpose_times(d.X_WL.R, model.gravity);
      d.f_ext = {-cross(link.weightless_moment, g), -(link.weightless_mass * g)};
    }
  }
  for (const SpringElement& spring : island.springs) pull(spring, data);
  if (wrenches.empty()) return;
  for (const int b : tree.bodies) {
    const BodyAddress& body = model.bodies[static_cast<std::size_t>(b)];
    const Forced& wrench = wrenches[static_cast<std::size_t>(b)];
    LinkData& d = data.links[static_cast<std::size_t>(body.link)];
    const Vec3d f = transpose_times(d.X_WL.R, wrench.f), n = transpose_times(d.X_WL.R, wrench.n);
    d.f_ext += Forced{n + cross(body.X_LB.p, f), f};
  }
}

void reset_data(const Model& model, Data& data) {
  const std::size_t nv = model.laws.size(), nq = model.q_start.size(), nrow = static_cast<std::size_t>(model.nrow);
  const auto zero = [](std::vector<double>& values, std::size_t n) { values.assign(n, 0.0); };
  data.links.assign(model.links.size(), {});
  data.placed.assign(model.islands.size(), 0);
  data.place.q = model.q_start, data.place.v = model.v_start;
  std::size_t balls = 0;
  for (const Link& link : model.links) balls += link.ball >= 0 ? 1 : 0;
  data.balls.assign(balls, {});
  data.held.clear(), data.diagonal.clear();
  for (const Link& link : model.links) data.held.push_back(link.prescribed ? 1 : 0);
  for (const JointLaw& law : model.laws) data.diagonal.push_back(law.armature);
  for (std::vector<double>* values : {&data.needed, &data.zero, &data.tau}) zero(*values, nv);
  std::size_t nodes = 0, loops = 0;
  for (const Group& group : model.groups) {
    nodes = std::max(nodes, group.bodies.size());
    loops = std::max(loops, group.loops.size());
  }
  data.node_wrench.assign(nodes, {});
  data.edge_wrench.assign(nodes + loops, {});
  zero(data.loop_work, 12 * loops);
  data.group_load.assign(model.bodies.size(), {});
  for (Coordinates& c : data.given) c.q = model.q_start, c.v = model.v_start, zero(c.a, nv);
  zero(data.stage.q, nq), zero(data.stage.v, nv), zero(data.stage.a, nv);
  for (std::vector<double>& work : data.work) zero(work, nv);
  data.modes.assign(3 * nv, 0);
  data.reports.assign(model.islands.size(), {});
  ConstraintData& cd = data.constraints;
  const std::size_t envelope = nrow > 0 ? model.row_at.back() : 0;
  zero(cd.J, model.constraint_size), zero(cd.W, model.constraint_size);
  zero(cd.G, envelope), zero(cd.L, envelope);
  zero(cd.force, nrow), zero(cd.error, nrow);
  for (std::vector<double>& work : cd.work) zero(work, nrow);
  zero(cd.tau, nv), zero(cd.a, nv);
  if (!model.contact) {
    data.contact = {};
    return;
  }
  data.inertia = make_inertia_factor(model);
  if (!data.contact) {
    data.contact = Owned<ContactData>(std::make_shared<ContactData>());
    data.contact.copy = [](const ContactData& from) { return std::make_shared<ContactData>(from); };
  }
  ContactData& contact = *data.contact;
  contact.contacts.clear(), contact.before.clear(), contact.impacts.clear();
  contact.solved = 0, contact.woken = true;
  contact.sleep = make_sleep(model);
  contact.touched.assign(model.islands.size(), 0), contact.idle.assign(model.islands.size(), 0);
  contact.flies.assign(model.islands.size(), 0);
  contact.first_part.assign(model.islands.size(), -1);
  for (std::vector<double>* values : {&contact.v, &contact.change, &contact.start, &contact.free, &contact.lost})
    zero(*values, nv);
  zero(contact.laws, 3 * nv), zero(contact.laws_before, 3 * nv);
}

Data make_data(const Model& model) {
  Data data;
  reset_data(model, data);
  return data;
}

void forward_kinematics(const Model& model, std::span<const double> q, std::span<const double> v, Data& data) {
  GEOUL_EXPECTS(static_cast<int>(q.size()) == model.nq && static_cast<int>(v.size()) == model.nv);
  for (const Island& island : model.islands) place_links(model, island, q.data(), v.data(), data);
}

void place_links(const Model& model, const Island& island, const double* q, const double* v, Data& data) {
  const Tree& all = island.all;
  const auto q0 = static_cast<std::size_t>(all.q_begin), v0 = static_cast<std::size_t>(all.v_begin);
  const std::size_t bytes_q = sizeof(double) * static_cast<std::size_t>(all.q_end - all.q_begin);
  const std::size_t bytes_v = sizeof(double) * static_cast<std::size_t>(all.v_end - all.v_begin);
  char& placed = data.placed[static_cast<std::size_t>(&island - model.islands.data())];
  if (placed && std::memcmp(data.place.q.data() + q0, q + q0, bytes_q) == 0 &&
      std::memcmp(data.place.v.data() + v0, v + v0, bytes_v) == 0)
    return;
  kernels::kinematics(model, all.begin, all.end, q, v, data.links.data());
  std::memcpy(data.place.q.data() + q0, q + q0, bytes_q);
  std::memcpy(data.place.v.data() + v0, v + v0, bytes_v);
  placed = 1;
}

void inverse_dynamics(const Model& model, std::span<const double> q, std::span<const double> v,
                      std::span<const double> a, const BodyWrenches& wrenches, Data& data, std::span<double> tau) {
  GEOUL_EXPECTS(static_cast<int>(a.size()) == model.nv && static_cast<int>(tau.size()) == model.nv);
  GEOUL_EXPECTS(wrenches.empty() || static_cast<int>(wrenches.size()) == model.nbody);
  forward_kinematics(model, q, v, data);
  for (const Island& island : model.islands) gather_external(model, island, wrenches, data);
  kernels::newton_euler(model, 0, model.nlink, a.data(), data.links.data(), tau.data());
}

void forward_dynamics(const Model& model, std::span<const double> q, std::span<const double> v,
                      std::span<const double> tau, const BodyWrenches& wrenches, Data& data, std::span<double> a) {
  GEOUL_EXPECTS(static_cast<int>(tau.size()) == model.nv && static_cast<int>(a.size()) == model.nv);
  GEOUL_EXPECTS(wrenches.empty() || static_cast<int>(wrenches.size()) == model.nbody);
  forward_kinematics(model, q, v, data);
  for (const Island& island : model.islands) gather_external(model, island, wrenches, data);
  kernels::articulated_bodies(model, 0, model.nlink, tau.data(), data.diagonal.data(), data.held.data(),
                              data.links.data(), data.balls.data(), a.data(), data.needed.data());
}

void mass_matrix(const Model& model, std::span<const double> q, Data& data, std::span<double> M) {
  GEOUL_EXPECTS(static_cast<int>(M.size()) == model.nv * model.nv);
  forward_kinematics(model, q, data.zero, data);
  std::fill(M.begin(), M.end(), 0.0);
  kernels::composite_inertia(model, 0, model.nlink, data.links.data());
  kernels::composite_bodies(model, 0, model.nlink, data.links.data(), M.data());
}

void body_jacobian(const Model& model, const Data& data, scene::BodyId body, const Vec3d& p_B, std::span<double> J) {
  GEOUL_EXPECTS(static_cast<int>(J.size()) == 6 * model.nv && body.valid() && body.value < model.nbody);
  std::fill(J.begin(), J.end(), 0.0);
  const BodyAddress& address = model.bodies[body.index()];
  if (address.link < 0) return;
  const Vec3d p_W = data.links[address.link].X_WL * (address.X_LB * p_B);
  const auto nv = static_cast<std::size_t>(model.nv);
  for (int i = address.link; i >= 0; i = model.links[static_cast<std::size_t>(i)].parent) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    const Transformd& X_WL = data.links[static_cast<std::size_t>(i)].X_WL;
    for (int k = 0; k < kernels::degrees(link.motion); ++k) {
      Motiond S{};
      kernels::add_along(link.motion, k, 1.0, S);
      const Vec3d w = X_WL.R * S.w, v = X_WL.R * S.v + cross(w, p_W - X_WL.p);
      for (int row = 0; row < 3; ++row) {
        J[static_cast<std::size_t>(row) * nv + static_cast<std::size_t>(link.v + k)] = w[row];
        J[static_cast<std::size_t>(row + 3) * nv + static_cast<std::size_t>(link.v + k)] = v[row];
      }
    }
  }
}

void site_jacobian(const Model& model, const Data& data, scene::SiteId site, std::span<double> J) {
  GEOUL_EXPECTS(site.valid() && site.index() < model.sites.size());
  const scene::Site& s = model.sites[site.index()];
  body_jacobian(model, data, s.body, s.X_BS.p, J);
}

Energy energy(const Model& model, const Data& data, std::span<const double> q, std::span<const double> v) {
  Energy e;
  for (int i = 0; i < model.nlink; ++i) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    const LinkData& d = data.links[static_cast<std::size_t>(i)];
    e.kinetic += 0.5 * dot(d.V, link.inertia * d.V);
    const double m = link.inertia.m - link.weightless_mass;
    const Vec3d moment = link.inertia.h - link.weightless_moment;
    e.potential -= dot(model.gravity, m * d.X_WL.p + d.X_WL.R * moment);
  }
  for (const Island& island : model.islands) {
    for (const SpringElement& spring : island.springs) {
      const double stretch = ends_of(spring, data).length - spring.rest_length;
      e.potential += 0.5 * spring.stiffness * stretch * stretch;
    }
  }
  for (std::size_t k = 0; k < model.laws.size(); ++k) {
    const JointLaw& law = model.laws[k];
    e.kinetic += 0.5 * law.armature * v[k] * v[k];
    if (law.q >= 0) {
      const double stretch = q[static_cast<std::size_t>(law.q)] - law.spring_position;
      e.potential += 0.5 * law.stiffness * stretch * stretch;
    }
  }
  return e;
}

Forced momentum(const Model& model, const Data& data) {
  Forced sum{};
  for (int i = 0; i < model.nlink; ++i) {
    const LinkData& d = data.links[static_cast<std::size_t>(i)];
    sum += to_parent(d.X_WL, model.links[static_cast<std::size_t>(i)].inertia * d.V);
  }
  return sum;
}

double total_mass(const Model& model) {
  double sum = 0;
  for (const Link& link : model.links) sum += link.inertia.m;
  return sum;
}

Vec3d center_of_mass(const Model& model, const Data& data) {
  GEOUL_EXPECTS(model.nlink > 0);
  Vec3d moment;
  for (int i = 0; i < model.nlink; ++i) {
    const Inertiad& M = model.links[static_cast<std::size_t>(i)].inertia;
    moment +=
        M.m * data.links[static_cast<std::size_t>(i)].X_WL.p + data.links[static_cast<std::size_t>(i)].X_WL.R * M.h;
  }
  return (1 / total_mass(model)) * moment;
}

void integrate_position(const Model& model, const Tree& tree, std::span<const double> q, std::span<const double> v,
                        double dt, std::span<double> out) {
  for (int i = tree.begin; i < tree.end; ++i) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    kernels::integrate_joint(link.motion, q.data() + link.q, v.data() + link.v, dt, out.data() + link.q);
  }
}

void integrate_position(const Model& model, std::span<const double> q, std::span<const double> v, double dt,
                        std::span<double> out) {
  for (const Tree& tree : model.trees) integrate_position(model, tree, q, v, dt, out);
}

}  // namespace geoul::dynamics
