// Names of the time series that can be plotted. A series lives in one of two tables (joints or signals):
//   joint channels:  "<joint path>#position", "...#velocity", "...#effort", with ".1", ".2" ... for further degrees of freedom
//   signals:         "<signal name>#measured", "...#predicted", "...#residual"

import { JointKind, type JointState, type Signal } from "../generated/geoul";

export type JointQuantity = "position" | "velocity" | "effort";
export type SignalQuantity = "measured" | "predicted" | "residual";
export const JOINT_QUANTITIES: readonly JointQuantity[] = ["position", "velocity", "effort"];
export const SIGNAL_QUANTITIES: readonly SignalQuantity[] = ["measured", "predicted", "residual"];

export interface JointChannel {
  table: "joints";
  joint: string;
  quantity: JointQuantity;
  dof: number;
}
export interface SignalChannel {
  table: "signals";
  signal: string;
}
export type Channel = JointChannel | SignalChannel;

export function channelKey(channel: Channel): string {
  return channel.table === "signals" ? `signals:${channel.signal}` : `joints:${jointColumn(channel)}`;
}

export function jointColumn(channel: JointChannel): string {
  return `${channel.joint}#${channel.quantity}${channel.dof > 0 ? `.${channel.dof}` : ""}`;
}

export function signalColumn(signal: string, quantity: SignalQuantity): string {
  return `${signal}#${quantity}`;
}

// Column names of a /joints message, in the order of jointRow.
export function jointColumns(joints: readonly JointState[]): string[] {
  return joints.flatMap((joint) =>
    JOINT_QUANTITIES.flatMap((quantity) =>
      joint[quantity].map((_, dof) => jointColumn({ table: "joints", joint: joint.name, quantity, dof })),
    ),
  );
}

export function jointRow(joints: readonly JointState[]): number[] {
  return joints.flatMap((joint) => JOINT_QUANTITIES.flatMap((quantity) => joint[quantity]));
}

export function signalColumns(signals: readonly Signal[]): string[] {
  return signals.flatMap((signal) => SIGNAL_QUANTITIES.map((quantity) => signalColumn(signal.name, quantity)));
}

export function signalRow(signals: readonly Signal[]): number[] {
  return signals.flatMap((signal) => [signal.measured, signal.predicted, signal.residual]);
}

// SI unit of a joint's quantity along degree of freedom `dof`.
export function jointUnit(kind: JointKind | undefined, quantity: JointQuantity, dof: number): string {
  const isLinear =
    kind === JointKind.PRISMATIC ||
    (kind === JointKind.PLANAR && dof < 2) ||
    (kind === JointKind.FREE && dof < 3);
  const hasQuaternion = quantity === "position" && (kind === JointKind.SPHERICAL || (kind === JointKind.FREE && dof >= 3));
  if (hasQuaternion) return "";
  if (quantity === "position") return isLinear ? "m" : "rad";
  if (quantity === "velocity") return isLinear ? "m/s" : "rad/s";
  return isLinear ? "N" : "N.m";
}

export const KIND_WORDS: Record<JointKind, string> = {
  [JointKind.FIXED]: "fixed",
  [JointKind.REVOLUTE]: "revolute",
  [JointKind.CONTINUOUS]: "continuous",
  [JointKind.PRISMATIC]: "prismatic",
  [JointKind.SPHERICAL]: "spherical",
  [JointKind.PLANAR]: "planar",
  [JointKind.FREE]: "free",
};
