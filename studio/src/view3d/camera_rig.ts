// The camera: orbit by mouse or touch, presets that glide, and following a moving body. z is up.

import * as THREE from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";

export type Preset = "home" | "front" | "side" | "top";

const DIRECTIONS: Record<Preset, readonly [number, number, number]> = {
  home: [1, -1.25, 0.72],
  front: [0, -1, 0.0001],
  side: [1, 0, 0.0001],
  top: [0, -0.0005, 1],
};
const GLIDE_MS = 320;

interface Glide {
  start: number;
  from: { position: THREE.Vector3; target: THREE.Vector3 };
  to: { position: THREE.Vector3; target: THREE.Vector3 };
}

export class CameraRig {
  readonly camera = new THREE.PerspectiveCamera(38, 1, 0.02, 500);
  readonly controls: OrbitControls;
  private glide: Glide | undefined;
  private followed: THREE.Object3D | undefined;
  private readonly followedAt = new THREE.Vector3();

  constructor(element: HTMLElement, onChange: () => void) {
    this.camera.up.set(0, 0, 1);
    this.camera.position.set(2.2, -2.8, 1.9);
    this.controls = new OrbitControls(this.camera, element);
    this.controls.target.set(0, 0, 0.5);
    this.controls.enableDamping = true;
    this.controls.dampingFactor = 0.12;
    this.controls.zoomToCursor = true;
    this.controls.minDistance = 0.05;
    this.controls.maxDistance = 300;
    this.controls.addEventListener("change", onChange);
    this.controls.addEventListener("start", () => (this.glide = undefined));
  }

  get distance(): number {
    return this.camera.position.distanceTo(this.controls.target);
  }

  resize(width: number, height: number): void {
    this.camera.aspect = width / Math.max(1, height);
    this.camera.updateProjectionMatrix();
  }

  // Looks at a sphere from a preset direction, or from where the camera is.
  look(sphere: THREE.Sphere, preset: Preset | undefined, now: number, instant = false): void {
    const direction = preset
      ? new THREE.Vector3(...DIRECTIONS[preset]).normalize()
      : this.camera.position.clone().sub(this.controls.target).normalize();
    const half = THREE.MathUtils.degToRad(this.camera.fov / 2);
    const narrow = Math.min(half, Math.atan(Math.tan(half) * this.camera.aspect));
    const distance = Math.max(0.05, sphere.radius) / Math.sin(narrow);
    const to = { target: sphere.center.clone(), position: sphere.center.clone().addScaledVector(direction, distance) };
    const calm = typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (instant || calm) {
      this.controls.target.copy(to.target);
      this.camera.position.copy(to.position);
      this.glide = undefined;
    } else {
      const from = { target: this.controls.target.clone(), position: this.camera.position.clone() };
      this.glide = { start: now, from, to };
    }
  }

  follow(object: THREE.Object3D | undefined): void {
    this.followed = object;
    object?.getWorldPosition(this.followedAt);
  }

  // Once a frame. Returns whether the view moved by itself (a glide, damping or a followed body).
  update(now: number): boolean {
    let moved = false;
    if (this.followed) {
      const at = this.followed.getWorldPosition(new THREE.Vector3());
      const delta = at.clone().sub(this.followedAt);
      if (delta.lengthSq() > 0) {
        this.camera.position.add(delta);
        this.controls.target.add(delta);
        this.followedAt.copy(at);
        if (this.glide) for (const end of [this.glide.from, this.glide.to]) {
          end.position.add(delta);
          end.target.add(delta);
        }
        moved = true;
      }
    }
    if (this.glide) {
      const part = Math.min(1, (now - this.glide.start) / GLIDE_MS);
      const eased = 1 - (1 - part) ** 3;
      this.controls.target.lerpVectors(this.glide.from.target, this.glide.to.target, eased);
      this.camera.position.lerpVectors(this.glide.from.position, this.glide.to.position, eased);
      if (part >= 1) this.glide = undefined;
      moved = true;
    }
    return this.controls.update() || moved;
  }
}
