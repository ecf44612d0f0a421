// DART of Debian: trees in minimal coordinates, loops and run-time joints as dynamic constraints, FCL for contact.
//   default   its own error reduction (0.01 of a joint's error a step)
//   accurate  error reduction 0.8, constraint force mixing 1e-12
#include <dart/constraint/BallJointConstraint.hpp>
#include <dart/constraint/WeldJointConstraint.hpp>
#include <dart/dart.hpp>

#include "rival.h"

namespace rivals {
namespace {

Eigen::Vector3d eig(const V3& v) { return {v[0], v[1], v[2]}; }
Eigen::Isometry3d eig(const Pose& X) {
  Eigen::Isometry3d T = Eigen::Isometry3d::Identity();
  T.linear() = Eigen::Quaterniond(X.q[0], X.q[1], X.q[2], X.q[3]).toRotationMatrix();
  T.translation() = eig(X.p);
  return T;
}
V3 v3(const Eigen::Vector3d& v) { return {v[0], v[1], v[2]}; }

namespace dd = dart::dynamics;
namespace dc = dart::constraint;

class Dart : public World {
 public:
  Dart(const Scene& scene, const std::string& setting) : scene_(scene), accurate_(setting == "accurate") {
    world_ = dart::simulation::World::create();
    world_->setGravity(eig(scene.gravity));
    world_->setTimeStep(scene.dt);
    bodies_.resize(scene.bodies.size());
    for (int b : scene.order) add(b);
    if (!scene.ground.empty()) {
      const auto ground = dd::Skeleton::create("ground");
      dd::BodyNode* node = ground->createJointAndBodyNodePair<dd::WeldJoint>().second;
      for (const Shape& s : scene.ground) shape(node, s);
      world_->addSkeleton(ground);
    }
    for (const auto& skeleton : skeletons_) skeleton->disableSelfCollisionCheck(), world_->addSkeleton(skeleton);
    closures_.resize(scene.joints.size());
    for (std::size_t k = 0; k < scene.joints.size(); ++k) {
      if (!scene.joints[k].tree && !scene.joints[k].at_run_time) attach(static_cast<int>(k));
    }
  }
  std::string words() const override {
    return accurate_ ? "trees, error reduction 0.8, force mixing 1e-12, semi-implicit Euler"
                     : "trees, defaults, semi-implicit Euler";
  }
  void step(double) override { world_->step(); }
  State state(int b) override {
    const dd::BodyNode* node = bodies_[static_cast<std::size_t>(b)];
    const Eigen::Isometry3d& X = node->getWorldTransform();
    const Eigen::Quaterniond q(X.linear());
    return {v3(X.translation()),
            {q.w(), q.x(), q.y(), q.z()},
            v3(node->getCOMLinearVelocity()),
            v3(node->getAngularVelocity())};
  }
  void apply(int b, const V3& f, const V3& t) override {
    bodies_[static_cast<std::size_t>(b)]->addExtForce(eig(f), Eigen::Vector3d::Zero(), false, true);
    bodies_[static_cast<std::size_t>(b)]->addExtTorque(eig(t), false);
  }
  void attach(int joint) override {
    const Joint& j = scene_.joints[static_cast<std::size_t>(joint)];
    dd::BodyNode* first = bodies_[static_cast<std::size_t>(j.b >= 0 ? j.b : j.a)];
    dd::BodyNode* second = j.b >= 0 && j.a >= 0 ? bodies_[static_cast<std::size_t>(j.a)] : nullptr;
    auto& list = closures_[static_cast<std::size_t>(joint)];
    if (j.type == "fixed") {
      list.push_back(second ? std::make_shared<dc::WeldJointConstraint>(first, second)
                            : std::make_shared<dc::WeldJointConstraint>(first));
    } else if (j.type == "slider") {
      throw NotSupported("a slider that closes a loop");
    } else {
      for (const double side : {-0.5, 0.5}) {
        if (j.type == "ball" && side > 0) break;
        const V3 p = j.type == "ball" ? j.p : j.p + (side * scene_.size) * j.axis;
        list.push_back(second ? std::make_shared<dc::BallJointConstraint>(first, second, eig(p))
                              : std::make_shared<dc::BallJointConstraint>(first, eig(p)));
      }
    }
    if (accurate_) {
      dc::JointConstraint::setErrorReductionParameter(0.8);
      dc::JointConstraint::setConstraintForceMixing(1e-12);
    }
    for (const auto& c : list) world_->getConstraintSolver()->addConstraint(c);
  }
  void detach(int joint) override {
    for (const auto& c : closures_[static_cast<std::size_t>(joint)]) world_->getConstraintSolver()->removeConstraint(c);
  }

 private:
  void shape(dd::BodyNode* node, const Shape& s) {
    dd::ShapePtr geometry;
    if (s.type == "plane") geometry = std::make_shared<dd::PlaneShape>(Eigen::Vector3d::UnitZ(), 0.0);
    if (s.type == "box") geometry = std::make_shared<dd::BoxShape>(eig(s.size));
    if (s.type == "sphere") geometry = std::make_shared<dd::SphereShape>(s.radius);
    auto* made = node->createShapeNodeWith<dd::CollisionAspect, dd::DynamicsAspect>(geometry);
    made->setRelativeTransform(eig(Pose{s.q, s.p}));
    made->getDynamicsAspect()->setFrictionCoeff(s.friction_min);
    made->getDynamicsAspect()->setRestitutionCoeff(s.restitution);
  }
  template <class J>
  void make(int b, const dd::SkeletonPtr& skeleton, dd::BodyNode* parent, const Pose& X_PJ, const Pose& X_BJ,
            const V3& axis) {
    typename J::Properties properties;
    properties.mT_ParentBodyToJoint = eig(X_PJ);
    properties.mT_ChildBodyToJoint = eig(X_BJ);
    if constexpr (requires { properties.mAxis; }) properties.mAxis = eig(axis);
    dd::BodyNode::Properties body;
    body.mName = "b" + std::to_string(b);
    bodies_[static_cast<std::size_t>(b)] = skeleton->createJointAndBodyNodePair<J>(parent, properties, body).second;
  }
  void add(int b) {
    const Body& body = scene_.bodies[static_cast<std::size_t>(b)];
    const int k = scene_.parent[static_cast<std::size_t>(b)];
    const Joint* j = k < 0 ? nullptr : &scene_.joints[static_cast<std::size_t>(k)];
    if (j != nullptr && j->driven) throw NotSupported("drives of joints are explicit torques here");
    dd::SkeletonPtr skeleton;
    if (j == nullptr || j->a < 0)
      skeletons_.push_back(skeleton = dd::Skeleton::create("s" + std::to_string(b)));
    else
      skeleton = bodies_[static_cast<std::size_t>(j->a)]->getSkeleton();
    dd::BodyNode* parent = j == nullptr || j->a < 0 ? nullptr : bodies_[static_cast<std::size_t>(j->a)];
    if (j == nullptr) {
      make<dd::FreeJoint>(b, skeleton, nullptr, {}, {}, {});
    } else {
      const Pose frame{{1, 0, 0, 0}, j->p}, P = inverse(scene_.pose(j->a)) * frame, B = inverse(body.pose()) * frame;
      if (j->type == "fixed") make<dd::WeldJoint>(b, skeleton, parent, P, B, j->axis);
      if (j->type == "hinge") make<dd::RevoluteJoint>(b, skeleton, parent, P, B, j->axis);
      if (j->type == "slider") make<dd::PrismaticJoint>(b, skeleton, parent, P, B, j->axis);
      if (j->type == "ball") make<dd::BallJoint>(b, skeleton, parent, P, B, j->axis);
    }
    dd::BodyNode* node = bodies_[static_cast<std::size_t>(b)];
    node->setInertia(dd::Inertia(body.mass, Eigen::Vector3d::Zero(), Eigen::Matrix3d(eig(body.inertia).asDiagonal())));
    for (const Shape& s : body.shapes) shape(node, s);
    dd::Joint* joint = node->getParentJoint();
    if (j == nullptr) {
      auto* free = static_cast<dd::FreeJoint*>(joint);
      free->setTransform(eig(body.pose()));
      free->setLinearVelocity(eig(body.v));
      free->setAngularVelocity(eig(body.w));
    } else if (joint->getNumDofs() == 1) {
      joint->setVelocity(0, j->rate);
    }
  }

  const Scene& scene_;
  bool accurate_;
  dart::simulation::WorldPtr world_;
  std::vector<dd::SkeletonPtr> skeletons_;
  std::vector<dd::BodyNode*> bodies_;
  std::vector<std::vector<dc::ConstraintBasePtr>> closures_;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  return drive(argc, argv, {"DART", DART_VERSION " (Debian)", [](const Scene& s, const std::string& setting) {
                              return std::make_unique<Dart>(s, setting);
                            }});
}
