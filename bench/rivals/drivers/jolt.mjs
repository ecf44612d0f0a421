// Jolt by its WebAssembly build.
//   default   10 velocity and 2 position iterations, one collision step a step
//   accurate  32 collision steps a step
import { frames, load, main, poseOf, rotate, version } from "./rival.mjs";

const Jolt = await (await load("jolt-physics")).default();
const vec = (v) => new Jolt.Vec3(v[0], v[1], v[2]);
const rvec = (v) => new Jolt.RVec3(v[0], v[1], v[2]);
const quat = (q) => new Jolt.Quat(q[1], q[2], q[3], q[0]);
const kStill = 0, kMoving = 1, kGhost = 2, kLayers = 3;

function settings() {
  const touch = new Jolt.ObjectLayerPairFilterTable(kLayers);
  touch.EnableCollision(kStill, kMoving), touch.EnableCollision(kMoving, kMoving);
  const broad = new Jolt.BroadPhaseLayerInterfaceTable(kLayers, 2);
  for (const layer of [kStill, kMoving, kGhost]) broad.MapObjectToBroadPhaseLayer(layer, new Jolt.BroadPhaseLayer(layer === kMoving ? 1 : 0));
  const s = new Jolt.JoltSettings();
  s.mObjectLayerPairFilter = touch, (s.mBroadPhaseLayerInterface = broad);
  s.mObjectVsBroadPhaseLayerFilter = new Jolt.ObjectVsBroadPhaseLayerFilterTable(broad, 2, touch, kLayers);
  s.mMaxBodies = 2000, (s.mMaxBodyPairs = 20000), (s.mMaxContactConstraints = 20000);
  return s;
}

class World {
  constructor(scene, setting) {
    this.scene = scene;
    this.substeps = setting === "accurate" ? 32 : 1;
    this.words = `10 velocity and 2 position iterations, ${this.substeps} collision steps a step`;
    this.jolt = new Jolt.JoltInterface(settings());
    this.system = this.jolt.GetPhysicsSystem();
    this.system.SetGravity(vec(scene.gravity));
    this.interface = this.system.GetBodyInterface();
    this.world = this.add(null, [{ type: "sphere", radius: 0.01, friction: { product: 0 }, restitution: 0, p: [0, 0, 0], q: [1, 0, 0, 0] }], kGhost);
    for (const s of scene.ground) this.add(null, [s], kStill);
    this.bodies = scene.bodies.map((b) => this.add(b, b.shapes, b.shapes.length > 0 ? kMoving : kGhost));
    this.joints = scene.joints.map((j) => (j.at !== undefined ? null : this.joint(j)));
  }
  add(body, shapes, layer) {
    const s = shapes[0], still = body === null;
    let shape = new Jolt.SphereShape(s?.radius ?? 0.01);
    let at = still ? s.p : body.p, turn = still ? s.q : body.q;
    if (s?.type === "box") shape = new Jolt.BoxShape(vec(s.size.map((x) => x / 2)), 0.01);
    if (s?.type === "plane") (shape = new Jolt.BoxShape(vec([100, 100, 1]), 0.01)), (at = [0, 0, -1]), (turn = [1, 0, 0, 0]);
    const c = new Jolt.BodyCreationSettings(shape, rvec(at), quat(turn), still ? Jolt.EMotionType_Static : Jolt.EMotionType_Dynamic, layer);
    c.mLinearDamping = 0, (c.mAngularDamping = 0), (c.mMaxLinearVelocity = 1e4), (c.mMaxAngularVelocity = 1e4);
    c.mFriction = (s?.friction.product ?? 0) ** 2, (c.mRestitution = s?.restitution ?? 0);
    c.mApplyGyroscopicForce = true;
    if (this.scene.joints.length > 0) c.mAllowSleeping = false;
    if (!still) {
      c.mOverrideMassProperties = Jolt.EOverrideMassProperties_MassAndInertiaProvided;
      c.mMassPropertiesOverride.mMass = body.mass;
      c.mMassPropertiesOverride.mInertia = Jolt.Mat44.prototype.sScaleVec3(vec(body.inertia));
      c.mLinearVelocity = vec(body.v), (c.mAngularVelocity = vec(body.w));
    }
    const made = this.interface.CreateBody(c);
    this.interface.AddBody(made.GetID(), Jolt.EActivation_Activate);
    return made;
  }
  joint(j, now) {
    const [A, B] = frames(this.scene, j, now);
    const types = { fixed: "Fixed", hinge: "Hinge", slider: "Slider", ball: "Point" };
    const s = new Jolt[`${types[j.type]}ConstraintSettings`]();
    s.mSpace = Jolt.EConstraintSpace_LocalToBodyCOM;
    s.mPoint1 = rvec(A.p), (s.mPoint2 = rvec(B.p));
    const axis = (X, v) => vec(rotate(X.q, v)), x = [1, 0, 0], y = [0, 1, 0];
    const names = { fixed: ["mAxisX", "mAxisY"], hinge: ["mHingeAxis", "mNormalAxis"], slider: ["mSliderAxis", "mNormalAxis"] }[j.type];
    if (names) {
      s[names[0] + "1"] = axis(A, x), (s[names[0] + "2"] = axis(B, x));
      s[names[1] + "1"] = axis(A, y), (s[names[1] + "2"] = axis(B, y));
    }
    const made = s.Create(j.a < 0 ? this.world : this.bodies[j.a], j.b < 0 ? this.world : this.bodies[j.b]);
    this.system.AddConstraint(made);
    return made;
  }
  step(dt) { this.jolt.Step(dt, this.substeps); }
  state(i) {
    const b = this.bodies[i];
    let x = b.GetPosition();
    const p = [x.GetX(), x.GetY(), x.GetZ()];
    x = b.GetRotation();
    const q = [x.GetW(), x.GetX(), x.GetY(), x.GetZ()];
    x = b.GetLinearVelocity();
    const v = [x.GetX(), x.GetY(), x.GetZ()];
    x = b.GetAngularVelocity();
    return { p, q, v, w: [x.GetX(), x.GetY(), x.GetZ()] };
  }
  apply(i, f, t) {
    const F = vec(f), T = vec(t);
    this.bodies[i].AddForce(F), this.bodies[i].AddTorque(T);
    Jolt.destroy(F), Jolt.destroy(T);
  }
  attach(k) { this.joints[k] = this.joint(this.scene.joints[k], (b) => (b < 0 ? poseOf(this.scene, b) : this.state(b))); }
  detach(k) { this.system.RemoveConstraint(this.joints[k]); }
}

await main("Jolt", `${version("jolt-physics")} (wasm)`, (scene, setting) => new World(scene, setting));
