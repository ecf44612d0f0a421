// Pinocchio, compiled from the headers of its Python wheel (with Debian's Eigen; the wheel has none).
//   default   ABA and semi-implicit Euler; loops by its proximal constraint dynamics with a Baumgarte corrector
//   accurate  the same with a Runge-Kutta step of order 4 on the manifold
// It is a library of algorithms: the integrator is written here, contact detection is left out.
#include <pinocchio/algorithm/aba.hpp>
#include <pinocchio/algorithm/constrained-dynamics.hpp>
#include <pinocchio/algorithm/crba.hpp>
#include <pinocchio/algorithm/joint-configuration.hpp>
#include <pinocchio/algorithm/kinematics.hpp>
#include <pinocchio/algorithm/rnea.hpp>

#include <pinocchio/multibody.hpp>

#include "rival.h"

namespace rivals {
namespace {

namespace pin = pinocchio;
using Vec = Eigen::VectorXd;

Eigen::Vector3d eig(const V3& v) { return {v[0], v[1], v[2]}; }
pin::SE3 se3(const Pose& X) {
  return {Eigen::Quaterniond(X.q[0], X.q[1], X.q[2], X.q[3]).toRotationMatrix(), eig(X.p)};
}
V3 v3(const Eigen::Vector3d& v) { return {v[0], v[1], v[2]}; }

class Pinocchio : public World {
 public:
  Pinocchio(const Scene& scene, const std::string& setting)
      : scene_(scene), accurate_(setting == "accurate"), joint_(scene.bodies.size()), X_JB_(scene.bodies.size()) {
    model_.gravity.linear(eig(scene.gravity));
    for (int b : scene.order) add(b);
    data_ = pin::Data(model_);
    q_ = pin::neutral(model_);
    v_ = Vec::Zero(model_.nv), tau_ = Vec::Zero(model_.nv);
    for (int b : scene.order) start(b);
    forces_.assign(static_cast<std::size_t>(model_.njoints), pin::Force::Zero());
    pin::forwardKinematics(model_, data_, q_, v_);
    for (std::size_t k = 0; k < scene.joints.size(); ++k) {
      if (!scene.joints[k].tree && !scene.joints[k].at_run_time) attach(static_cast<int>(k));
    }
  }
  std::string words() const override {
    return std::string("minimal coordinates, ") + (accurate_ ? "RK4 on the manifold" : "semi-implicit Euler") +
           (constraints_.empty() ? "" : ", proximal loops, Baumgarte at 1/(10 dt)");
  }
  void step(double dt) override {
    if (!accurate_) {
      v_ += dt * acceleration(q_, v_);
      q_ = pin::integrate(model_, q_, Vec(dt * v_));
    } else {
      const Vec k1 = acceleration(q_, v_), v2 = v_ + dt / 2 * k1;
      const Vec k2 = acceleration(pin::integrate(model_, q_, Vec(dt / 2 * v_)), v2), v3 = v_ + dt / 2 * k2;
      const Vec k3 = acceleration(pin::integrate(model_, q_, Vec(dt / 2 * v2)), v3), v4 = v_ + dt * k3;
      const Vec k4 = acceleration(pin::integrate(model_, q_, Vec(dt * v3)), v4);
      q_ = pin::integrate(model_, q_, Vec(dt / 6 * (v_ + 2 * v2 + 2 * v3 + v4)));
      v_ += dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    if (loaded_) forces_.assign(forces_.size(), pin::Force::Zero());
    loaded_ = false, stale_ = true;
  }
  State state(int b) override {
    if (stale_) pin::forwardKinematics(model_, data_, q_, v_), stale_ = false;
    const auto i = static_cast<std::size_t>(b);
    const pin::SE3 X = data_.oMi[joint_[i]] * X_JB_[i];
    const pin::Motion V = X_JB_[i].actInv(data_.v[joint_[i]]);
    const Eigen::Quaterniond q(X.rotation());
    return {v3(X.translation()),
            {q.w(), q.x(), q.y(), q.z()},
            v3(X.rotation() * V.linear()),
            v3(X.rotation() * V.angular())};
  }
  void apply(int b, const V3& f, const V3& t) override {
    const State s = state(b);
    const auto j = joint_[static_cast<std::size_t>(b)];
    const pin::SE3 at(Eigen::Matrix3d::Identity(), eig(s.p));
    forces_[j] += data_.oMi[j].actInv(at.act(pin::Force(eig(f), eig(t))));
    loaded_ = true;
  }
  void attach(int k) override {
    const Joint& j = scene_.joints[static_cast<std::size_t>(k)];
    if (j.at_run_time && j.at > 0) throw NotSupported("joints are made here only at the start");
    if (j.type == "slider") throw NotSupported("a slider that closes a loop");
    const auto place = [&](int b, const V3& p) {  // of a frame with the world's axes at p, at the start
      const pin::SE3 X(Eigen::Matrix3d::Identity(), eig(p));
      return b < 0 ? X : X_JB_[static_cast<std::size_t>(b)] * se3(scene_.pose(b)).inverse() * X;
    };
    const auto id = [&](int b) { return b < 0 ? pin::JointIndex{0} : joint_[static_cast<std::size_t>(b)]; };
    for (const double side : {-0.5, 0.5}) {
      if ((j.type != "hinge" || std::getenv("ONE")) && side > 0) break;
      const V3 p = j.type == "hinge" ? j.p + (side * scene_.size) * j.axis : j.p;
      pin::RigidConstraintModel c(j.type == "fixed" ? pin::CONTACT_6D : pin::CONTACT_3D, model_, id(j.a), place(j.a, p),
                                  id(j.b), place(j.b, p), pin::LOCAL);
      const double rate = 0.1 / scene_.dt;
      c.baumgarte_corrector_parameters().Kp = rate * rate, c.baumgarte_corrector_parameters().Kd = 2 * rate;
      constraints_.push_back(c);
      constraint_data_.emplace_back(c);
      owner_.push_back(k);
    }
    pin::initConstraintDynamics(model_, data_, constraints_, constraint_data_);
  }
  void detach(int k) override {
    for (std::size_t i = owner_.size(); i-- > 0;) {
      if (owner_[i] != k) continue;
      const auto at = static_cast<std::ptrdiff_t>(i);
      constraints_.erase(constraints_.begin() + at), constraint_data_.erase(constraint_data_.begin() + at);
      owner_.erase(owner_.begin() + at);
    }
    pin::initConstraintDynamics(model_, data_, constraints_, constraint_data_);
  }
  std::vector<std::pair<std::string, std::function<void()>>> kernels() override {
    q_.setConstant(0.3), v_.setConstant(0.2), a_ = Vec::Constant(model_.nv, 0.1);
    return {{"FK", [this] { pin::forwardKinematics(model_, data_, q_, v_); }},
            {"RNEA", [this] { pin::rnea(model_, data_, q_, v_, a_); }},
            {"CRBA", [this] { pin::crba(model_, data_, q_); }},
            {"ABA", [this] { pin::aba(model_, data_, q_, v_, tau_, pin::Convention::LOCAL); }}};
  }

 private:
  void add(int b) {
    const auto i = static_cast<std::size_t>(b);
    const Body& body = scene_.bodies[i];
    if (!body.shapes.empty()) throw NotSupported("it has no contact dynamics of its own to run");
    const pin::Inertia inertia(body.mass, Eigen::Vector3d::Zero(), Eigen::Matrix3d(eig(body.inertia).asDiagonal()));
    const int k = scene_.parent[i];
    const Joint* j = k < 0 ? nullptr : &scene_.joints[static_cast<std::size_t>(k)];
    if (j != nullptr && j->driven) throw NotSupported("drives of joints are explicit torques here");
    const pin::JointIndex parent = j == nullptr || j->a < 0 ? 0 : joint_[static_cast<std::size_t>(j->a)];
    const std::string name = "j" + std::to_string(b);
    if (j == nullptr) {
      joint_[i] = model_.addJoint(0, pin::JointModelFreeFlyer(), pin::SE3::Identity(), name);
      X_JB_[i] = pin::SE3::Identity();
    } else {
      const pin::SE3 to_parent =
          j->a < 0 ? pin::SE3::Identity() : X_JB_[static_cast<std::size_t>(j->a)] * se3(scene_.pose(j->a)).inverse();
      if (j->type == "fixed") {  // one joint carries both bodies
        joint_[i] = parent;
        X_JB_[i] = to_parent * se3(body.pose());
      } else {
        const pin::SE3 X_WJ = se3({from_z(j->axis), j->p});  // its joints along z are the fastest
        if (j->type == "hinge") joint_[i] = model_.addJoint(parent, pin::JointModelRZ(), to_parent * X_WJ, name);
        if (j->type == "slider") joint_[i] = model_.addJoint(parent, pin::JointModelPZ(), to_parent * X_WJ, name);
        if (j->type == "ball") joint_[i] = model_.addJoint(parent, pin::JointModelSpherical(), to_parent * X_WJ, name);
        X_JB_[i] = X_WJ.inverse() * se3(body.pose());
      }
    }
    if (joint_[i] > 0) model_.appendBodyToJoint(joint_[i], inertia, X_JB_[i]);
  }
  void start(int b) {
    const auto i = static_cast<std::size_t>(b);
    const Body& body = scene_.bodies[i];
    const int k = scene_.parent[i];
    if (k >= 0 && scene_.joints[static_cast<std::size_t>(k)].type == "fixed") return;
    const auto& joint = model_.joints[joint_[i]];
    if (k < 0) {
      q_.segment(joint.idx_q(), 7) << eig(body.p), body.q[1], body.q[2], body.q[3], body.q[0];
      v_.segment(joint.idx_v(), 6) << eig(rotate(conj(body.q), body.v)), eig(rotate(conj(body.q), body.w));
    } else if (joint.nv() == 1) {
      v_[joint.idx_v()] = scene_.joints[static_cast<std::size_t>(k)].rate;
    }
  }
  Vec acceleration(const Vec& q, const Vec& v) {
    if (constraints_.empty()) return pin::aba(model_, data_, q, v, tau_, forces_, pin::Convention::LOCAL);
    Vec tau = tau_;
    if (loaded_) {  // its constraint dynamics takes joint forces only: external wrenches by their joint forces
      tau -= pin::rnea(model_, data_, q, v, Vec(Vec::Zero(model_.nv)), forces_) -
             pin::rnea(model_, data_, q, v, Vec(Vec::Zero(model_.nv)));
    }
    pin::ProximalSettings settings(std::getenv("ACC") ? atof(std::getenv("ACC")) : 1e-12,
                                   std::getenv("MU") ? atof(std::getenv("MU")) : 1e-6,
                                   std::getenv("IT") ? atoi(std::getenv("IT")) : 20);
    return pin::constraintDynamics(model_, data_, q, v, tau, constraints_, constraint_data_, settings);
  }

  const Scene& scene_;
  bool accurate_, loaded_ = false, stale_ = false;
  pin::Model model_;
  pin::Data data_;
  Vec q_, v_, a_, tau_;
  std::vector<pin::JointIndex> joint_;
  std::vector<pin::SE3> X_JB_;  // body in its joint's frame
  pin::container::aligned_vector<pin::Force> forces_;
  std::vector<pin::RigidConstraintModel, Eigen::aligned_allocator<pin::RigidConstraintModel>> constraints_;
  std::vector<pin::RigidConstraintData, Eigen::aligned_allocator<pin::RigidConstraintData>> constraint_data_;
  std::vector<int> owner_;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  return drive(argc, argv,
               {"Pinocchio", PINOCCHIO_VERSION " (Python wheel)",
                [](const Scene& s, const std::string& setting) { return std::make_unique<Pinocchio>(s, setting); }});
}
