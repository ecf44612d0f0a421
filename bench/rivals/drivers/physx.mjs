// PhysX by its WebAssembly build.
//   default       rigid bodies and joints, the SDK's defaults: PGS, 4 position and 1 velocity iterations
//   accurate      TGS with 255 position iterations (the maximum)
//   articulation  trees in reduced coordinates, TGS with 255 iterations; loops as joints on top
import fs from "node:fs";
import { NotSupported, compose, frames, load, main, poseOf, resolve, version } from "./rival.mjs";

// The package is built for pages only: it looks like one while it loads.
const versions = Object.getOwnPropertyDescriptor(process, "versions");
Object.defineProperty(process, "versions", { value: {}, configurable: true });
globalThis.window = globalThis;
globalThis.document = { currentScript: { src: "" } };
const wasmBinary = fs.readFileSync(resolve("physx-js-webidl").replace(/mjs$/, "wasm"));
const PhysX = await (await load("physx-js-webidl")).default({ wasmBinary });
Object.defineProperty(process, "versions", versions);
const top = PhysX.PxTopLevelFunctions.prototype;
const vec = (v) => new PhysX.PxVec3(v[0], v[1], v[2]);
const quat = (q) => new PhysX.PxQuat(q[1], q[2], q[3], q[0]);
const pose = (X) => new PhysX.PxTransform(vec(X.p), quat(X.q));
const half = Math.SQRT1_2;
const halfTurn = { p: [0, 0, 0], q: [half, 0, -half, 0] }; // a plane's normal is x in PhysX; here it is z

class World {
  constructor(scene, setting) {
    this.scene = scene;
    this.iterations = setting === "default" ? 4 : 255;
    const tgs = setting !== "default";
    this.words = `${setting === "articulation" ? "articulations, " : ""}${tgs ? "TGS" : "PGS"}, ${this.iterations}/1 iterations`;
    const foundation = top.CreateFoundation(top.PHYSICS_VERSION, new PhysX.PxDefaultAllocator(), new PhysX.PxDefaultErrorCallback());
    const scale = new PhysX.PxTolerancesScale();
    this.physics = top.CreatePhysics(top.PHYSICS_VERSION, foundation, scale);
    top.InitExtensions(this.physics);
    const desc = new PhysX.PxSceneDesc(scale);
    desc.gravity = vec(scene.gravity);
    desc.cpuDispatcher = top.DefaultCpuDispatcherCreate(0);
    desc.filterShader = top.DefaultFilterShader();
    desc.solverType = tgs ? PhysX.PxSolverTypeEnum.eTGS : PhysX.PxSolverTypeEnum.ePGS;
    this.world = this.physics.createScene(desc);
    this.bodies = new Array(scene.bodies.length);
    for (const s of scene.ground) this.ground(s);
    const articulated = setting === "articulation" && scene.joints.length > 0;
    if (articulated) this.articulate();
    else scene.bodies.forEach((b, i) => this.free(b, i));
    this.joints = scene.joints.map((j) => (j.at !== undefined || (articulated && j.tree) ? null : this.joint(j)));
    this.still = new PhysX.PxVec3(0, 0, 0);
  }
  shape(s) {
    const material = this.physics.createMaterial(s.friction.min, s.friction.min, s.restitution);
    material.setFrictionCombineMode(PhysX.PxCombineModeEnum.eMIN);
    const geometry = s.type === "plane" ? new PhysX.PxPlaneGeometry()
      : s.type === "box" ? new PhysX.PxBoxGeometry(s.size[0] / 2, s.size[1] / 2, s.size[2] / 2) : new PhysX.PxSphereGeometry(s.radius);
    const flags = new PhysX.PxShapeFlags(PhysX.PxShapeFlagEnum.eSIMULATION_SHAPE | PhysX.PxShapeFlagEnum.eSCENE_QUERY_SHAPE);
    const shape = this.physics.createShape(geometry, material, true, flags);
    shape.setSimulationFilterData(new PhysX.PxFilterData(1, 1, 0, 0));
    return shape;
  }
  ground(s) {
    const X = { p: s.p, q: s.q };
    const actor = this.physics.createRigidStatic(pose(s.type === "plane" ? compose(X, halfTurn) : X));
    actor.attachShape(this.shape(s));
    this.world.addActor(actor);
  }
  mass(actor, b) {
    actor.setMass(b.mass);
    actor.setMassSpaceInertiaTensor(vec(b.inertia));
    actor.setCMassLocalPose(pose({ p: [0, 0, 0], q: [1, 0, 0, 0] }));
    actor.setAngularDamping(0), actor.setLinearDamping(0);
    for (const s of b.shapes) actor.attachShape(this.shape(s));
    actor.setRigidBodyFlag(PhysX.PxRigidBodyFlagEnum.eENABLE_GYROSCOPIC_FORCES, true);
  }
  free(b, i) {
    const actor = this.physics.createRigidDynamic(pose(b));
    this.mass(actor, b);
    actor.setSolverIterationCounts(this.iterations, 1);
    actor.setMaxAngularVelocity(1e4);
    if (this.scene.joints.length > 0) actor.setSleepThreshold(0);
    actor.setLinearVelocity(vec(b.v)), actor.setAngularVelocity(vec(b.w));
    this.world.addActor(actor);
    this.bodies[i] = actor;
  }
  articulate() {
    const roots = new Map(), { scene } = this, type = PhysX.PxArticulationJointTypeEnum;
    for (const i of scene.order) {
      const k = scene.parent[i], j = k < 0 ? null : scene.joints[k], b = scene.bodies[i];
      let art, parent = null;
      if (!j || j.a < 0) {
        art = this.physics.createArticulationReducedCoordinate();
        art.setSolverIterationCounts(this.iterations, 1);
        art.setSleepThreshold(0);
        roots.set(i, art);
        if (j) { // a link that stands still carries what hangs on the world
          art.setArticulationFlag(PhysX.PxArticulationFlagEnum.eFIX_BASE, true);
          parent = art.createLink(null, pose({ p: j.p, q: [1, 0, 0, 0] }));
          parent.setMass(1), parent.setMassSpaceInertiaTensor(vec([1, 1, 1]));
        }
        art.root = i;
      } else {
        art = roots.get(this.rootOf(i)), (parent = this.bodies[j.a]);
      }
      const link = art.createLink(parent ?? null, pose(b));
      this.mass(link, b);
      if (j) {
        const joint = PhysX.castObject(link.getInboundJoint(), PhysX.PxArticulationJointReducedCoordinate);
        const [A, B] = frames(scene, j);
        joint.setParentPose(pose(j.a < 0 ? { p: [0, 0, 0], q: A.q } : A)), joint.setChildPose(pose(B));
        if (j.type === "ball") throw new NotSupported("spherical joints of articulations are not driven here");
        joint.setJointType({ fixed: type.eFIX, hinge: type.eREVOLUTE, slider: type.ePRISMATIC }[j.type]);
        joint.setFrictionCoefficient(0);
        const axis = j.type === "slider" ? PhysX.PxArticulationAxisEnum.eX : PhysX.PxArticulationAxisEnum.eTWIST;
        if (j.type !== "fixed") joint.setMotion(axis, PhysX.PxArticulationMotionEnum.eFREE), (joint.axis = axis), (joint.rate = j.rate);
        joint.setMaxJointVelocity(1e6);
        (art.made ??= []).push(joint);
      }
      this.bodies[i] = link;
    }
    for (const [i, art] of roots) {
      this.world.addArticulation(art);
      for (const joint of art.made ?? []) if (joint.axis !== undefined && joint.rate) joint.setJointVelocity(joint.axis, joint.rate);
      if (scene.parent[i] < 0) {
        art.setRootLinearVelocity(vec(scene.bodies[i].v)), art.setRootAngularVelocity(vec(scene.bodies[i].w));
      }
    }
  }
  rootOf(i) {
    const k = this.scene.parent[i];
    return k < 0 || this.scene.joints[k].a < 0 ? i : this.rootOf(this.scene.joints[k].a);
  }
  joint(j, now) {
    const [A, B] = frames(this.scene, j, now), none = null;
    const make = { fixed: top.FixedJointCreate, hinge: top.RevoluteJointCreate, slider: top.PrismaticJointCreate, ball: top.SphericalJointCreate }[j.type];
    return make.call(top, this.physics, j.a < 0 ? none : this.bodies[j.a], pose(A), j.b < 0 ? none : this.bodies[j.b], pose(B));
  }
  step(dt) {
    this.world.simulate(dt);
    this.world.fetchResults(true);
  }
  state(i) {
    const b = this.bodies[i], X = b.getGlobalPose(), p = X.p, q = X.q;
    const at = [p.x, p.y, p.z], turn = [q.w, q.x, q.y, q.z], v = b.getLinearVelocity();
    const linear = [v.x, v.y, v.z], w = b.getAngularVelocity();
    return { p: at, q: turn, v: linear, w: [w.x, w.y, w.z] };
  }
  apply(i, f, t) {
    if (f[0] || f[1] || f[2]) { const x = vec(f); this.bodies[i].addForce(x); PhysX.destroy(x); }
    if (t[0] || t[1] || t[2]) { const x = vec(t); this.bodies[i].addTorque(x); PhysX.destroy(x); }
  }
  attach(k) { this.joints[k] = this.joint(this.scene.joints[k], (b) => (b < 0 ? poseOf(this.scene, b) : this.state(b))); }
  detach(k) { this.joints[k].release(); }
}

await main("PhysX", `5.6.1 (physx-js-webidl ${version("physx-js-webidl")}, wasm)`, (scene, setting) => new World(scene, setting));
