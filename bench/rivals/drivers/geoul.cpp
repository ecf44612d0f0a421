// Geoul itself, from the same neutral scenes.
//   default   kImplicit
//   accurate  kSymplectic (implicit midpoint)
//   rk4       kRungeKutta4
// What this build cannot do yet (loops, contact, joints made while running) is reported as "not yet", with what the
// compiler of scenes says; nothing is left out in silence.
#include <optional>

#include "bench/rivals/drivers/rival.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "geoul/scene/scene.h"

namespace rivals {
namespace {

using geoul::Diagnostics;
using geoul::Duration;
using geoul::Posed;
using geoul::Quatd;
using geoul::Vec3d;
namespace dynamics = geoul::dynamics;
namespace scene = geoul::scene;

Vec3d vec(const V3& v) { return {v[0], v[1], v[2]}; }
Quatd quat(const Quat& q) { return {q[0], q[1], q[2], q[3]}; }
Posed pose(const Pose& X) { return {quat(X.q), vec(X.p)}; }
V3 v3(const Vec3d& v) { return {v.x, v.y, v.z}; }

scene::JointType type_of(const Joint& j) {
  if (j.type == "fixed") return scene::JointType::kFixed;
  if (j.type == "hinge") return j.limited ? scene::JointType::kRevolute : scene::JointType::kContinuous;
  if (j.type == "slider") return scene::JointType::kPrismatic;
  return scene::JointType::kSpherical;
}

void add_shape(scene::Scene& out, const Shape& s, scene::BodyId body) {
  scene::Material material;
  material.path = "/material" + std::to_string(out.materials.size());
  material.static_friction = material.dynamic_friction = s.friction_min;
  material.restitution = s.restitution;
  scene::Shape shape;
  shape.path = "/shape" + std::to_string(out.shapes.size());
  shape.body = body;
  shape.X_BS = pose({s.q, s.p});
  if (s.type == "plane") shape.geometry = scene::Plane{};
  if (s.type == "box") shape.geometry = scene::Box{vec(s.size)};
  if (s.type == "sphere") shape.geometry = scene::Sphere{s.radius};
  shape.material = scene::MaterialId::from_index(out.materials.size());
  shape.collides = true;
  out.materials.push_back(material);
  out.shapes.push_back(shape);
}

scene::Joint joint_of(const Scene& in, std::size_t k) {
  const Joint& j = in.joints[k];
  const Pose world{{1, 0, 0, 0}, j.p};
  scene::Joint joint;
  joint.path = "/j" + std::to_string(k);
  joint.type = type_of(j);
  if (j.a >= 0) joint.parent = scene::BodyId{j.a};
  if (j.b >= 0) joint.child = scene::BodyId{j.b};
  joint.X_PJ = pose(inverse(in.pose(j.a)) * world);
  joint.X_CJ = pose(inverse(in.pose(j.b)) * world);
  const double length = std::sqrt(dot(j.axis, j.axis));
  joint.axis = vec((1 / length) * j.axis);
  if (j.driven) {
    joint.drive = {j.kp, j.kd, 0, 0, scene::kUnlimited};
    joint.effort_limit = j.limit;
  }
  if (j.limited) joint.lower = j.lower, joint.upper = j.upper;
  return joint;
}

scene::Scene translate(const Scene& in) {
  scene::Scene out;
  out.name = in.name;
  out.gravity = vec(in.gravity);
  for (std::size_t b = 0; b < in.bodies.size(); ++b) {
    const Body& from = in.bodies[b];
    scene::Body body;
    body.path = "/b" + std::to_string(b);
    body.X_WB = pose(from.pose());
    body.V_WB = {vec(from.w), vec(from.v)};
    body.mass = {from.mass, {}, {from.inertia[0], from.inertia[1], from.inertia[2], 0, 0, 0}};
    out.bodies.push_back(body);
    for (const Shape& s : from.shapes) add_shape(out, s, scene::BodyId::from_index(b));
  }
  for (const Shape& s : in.ground) add_shape(out, s, scene::kWorld);
  for (std::size_t k = 0; k < in.joints.size(); ++k) {
    if (in.joints[k].at_run_time) throw NotSupported("not yet: joints made while it runs");
    out.joints.push_back(joint_of(in, k));
  }
  for (const Spring& s : in.springs) {
    scene::Spring spring{.path = "/spring" + std::to_string(out.springs.size()),
                         .a = {},
                         .b = {},
                         .p_A = vec(s.pa),
                         .p_B = vec(s.pb),
                         .stiffness = s.k,
                         .damping = s.c,
                         .rest_length = s.length};
    if (s.a >= 0) spring.a = scene::BodyId{s.a};
    if (s.b >= 0) spring.b = scene::BodyId{s.b};
    out.springs.push_back(spring);
  }
  return out;
}

dynamics::Model compile(const scene::Scene& in) {
  Diagnostics diagnostics;
  std::optional<dynamics::Model> model = dynamics::compile(in, diagnostics);
  if (model) return *std::move(model);
  std::string said = "not yet: ";
  for (const auto& d : diagnostics.findings()) {
    if (d.severity == geoul::Severity::kError) {
      said += d.message;
      break;
    }
  }
  throw NotSupported(said);
}

// Whether contact takes part in a step: a ball laid on a plane must stay there.
void expect_contact() {
  scene::Scene probe;
  scene::Body ball;
  ball.path = "/ball";
  ball.X_WB.p = {0, 0, 0.1};
  ball.mass = {1, {}, {0.004, 0.004, 0.004, 0, 0, 0}};
  probe.bodies.push_back(ball);
  Shape plane, sphere;
  plane.type = "plane";
  sphere.type = "sphere";
  sphere.radius = 0.1;
  add_shape(probe, plane, scene::kWorld);
  add_shape(probe, sphere, scene::BodyId{0});
  const dynamics::Model model = compile(probe);
  dynamics::Data data = dynamics::make_data(model);
  scene::State state = dynamics::make_state(model);
  const dynamics::Controls controls = dynamics::make_controls(model);
  for (int i = 0; i < 100; ++i) dynamics::step(model, {Duration::from_seconds(1e-3)}, controls, data, state);
  if (state.X_WB[0].p.z < 0.09) throw NotSupported("not yet: contact takes no part in a step");
}

class Geoul : public World {
 public:
  Geoul(const Scene& in, const std::string& setting)
      : setting_(setting),
        model_(compile(translate(in))),
        data_(dynamics::make_data(model_)),
        state_(dynamics::make_state(model_)),
        controls_(dynamics::make_controls(model_)) {
    for (const Body& b : in.bodies) contacts_ |= !b.shapes.empty();
    if (contacts_) expect_contact();
    options_.integrator = setting == "accurate" ? dynamics::Integrator::kSymplectic
                          : setting == "rk4"    ? dynamics::Integrator::kRungeKutta4
                                                : dynamics::Integrator::kImplicit;
    loaded_ = in.drives.size() + in.forces.size() > 0;
    if (loaded_) controls_.wrenches.resize(in.bodies.size());
  }
  std::string words() const override { return std::string("integrator ") + dynamics::to_string(options_.integrator); }
  void step(double dt) override {
    options_.dt = Duration::from_seconds(dt);
    dynamics::step(model_, options_, controls_, data_, state_);
    if (loaded_) std::fill(controls_.wrenches.begin(), controls_.wrenches.end(), geoul::Forced{});
  }
  bool own_springs() const override { return true; }
  std::vector<std::pair<std::string, std::function<void()>>> kernels() override {
    const auto n = static_cast<std::size_t>(model_.nv);
    q_.assign(state_.q.size(), 0.3), v_.assign(n, 0.2), a_.assign(n, 0.1), tau_.assign(n, 0), M_.assign(n * n, 0);
    return {{"FK", [this] { dynamics::forward_kinematics(model_, q_, v_, data_); }},
            {"RNEA", [this] { dynamics::inverse_dynamics(model_, q_, v_, a_, {}, data_, tau_); }},
            {"CRBA", [this] { dynamics::mass_matrix(model_, q_, data_, M_); }},
            {"ABA", [this] { dynamics::forward_dynamics(model_, q_, v_, tau_, {}, data_, a_); }}};
  }
  State state(int body) override {
    const auto b = static_cast<std::size_t>(body);
    const Quatd& q = state_.X_WB[b].R;
    return {v3(state_.X_WB[b].p), {q.w, q.x, q.y, q.z}, v3(state_.V_WB[b].v), v3(state_.V_WB[b].w)};
  }
  void apply(int body, const V3& force, const V3& torque) override {
    controls_.wrenches[static_cast<std::size_t>(body)] += geoul::Forced{vec(torque), vec(force)};
  }

 private:
  std::string setting_;
  dynamics::Model model_;
  dynamics::Data data_;
  scene::State state_;
  dynamics::Controls controls_;
  dynamics::StepOptions options_;
  std::vector<double> q_, v_, a_, tau_, M_;
  bool contacts_ = false, loaded_ = false;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  return drive(argc, argv, {"Geoul", GEOUL_VERSION, [](const Scene& s, const std::string& setting) {
                              return std::make_unique<Geoul>(s, setting);
                            }});
}
