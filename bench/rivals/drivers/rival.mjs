// What the drivers in JavaScript share: the same loop, loads and result as rival.h.
//   node DRIVER SCENE.json SETTING
// A driver gives make(scene, setting) -> world {words, step(dt), state(body), apply(body, force, torque),
// attach(joint), detach(joint)}; what an engine cannot do it throws as NotSupported.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

export class NotSupported extends Error {}

const folder = path.join(process.env.GEOUL_RIVALS ?? path.join(os.homedir(), ".cache/geoul-rivals"), "node");
const require = createRequire(path.join(folder, "package.json"));
export const resolve = (name) => require.resolve(name);
export const load = (name) => import(pathToFileURL(resolve(name)).href);
export const version = (name) => JSON.parse(fs.readFileSync(path.join(folder, "node_modules", name, "package.json"))).version;

export const add = (a, b) => a.map((x, i) => x + b[i]);
export const sub = (a, b) => a.map((x, i) => x - b[i]);
export const scale = (s, a) => a.map((x) => s * x);
export const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const conj = (q) => [q[0], -q[1], -q[2], -q[3]];
export const mul = (a, b) => [
  a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
  a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]];
export const rotate = (q, v) => mul(mul(q, [0, ...v]), conj(q)).slice(1);
export const compose = (A, B) => ({ q: mul(A.q, B.q), p: add(A.p, rotate(A.q, B.p)) });
export const invert = (A) => ({ q: conj(A.q), p: rotate(conj(A.q), scale(-1, A.p)) });
// A rotation that takes x to the unit vector `to`.
export const fromX = (to) => {
  if (to[0] < -0.999999) return [0, 0, 1, 0];
  const q = [1 + to[0], 0, -to[2], to[1]], n = Math.hypot(...q);
  return q.map((x) => x / n);
};
export const identity = { q: [1, 0, 0, 0], p: [0, 0, 0] };
export const poseOf = (scene, body) => (body < 0 ? identity : { q: scene.bodies[body].q, p: scene.bodies[body].p });
// The joint's frame (x along its axis) on both bodies, as they stand in `now`.
export const frames = (scene, joint, now = (b) => poseOf(scene, b)) => {
  const A = compose(invert(poseOf(scene, joint.a)), { q: fromX(joint.axis), p: joint.p });
  return [A, compose(invert(now(joint.b)), compose(now(joint.a), A))];
};

function loads(scene, world) {
  const still = { p: [0, 0, 0], q: [1, 0, 0, 0], v: [0, 0, 0], w: [0, 0, 0] };
  const of = (b) => (b < 0 ? still : world.state(b));
  const hinges = scene.drives.map((d) => {
    const j = scene.joints[d.joint], A = poseOf(scene, j.a);
    return { d, j, start: mul(conj(A.q), poseOf(scene, j.b).q), axis: rotate(conj(A.q), j.axis) };
  });
  const drive = ({ d, j, start, axis }, t) => {
    const a = of(j.a), b = of(j.b), turn = mul(mul(conj(a.q), b.q), conj(start));
    let angle = 2 * Math.atan2(dot(turn.slice(1), axis), turn[0]);
    angle = angle > Math.PI ? angle - 2 * Math.PI : angle < -Math.PI ? angle + 2 * Math.PI : angle;
    const w = 2 * Math.PI * d.frequency, u = rotate(a.q, axis);
    const torque = d.kp * (d.offset + d.amplitude * Math.sin(w * t + d.phase) - angle) +
      d.kd * (d.amplitude * w * Math.cos(w * t + d.phase) - dot(u, sub(b.w, a.w)));
    world.apply(j.b, [0, 0, 0], scale(torque, u));
    if (j.a >= 0) world.apply(j.a, [0, 0, 0], scale(-torque, u));
  };
  const spring = (s) => {
    const a = of(s.a), b = of(s.b), ra = rotate(a.q, s.pa), rb = rotate(b.q, s.pb);
    const line = sub(add(b.p, rb), add(a.p, ra)), length = Math.hypot(...line);
    const rate = sub(add(b.v, cross(b.w, rb)), add(a.v, cross(a.w, ra)));
    const pull = scale((s.k * (length - s.length) + (s.c * dot(line, rate)) / length) / length, line);
    if (s.a >= 0) world.apply(s.a, pull, cross(ra, pull));
    if (s.b >= 0) world.apply(s.b, scale(-1, pull), cross(rb, scale(-1, pull)));
  };
  return (t) => {
    for (const f of scene.forces) if (t >= f.begin && t < f.end) world.apply(f.body, f.force, f.torque);
    for (const h of hinges) drive(h, t);
    for (const s of scene.springs) spring(s);
  };
}

const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) * 1e-6; };

function run(scene, world) {
  const apply = loads(scene, world), loaded = scene.drives.length + scene.springs.length + scene.forces.length > 0;
  const t = [], states = [], made = scene.joints.map(() => 0);
  const sample = (time) => {
    t.push(time);
    states.push(scene.bodies.flatMap((_, b) => { const s = world.state(b); return [...s.p, ...s.q, ...s.v, ...s.w]; }));
  };
  sample(0);
  const steps = Math.round(scene.duration / scene.dt), stride = Math.max(1, Math.round(scene.every / scene.dt));
  const cpuAt = [0];
  let n = 0, spent = 0;
  while (n < steps && spent < (scene.budget ?? 60)) {
    const until = Math.min(steps, n + stride), begin = cpu();
    for (; n < until; ++n) {
      const time = n * scene.dt;
      scene.joints.forEach((j, k) => {
        if (j.at === undefined) return;
        if (made[k] === 0 && time >= j.at - 1e-9) world.attach(k), (made[k] = 1);
        if (made[k] === 1 && time >= (j.until ?? 1e300) - 1e-9) world.detach(k), (made[k] = 2);
      });
      if (loaded) apply(time);
      world.step(scene.dt);
    }
    spent += cpu() - begin;
    sample(n * scene.dt);
    cpuAt.push(spent);
  }
  return { status: "ok", us_per_step: (1e6 * spent) / Math.max(1, n), steps: n, t, cpu_at: cpuAt, states };
}

export async function main(engine, engineVersion, make) {
  const scene = JSON.parse(fs.readFileSync(process.argv[2])), setting = process.argv[3];
  let result = { engine, version: engineVersion, setting, scene: scene.name, dt: scene.dt };
  try {
    if (scene.joints.some((j) => j.drive)) throw new NotSupported("drives of joints are explicit torques here");
    run({ ...scene, duration: 20 * scene.dt, every: scene.dt, budget: 1 }, await make(scene, setting)); // compiles the wasm
    const world = await make(scene, setting);
    result.words = world.words;
    result = { ...result, ...run(scene, world) };
  } catch (error) {
    result.status = error instanceof NotSupported ? error.message : `failed: ${error?.message ?? error}`;
  }
  process.stdout.write(JSON.stringify(result) + "\n", () => process.exit(0));
}
