// Pulling on bodies with the mouse: what is gripped moves in the plane through the grip that faces the camera. Ctrl and the
// left button grip, or the left button alone while `always` is on; Escape, a lost pointer or a left window let go.

import * as THREE from "three";

export interface Grip {
  body: string;
  point: THREE.Vector3; // in the body's frame [m]
}

export interface GripperHooks {
  // What stands under the pointer and may be pulled.
  hitAt(clientX: number, clientY: number): { body: string; frame: THREE.Object3D; point: THREE.Vector3 } | undefined;
  rayAt(clientX: number, clientY: number): THREE.Ray;
  viewDirection(): THREE.Vector3;
  onPull(grip: Grip, target: THREE.Vector3): void;
  onLetGo(): void;
}

export class Gripper {
  always = false;
  private grip: Grip | undefined;
  private pointerId = -1;
  private readonly plane = new THREE.Plane();

  constructor(
    private readonly element: HTMLElement,
    private readonly hooks: GripperHooks,
  ) {
    // before the camera's own listeners, on the way down
    const container = element.parentElement ?? element;
    container.addEventListener("pointerdown", (event) => this.press(event), { capture: true });
    container.addEventListener("pointermove", (event) => this.move(event), { capture: true });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
      container.addEventListener(name, (event) => event.pointerId === this.pointerId && this.letGo(event), { capture: true });
    }
    addEventListener("blur", () => this.letGo());
    addEventListener("keydown", (event) => event.key === "Escape" && this.letGo());
  }

  get isPulling(): boolean {
    return this.grip !== undefined;
  }

  letGo(event?: Event): void {
    if (!this.grip) return;
    this.grip = undefined;
    this.pointerId = -1;
    event?.stopPropagation();
    this.hooks.onLetGo();
  }

  private press(event: PointerEvent): void {
    if (event.target !== this.element || event.button !== 0 || !(event.ctrlKey || this.always)) return;
    const hit = this.hooks.hitAt(event.clientX, event.clientY);
    if (!hit) return;
    event.stopPropagation();
    event.preventDefault();
    this.grip = { body: hit.body, point: hit.frame.worldToLocal(hit.point.clone()) };
    this.pointerId = event.pointerId;
    this.plane.setFromNormalAndCoplanarPoint(this.hooks.viewDirection(), hit.point);
    try {
      this.element.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is gone already: its end comes all the same
    }
    this.hooks.onPull(this.grip, hit.point);
  }

  private move(event: PointerEvent): void {
    if (!this.grip || event.pointerId !== this.pointerId) return;
    event.stopPropagation();
    const target = this.hooks.rayAt(event.clientX, event.clientY).intersectPlane(this.plane, new THREE.Vector3());
    if (target) this.hooks.onPull(this.grip, target);
  }
}
