// Futures as ghosts: copies of the bodies that move, see-through, each option in a colour of its own, played again and again.

import * as THREE from "three";
import type { Ghost, Option } from "../generated/geoul";
import type { SceneGraph } from "./scene_graph";

const COLORS = [0x4c9aff, 0xf2a33a, 0x4fc38a, 0xd66bd0];
const PAUSE = 0.6; // [s] at the end, before it plays again
const FLOATS = 7; // a pose: x, y, z, qx, qy, qz, qw

interface Figure {
  ghost: Ghost;
  root: THREE.Group;
  bodies: THREE.Group[];
  material: THREE.Material;
}

export class GhostLayer {
  readonly root = new THREE.Group();
  private figures: Figure[] = [];
  private startedAt: number | undefined; // [ms]

  get isEmpty(): boolean {
    return this.figures.length === 0;
  }

  set(options: readonly Option[], graph: SceneGraph): void {
    this.clear();
    options.forEach((option, i) => {
      if (option.ghost && isWhole(option.ghost)) this.figures.push(this.figure(option.ghost, COLORS[i % COLORS.length]!, graph));
    });
  }

  clear(): void {
    for (const { root, material } of this.figures) {
      root.removeFromParent();
      material.dispose(); // the geometries are the bodies' own
    }
    this.figures = [];
    this.startedAt = undefined;
  }

  // Moves the ghosts to where they are at `now` [ms]; false where there are none.
  play(now: number): boolean {
    if (this.isEmpty) return false;
    this.startedAt ??= now;
    const elapsed = (now - this.startedAt) / 1000;
    for (const figure of this.figures) pose(figure, elapsed % (figure.ghost.times.at(-1)! + PAUSE));
    return true;
  }

  private figure(ghost: Ghost, color: number, graph: SceneGraph): Figure {
    const material = new THREE.MeshStandardMaterial({ color, transparent: true, opacity: 0.35, depthWrite: false, roughness: 0.8 });
    const root = new THREE.Group();
    const bodies = ghost.bodies.map((name) => {
      const body = new THREE.Group();
      for (const shape of graph.shapesOf(name)) body.add(ghostOf(shape, material));
      root.add(body);
      return body;
    });
    this.root.add(root);
    return { ghost, root, bodies, material };
  }
}

function isWhole(ghost: Ghost): boolean {
  return ghost.times.length > 0 && ghost.poses.length === ghost.times.length * ghost.bodies.length * FLOATS;
}

function ghostOf(shape: THREE.Object3D, material: THREE.Material): THREE.Object3D {
  const copy = shape.clone(true);
  copy.traverse((object) => {
    object.castShadow = object.receiveShadow = false;
    object.raycast = () => undefined;
    object.renderOrder = 4;
    if (object instanceof THREE.Mesh) object.material = material;
  });
  return copy;
}

function pose({ ghost, bodies }: Figure, t: number): void {
  const { times, poses } = ghost;
  let after = times.findIndex((time) => time > t);
  if (after < 0) after = times.length - 1;
  const before = Math.max(0, after - 1);
  const span = times[after]! - times[before]!;
  const part = span > 0 ? Math.min(1, Math.max(0, (t - times[before]!) / span)) : 0;
  const p = new THREE.Vector3();
  const q = new THREE.Quaternion();
  bodies.forEach((body, b) => {
    const from = (before * bodies.length + b) * FLOATS;
    const to = (after * bodies.length + b) * FLOATS;
    body.position.fromArray(poses, from).lerp(p.fromArray(poses, to), part);
    body.quaternion.fromArray(poses, from + 3).slerp(q.fromArray(poses, to + 3), part);
  });
}
