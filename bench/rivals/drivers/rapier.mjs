// Rapier by its WebAssembly build.
//   default   impulse joints, its own 4 solver iterations
//   accurate  200 solver iterations of 4 inner ones each
import { NotSupported, frames, load, main, poseOf, version } from "./rival.mjs";

const RAPIER = (await load("@dimforge/rapier3d-compat")).default;
await RAPIER.init();
const vec = (v) => ({ x: v[0], y: v[1], z: v[2] });
const quat = (q) => ({ w: q[0], x: q[1], y: q[2], z: q[3] });

class World {
  constructor(scene, setting) {
    this.scene = scene;
    this.world = new RAPIER.World(vec(scene.gravity));
    const accurate = setting === "accurate";
    this.words = accurate ? "impulse joints, 200 solver iterations of 4" : "impulse joints, defaults";
    if (accurate) this.world.numSolverIterations = 200, (this.world.numInternalPgsIterations = 4);
    this.fixed = this.world.createRigidBody(RAPIER.RigidBodyDesc.fixed());
    for (const s of scene.ground) this.world.createCollider(this.shape(s, true), this.fixed);
    this.bodies = scene.bodies.map((b) => {
      const made = RAPIER.RigidBodyDesc.dynamic().setTranslation(...b.p).setRotation(quat(b.q)).setLinvel(...b.v).setAngvel(vec(b.w))
        .setAdditionalMassProperties(b.mass, vec([0, 0, 0]), vec(b.inertia), quat([1, 0, 0, 0]));
      if (scene.joints.length > 0) made.setCanSleep(false);
      const body = this.world.createRigidBody(made);
      for (const s of b.shapes) this.world.createCollider(this.shape(s, false), body);
      return body;
    });
    this.joints = scene.joints.map((j) => (j.at !== undefined ? null : this.joint(j)));
  }
  shape(s, ground) {
    let desc;
    if (s.type === "plane") desc = RAPIER.ColliderDesc.cuboid(100, 100, 1).setTranslation(0, 0, -1); // no half space in it
    if (s.type === "box") desc = RAPIER.ColliderDesc.cuboid(s.size[0] / 2, s.size[1] / 2, s.size[2] / 2);
    if (s.type === "sphere") desc = RAPIER.ColliderDesc.ball(s.radius);
    if (!desc) throw new NotSupported(`shape ${s.type}`);
    if (ground && s.type !== "plane") desc.setTranslation(...s.p).setRotation(quat(s.q));
    return desc.setDensity(0).setFriction(s.friction.min).setFrictionCombineRule(RAPIER.CoefficientCombineRule.Min).setRestitution(s.restitution);
  }
  joint(j, now) {
    const [A, B] = frames(this.scene, j, now);
    // hinges and sliders take one axis for both bodies, in each body's own frame
    const along = (X) => { const q = X.q; return [1 - 2 * (q[2] ** 2 + q[3] ** 2), 2 * (q[1] * q[2] + q[0] * q[3]), 2 * (q[1] * q[3] - q[0] * q[2])]; };
    const a = j.a < 0 ? this.fixed : this.bodies[j.a], b = j.b < 0 ? this.fixed : this.bodies[j.b];
    const same = along(A).every((x, i) => Math.abs(x - along(B)[i]) < 1e-9);
    let data;
    if (j.type === "fixed") data = RAPIER.JointData.fixed(vec(A.p), quat(A.q), vec(B.p), quat(B.q));
    else if (j.type === "ball") data = RAPIER.JointData.spherical(vec(A.p), vec(B.p));
    else if (!same) throw new NotSupported("its JavaScript hinges and sliders take one axis for two bodies that are turned against each other");
    else if (j.type === "hinge") data = RAPIER.JointData.revolute(vec(A.p), vec(B.p), vec(along(A)));
    else data = RAPIER.JointData.prismatic(vec(A.p), vec(B.p), vec(along(A)));
    return this.world.createImpulseJoint(data, a, b, true);
  }
  step(dt) {
    this.world.timestep = dt;
    this.world.step();
    if (this.loaded) for (const b of this.bodies) b.resetForces(true), b.resetTorques(true);
    this.loaded = false;
  }
  state(i) {
    const b = this.bodies[i], p = b.translation(), q = b.rotation(), v = b.linvel(), w = b.angvel();
    return { p: [p.x, p.y, p.z], q: [q.w, q.x, q.y, q.z], v: [v.x, v.y, v.z], w: [w.x, w.y, w.z] };
  }
  apply(i, f, t) {
    this.loaded = true;
    this.bodies[i].addForce(vec(f), true);
    this.bodies[i].addTorque(vec(t), true);
  }
  attach(k) { this.joints[k] = this.joint(this.scene.joints[k], (b) => (b < 0 ? poseOf(this.scene, b) : this.state(b))); }
  detach(k) { this.world.removeImpulseJoint(this.joints[k], true); }
}

await main("Rapier", `${version("@dimforge/rapier3d-compat")} (wasm)`, (scene, setting) => new World(scene, setting));
