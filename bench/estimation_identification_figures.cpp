// Figures of identification, one JSON object a line for bench/figures. The real Panda log stands outside the project
// (../shared/data/panda_log); without it its figures are null, which bench/figures counts as missed.
#include <cmath>
#include <limits>

#include "bench/figure.h"
#include "geoul/estimation/excitation.h"
#include "geoul/estimation/identification.h"
#include "geoul/estimation/payload.h"
#include "geoul/estimation/simulated_motion.h"
#include "geoul/estimation/test_records.h"
#include "scenarios/mechanics.h"

namespace geoul::estimation {
namespace {

using bench::at_least;
using bench::at_most;
using bench::report;

// Identified on the first half, structure chosen by cross-validation there, judged once on the second.
void panda() {
  const scene::Scene scene = panda_arm(GEOUL_SOURCE_DIR);
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  const auto first = panda_log(GEOUL_SOURCE_DIR, 0, 0.5), second = panda_log(GEOUL_SOURCE_DIR, 0.5, 1);
  const double none = std::numeric_limits<double>::quiet_NaN();
  if (!first || !second) {
    at_most("identification/panda/smoothed/mean", none, "N.m", 0.15);
    return;
  }
  const auto motions = regular_motion(*first, kPandaClock), judged = regular_motion(*second, kPandaClock);
  const Identification found = identify(model, columns, motions, {}).value();
  std::fprintf(stderr, "chosen: %s, belief %g, cross-validation %.4f N.m\n", found.fit.layout.shape.name().c_str(),
               found.fit.belief, found.tried.front().error);
  report("identification/panda/cross_validation", found.tried.front().error, "N.m");
  for (const Candidate& c : found.tried) {
    if (c.shape.name() == FrictionShape{}.name()) {
      report("identification/panda/cross_validation/linear_friction", c.error, "N.m");
      break;
    }
  }
  const RowMatrix e = second->tau - at_rows(predict(found.torque_model, judged.front()), judged.front());
  const Eigen::VectorXd smooth = root_mean_square(box_filtered(box_filtered(e, 30), 30)), raw = root_mean_square(e);
  for (int j = 0; j < 7; ++j) {
    report("identification/panda/smoothed/joint" + std::to_string(j + 1), smooth(j), "N.m");
    report("identification/panda/raw/joint" + std::to_string(j + 1), raw(j), "N.m");
  }
  at_most("identification/panda/smoothed/mean", smooth.mean(), "N.m", 0.15);
  at_most("identification/panda/raw/mean", raw.mean(), "N.m", 0.459);
  double least = 1, mass = 0;
  for (Eigen::Index l = 0; l < 7; ++l) {
    least = std::min(least, consistency(found.fit.p.segment<kLinkParameters>(kLinkParameters * l)));
    mass += found.fit.p(kLinkParameters * l);
  }
  at_least("identification/panda/least_eigenvalue", least, "1", 1e-6);
  report("identification/panda/mass", mass, "kg");
}

void payload() {
  const auto bare_of = [](const scene::Scene& scene, const dynamics::Model& model) {
    const scene::BodyId tool[] = {*find_body(scene, "/Cell/Tool/load_cell"), *find_body(scene, "/Cell/Tool/payload")};
    return without_bodies(model, scene, tool);
  };
  for (const bool measured : {false, true}) {
    const scene::Scene scene = ur3e_scene(GEOUL_SOURCE_DIR, measured ? "cell.usda" : "controller.usda");
    const dynamics::Model model = dynamics::compiled(scene);
    const JointColumns columns = joint_columns(model, all_joints(scene)).value();
    const auto& flange =
        scene.sites[static_cast<std::size_t>(find_site(scene, "/Cell/UR3e/wrist_3_link/flange")->value)];
    PayloadOptions options;
    options.body = flange.body;
    options.X_BF = flange.X_BS;
    options.currents = measured;
    options.still = measured ? 0.02 : 0;
    const auto found =
        identify_payload(bare_of(scene, model), columns, ur3e_motions(GEOUL_SOURCE_DIR, measured), options);
    const PayloadEstimate& p = found.value();
    const double mass = 1.07, height = 0.058;
    const std::string name = std::string("identification/ur3e_payload/") + (measured ? "currents" : "target_moment");
    if (!measured) {
      at_most(name + "/mass_error", 100 * std::abs(p.mass / mass - 1), "%", 1);
      const Vec3d off = p.center - Vec3d{0, 0, height};
      at_most(name + "/center_error", 100 * norm(off) / height, "%", 1);
      continue;
    }
    report(name + "/mass", p.mass, "kg");
    report(name + "/mass_half_width", p.mass_half_width, "kg");
    at_most(name + "/mass_error_over_half_width", std::abs(p.mass - mass) / p.mass_half_width, "1", 1);
    const Vec3d& c = p.center;
    const Vec3d& w = p.center_half_width;
    at_most(name + "/center_error_over_half_width",
            std::max({std::abs(c.x) / w.x, std::abs(c.y) / w.y, std::abs(c.z - height) / w.z}), "1", 1);
    report(name + "/center_z_half_width", w.z, "m");
  }
}

// 1,000 trials of a simulated arm of three joints under noise with memory: how often 95 % intervals hold the truth.
void coverage() {
  const SimulatedArm arm(scenarios::arm7(), 3);
  const RegularMotion motion = simulated_motion(arm.model, arm.columns, 2000, 0.01, 4);
  const Layout layout = make_layout(arm.model, arm.columns, {});
  const SeriesRows clean = identification_rows(arm.model, arm.columns, layout, {&motion, 1}, {0, 4});
  const Fit none{layout, Eigen::VectorXd::Zero(layout.size()), {}, {}, 1, true, 0, 0};
  const std::vector<BaseEstimate> truth = base_estimates(arm.model, clean, none, 0.95);
  constexpr int kTrials = 1000;
  int held = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    SeriesRows rows = clean;
    Random random(static_cast<std::uint64_t>(trial) + 10);
    add_noise(0.3, 0.8, rows.series, random, rows.y);
    const std::vector<BaseEstimate> estimates = base_estimates(arm.model, rows, none, 0.95);
    for (std::size_t k = 0; k < truth.size(); ++k) {
      held += std::abs(estimates[k].value - truth[k].value) <= estimates[k].half_width;
    }
  }
  const double share = 100.0 * held / (kTrials * static_cast<double>(truth.size()));
  at_least("identification/coverage/1000_trials/least", share, "%", 93);
  at_most("identification/coverage/1000_trials/most", share, "%", 97);
  report("identification/coverage/parameters", static_cast<double>(truth.size()), "1");
}

// Currents of the simulated UR3e along the recorded moves, with friction and noise with memory: how often the intervals
// of the payload hold the truth.
void payload_coverage() {
  const scene::Scene scene = ur3e_scene(GEOUL_SOURCE_DIR, "cell.usda");
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  const scene::BodyId tool[] = {*find_body(scene, "/Cell/Tool/load_cell"), *find_body(scene, "/Cell/Tool/payload")};
  const dynamics::Model bare = without_bodies(model, scene, tool);
  const auto& flange = scene.sites[static_cast<std::size_t>(find_site(scene, "/Cell/UR3e/wrist_3_link/flange")->value)];
  PayloadOptions options;
  options.body = flange.body;
  options.X_BF = flange.X_BS;
  options.currents = true;
  options.still = 0.02;
  auto motions = ur3e_motions(GEOUL_SOURCE_DIR, true);
  // The tool's own inertia about its centre is left out of the truth: the estimate takes it for a point.
  const dynamics::Model truth = [&] {
    dynamics::Model with = bare;
    const dynamics::BodyAddress& body = model.bodies[static_cast<std::size_t>(options.body.value)];
    with.links[static_cast<std::size_t>(body.link)].inertia +=
        to_parent(body.X_LB * transform(options.X_BF), inertia_about_origin(1.07, Vec3d{0, 0, 0.058}, Sym3d{}));
    return with;
  }();
  constexpr int kTrials = 100;
  int mass = 0, center = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Random random(static_cast<std::uint64_t>(trial) + 1);
    for (RegularMotion& m : motions) {
      m.tau =
          predict(TorqueModel{truth, columns, {0.02, false, false, false, 0, {}}, RowMatrix::Zero(6, 2), {}, {}}, m);
      Eigen::VectorXd noise = Eigen::VectorXd::Zero(m.tau.size());
      add_noise(0.1, 0.7, 6, random, noise);
      for (Eigen::Index i = 0; i < m.tau.rows(); ++i) {
        for (Eigen::Index j = 0; j < 6; ++j) {
          const double v = m.v(i, j);
          m.tau(i, j) = (m.tau(i, j) + 4 * v + 5 * std::tanh(v / 0.02)) / 10 + noise(i * 6 + j);
        }
      }
    }
    const auto found = identify_payload(bare, columns, motions, options);
    if (!found) continue;
    mass += std::abs(found->mass - 1.07) <= found->mass_half_width;
    center += std::abs(found->center.z - 0.058) <= found->center_half_width.z;
  }
  at_least("identification/ur3e_payload/coverage/mass", 100.0 * mass / kTrials, "%", 90);
  at_least("identification/ur3e_payload/coverage/center_z", 100.0 * center / kTrials, "%", 90);
}

void excitation() {
  const scene::Scene scene = panda_arm(GEOUL_SOURCE_DIR);
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  ExcitationOptions options;
  options.acceleration = {15, 7.5, 10, 12.5, 15, 20, 20};
  const Excitation found = design_excitation(model, columns, options).value();
  report("identification/excitation/random", found.first_condition, "1");
  report("identification/excitation/designed", found.condition, "1");
  report("identification/excitation/designed_over_random", found.condition / found.first_condition, "1");
}

void speed() {
  const scene::Scene scene = panda_arm(GEOUL_SOURCE_DIR);
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  FrictionShape shape;
  shape.lengths = {0.003, 0.3};
  Fit fit;
  fit.layout = make_layout(model, columns, shape);
  fit.p = Eigen::VectorXd::Constant(fit.layout.size(), 0.1);
  fit.p.head(fit.layout.inertial()) = prior_of(model, fit.layout);
  const TorqueModel predictor = make_torque_model(model, columns, fit);
  TorqueMemory memory = make_memory(predictor);
  std::vector<double> q(7, 0.1), v(7, 0.2), a(7, 0.3), tau(7);
  report("identification/predict/arm7", bench::nanoseconds([&] { predict(predictor, q, v, a, memory, tau); }, 1000),
         "ns");
}

}  // namespace
}  // namespace geoul::estimation

int main() {
  using namespace geoul::estimation;
  panda();
  payload();
  coverage();
  payload_coverage();
  excitation();
  speed();
}
