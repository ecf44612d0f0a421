// What is selected, in full: all fields of the model, live values beside them, and links to what it is joined to.

import { JointKind, type Body, type FixedJoint, type Joint, type Placement as Pose, type Vector3 } from "../generated/geoul";
import { JOINT_QUANTITIES, jointUnit, KIND_WORDS } from "../twin/series";
import type { Selection } from "../twin/selection";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatFixed, formatInstant, formatNumber, formatQuantity, formatUnit, lastPart } from "../ui/format";
import { icon, type IconName } from "../ui/icons";

type Live = () => string;

export class PropertiesPanel {
  readonly element: HTMLElement;
  private readonly content = h("div", { class: "properties" });
  private live: { node: Node; read: Live }[] = [];

  constructor(
    private readonly twin: Twin,
    private readonly selection: Selection,
  ) {
    this.element = h("section", { class: "panel properties-panel", "aria-label": "Properties", tabindex: "0" }, this.content);
    for (const name of ["model", "signalNames", "reset"] as const) twin.on(name, () => this.show());
    selection.on("change", () => this.show());
    this.show();
  }

  // Called a few times a second.
  updateValues(): void {
    for (const { node, read } of this.live) setText(node, read());
  }

  private show(): void {
    this.live = [];
    const { current } = this.selection;
    const body = current?.kind === "body" ? this.twin.bodies.get(current.name) : undefined;
    const joint = current?.kind === "joint" ? this.twin.joints.get(current.name) : undefined;
    this.content.replaceChildren(
      ...(body
        ? this.bodyView(body)
        : joint
          ? this.jointView(joint)
          : current?.kind === "signal"
            ? this.signalView(current.name)
            : this.sceneView()),
    );
    this.element.scrollTop = 0;
    this.updateValues();
  }

  private sceneView(): Node[] {
    const { model } = this.twin;
    if (!model) return [h("p", { class: "empty" }, "Nothing to show until a twin answers.")];
    const welds = model.joints.filter((joint) => joint.kind === JointKind.FIXED).length;
    const groups = new Set(model.bodies.map((body) => body.rigidGroup));
    const mass = model.bodies.reduce((sum, body) => sum + body.mass, 0);
    return [
      this.head("home", model.name || "Scene", "scene", undefined),
      this.group("Model", [
        ["bodies", String(model.bodies.length)],
        ["rigid groups", String(groups.size)],
        ["joints", `${model.joints.length - welds} moving, ${welds} fixed`],
        ["sites", String(model.sites.length)],
        ["total mass", formatQuantity(mass, "kg")],
        ["gravity", vectorText(model.gravity, "m/s2")],
      ]),
      this.group("Run", [
        ["source", () => this.twin.clock?.source || "–"],
        ["time step", () => formatQuantity(this.twin.clock?.dt ?? NaN, "s")],
        ["begins at", () => (this.twin.clock ? formatInstant(this.twin.begin) : "–")],
      ]),
      h("p", { class: "hint" }, "Select a body or joint in the view or the tree to see its properties."),
    ];
  }

  private bodyView(body: Body): Node[] {
    const joints = [...this.twin.joints.values()].filter((joint) => joint.body0 === body.name || joint.body1 === body.name);
    const fellows = [...this.twin.bodies.values()].filter((other) => other.rigidGroup === body.rigidGroup && other !== body);
    const sites = (this.twin.model?.sites ?? []).filter((site) => site.body === body.name);
    const transform = () => this.twin.transforms?.transforms.find((one) => one.childFrameId === body.name);
    return [
      this.head("body", body.label || lastPart(body.name), "body", body.name),
      this.group("Pose in the world", [
        ["position", () => (transform()?.translation ? tripleText(transform()!.translation!, 4, "m") : "–")],
        ["rotation x y z w", () => quaternionText(transform()?.rotation)],
        ["roll pitch yaw", () => anglesText(transform()?.rotation)],
      ]),
      this.group("Inertia", [
        ["mass", body.mass > 0 ? formatQuantity(body.mass, "kg") : "part of the world"],
        ["centre of mass", vectorText(body.centerOfMass, "m")],
        ["principal inertia", vectorText(body.principalInertia, "kg m2")],
      ]),
      this.group("Rigid group", [
        ["group", body.rigidGroup === 0 ? "0 (the world)" : String(body.rigidGroup)],
        ["moves as one with", fellows.length > 0 ? this.links("body", fellows) : "nothing else"],
      ]),
      this.group("Joints", joints.map((joint) => [KIND_WORDS[joint.kind], this.links("joint", [joint])])),
      ...(sites.length > 0 ? [this.group("Sites", sites.map((site) => [lastPart(site.name), poseText(site.pose)]))] : []),
    ];
  }

  private jointView(joint: Joint): Node[] {
    const isFixed = joint.kind === JointKind.FIXED;
    const end = (name: string) => (name ? this.links("body", [{ name, label: this.twin.bodies.get(name)?.label ?? "" }]) : "the world");
    const rows: [string, string | Node][] = [["from", end(joint.body0)], ["to", end(joint.body1)]];
    const unit = jointUnit(joint.kind, "position", 0);
    const effort = jointUnit(joint.kind, "effort", 0);
    const damping = effort === "N" ? "N.s/m" : "N.m.s/rad";
    const armature = effort === "N" ? "kg" : "kg m2";
    return [
      this.head(isFixed ? "weld" : "joint", joint.label || lastPart(joint.name), `${KIND_WORDS[joint.kind]} joint`, joint.name),
      ...(isFixed ? [this.weldGroup(joint.name)] : [this.stateGroup(joint)]),
      this.group("Bodies", rows),
      ...(isFixed
        ? []
        : [
            this.group("Limits", [
              ["position", `${formatNumber(joint.lower)} … ${formatQuantity(joint.upper, unit)}`],
              ["velocity", formatQuantity(joint.velocityLimit, jointUnit(joint.kind, "velocity", 0))],
              ["effort", formatQuantity(joint.effortLimit, effort)],
            ]),
            this.group("Losses", [
              ["damping", formatQuantity(joint.damping, damping)],
              ["friction", formatQuantity(joint.friction, effort)],
              ["armature", formatQuantity(joint.armature, armature)],
            ]),
          ]),
      this.group("Frames", [
        ...(isFixed ? [] : ([["axis", vectorText(joint.axis, "")]] as [string, string][])),
        ["in first body", poseText(joint.frame0)],
        ["in second body", poseText(joint.frame1)],
      ]),
    ];
  }

  private stateGroup(joint: Joint): HTMLElement {
    const rows = JOINT_QUANTITIES.map((quantity): [string, Live] => [
      quantity,
      () => {
        const values = this.twin.jointStates.get(joint.name)?.[quantity] ?? [];
        return values.map((value, dof) => `${formatFixed(value, 4)} ${formatUnit(jointUnit(joint.kind, quantity, dof))}`).join("\n") || "–";
      },
    ]);
    const degrees: Live = () => {
      const position = this.twin.jointStates.get(joint.name)?.position[0];
      return position === undefined ? "–" : `${formatFixed((position * 180) / Math.PI, 2)}°`;
    };
    const isAngle = joint.kind === JointKind.REVOLUTE || joint.kind === JointKind.CONTINUOUS;
    return this.group("State", isAngle ? [...rows, ["in degrees", degrees]] : rows);
  }

  private weldGroup(name: string): HTMLElement {
    const of = (read: (state: FixedJoint) => string): Live => () => {
      const state = this.twin.fixedStates.get(name);
      return state ? read(state) : "–";
    };
    return this.group("Fixed joint, now", [
      ["position error", of((s) => formatQuantity(s.positionError, "m", 3))],
      ["rotation error", of((s) => formatQuantity(s.rotationError, "rad", 3))],
      ["reaction force", of((s) => vectorText(s.force, "N", 2))],
      ["reaction torque", of((s) => vectorText(s.torque, "N.m", 3))],
      ["share of load", of((s) => (s.indeterminate ? "indeterminate: minimum-norm" : "determinate"))],
    ]);
  }

  private signalView(name: string): Node[] {
    const unit = this.twin.signals.get(name)?.unit ?? "";
    const value = (quantity: "measured" | "predicted" | "residual"): Live => () => {
      const number = this.twin.signals.get(name)?.[quantity] ?? NaN;
      return Number.isFinite(number) ? `${formatFixed(number, 4)} ${formatUnit(unit)}` : "–";
    };
    return [
      this.head("signal", lastPart(name), "signal", name),
      this.group("Now", [
        ["measured", value("measured")],
        ["predicted", value("predicted")],
        ["residual", value("residual")],
      ]),
      this.group("Kept samples", [
        ["residual RMS", () => this.residualText(name, unit, (sum, count) => Math.sqrt(sum / count))],
        ["samples", () => String(this.twin.signalTable.length)],
      ]),
    ];
  }

  private residualText(name: string, unit: string, finish: (sumOfSquares: number, count: number) => number): string {
    const column = this.twin.signalTable.window([`${name}#residual`]).columns[0]!;
    let sum = 0;
    let count = 0;
    for (const value of column) {
      if (!Number.isFinite(value)) continue;
      sum += value * value;
      count += 1;
    }
    return count > 0 ? formatQuantity(finish(sum, count), unit) : "–";
  }

  private head(kind: IconName, title: string, type: string, path: string | undefined): HTMLElement {
    const copy = path
      ? h("button", { class: "icon-button small", title: "Copy the path", "aria-label": "Copy the path", onclick: () => void navigator.clipboard?.writeText(path) }, icon("copy"))
      : null;
    return h(
      "header",
      { class: "properties-head" },
      h("div", { class: "properties-title" }, icon(kind), h("h2", {}, title), h("span", { class: "chip" }, type)),
      path ? h("div", { class: "properties-path" }, h("code", {}, path), copy) : null,
    );
  }

  private group(title: string, rows: readonly (readonly [string, string | Node | Live])[]): HTMLElement {
    const cells = rows.flatMap(([name, value]) => {
      const cell = h("dd", typeof value === "function" ? { class: "live" } : {});
      if (typeof value === "function") this.live.push({ node: cell, read: value });
      else cell.append(value);
      return [h("dt", {}, name), cell];
    });
    return h("section", { class: "property-group" }, h("h3", {}, title), cells.length > 0 ? h("dl", {}, ...cells) : h("p", { class: "hint" }, "none"));
  }

  private links(kind: "body" | "joint", items: readonly { name: string; label: string }[]): HTMLElement {
    const shown = items.slice(0, 24);
    const buttons = shown.map(({ name, label }) =>
      h("button", { class: "link", title: name, onclick: () => this.selection.set({ kind, name }) }, label || lastPart(name)),
    );
    const rest = items.length - shown.length;
    return h("span", { class: "links" }, ...buttons, rest > 0 ? `and ${rest} more` : null);
  }
}

function tripleText(v: { x: number; y: number; z: number }, decimals: number, unit: string): string {
  return `${[v.x, v.y, v.z].map((value) => formatFixed(value, decimals)).join("  ")} ${formatUnit(unit)}`;
}

// decimals  given for live values, so that they do not jump
function vectorText(v: Vector3 | undefined, unit: string, decimals?: number): string {
  if (!v) return "–";
  if (decimals !== undefined) return tripleText(v, decimals, unit);
  return `${[v.x, v.y, v.z].map((value) => formatNumber(value)).join("  ")} ${formatUnit(unit)}`.trim();
}

function poseText(pose: Pose | undefined): string {
  if (!pose) return "–";
  const angles = anglesText({ x: pose.qx, y: pose.qy, z: pose.qz, w: pose.qw });
  return `${vectorText(pose.position, "m")}\n${angles}`;
}

type Quaternion = { x: number; y: number; z: number; w: number };

function quaternionText(q: Quaternion | undefined): string {
  return q ? [q.x, q.y, q.z, q.w].map((value) => formatFixed(value, 4)).join("  ") : "–";
}

// Roll, pitch, yaw about the fixed axes x, y, z [rad].
function anglesText(q: Quaternion | undefined): string {
  if (!q) return "–";
  const roll = Math.atan2(2 * (q.w * q.x + q.y * q.z), 1 - 2 * (q.x * q.x + q.y * q.y));
  const pitch = Math.asin(Math.max(-1, Math.min(1, 2 * (q.w * q.y - q.z * q.x))));
  const yaw = Math.atan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y * q.y + q.z * q.z));
  return tripleText({ x: roll, y: pitch, z: yaw }, 4, "rad");
}
