// Simbody of Debian: trees in minimal coordinates, loops as constraints projected every step, error-controlled
// integration. `dt` is only how often the run stops to be loaded and sampled; a step here is one such interval.
//   default   Runge-Kutta-Merson at its accuracy of 1e-3
//   accurate  the same at 1e-10, constraint tolerance 1e-10
// Contact: spheres on a plane only (Hunt-Crossley); boxes would need meshes of elastic foundation.
#include <Simbody.h>

#include "rival.h"

namespace rivals {
namespace {

SimTK::Vec3 st(const V3& v) { return {v[0], v[1], v[2]}; }
SimTK::Rotation st(const Quat& q) { return SimTK::Rotation(SimTK::Quaternion(q[0], q[1], q[2], q[3])); }
SimTK::Transform st(const Pose& X) { return {st(X.q), st(X.p)}; }
V3 v3(const SimTK::Vec3& v) { return {v[0], v[1], v[2]}; }

class Simbody : public World {
 public:
  Simbody(const Scene& scene, const std::string& setting)
      : scene_(scene),
        accurate_(setting == "accurate"),
        matter_(system_),
        forces_(system_),
        gravity_(forces_, matter_, st(scene.gravity)),
        loads_(forces_, matter_) {
    bodies_.resize(scene.bodies.size());
    for (int b : scene.order) add(b);
    for (const Joint& j : scene.joints) {
      closures_.emplace_back();
      if (!j.tree) close(j, closures_.back());
    }
    for (const Spring& s : scene.springs) {
      SimTK::Force::TwoPointLinearSpring(forces_, mobilized(s.a), st(s.pa), mobilized(s.b), st(s.pb), s.k, s.length);
      if (s.c > 0) SimTK::Force::TwoPointLinearDamper(forces_, mobilized(s.a), st(s.pa), mobilized(s.b), st(s.pb), s.c);
    }
    SimTK::State start = system_.realizeTopology();
    system_.realizeModel(start);
    for (int b : scene.order) rate(b, start);
    system_.realize(start, SimTK::Stage::Velocity);
    integrator_ = std::make_unique<SimTK::RungeKuttaMersonIntegrator>(system_);
    if (accurate_) integrator_->setAccuracy(1e-10), integrator_->setConstraintTolerance(1e-10);
    integrator_->setProjectEveryStep(true);
    integrator_->initialize(start);
  }
  std::string words() const override {
    return accurate_ ? "Runge-Kutta-Merson, accuracy 1e-10, constraint tolerance 1e-10, variable step"
                     : "Runge-Kutta-Merson, accuracy 1e-3, variable step";
  }
  bool own_springs() const override { return true; }
  void step(double dt) override {
    const double until = integrator_->getTime() + dt;
    while (integrator_->getTime() < until - 1e-12) {
      const auto status = integrator_->stepTo(until, until);
      if (status == SimTK::Integrator::EndOfSimulation) throw std::runtime_error("the integrator ended early");
    }
    loads_.clearAllForces(integrator_->updAdvancedState());
  }
  State state(int b) override {
    const SimTK::State& s = integrator_->getState();
    system_.realize(s, SimTK::Stage::Velocity);
    const SimTK::MobilizedBody& body = bodies_[static_cast<std::size_t>(b)];
    const SimTK::Transform& X = body.getBodyTransform(s);
    const SimTK::Quaternion q = X.R().convertRotationToQuaternion();
    return {v3(X.p()), {q[0], q[1], q[2], q[3]}, v3(body.getBodyOriginVelocity(s)), v3(body.getBodyAngularVelocity(s))};
  }
  void apply(int b, const V3& f, const V3& t) override {
    SimTK::State& s = integrator_->updAdvancedState();
    const SimTK::MobilizedBody& body = bodies_[static_cast<std::size_t>(b)];
    loads_.setOneBodyForce(s, body, loads_.getOneBodyForce(s, body) + SimTK::SpatialVec(st(t), st(f)));
  }
  void attach(int j) override { enable(j, true); }
  void detach(int j) override { enable(j, false); }

 private:
  SimTK::MobilizedBody& mobilized(int b) {
    return b < 0 ? static_cast<SimTK::MobilizedBody&>(matter_.updGround()) : bodies_[static_cast<std::size_t>(b)];
  }
  void add(int b) {
    const Body& body = scene_.bodies[static_cast<std::size_t>(b)];
    if (!body.shapes.empty()) throw NotSupported("contact is not driven in Simbody here");
    const SimTK::Body::Rigid rigid(SimTK::MassProperties(body.mass, SimTK::Vec3(0), SimTK::Inertia(st(body.inertia))));
    const int k = scene_.parent[static_cast<std::size_t>(b)];
    SimTK::MobilizedBody& mine = bodies_[static_cast<std::size_t>(b)];
    if (k < 0) {
      mine = SimTK::MobilizedBody::Free(matter_.updGround(), st(body.pose()), rigid, SimTK::Transform());
      return;
    }
    const Joint& j = scene_.joints[static_cast<std::size_t>(k)];
    if (j.driven) throw NotSupported("drives of joints are explicit torques here");
    const Pose frame{j.type == "slider" ? from_x(j.axis) : from_z(j.axis), j.p};
    const SimTK::Transform X_PF = st(inverse(scene_.pose(j.a)) * frame), X_BM = st(inverse(body.pose()) * frame);
    SimTK::MobilizedBody& parent = mobilized(j.a);
    if (j.type == "fixed") mine = SimTK::MobilizedBody::Weld(parent, X_PF, rigid, X_BM);
    if (j.type == "hinge") mine = SimTK::MobilizedBody::Pin(parent, X_PF, rigid, X_BM);
    if (j.type == "slider") mine = SimTK::MobilizedBody::Slider(parent, X_PF, rigid, X_BM);
    if (j.type == "ball") mine = SimTK::MobilizedBody::Ball(parent, X_PF, rigid, X_BM);
  }
  static Quat from_x(const V3& axis) { return from_z(axis) * Quat{std::sqrt(0.5), 0, -std::sqrt(0.5), 0}; }
  void rate(int b, SimTK::State& s) {
    const int k = scene_.parent[static_cast<std::size_t>(b)];
    const Body& body = scene_.bodies[static_cast<std::size_t>(b)];
    SimTK::MobilizedBody& mine = bodies_[static_cast<std::size_t>(b)];
    if (k < 0)
      mine.setUToFitVelocity(s, {st(body.w), st(body.v)});
    else if (scene_.joints[static_cast<std::size_t>(k)].type == "hinge")
      mine.setOneU(s, 0, scene_.joints[static_cast<std::size_t>(k)].rate);
  }
  void close(const Joint& j, std::vector<SimTK::Constraint>& out) {
    const int first = j.b >= 0 ? j.b : j.a, second = j.b >= 0 ? j.a : -1;
    const Pose frame{from_z(j.axis), j.p};
    const Pose X = inverse(scene_.pose(second)) * frame, Y = inverse(scene_.pose(first)) * frame;
    if (j.type == "fixed") {
      out.push_back(SimTK::Constraint::Weld(mobilized(second), st(X), mobilized(first), st(Y)));
    } else if (j.type == "slider") {
      throw NotSupported("a slider that closes a loop");
    } else {
      for (const double side : {-0.5, 0.5}) {
        if (j.type == "ball" && side > 0) break;
        const Pose at{{1, 0, 0, 0}, {0, 0, j.type == "ball" ? 0 : side * scene_.size}};
        out.push_back(SimTK::Constraint::Ball(mobilized(second), st((X * at).p), mobilized(first), st((Y * at).p)));
      }
    }
    if (j.at_run_time) {
      for (SimTK::Constraint& c : out) c.setDisabledByDefault(true);
    }
  }
  void enable(int joint, bool on) {
    const Joint& j = scene_.joints[static_cast<std::size_t>(joint)];
    if (on && j.at > 0) throw NotSupported("welds are made here only at the pose of the start");
    SimTK::State s = integrator_->getState();
    for (SimTK::Constraint& c : closures_[static_cast<std::size_t>(joint)]) on ? c.enable(s) : c.disable(s);
    system_.realizeModel(s);
    integrator_->initialize(s);
  }

  const Scene& scene_;
  bool accurate_;
  SimTK::MultibodySystem system_;
  SimTK::SimbodyMatterSubsystem matter_;
  SimTK::GeneralForceSubsystem forces_;
  SimTK::Force::UniformGravity gravity_;
  SimTK::Force::DiscreteForces loads_;
  std::vector<SimTK::MobilizedBody> bodies_;
  std::vector<std::vector<SimTK::Constraint>> closures_;
  std::unique_ptr<SimTK::Integrator> integrator_;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  return drive(argc, argv, {"Simbody", "3.7 (Debian)", [](const Scene& s, const std::string& setting) {
                              return std::make_unique<Simbody>(s, setting);
                            }});
}
