// What acts in the twin, over the scene: contact points, contact forces, joint wrenches, and the springs of whoever drags.
// Arrows are as long as their force beside the largest one of their kind; which that is stands in `scales`.

import * as THREE from "three";
import type { Contacts, Drags, Vector3, Wrenches } from "../generated/geoul";
import { formatQuantity } from "../ui/format";

export type ForceLayerName = "contacts" | "forces" | "wrenches";

const COLORS = { point: 0xffc233, force: 0xff8a3d, jointForce: 0x5aa9ff, jointTorque: 0xc78bff, spring: 0x35c6d0 } as const;
const LONGEST = 0.3; // of the scene's radius
const ROUNDING = 1e-9; // torques below it, beside the forces, are nothing
const UP = new THREE.Vector3(0, 1, 0);

function at(v: Vector3 | undefined): THREE.Vector3 {
  return new THREE.Vector3(v?.x ?? 0, v?.y ?? 0, v?.z ?? 0);
}

// Arrows of one colour in two draw calls, however many there are.
export class Arrows {
  readonly group = new THREE.Group();
  private shafts: THREE.InstancedMesh | undefined;
  private heads: THREE.InstancedMesh | undefined;
  private capacity = 0;
  private readonly material: THREE.MeshBasicMaterial;

  constructor(color: number) {
    this.material = new THREE.MeshBasicMaterial({ color, depthTest: false, transparent: true, opacity: 0.92, toneMapped: false });
  }

  // arrows  where each starts, and its whole length and direction [m]; width  of a shaft [m]
  set(arrows: readonly { from: THREE.Vector3; along: THREE.Vector3 }[], width: number): void {
    const long = arrows.filter(({ from, along }) => along.lengthSq() > 1e-12 && Number.isFinite(along.lengthSq() + from.lengthSq()));
    if (long.length > this.capacity) this.grow(long.length);
    if (!this.shafts || !this.heads) return;
    const matrix = new THREE.Matrix4();
    const turn = new THREE.Quaternion();
    long.forEach(({ from, along }, i) => {
      const length = along.length();
      const direction = along.clone().divideScalar(length);
      const head = Math.min(length, 5 * width);
      turn.setFromUnitVectors(UP, direction);
      matrix.compose(from, turn, new THREE.Vector3(width, length - head, width));
      this.shafts!.setMatrixAt(i, matrix);
      matrix.compose(from.clone().addScaledVector(direction, length - head), turn, new THREE.Vector3(width, head, width));
      this.heads!.setMatrixAt(i, matrix);
    });
    for (const mesh of [this.shafts, this.heads]) {
      mesh.count = long.length;
      mesh.instanceMatrix.needsUpdate = true;
    }
  }

  get count(): number {
    return this.shafts?.count ?? 0;
  }

  private grow(count: number): void {
    this.dispose();
    this.capacity = Math.max(16, 2 * count);
    // both stand on their start and are 1 long
    this.shafts = new THREE.InstancedMesh(new THREE.CylinderGeometry(0.5, 0.5, 1, 8).translate(0, 0.5, 0), this.material, this.capacity);
    this.heads = new THREE.InstancedMesh(new THREE.ConeGeometry(1.6, 1, 12).translate(0, 0.5, 0), this.material, this.capacity);
    for (const mesh of [this.shafts, this.heads]) {
      mesh.frustumCulled = false;
      mesh.renderOrder = 9;
      this.group.add(mesh);
    }
  }

  private dispose(): void {
    for (const mesh of [this.shafts, this.heads]) {
      mesh?.removeFromParent();
      mesh?.geometry.dispose();
      mesh?.dispose();
    }
  }
}

export class ForceLayer {
  readonly root = new THREE.Group();
  // Largest force [N] and torque [N.m] that an arrow now stands for; 0 where there is none.
  readonly scales = { contact: 0, jointForce: 0, jointTorque: 0 };
  private readonly shown = new Set<ForceLayerName>();
  private readonly points = new THREE.Points(
    new THREE.BufferGeometry(),
    new THREE.PointsMaterial({ color: COLORS.point, size: 7, sizeAttenuation: false, depthTest: false, transparent: true, toneMapped: false }),
  );
  private readonly forces = new Arrows(COLORS.force);
  private readonly jointForces = new Arrows(COLORS.jointForce);
  private readonly jointTorques = new Arrows(COLORS.jointTorque);
  private readonly springs = new Arrows(COLORS.spring);
  private radius = 1;

  constructor() {
    this.points.frustumCulled = false;
    this.points.renderOrder = 9;
    this.root.add(this.points, this.forces.group, this.jointForces.group, this.jointTorques.group, this.springs.group);
    this.showLayers();
  }

  // What the longest arrows stand for, in words; empty while none is shown.
  get legend(): string {
    const { contact, jointForce, jointTorque } = this.scales;
    const parts = [
      this.shown.has("forces") && contact > 0 && `contact ${formatQuantity(contact, "N", 3)}`,
      this.shown.has("wrenches") && jointForce > 0 && `joint ${formatQuantity(jointForce, "N", 3)}`,
      this.shown.has("wrenches") && jointTorque > 0 && `joint ${formatQuantity(jointTorque, "N.m", 3)}`,
    ].filter(Boolean);
    return parts.length > 0 ? `Longest arrows: ${parts.join(", ")}` : "";
  }

  show(layer: ForceLayerName, on: boolean): void {
    if (on) this.shown.add(layer);
    else this.shown.delete(layer);
    this.showLayers();
  }

  // Radius of what is looked at [m]: arrows are drawn in proportion.
  setRadius(radius: number): void {
    this.radius = Math.max(1e-3, radius);
  }

  setContacts({ contacts }: Contacts): void {
    setPoints(this.points.geometry, contacts.map((contact) => at(contact.position)));
    const largest = Math.max(0, ...contacts.map((contact) => at(contact.force).length()));
    this.scales.contact = largest;
    this.forces.set(this.scaled(contacts.map((contact) => ({ from: at(contact.position), along: at(contact.force) })), largest), this.width);
  }

  setWrenches({ wrenches }: Wrenches): void {
    const arrows = (of: "force" | "torque") => wrenches.map((wrench) => ({ from: at(wrench.position), along: at(wrench[of]) }));
    this.scales.jointForce = Math.max(0, ...wrenches.map((wrench) => at(wrench.force).length()));
    const torque = Math.max(0, ...wrenches.map((wrench) => at(wrench.torque).length()));
    this.scales.jointTorque = torque > ROUNDING * this.scales.jointForce * this.radius ? torque : 0;
    this.jointForces.set(this.scaled(arrows("force"), this.scales.jointForce), this.width);
    this.jointTorques.set(this.scaled(arrows("torque"), this.scales.jointTorque), this.width);
  }

  setDrags({ drags }: Drags): void {
    this.springs.set(drags.map((drag) => ({ from: at(drag.point), along: at(drag.target).sub(at(drag.point)) })), this.width);
  }

  clear(): void {
    setPoints(this.points.geometry, []);
    for (const arrows of [this.forces, this.jointForces, this.jointTorques, this.springs]) arrows.set([], this.width);
    this.scales.contact = this.scales.jointForce = this.scales.jointTorque = 0;
  }

  private get width(): number {
    return 0.006 * this.radius;
  }

  private scaled(arrows: { from: THREE.Vector3; along: THREE.Vector3 }[], largest: number): { from: THREE.Vector3; along: THREE.Vector3 }[] {
    const scale = largest > 0 ? (LONGEST * this.radius) / largest : 0;
    for (const { along } of arrows) along.multiplyScalar(scale);
    return arrows;
  }

  private showLayers(): void {
    this.points.visible = this.shown.has("contacts");
    this.forces.group.visible = this.shown.has("forces");
    this.jointForces.group.visible = this.jointTorques.group.visible = this.shown.has("wrenches");
  }
}

function setPoints(geometry: THREE.BufferGeometry, points: readonly THREE.Vector3[]): void {
  const finite = points.filter((p) => Number.isFinite(p.lengthSq()));
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(finite.flatMap((p) => p.toArray()), 3));
}
