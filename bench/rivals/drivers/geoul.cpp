// Geoul itself, from the same neutral scenes.
//   default   kImplicit
//   accurate  kSymplectic (implicit midpoint)
//   rk4       kRungeKutta4
// What it cannot do is reported as "not yet", with what the compiler of scenes says; nothing is left out in silence.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>

#include "bench/rivals/drivers/rival.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "geoul/dynamics/world.h"
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
  material.static_friction = material.dynamic_friction = s.friction_mean;  // of a pair: the mean
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
    if (!in.joints[k].at_run_time) out.joints.push_back(joint_of(in, k));  // the others by attach()
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
  Geoul(const Scene& in, const std::string& setting) : in_(in), scene_(translate(in)), world_(scene_, compile(scene_)) {
    for (const Body& b : in.bodies) contacts_ |= !b.shapes.empty();
    if (contacts_) expect_contact();
    world_.options.integrator = setting == "accurate" ? dynamics::Integrator::kSymplectic
                                : setting == "rk4"    ? dynamics::Integrator::kRungeKutta4
                                                      : dynamics::Integrator::kImplicit;
    loaded_ = in.drives.size() + in.forces.size() > 0;
  }
  std::string words() const override {
    return std::string("integrator ") + dynamics::to_string(world_.options.integrator);
  }
  void step(double dt) override {
    world_.options.dt = Duration::from_seconds(dt);
    dynamics::step(world_);
    if (loaded_) std::fill(world_.controls.wrenches.begin(), world_.controls.wrenches.end(), geoul::Forced{});
  }
  void attach(int joint) override {
    const auto k = static_cast<std::size_t>(joint);
    const geoul::Result<dynamics::JointChange> made = dynamics::attach(world_, joint_of(in_, k));
    if (!made) throw NotSupported(made.error().message);
    made_[joint] = made->joint;
  }
  void detach(int joint) override {
    const geoul::Result<dynamics::JointChange> done = dynamics::detach(world_, made_.at(joint));
    if (!done) throw NotSupported(done.error().message);
  }
  bool own_springs() const override { return true; }
  std::vector<std::pair<std::string, std::function<void()>>> kernels() override {
    const auto n = static_cast<std::size_t>(world_.model.nv);
    q_.assign(world_.state.q.size(), 0.3), v_.assign(n, 0.2), a_.assign(n, 0.1), tau_.assign(n, 0), M_.assign(n * n, 0);
    return {{"FK", [this] { dynamics::forward_kinematics(world_.model, q_, v_, world_.data); }},
            {"RNEA", [this] { dynamics::inverse_dynamics(world_.model, q_, v_, a_, {}, world_.data, tau_); }},
            {"CRBA", [this] { dynamics::mass_matrix(world_.model, q_, world_.data, M_); }},
            {"ABA", [this] { dynamics::forward_dynamics(world_.model, q_, v_, tau_, {}, world_.data, a_); }}};
  }
  State state(int body) override {
    const auto b = static_cast<std::size_t>(body);
    const Quatd& q = world_.state.X_WB[b].R;
    return {v3(world_.state.X_WB[b].p), {q.w, q.x, q.y, q.z}, v3(world_.state.V_WB[b].v), v3(world_.state.V_WB[b].w)};
  }
  void apply(int body, const V3& force, const V3& torque) override {
    if (world_.controls.wrenches.empty()) world_.controls.wrenches.resize(in_.bodies.size());
    world_.controls.wrenches[static_cast<std::size_t>(body)] += geoul::Forced{vec(torque), vec(force)};
  }

 private:
  Scene in_;
  scene::Scene scene_;
  dynamics::World world_;
  std::map<int, scene::JointId> made_;
  std::vector<double> q_, v_, a_, tau_, M_;
  bool contacts_ = false, loaded_ = false;
};

// A model of MuJoCo's own format, as it stands: steps after it has settled, on one thread, with nothing put to sleep.
int run_model(const std::string& file) {
  Diagnostics found;
  const std::optional<scene::Scene> read = scene::read_scene(file, found);
  const std::optional<dynamics::Model> model = read ? dynamics::compile(*read, found) : std::nullopt;
  if (!model) return std::printf("{\"status\": \"failed: its file does not compile\"}\n"), 0;
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::smatch match;  // the reader leaves out how a program steps
  const double dt = std::regex_search(text, match, std::regex("timestep=\"([0-9.e-]+)\"")) ? std::stod(match[1]) : 2e-3;
  dynamics::StepOptions options;
  options.dt = Duration::from_seconds(dt);
  options.sleep_velocity = 0;
  dynamics::Data data = make_data(*model);
  geoul::scene::State state = make_state(*model);
  const dynamics::Controls controls = make_controls(*model);
  const auto count = [&](double seconds) { return static_cast<int>(seconds / dt); };
  for (int i = 0; i < count(3.0); ++i) step(*model, options, controls, data, state);
  std::vector<double> rounds;
  double contacts = 0;
  for (int r = 0; r < 15; ++r) {
    const double begin = cpu_seconds();
    const int n = std::max(1, count(0.2));
    for (int i = 0; i < n; ++i) contacts += step(*model, options, controls, data, state).contact.count / (15.0 * n);
    rounds.push_back((cpu_seconds() - begin) / n);
  }
  std::nth_element(rounds.begin(), rounds.begin() + 7, rounds.end());
  std::printf(
      "{\"engine\": \"Geoul\", \"status\": \"ok\", \"us_per_step\": %.6g, \"dt\": %g, \"contacts\": %.3g, \"nv\": "
      "%d}\n",
      1e6 * rounds[7], dt, contacts, model->nv);
  return 0;
}

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  if (argc == 3 && std::string(argv[1]).find(".xml") != std::string::npos) return run_model(argv[1]);
  return drive(argc, argv, {"Geoul", GEOUL_VERSION, [](const Scene& s, const std::string& setting) {
                              return std::make_unique<Geoul>(s, setting);
                            }});
}
