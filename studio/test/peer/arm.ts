// What the test peer plays: a six-joint arm on a pedestal in a small cell, moving along sines. Its figures are made up for
// tests of the studio; they are no measurement and no simulation.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Matrix4, Quaternion, Vector3 } from "three";
import { FrameTransformsSchema, SceneUpdateSchema, type SceneEntity, type SceneEntitySchema } from "../../src/generated/foxglove";
import {
  ContactsSchema,
  FixedJointsSchema,
  JointKind,
  JointStatesSchema,
  ModelSchema,
  ReportSchema,
  SignalsSchema,
  WrenchesSchema,
} from "../../src/generated/geoul";
import { fromNanoseconds } from "../../src/twin/time";

type Shapes = Pick<Exclude<MessageInitShape<typeof SceneEntitySchema>, SceneEntity>, "cubes" | "spheres" | "cylinders" | "triangles">;
type Triple = readonly [number, number, number];

const ROOT = "/cell";
const ARM = `${ROOT}/ur3e`;
export const JOINTS = ["shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"] as const;
const LINKS = ["shoulder", "upper_arm", "forearm", "wrist_1_link", "wrist_2_link", "wrist_3_link"] as const;
// Denavit-Hartenberg lengths [m] and twists [rad] of a small arm: a, d, alpha.
const DH: readonly Triple[] = [
  [0, 0.152, Math.PI / 2],
  [-0.244, 0, 0],
  [-0.213, 0, 0],
  [0, 0.131, Math.PI / 2],
  [0, 0.085, -Math.PI / 2],
  [0, 0.092, 0],
];
const PEDESTAL_HEIGHT = 0.6;
const REST = [0.3, -1.35, 1.5, -1.7, -1.57, 0.2];
const SWING = [0.9, 0.3, 0.45, 0.5, 0.35, 1.2];

const WHITE = { r: 0.86, g: 0.88, b: 0.9, a: 1 };
const BLUE = { r: 0.36, g: 0.55, b: 0.7, a: 1 };
const STEEL = { r: 0.46, g: 0.49, b: 0.52, a: 1 };
const FLOOR = { r: 0.62, g: 0.64, b: 0.65, a: 1 };
const ORANGE = { r: 0.91, g: 0.55, b: 0.2, a: 1 };

function pose(p: Triple, axis: "x" | "y" | "z" = "z") {
  const half = Math.SQRT1_2;
  const orientation = axis === "z" ? { x: 0, y: 0, z: 0, w: 1 } : axis === "x" ? { x: 0, y: half, z: 0, w: half } : { x: half, y: 0, z: 0, w: half };
  return { position: { x: p[0], y: p[1], z: p[2] }, orientation };
}

const cube = (p: Triple, size: Triple, color = STEEL) => ({ pose: pose(p), size: { x: size[0], y: size[1], z: size[2] }, color });
const cylinder = (p: Triple, diameter: number, height: number, axis: "x" | "y" | "z", color = WHITE) => ({
  pose: pose(p, axis),
  size: { x: diameter, y: diameter, z: height },
  bottomScale: 1,
  topScale: 1,
  color,
});

function entity(name: string, shapes: Shapes) {
  return { ...shapes, id: name, frameId: name, frameLocked: true, metadata: [{ key: "label", value: name.slice(name.lastIndexOf("/") + 1) }] };
}

// A pyramid as a triangle list with indices.
function pyramid(size: number, color = ORANGE) {
  const points = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [0, 0, 1.4]].map(([x, y, z]) => ({ x: x! * size, y: y! * size, z: z! * size }));
  return { pose: pose([0, 0, 0.0]), points, color, indices: [0, 2, 1, 0, 3, 2, 0, 1, 4, 1, 2, 4, 2, 3, 4, 3, 0, 4] };
}

const FIXED: readonly (readonly [string, string, string])[] = [
  ["floor_to_world", "", `${ROOT}/floor`],
  ["pedestal_to_floor", `${ROOT}/floor`, `${ROOT}/pedestal`],
  ["base_to_pedestal", `${ROOT}/pedestal`, `${ARM}/base`],
  ["bench_to_floor", `${ROOT}/floor`, `${ROOT}/bench`],
  ["fence_to_floor", `${ROOT}/floor`, `${ROOT}/fence`],
  ["load_cell_to_flange", `${ARM}/wrist_3_link`, `${ROOT}/load_cell`],
  ["payload_to_load_cell", `${ROOT}/load_cell`, `${ROOT}/payload`],
];

export const BODIES = [
  `${ROOT}/floor`, `${ROOT}/pedestal`, `${ROOT}/bench`, `${ROOT}/fence`, `${ARM}/base`,
  ...LINKS.map((link) => `${ARM}/${link}`), `${ROOT}/load_cell`, `${ROOT}/payload`,
];

export function sceneUpdate() {
  const fence = [-1.2, -0.4, 0.4, 1.2].map((y) => cube([-0.9, y, 0.5], [0.04, 0.04, 1]));
  const rails = [0.15, 0.55, 0.95].map((z) => cube([-0.9, 0, z], [0.03, 2.44, 0.03]));
  const entities = [
    entity(`${ROOT}/floor`, { cubes: [cube([0, 0, -0.05], [3.2, 3.2, 0.1], FLOOR)] }),
    entity(`${ROOT}/pedestal`, { cubes: [cube([0, 0, 0.01], [0.4, 0.4, 0.02])], cylinders: [cylinder([0, 0, 0.3], 0.2, 0.6, "z", STEEL)] }),
    entity(`${ROOT}/bench`, { cubes: [cube([0.75, 0.1, 0.6], [0.6, 1.3, 0.04], { r: 0.72, g: 0.6, b: 0.45, a: 1 }), ...[-0.45, 0.65].flatMap((y) => [0.5, 1].map((x) => cube([x, y, 0.29], [0.05, 0.05, 0.58])))] }),
    entity(`${ROOT}/fence`, { cubes: [...fence, ...rails] }),
    entity(`${ARM}/base`, { cylinders: [cylinder([0, 0, 0.05], 0.128, 0.1, "z", STEEL)] }),
    entity(`${ARM}/shoulder`, { cylinders: [cylinder([0, 0, 0], 0.12, 0.13, "z"), cylinder([0, -0.02, 0], 0.11, 0.03, "y", BLUE)] }),
    entity(`${ARM}/upper_arm`, { cylinders: [cylinder([0.122, 0, 0.12], 0.08, 0.24, "x"), cylinder([0, 0, 0.12], 0.09, 0.12, "z", BLUE), cylinder([0.244, 0, 0.12], 0.09, 0.12, "z", BLUE)] }),
    entity(`${ARM}/forearm`, { cylinders: [cylinder([0.106, 0, 0.03], 0.068, 0.21, "x"), cylinder([0, 0, 0.03], 0.075, 0.1, "z", BLUE)] }),
    entity(`${ARM}/wrist_1_link`, { cylinders: [cylinder([0, 0, 0], 0.075, 0.1, "z")], spheres: [{ pose: pose([0, 0, 0]), size: { x: 0.08, y: 0.08, z: 0.08 }, color: BLUE }] }),
    entity(`${ARM}/wrist_2_link`, { cylinders: [cylinder([0, 0, 0], 0.075, 0.1, "z")] }),
    entity(`${ARM}/wrist_3_link`, { cylinders: [cylinder([0, 0, -0.02], 0.065, 0.05, "z", STEEL)] }),
    entity(`${ROOT}/load_cell`, { cylinders: [cylinder([0, 0, 0.012], 0.07, 0.024, "z", BLUE)] }),
    entity(`${ROOT}/payload`, { triangles: [pyramid(0.045)] }),
  ];
  return create(SceneUpdateSchema, { entities });
}

export function model() {
  const isWorld = (name: string) => ["floor", "pedestal", "bench", "fence", "base"].some((part) => name.endsWith(`/${part}`));
  const tool = ["wrist_3_link", "load_cell", "payload"];
  const group = (name: string) => (isWorld(name) ? 0 : tool.some((part) => name.endsWith(part)) ? 6 : LINKS.findIndex((link) => name.endsWith(`/${link}`)) + 1);
  const bodies = BODIES.map((name) => ({
    name,
    label: name.slice(name.lastIndexOf("/") + 1),
    mass: isWorld(name) ? 0 : 1.07,
    centerOfMass: { x: 0, y: 0, z: 0.058 },
    principalInertia: { x: 0.0012, y: 0.0012, z: 0.0009 },
    rigidGroup: group(name),
  }));
  const frame = { position: { x: 0, y: 0, z: 0 }, qw: 1 };
  const moving = JOINTS.map((label, i) => ({
    name: `${ARM}/joints/${label}`,
    label,
    kind: i === 5 ? JointKind.CONTINUOUS : JointKind.REVOLUTE,
    body0: i === 0 ? `${ARM}/base` : `${ARM}/${LINKS[i - 1]}`,
    body1: `${ARM}/${LINKS[i]}`,
    axis: { x: 0, y: 0, z: 1 },
    frame0: frame,
    frame1: frame,
    lower: i === 5 ? -Infinity : -6.2832,
    upper: i === 5 ? Infinity : 6.2832,
    effortLimit: i < 2 ? 56 : i === 2 ? 28 : 12,
    velocityLimit: 3.1416,
    damping: 0.2,
    friction: 0.4,
    armature: 0.01,
  }));
  const welds = FIXED.map(([label, body0, body1]) => ({ name: `${ROOT}/joints/${label}`, label, kind: JointKind.FIXED, body0, body1, frame0: frame, frame1: frame }));
  const sites = [{ name: `${ROOT}/tcp`, body: `${ROOT}/payload`, pose: { position: { x: 0, y: 0, z: 0.063 }, qw: 1 } }];
  return create(ModelSchema, { name: "Test peer cell", bodies, joints: [...moving, ...welds], sites, gravity: { x: 0, y: 0, z: -9.82 } });
}

function positions(t: number): number[] {
  return REST.map((rest, i) => rest + SWING[i]! * Math.sin((0.35 + 0.07 * i) * t));
}

export function transforms(t: number, stamp: bigint) {
  const timestamp = fromNanoseconds(stamp);
  const at = new Map<string, Matrix4>();
  for (const name of BODIES) at.set(name, new Matrix4());
  let chain = new Matrix4().makeTranslation(0, 0, PEDESTAL_HEIGHT);
  at.set(`${ARM}/base`, chain.clone());
  positions(t).forEach((q, i) => {
    const [a, d, alpha] = DH[i]!;
    chain = chain.multiply(new Matrix4().makeRotationZ(q)).multiply(new Matrix4().makeTranslation(0, 0, d));
    chain = chain.multiply(new Matrix4().makeTranslation(a, 0, 0)).multiply(new Matrix4().makeRotationX(alpha));
    at.set(`${ARM}/${LINKS[i]}`, chain.clone());
  });
  at.set(`${ROOT}/load_cell`, chain.clone());
  at.set(`${ROOT}/payload`, chain.clone().multiply(new Matrix4().makeTranslation(0, 0, 0.024)));
  const list = [...at].map(([name, matrix]) => {
    const p = new Vector3();
    const q = new Quaternion();
    matrix.decompose(p, q, new Vector3());
    return { timestamp, parentFrameId: "world", childFrameId: name, translation: { x: p.x, y: p.y, z: p.z }, rotation: { x: q.x, y: q.y, z: q.z, w: q.w } };
  });
  return create(FrameTransformsSchema, { transforms: list });
}

function torque(i: number, t: number): number {
  return [0.4, -14, -6.5, -1.1, 0.35, 0.02][i]! * (1 + 0.2 * Math.cos((0.35 + 0.07 * i) * t));
}

export function jointStates(t: number, stamp: bigint) {
  const joints = positions(t).map((position, i) => {
    const rate = 0.35 + 0.07 * i;
    return { name: `${ARM}/joints/${JOINTS[i]}`, position: [position], velocity: [SWING[i]! * rate * Math.cos(rate * t)], effort: [torque(i, t)] };
  });
  return create(JointStatesSchema, { timestamp: fromNanoseconds(stamp), joints });
}

export function signals(t: number, stamp: bigint) {
  const torques = JOINTS.map((name, i) => {
    const predicted = torque(i, t);
    const measured = predicted + 0.12 * Math.sin(7.1 * t + i) + 0.03 * Math.sin(41 * t);
    return { name: `torque/${name}`, unit: "N.m", measured, predicted, residual: measured - predicted };
  });
  const tcp = { name: "tcp/error", unit: "m", measured: 0.0004 + 0.0001 * Math.sin(t), predicted: NaN, residual: NaN };
  return create(SignalsSchema, { timestamp: fromNanoseconds(stamp), signals: [...torques, tcp] });
}

export function fixedJoints(t: number, stamp: bigint) {
  const joints = FIXED.map(([label, body0, body1], i) => ({
    name: `${ROOT}/joints/${label}`,
    body0,
    body1,
    positionError: i === 5 ? 1.1e-16 : 0,
    rotationError: 0,
    force: { x: 0.4 * Math.sin(t), y: 0.1 * i, z: -10.51 * (7 - i) },
    torque: { x: 0.31 * Math.cos(t), y: 0.05 * i, z: 0 },
    indeterminate: i === 4,
  }));
  return create(FixedJointsSchema, { timestamp: fromNanoseconds(stamp), joints });
}

export function report(stamp: bigint) {
  const torques = JOINTS.map((name, i) => ({ name: `torque RMSE ${name}`, value: 0.11 + 0.03 * i, unit: "N.m", bound: NaN, ok: true, note: "against target_moment, in motion" }));
  const lines = [
    { name: "fixed-joint position error, largest", value: 1.1e-16, unit: "m", bound: 1e-12, ok: true, note: "rounding" },
    { name: "gravity torque at rest, joint 2", value: 0.0012, unit: "1", bound: 0.002, ok: true, note: "relative" },
    { name: "TCP position error, largest", value: 0.00052, unit: "m", bound: 0.0003, ok: false, note: "flange-to-TCP transform not constant" },
    ...torques,
  ];
  return create(ReportSchema, { timestamp: fromNanoseconds(stamp), lines });
}

// Four points under the pedestal.
export function contacts(stamp: bigint) {
  const points = [[0.2, 0.2], [-0.2, 0.2], [-0.2, -0.2], [0.2, -0.2]] as const;
  const list = points.map(([x, y], i) => ({
    shape0: "/floor", shape1: `${ROOT}/pedestal`, position: { x, y, z: 0 }, normal: { x: 0, y: 0, z: 1 },
    force: { x: 0, y: 0, z: 100 + 20 * i }, penetration: 1e-9, converged: true,
  }));
  return create(ContactsSchema, { timestamp: fromNanoseconds(stamp), contacts: list });
}

export function wrenches(t: number, stamp: bigint) {
  const list = JOINTS.map((name, i) => ({
    joint: `${ARM}/${name}`, position: { x: 0, y: 0.1 * i, z: PEDESTAL_HEIGHT + 0.1 * i }, force: { x: 0, y: 0, z: 60 - 8 * i }, torque: { x: 5 * Math.sin(t), y: 0, z: 1 },
  }));
  return create(WrenchesSchema, { timestamp: fromNanoseconds(stamp), wrenches: list });
}

export function residuals(t: number, stamp: bigint) {
  const lines = [
    { name: "contacts", value: 4, unit: "", bound: NaN, ok: true, note: "" },
    { name: "contact residual", value: 5e-11 * (1 + Math.sin(t)), unit: "m/s", bound: 1e-10, ok: true, note: "worst 1e-10" },
    { name: "loop closure", value: 2e-9, unit: "m, rad", bound: 1e-9, ok: false, note: "worst 2e-9" },
  ];
  return create(ReportSchema, { timestamp: fromNanoseconds(stamp), lines });
}
