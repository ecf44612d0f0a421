// Bullet of Debian, in double precision.
//   default   rigid bodies and its constraints, sequential impulses with 10 iterations, its own error reduction
//   accurate  trees as btMultiBody, loops as multi-body constraints, 200 iterations, error reduction 0.8; scenes
//             without joints as rigid bodies with 200 iterations and no sleeping
#include <BulletDynamics/Featherstone/btMultiBody.h>
#include <BulletDynamics/Featherstone/btMultiBodyConstraintSolver.h>
#include <BulletDynamics/Featherstone/btMultiBodyDynamicsWorld.h>
#include <BulletDynamics/Featherstone/btMultiBodyFixedConstraint.h>
#include <BulletDynamics/Featherstone/btMultiBodyLinkCollider.h>
#include <BulletDynamics/Featherstone/btMultiBodyPoint2Point.h>
#include <btBulletDynamicsCommon.h>

#include "rival.h"

namespace rivals {
namespace {

btVector3 bt(const V3& v) { return {v[0], v[1], v[2]}; }
btQuaternion bt(const Quat& q) { return {q[1], q[2], q[3], q[0]}; }
btTransform bt(const Pose& X) { return btTransform(bt(X.q), bt(X.p)); }
V3 v3(const btVector3& v) { return {v.x(), v.y(), v.z()}; }
Quat quat(const btQuaternion& q) { return {q.w(), q.x(), q.y(), q.z()}; }

struct Base : World {
  explicit Base(const Scene& scene, const std::string& setting)
      : scene_(scene),
        accurate_(setting == "accurate"),
        dispatcher_(&configuration_),
        world_(&dispatcher_, &broadphase_, &solver_, &configuration_) {
    world_.setGravity(bt(scene.gravity));
    if (accurate_) {
      btContactSolverInfo& info = world_.getSolverInfo();
      info.m_numIterations = 200, info.m_erp = info.m_erp2 = 0.8;
      info.m_leastSquaresResidualThreshold = 0;
    }
    for (const Body& b : scene.bodies) contacts_ |= !b.shapes.empty();
  }
  void step(double dt) override { world_.stepSimulation(dt, 0); }

  const Scene& scene_;
  bool accurate_, contacts_ = false;
  btDefaultCollisionConfiguration configuration_;
  btCollisionDispatcher dispatcher_;
  btDbvtBroadphase broadphase_;
  btMultiBodyConstraintSolver solver_;
  btMultiBodyDynamicsWorld world_;
};

class Rigid : public Base {
 public:
  Rigid(const Scene& scene, const std::string& setting) : Base(scene, setting) {
    for (const Shape& s : scene.ground) add(nullptr, s, {s.q, s.p});
    for (const Body& b : scene.bodies) {
      btRigidBody* body = add(&b, b.shapes.empty() ? Shape{} : b.shapes[0], b.pose());
      body->setLinearVelocity(bt(b.v)), body->setAngularVelocity(bt(b.w));
      bodies_.push_back(body);
    }
    joints_.resize(scene.joints.size(), nullptr);
    for (std::size_t k = 0; k < scene.joints.size(); ++k) {
      if (!scene.joints[k].at_run_time) make(k, [&](int b) { return scene.pose(b); });
    }
  }
  std::string words() const override {
    return accurate_ ? "rigid bodies, 200 iterations, ERP 0.8, no sleeping" : "rigid bodies, 10 iterations, defaults";
  }
  State state(int b) override {
    const btRigidBody* body = bodies_[static_cast<std::size_t>(b)];
    const btTransform& X = body->getWorldTransform();
    return {v3(X.getOrigin()), quat(X.getRotation()), v3(body->getLinearVelocity()), v3(body->getAngularVelocity())};
  }
  void apply(int b, const V3& f, const V3& t) override {
    bodies_[static_cast<std::size_t>(b)]->activate();
    bodies_[static_cast<std::size_t>(b)]->applyCentralForce(bt(f));
    bodies_[static_cast<std::size_t>(b)]->applyTorque(bt(t));
  }
  void attach(int j) override {
    const auto now = [&](int b) {
      if (b < 0) return Pose{};
      const State s = state(b);
      return Pose{s.q, s.p};
    };
    make(static_cast<std::size_t>(j), now);
  }
  void detach(int j) override { world_.removeConstraint(joints_[static_cast<std::size_t>(j)]); }

 private:
  btRigidBody* add(const Body* b, const Shape& s, const Pose& X) {
    btCollisionShape* shape = nullptr;
    if (s.type == "plane") shape = new btStaticPlaneShape({0, 0, 1}, 0);
    if (s.type == "box") shape = new btBoxShape(bt(0.5 * s.size));
    if (s.type == "sphere") shape = new btSphereShape(s.radius);
    const bool touches = shape != nullptr;
    if (!touches) shape = new btSphereShape(0.01);
    btRigidBody::btRigidBodyConstructionInfo info(b ? b->mass : 0, nullptr, shape,
                                                  b ? bt(b->inertia) : btVector3(0, 0, 0));
    info.m_friction = s.friction_product;
    info.m_restitution = std::sqrt(s.restitution);
    info.m_startWorldTransform = bt(X);
    auto* body = new btRigidBody(info);
    if (accurate_ || !scene_.joints.empty()) body->setActivationState(DISABLE_DEACTIVATION);
    world_.addRigidBody(body, touches ? (b ? 1 : 2) : 0, touches ? (b ? 3 : 1) : 0);
    return body;
  }
  template <class PoseOf>
  void make(std::size_t k, PoseOf pose_of) {
    const Joint& j = scene_.joints[k];
    const Pose X_WA = pose_of(j.a), X_WB = pose_of(j.b);
    // the joint frame, z along the axis, on both bodies as they stand now
    const Pose start_a = scene_.pose(j.a), on_a = inverse(start_a) * Pose{from_z(j.axis), j.p};
    const Pose world = X_WA * on_a;
    const Pose turn{{std::sqrt(0.5), 0, j.type == "slider" ? -std::sqrt(0.5) : 0, 0}, {}};  // sliders move along x
    const bool slides = j.type == "slider";
    const Pose A = slides ? on_a * turn : on_a, B = inverse(X_WB) * (slides ? world * turn : world);
    btRigidBody& a = j.a < 0 ? btTypedConstraint::getFixedBody() : *bodies_[static_cast<std::size_t>(j.a)];
    btRigidBody& b = j.b < 0 ? btTypedConstraint::getFixedBody() : *bodies_[static_cast<std::size_t>(j.b)];
    if (j.type == "fixed") joints_[k] = new btFixedConstraint(a, b, bt(A), bt(B));
    if (j.type == "hinge") joints_[k] = new btHingeConstraint(a, b, bt(A), bt(B));
    if (j.type == "ball") joints_[k] = new btPoint2PointConstraint(a, b, bt(A.p), bt(B.p));
    if (slides) {
      auto* slider = new btSliderConstraint(a, b, bt(A), bt(B), true);
      slider->setLowerLinLimit(1), slider->setUpperLinLimit(-1);
      joints_[k] = slider;
    }
    world_.addConstraint(joints_[k], true);
  }
  std::vector<btRigidBody*> bodies_;
  std::vector<btTypedConstraint*> joints_;
};

class Trees : public Base {
 public:
  Trees(const Scene& scene, const std::string& setting) : Base(scene, setting), at_(scene.bodies.size()) {
    std::vector<int> root(scene.bodies.size()), links(scene.bodies.size(), 0);
    for (int b : scene.order) {
      const Joint* j = joint_of(b);
      root[u(b)] = j == nullptr || j->a < 0 ? b : root[u(j->a)];
      const bool base = j == nullptr;  // floating; what hangs on the world is link 0 of a fixed base
      at_[u(b)].link = base ? -1 : links[u(root[u(b)])]++;
    }
    for (int b : scene.order) {
      if (root[u(b)] == b) start(b, links[u(b)]);
      at_[u(b)].tree = at_[u(root[u(b)])].tree;
      if (joint_of(b) != nullptr) link(b);
    }
    for (btMultiBody* tree : trees_) {
      tree->finalizeMultiDof();
      world_.addMultiBody(tree);
    }
    for (int b : scene.order) {
      const Joint* j = joint_of(b);
      const Body& body = scene.bodies[u(b)];
      if (j == nullptr) at_[u(b)].tree->setBaseVel(bt(body.v)), at_[u(b)].tree->setBaseOmega(bt(body.w));
      if (j != nullptr && j->type != "fixed" && j->type != "ball") at_[u(b)].tree->setJointVel(at_[u(b)].link, j->rate);
      collider(at_[u(b)]);
    }
    ground_ = new btRigidBody(0, nullptr, new btSphereShape(0.01));
    closures_.resize(scene.joints.size());
    for (std::size_t k = 0; k < scene.joints.size(); ++k) {
      if (!scene.joints[k].tree && !scene.joints[k].at_run_time) attach(static_cast<int>(k));
    }
  }
  std::string words() const override { return "btMultiBody trees, 200 iterations, ERP 0.8"; }
  void step(double dt) override {
    Base::step(dt);
    stale_ = true;
  }
  State state(int b) override {
    refresh();
    const Address& a = at_[u(b)];
    const auto i = static_cast<std::size_t>(a.link + 1);
    Tree& t = of(a.tree);
    const btQuaternion q = a.link < 0 ? a.tree->getWorldToBaseRot().inverse()
                                      : a.tree->getLink(a.link).m_cachedWorldTransform.getRotation();
    const btVector3 p = a.link < 0 ? a.tree->getBasePos() : a.tree->getLink(a.link).m_cachedWorldTransform.getOrigin();
    return {v3(p), quat(q), v3(quatRotate(q, t.vel[i])), v3(quatRotate(q, t.omega[i]))};
  }
  void apply(int b, const V3& f, const V3& t) override {
    const Address& a = at_[u(b)];
    if (a.link < 0)
      a.tree->addBaseForce(bt(f)), a.tree->addBaseTorque(bt(t));
    else
      a.tree->addLinkForce(a.link, bt(f)), a.tree->addLinkTorque(a.link, bt(t));
  }
  void attach(int joint) override {
    const Joint& j = scene_.joints[u(joint)];
    const auto now = [&](int b) {
      if (b < 0) return Pose{};
      const State s = state(b);
      return Pose{s.q, s.p};
    };
    const int first = j.b >= 0 ? j.b : j.a, second = j.b >= 0 ? j.a : -1;
    const Pose on_a = inverse(scene_.pose(j.a)) * Pose{from_z(j.axis), j.p}, on_b = inverse(now(j.b)) * now(j.a) * on_a;
    const Pose &X = j.b >= 0 ? on_b : on_a, &Y = j.b >= 0 ? on_a : on_b;  // joint frame on the first and the second
    const Address F = at_[u(first)], S = second < 0 ? Address{} : at_[u(second)];
    auto& list = closures_[u(joint)];
    if (j.type == "fixed") {
      const btMatrix3x3 x(bt(X.q)), y(bt(Y.q));
      if (second < 0)
        list.push_back(new btMultiBodyFixedConstraint(F.tree, F.link, ground_, bt(X.p), bt(Y.p), x, y));
      else
        list.push_back(new btMultiBodyFixedConstraint(F.tree, F.link, S.tree, S.link, bt(X.p), bt(Y.p), x, y));
    } else if (j.type == "slider") {
      throw NotSupported("a slider that closes a loop");
    } else {
      for (const double side : {-0.5, 0.5}) {
        if (j.type == "ball" && side > 0) break;
        const Pose out{{1, 0, 0, 0}, {0, 0, j.type == "ball" ? 0 : side * scene_.size}};
        const btVector3 px = bt((X * out).p), py = bt((Y * out).p);
        if (second < 0)
          list.push_back(new btMultiBodyPoint2Point(F.tree, F.link, ground_, px, py));
        else
          list.push_back(new btMultiBodyPoint2Point(F.tree, F.link, S.tree, S.link, px, py));
      }
    }
    for (btMultiBodyConstraint* c : list) c->setMaxAppliedImpulse(1e30), world_.addMultiBodyConstraint(c);
  }
  void detach(int joint) override {
    for (btMultiBodyConstraint* c : closures_[u(joint)]) world_.removeMultiBodyConstraint(c);
  }

 private:
  struct Address {
    btMultiBody* tree = nullptr;
    int link = -1;
  };
  struct Tree {
    btMultiBody* body = nullptr;
    std::vector<btVector3> omega, vel;
  };
  static std::size_t u(int i) { return static_cast<std::size_t>(i); }
  const Joint* joint_of(int b) const {
    return scene_.parent[u(b)] < 0 ? nullptr : &scene_.joints[u(scene_.parent[u(b)])];
  }
  Tree& of(const btMultiBody* body) {
    for (Tree& t : data_) {
      if (t.body == body) return t;
    }
    throw std::logic_error("no such tree");
  }
  void start(int b, int links) {
    const Body& body = scene_.bodies[u(b)];
    const bool free = joint_of(b) == nullptr;
    auto* tree =
        new btMultiBody(links, free ? body.mass : 0, free ? bt(body.inertia) : btVector3(0, 0, 0), !free, false);
    if (free) tree->setBaseWorldTransform(bt(body.pose()));
    tree->setLinearDamping(0), tree->setAngularDamping(0), tree->setUseGyroTerm(true);
    tree->setMaxCoordinateVelocity(1e9);
    trees_.push_back(tree);
    const auto n = static_cast<std::size_t>(links) + 1;
    data_.push_back({tree, std::vector<btVector3>(n), std::vector<btVector3>(n)});
    at_[u(b)].tree = tree;
  }
  void link(int b) {
    const Joint& j = *joint_of(b);
    const Body& body = scene_.bodies[u(b)];
    const Pose X_WP = scene_.pose(j.a), X_WB = body.pose();
    const btQuaternion to_this = bt(conj(X_WB.q) * X_WP.q);
    const btVector3 pivot = bt((inverse(X_WP) * Pose{{1, 0, 0, 0}, j.p}).p);
    const btVector3 com = bt(rotate(conj(X_WB.q), X_WB.p - j.p)), axis = bt(rotate(conj(X_WB.q), j.axis));
    const int parent = j.a < 0 ? -1 : at_[u(j.a)].link, i = at_[u(b)].link;
    btMultiBody& t = *at_[u(b)].tree;
    const btVector3 inertia = bt(body.inertia);
    if (j.type == "fixed") t.setupFixed(i, body.mass, inertia, parent, to_this, pivot, com);
    if (j.type == "hinge") t.setupRevolute(i, body.mass, inertia, parent, to_this, axis, pivot, com, true);
    if (j.type == "slider") t.setupPrismatic(i, body.mass, inertia, parent, to_this, axis, pivot, com, true);
    if (j.type == "ball") t.setupSpherical(i, body.mass, inertia, parent, to_this, pivot, com, true);
  }
  void collider(const Address& a) {  // touches nothing; constraints find their island by it
    auto* c = new btMultiBodyLinkCollider(a.tree, a.link);
    c->setCollisionShape(new btSphereShape(0.01));
    world_.addCollisionObject(c, 0, 0);
    if (a.link < 0)
      a.tree->setBaseCollider(c);
    else
      a.tree->getLink(a.link).m_collider = c;
  }
  void refresh() {
    if (!stale_) return;
    for (Tree& t : data_) {
      t.body->forwardKinematics(rotations_, origins_);
      t.body->compTreeLinkVelocities(t.omega.data(), t.vel.data());
    }
    stale_ = false;
  }
  std::vector<Address> at_;
  std::vector<btMultiBody*> trees_;
  std::vector<Tree> data_;
  std::vector<std::vector<btMultiBodyConstraint*>> closures_;
  btRigidBody* ground_ = nullptr;
  btAlignedObjectArray<btQuaternion> rotations_;
  btAlignedObjectArray<btVector3> origins_;
  bool stale_ = true;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  const int v = btGetVersion();
  return drive(argc, argv,
               {"Bullet", std::to_string(v / 100) + "." + std::to_string(v % 100) + " (Debian, double)",
                [](const Scene& s, const std::string& setting) -> std::unique_ptr<World> {
                  for (const Joint& j : s.joints)
                    if (j.driven) throw NotSupported("drives of joints are explicit torques here");
                  if (setting == "accurate" && !s.joints.empty()) return std::make_unique<Trees>(s, setting);
                  return std::make_unique<Rigid>(s, setting);
                }});
}
