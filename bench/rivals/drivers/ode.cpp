// ODE of Debian (double precision).
//   default   dWorldQuickStep with its 20 iterations, ERP 0.2, CFM 1e-5 as it comes
//   accurate  dWorldStep (direct), ERP 0.8, CFM 0 for joints and 1e-10 for contacts
#include <ode/ode.h>

#include "rival.h"

namespace rivals {
namespace {

class Ode : public World {
 public:
  Ode(const Scene& scene, const std::string& setting) : scene_(scene), accurate_(setting == "accurate") {
    dInitODE2(0);
    world_ = dWorldCreate();
    space_ = dHashSpaceCreate(nullptr);
    group_ = dJointGroupCreate(0);
    dWorldSetGravity(world_, scene.gravity[0], scene.gravity[1], scene.gravity[2]);
    if (accurate_) dWorldSetERP(world_, 0.8), dWorldSetCFM(world_, 1e-12);
    for (const Shape& s : scene.ground) geom(s, nullptr, {s.q, s.p});
    for (const Body& b : scene.bodies) {
      dBodyID id = dBodyCreate(world_);
      dMass mass;
      dMassSetParameters(&mass, b.mass, 0, 0, 0, b.inertia[0], b.inertia[1], b.inertia[2], 0, 0, 0);
      dBodySetMass(id, &mass);
      dBodySetPosition(id, b.p[0], b.p[1], b.p[2]);
      const dQuaternion q = {b.q[0], b.q[1], b.q[2], b.q[3]};
      dBodySetQuaternion(id, q);
      dBodySetLinearVel(id, b.v[0], b.v[1], b.v[2]);
      dBodySetAngularVel(id, b.w[0], b.w[1], b.w[2]);
      dBodySetGyroscopicMode(id, 1);
      for (const Shape& s : b.shapes) geom(s, id, {});
      contacts_ |= !b.shapes.empty();
      bodies_.push_back(id);
    }
    joints_.resize(scene.joints.size(), nullptr);
    for (std::size_t k = 0; k < scene.joints.size(); ++k) {
      if (!scene.joints[k].at_run_time) attach(static_cast<int>(k));
    }
  }
  std::string words() const override {
    return accurate_ ? "dWorldStep (direct), ERP 0.8, CFM 1e-12" : "dWorldQuickStep, 20 iterations, defaults";
  }
  void step(double dt) override {
    if (contacts_) dSpaceCollide(space_, this, &Ode::near);
    if (accurate_)
      dWorldStep(world_, dt);
    else
      dWorldQuickStep(world_, dt);
    dJointGroupEmpty(group_);
  }
  State state(int b) override {
    dBodyID id = bodies_[static_cast<std::size_t>(b)];
    const dReal *p = dBodyGetPosition(id), *q = dBodyGetQuaternion(id), *v = dBodyGetLinearVel(id),
                *w = dBodyGetAngularVel(id);
    return {{p[0], p[1], p[2]}, {q[0], q[1], q[2], q[3]}, {v[0], v[1], v[2]}, {w[0], w[1], w[2]}};
  }
  void apply(int b, const V3& f, const V3& t) override {
    dBodyAddForce(bodies_[static_cast<std::size_t>(b)], f[0], f[1], f[2]);
    dBodyAddTorque(bodies_[static_cast<std::size_t>(b)], t[0], t[1], t[2]);
  }
  void attach(int joint) override {
    const Joint& j = scene_.joints[static_cast<std::size_t>(joint)];
    dJointID& id = joints_[static_cast<std::size_t>(joint)];
    dBodyID a = j.a < 0 ? nullptr : bodies_[static_cast<std::size_t>(j.a)];
    dBodyID b = j.b < 0 ? nullptr : bodies_[static_cast<std::size_t>(j.b)];
    V3 p = j.p, axis = j.axis;
    if (j.a >= 0) {  // where the anchor is now
      const State s = state(j.a);
      const Pose at = Pose{s.q, s.p} * inverse(scene_.pose(j.a)) * Pose{{1, 0, 0, 0}, j.p};
      p = at.p, axis = rotate(at.q, j.axis);
    }
    if (j.type == "fixed") {
      id = dJointCreateFixed(world_, nullptr);
      dJointAttach(id, b, a);
      dJointSetFixed(id);
    } else if (j.type == "hinge") {
      id = dJointCreateHinge(world_, nullptr);
      dJointAttach(id, b, a);
      dJointSetHingeAnchor(id, p[0], p[1], p[2]);
      dJointSetHingeAxis(id, axis[0], axis[1], axis[2]);
    } else if (j.type == "slider") {
      id = dJointCreateSlider(world_, nullptr);
      dJointAttach(id, b, a);
      dJointSetSliderAxis(id, axis[0], axis[1], axis[2]);
    } else {
      id = dJointCreateBall(world_, nullptr);
      dJointAttach(id, b, a);
      dJointSetBallAnchor(id, p[0], p[1], p[2]);
    }
  }
  void detach(int joint) override { dJointDestroy(joints_[static_cast<std::size_t>(joint)]); }

 private:
  void geom(const Shape& s, dBodyID body, const Pose& X) {
    dGeomID g = nullptr;
    if (s.type == "plane") g = dCreatePlane(space_, 0, 0, 1, 0);
    if (s.type == "box") g = dCreateBox(space_, s.size[0], s.size[1], s.size[2]);
    if (s.type == "sphere") g = dCreateSphere(space_, s.radius);
    if (g == nullptr) throw NotSupported("shape " + s.type);
    dGeomSetData(g, const_cast<Shape*>(&s));
    if (body != nullptr)
      dGeomSetBody(g, body);
    else if (s.type != "plane")
      dGeomSetPosition(g, X.p[0], X.p[1], X.p[2]);
  }
  static void near(void* self, dGeomID a, dGeomID b) {
    auto& w = *static_cast<Ode*>(self);
    dBodyID ba = dGeomGetBody(a), bb = dGeomGetBody(b);
    if (ba == nullptr && bb == nullptr) return;
    dContact contacts[8];
    const auto &sa = *static_cast<Shape*>(dGeomGetData(a)), &sb = *static_cast<Shape*>(dGeomGetData(b));
    const int n = dCollide(a, b, 8, &contacts[0].geom, sizeof(dContact));
    for (int i = 0; i < n; ++i) {
      contacts[i].surface.mode = dContactApprox1 | (sa.restitution > 0 ? dContactBounce : 0);
      contacts[i].surface.mu = sa.friction_product * sb.friction_product;
      contacts[i].surface.bounce = std::max(sa.restitution, sb.restitution);
      contacts[i].surface.bounce_vel = 1e-3;
      dJointAttach(dJointCreateContact(w.world_, w.group_, &contacts[i]), ba, bb);
    }
  }
  const Scene& scene_;
  bool accurate_, contacts_ = false;
  dWorldID world_;
  dSpaceID space_;
  dJointGroupID group_;
  std::vector<dBodyID> bodies_;
  std::vector<dJointID> joints_;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  dSetMessageHandler([](int, const char*, va_list) {});
  return drive(argc, argv,
               {"ODE", "0.16.2 (Debian)", [](const Scene& s, const std::string& setting) -> std::unique_ptr<World> {
                  for (const Joint& j : s.joints)
                    if (j.driven) throw NotSupported("drives of joints are explicit torques here");
                  return std::make_unique<Ode>(s, setting);
                }});
}
