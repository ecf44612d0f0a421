#include "geoul/estimation/torque_model.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

using Eigen::Index;

LinkParameters link_of(const Fit& fit, std::size_t l) {
  return fit.p.segment<kLinkParameters>(static_cast<Index>(l) * kLinkParameters);
}

scene::MassProperties mass_properties(const Inertiad& i) {
  const Vec3d c = (1 / i.m) * i.h;
  return {i.m, c, i.I - point_inertia(i.m, c)};
}

LinkParameters body_parameters(const scene::MassProperties& mass) {
  return to_parameters(inertia_about_origin(mass.mass, mass.center, mass.inertia));
}

// Gives the bodies of one rigid group the inertia `total`, in the link's frame.
void share_out(const dynamics::Model& model, const dynamics::Group& group, const LinkParameters& total,
               scene::Scene& scene) {
  const auto pose_of = [&](int body) { return model.bodies[static_cast<std::size_t>(body)].X_LB; };
  double mass = 0;
  int heaviest = group.bodies.front();
  LinkParameters others = LinkParameters::Zero();
  for (int body : group.bodies) {
    const scene::MassProperties& own = scene.bodies[static_cast<std::size_t>(body)].mass;
    mass += own.mass;
    if (own.mass > scene.bodies[static_cast<std::size_t>(heaviest)].mass.mass) heaviest = body;
    others += to_parameters(to_parent(pose_of(body), to_inertia(body_parameters(own))));
  }
  const scene::MassProperties& main = scene.bodies[static_cast<std::size_t>(heaviest)].mass;
  others -= to_parameters(to_parent(pose_of(heaviest), to_inertia(body_parameters(main))));
  const auto put = [&](int body, const LinkParameters& in_link) {
    scene.bodies[static_cast<std::size_t>(body)].mass =
        mass_properties(to_parent(inverse(pose_of(body)), to_inertia(in_link)));
  };
  constexpr double kClear = 1e-4;
  if (consistency(total - others) > kClear) {
    put(heaviest, total - others);
    return;
  }
  for (int body : group.bodies) put(body, scene.bodies[static_cast<std::size_t>(body)].mass.mass / mass * total);
}

}  // namespace

TorqueModel make_torque_model(const dynamics::Model& model, const JointColumns& columns, const Fit& fit) {
  GEOUL_EXPECTS(fit.layout.joints() == columns.count());
  TorqueModel out{model, columns, fit.layout.shape, {}, {}, {}};
  for (std::size_t l = 0; l < fit.layout.links.size(); ++l) {
    out.model.links[static_cast<std::size_t>(fit.layout.links[l])].inertia = to_inertia(link_of(fit, l));
  }
  for (dynamics::JointLaw& law : out.model.laws) law.armature = 0;
  const int terms = fit.layout.shape.terms();
  out.terms.resize(columns.count(), terms);
  for (int j = 0; j < columns.count(); ++j) {
    for (int k = 0; k < terms; ++k) out.terms(j, k) = fit.p(fit.layout.term(j, k));
  }
  out.covariance = Eigen::MatrixXd::Zero(columns.count(), columns.count());
  out.correlation_time = Eigen::VectorXd::Zero(columns.count());
  return out;
}

TorqueMemory make_memory(const TorqueModel& model) {
  TorqueMemory memory{make_data(model.model), model.model.q_start, {}, {}, {}, {}, {}, {}, false};
  memory.v.resize(static_cast<std::size_t>(model.model.nv));
  memory.a = memory.tau = memory.v;
  memory.last.resize(static_cast<std::size_t>(model.joints()));
  memory.z = RowMatrix::Zero(model.joints(), static_cast<Index>(model.shape.lengths.size()));
  memory.work.resize(static_cast<std::size_t>(model.shape.terms()));
  return memory;
}

void predict(const TorqueModel& model, std::span<const double> q, std::span<const double> v, std::span<const double> a,
             TorqueMemory& memory, std::span<double> tau) {
  const auto n = static_cast<std::size_t>(model.joints());
  GEOUL_EXPECTS(q.size() == n && v.size() == n && a.size() == n && tau.size() == n);
  for (std::size_t j = 0; j < n; ++j) {
    memory.q[static_cast<std::size_t>(model.columns.q[j])] = q[j];
    memory.v[static_cast<std::size_t>(model.columns.v[j])] = v[j];
    memory.a[static_cast<std::size_t>(model.columns.v[j])] = a[j];
  }
  inverse_dynamics(model.model, memory.q, memory.v, memory.a, {}, memory.data, memory.tau);
  const std::size_t lengths = model.shape.lengths.size();
  for (std::size_t j = 0; j < n; ++j) {
    const std::span<double> z(memory.z.data() + j * lengths, lengths);
    if (memory.started) advance(model.shape, q[j] - memory.last[j], z);
    memory.last[j] = q[j];
    friction_terms(model.shape, v[j], a[j], z, memory.work);
    tau[j] = memory.tau[static_cast<std::size_t>(model.columns.v[j])];
    for (std::size_t k = 0; k < memory.work.size(); ++k) {
      tau[j] += model.terms(static_cast<Index>(j), static_cast<Index>(k)) * memory.work[k];
    }
  }
  memory.started = true;
}

RowMatrix predict(const TorqueModel& model, const RegularMotion& motion) {
  GEOUL_EXPECTS(motion.q.cols() == model.joints());
  const auto n = static_cast<std::size_t>(model.joints());
  TorqueMemory memory = make_memory(model);
  RowMatrix tau(motion.size(), model.joints());
  for (Index i = 0; i < motion.size(); ++i) {
    predict(model, {motion.q.row(i).data(), n}, {motion.v.row(i).data(), n}, {motion.a.row(i).data(), n}, memory,
            {tau.row(i).data(), n});
  }
  return tau;
}

void measure_residual(std::span<const RegularMotion> motions, TorqueModel& model) {
  GEOUL_EXPECTS(!motions.empty());
  const Index n = model.joints();
  model.covariance = Eigen::MatrixXd::Zero(n, n);
  std::vector<std::vector<double>> series(static_cast<std::size_t>(n));
  std::vector<int> parts;
  double count = 0;
  for (const RegularMotion& motion : motions) {
    parts.push_back(static_cast<int>(series[0].size()));
    const RowMatrix e = motion.tau - predict(model, motion);
    model.covariance += e.transpose() * e;
    count += static_cast<double>(e.rows());
    for (Index j = 0; j < n; ++j) {
      for (Index i = 0; i < e.rows(); ++i) series[static_cast<std::size_t>(j)].push_back(e(i, j));
    }
  }
  model.covariance /= count;
  constexpr int kOrder = 30;
  for (Index j = 0; j < n; ++j) {
    const std::vector<double>& e = series[static_cast<std::size_t>(j)];
    model.correlation_time(j) = motions.front().period * correlation_steps(e, fit_autoregression(e, parts, kOrder));
  }
}

scene::Scene write_back(const Fit& fit, const dynamics::Model& model, const JointColumns& columns,
                        const scene::Scene& scene) {
  GEOUL_EXPECTS(scene.bodies.size() == model.bodies.size() && scene.joints.size() == model.joints.size());
  scene::Scene out = scene;
  for (std::size_t l = 0; l < fit.layout.links.size(); ++l) {
    const dynamics::Link& link = model.links[static_cast<std::size_t>(fit.layout.links[l])];
    share_out(model, model.groups[static_cast<std::size_t>(link.group)], link_of(fit, l), out);
  }
  const std::vector<std::string> names = term_names(fit.layout.shape);
  for (int j = 0; j < columns.count(); ++j) {
    const auto at = std::find_if(model.links.begin(), model.links.end(), [&](const dynamics::Link& link) {
      return link.v == columns.v[static_cast<std::size_t>(j)];
    });
    scene::Joint& joint = out.joints[static_cast<std::size_t>(at->joint.value)];
    joint.damping = joint.friction = joint.armature = 0;
    for (std::size_t k = 0; k < names.size(); ++k) {
      const double value = fit.p(fit.layout.term(j, static_cast<int>(k)));
      if (names[k] == "rotor") joint.armature = value;
      if (names[k] == "viscous") joint.damping = value;
      if (names[k] == "coulomb" || names[k].starts_with("hysteresis")) joint.friction += value;
    }
  }
  return out;
}

}  // namespace geoul::estimation
