// The twin's frames and entities as a three.js graph: one group a frame, poses from /tf, shapes from /scene.

import * as THREE from "three";
import { SceneEntityDeletion_Type, type FrameTransforms, type SceneUpdate } from "../generated/foxglove";
import { buildEntity, disposeEntity } from "./geometry";

export const ROOT_FRAME = "world";

export class SceneGraph {
  readonly root = new THREE.Group();
  // A model of a scene that was applied before has come.
  onLoaded: () => void = () => undefined;
  private readonly frames = new Map<string, THREE.Group>([[ROOT_FRAME, this.root]]);
  private readonly entities = new Map<string, { group: THREE.Group; frame: string }>();

  apply(update: SceneUpdate): void {
    for (const deletion of update.deletions) {
      if (deletion.type === SceneEntityDeletion_Type.ALL) this.clear();
      else this.remove(deletion.id);
    }
    for (const entity of update.entities) {
      this.remove(entity.id);
      const group = buildEntity(entity, () => this.onLoaded());
      const frame = entity.frameId || ROOT_FRAME;
      const label = entity.metadata.find((pair) => pair.key === "label")?.value ?? entity.id;
      group.userData = { body: frame, label };
      this.frame(frame).add(group);
      this.entities.set(entity.id, { group, frame });
    }
  }

  // Moves the frames. A frame nobody has named before is made, since shapes may follow.
  move(transforms: FrameTransforms): void {
    for (const { parentFrameId, childFrameId, translation: t, rotation: q } of transforms.transforms) {
      if (childFrameId === ROOT_FRAME) continue;
      const frame = this.frame(childFrameId);
      const parent = this.frame(parentFrameId || ROOT_FRAME);
      if (frame.parent !== parent && !isWithin(parent, frame)) parent.add(frame);
      if (t && Number.isFinite(t.x + t.y + t.z)) frame.position.set(t.x, t.y, t.z);
      if (q && Number.isFinite(q.x + q.y + q.z + q.w)) frame.quaternion.set(q.x, q.y, q.z, q.w);
    }
  }

  clear(): void {
    for (const id of [...this.entities.keys()]) this.remove(id);
  }

  frameOf(name: string): THREE.Group | undefined {
    return this.frames.get(name);
  }

  // Shapes that hang on the frame of a body.
  shapesOf(body: string): THREE.Group[] {
    const children = this.frames.get(body)?.children ?? [];
    return children.filter((child): child is THREE.Group => child.userData.body === body);
  }

  labelOf(body: string): string {
    return String(this.shapesOf(body)[0]?.userData.label ?? body);
  }

  get bodies(): string[] {
    return [...new Set([...this.entities.values()].map((entity) => entity.frame))];
  }

  // Box around the shapes of these bodies, in the world; empty where they have none.
  boxOf(bodies: readonly string[]): THREE.Box3 {
    this.root.updateMatrixWorld(true);
    const box = new THREE.Box3();
    for (const body of bodies) for (const group of this.shapesOf(body)) box.expandByObject(group);
    return box;
  }

  private frame(name: string): THREE.Group {
    let frame = this.frames.get(name);
    if (!frame) {
      frame = new THREE.Group();
      this.frames.set(name, frame);
      this.root.add(frame);
    }
    return frame;
  }

  private remove(id: string): void {
    const entity = this.entities.get(id);
    if (!entity) return;
    entity.group.removeFromParent();
    disposeEntity(entity.group);
    this.entities.delete(id);
  }
}

function isWithin(object: THREE.Object3D, ancestor: THREE.Object3D): boolean {
  for (let at: THREE.Object3D | null = object; at; at = at.parent) if (at === ancestor) return true;
  return false;
}
