// The 3D view: draws the newest state, and only when something changed.

import * as THREE from "three";
import type { FrameTransforms, SceneUpdate } from "../generated/foxglove";
import type { Contacts, Drags, Joint, Model, Option, Wrenches } from "../generated/geoul";
import type { Selected } from "../twin/selection";
import { CameraRig, type Preset } from "./camera_rig";
import { ForceLayer, type ForceLayerName } from "./forces";
import { GhostLayer } from "./ghosts";
import { Gripper, type Grip } from "./gripper";
import { Ground } from "./ground";
import { Highlight } from "./highlight";
import { Lighting } from "./lighting";
import { disposeMarker, jointMarker, keepSize, poseMatrix, siteMarker } from "./markers";
import { ROOT_FRAME, SceneGraph } from "./scene_graph";

const ACCENT = { dark: 0x35c6d0, light: 0x0b8793 } as const;
const SLOW_FRAME_MS = 45;
const HOME_MARGIN = 2.2; // surroundings of what moves that home shows, in radii of it
const CLICK_SLOP = 5; // [px] a press that moves further is a drag

export class Viewer {
  readonly rig: CameraRig;
  onPick: (body: string | undefined) => void = () => undefined;
  // Somebody pulls a point of a body to a target in the world, or lets go.
  onPull: (grip: Grip, target: THREE.Vector3) => void = () => undefined;
  onLetGo: () => void = () => undefined;
  readonly forces = new ForceLayer();
  readonly gripper: Gripper;
  private readonly ghosts = new GhostLayer();
  onHover: (label: string | undefined, x: number, y: number) => void = () => undefined;
  private readonly renderer: THREE.WebGLRenderer;
  private readonly scene = new THREE.Scene();
  private readonly graph = new SceneGraph();
  private readonly ground = new Ground();
  private readonly lighting: Lighting;
  private readonly marks = new Highlight();
  private readonly accent = new THREE.Color(ACCENT.dark);
  private readonly siteMarkers: THREE.Object3D[] = [];
  private readonly pointer = { x: 0, y: 0, moved: false, inside: false };
  private model: Model | undefined;
  private selected: Selected;
  private selectedJoint: THREE.Object3D | undefined;
  private hovered: string | undefined;
  private following = false;
  private framed = false;
  private touched = false; // somebody moved the camera
  private hasPoses = false;
  private stale = true;
  private drawnAt: number | undefined; // [ms] of the last drawn frame, until its cost is known
  private restUntil = 0; // [ms] no drawing before, so that a slow picture does not starve the page

  // Throws where the browser has no WebGL.
  constructor(private readonly container: HTMLElement) {
    this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true, powerPreference: "high-performance" });
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.renderer.shadowMap.autoUpdate = false;
    this.renderer.toneMapping = THREE.NeutralToneMapping;
    this.renderer.domElement.className = "canvas3d";
    container.prepend(this.renderer.domElement);
    this.lighting = new Lighting(this.renderer, this.scene);
    this.graph.onLoaded = () => this.modelCame();
    this.scene.add(this.lighting.group, this.ground.grid, this.ground.shadowPlane, this.graph.root, this.forces.root, this.ghosts.root);
    this.gripper = this.makeGripper(); // before the camera listens
    this.rig = new CameraRig(this.renderer.domElement, () => this.invalidate());
    new ResizeObserver(() => this.resize()).observe(container);
    this.resize();
    this.listen();
  }

  invalidate(): void {
    this.stale = true;
  }

  private moved(): void {
    this.renderer.shadowMap.needsUpdate = true;
    this.stale = true;
  }

  setTheme(isDark: boolean): void {
    this.accent.set(isDark ? ACCENT.dark : ACCENT.light);
    this.ground.setTheme(isDark);
    this.lighting.setTheme(this.scene, isDark);
    this.showSelection();
  }

  clear(): void {
    this.marks.clear();
    this.graph.clear();
    this.forces.clear();
    this.ghosts.clear();
    this.framed = this.hasPoses = false;
    this.model = undefined;
    this.invalidate();
  }

  applyScene(update: SceneUpdate): void {
    this.marks.clear();
    this.hovered = undefined;
    this.graph.apply(update);
    this.showSelection();
    this.frameFirst();
    this.moved();
  }

  // The first picture framed what was there then.
  private modelCame(): void {
    this.framed &&= this.touched;
    this.frameFirst();
    this.moved();
  }

  applyTransforms(transforms: FrameTransforms): void {
    this.graph.move(transforms);
    this.hasPoses = true;
    this.frameFirst();
    this.moved();
  }

  setModel(model: Model): void {
    this.model = model;
    for (const marker of this.siteMarkers.splice(0)) disposeMarker(marker);
    this.showSelection();
    this.frameFirst();
  }

  select(selected: Selected): void {
    this.selected = selected;
    this.showSelection();
    if (this.following) this.setFollow(true);
  }

  // Glides to a preset; F and double click pass none and keep the direction.
  look(preset?: Preset): void {
    this.rig.look(preset ? this.homeSphere() : this.fitSphere(), preset, performance.now());
    this.invalidate();
  }

  setFollow(on: boolean): boolean {
    const frame = on ? this.selectedFrame() : undefined;
    this.following = on;
    this.rig.follow(frame);
    if (frame) this.look();
    return frame !== undefined;
  }

  setGrid(on: boolean): void {
    this.ground.grid.visible = on;
    this.invalidate();
  }

  setShadows(on: boolean): void {
    this.lighting.setShadows(on);
    this.ground.shadowPlane.visible = on;
    this.moved();
  }

  // Shows the triads of all sites.
  setSites(on: boolean): void {
    for (const marker of this.siteMarkers.splice(0)) disposeMarker(marker);
    for (const site of on ? (this.model?.sites ?? []) : []) {
      const marker = siteMarker(site);
      (this.graph.frameOf(site.body || ROOT_FRAME) ?? this.graph.root).add(marker);
      this.siteMarkers.push(marker);
    }
    this.invalidate();
  }

  setForces(layer: ForceLayerName, on: boolean): void {
    this.forces.show(layer, on);
    this.invalidate();
  }

  applyContacts(contacts: Contacts): void {
    this.forces.setContacts(contacts);
    this.invalidate();
  }

  applyWrenches(wrenches: Wrenches): void {
    this.forces.setWrenches(wrenches);
    this.invalidate();
  }

  applyDrags(drags: Drags): void {
    this.forces.setDrags(drags);
    this.invalidate();
  }

  // Futures to be played beside the twin; none: no ghosts.
  showGhosts(options: readonly Option[]): void {
    this.ghosts.set(options, this.graph);
    this.invalidate();
  }

  // Once a display frame. Draws only when the picture would change; returns whether it drew.
  frame(now: number): boolean {
    this.restAfterSlowFrame(now);
    if (this.pointer.moved) this.updateHover();
    const isSteered = this.rig.update(now);
    if (this.ghosts.play(now) || isSteered) this.stale = true;
    if (!this.stale || (now < this.restUntil && !isSteered)) return false;
    this.stale = false;
    this.drawnAt = now;
    this.ground.follow(this.rig.controls.target, this.rig.distance);
    const camera = this.rig.camera;
    for (const marker of this.siteMarkers) keepSize(marker, camera, 0.06);
    if (this.selectedJoint) keepSize(this.selectedJoint, camera, 0.075);
    this.renderer.render(this.scene, camera);
    return true;
  }

  // Without a graphics card one picture may take a tenth of a second: then the page gets as much time for the rest.
  private restAfterSlowFrame(now: number): void {
    if (this.drawnAt === undefined) return;
    const cost = now - this.drawnAt;
    this.drawnAt = undefined;
    if (cost > SLOW_FRAME_MS) this.restUntil = now + Math.min(cost, 2000);
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.container;
    if (width === 0 || height === 0) return;
    this.renderer.setSize(width, height, false);
    this.rig.resize(width, height);
    this.invalidate();
  }

  private listen(): void {
    this.rig.controls.addEventListener("start", () => (this.touched = true));
    const canvas = this.renderer.domElement;
    let pressed: { x: number; y: number } | undefined;
    canvas.addEventListener("pointerdown", (event) => {
      pressed = event.button === 0 ? { x: event.clientX, y: event.clientY } : undefined;
    });
    canvas.addEventListener("pointerup", (event) => {
      if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < CLICK_SLOP) {
        this.onPick(this.bodyAt(event.clientX, event.clientY));
      }
      pressed = undefined;
    });
    canvas.addEventListener("dblclick", () => this.look());
    canvas.addEventListener("pointermove", (event) => {
      Object.assign(this.pointer, { x: event.clientX, y: event.clientY, moved: event.buttons === 0, inside: true });
    });
    canvas.addEventListener("pointerleave", () => Object.assign(this.pointer, { moved: true, inside: false }));
    canvas.addEventListener("webglcontextrestored", () => this.invalidate());
  }

  private makeGripper(): Gripper {
    return new Gripper(this.renderer.domElement, {
      hitAt: (x, y) => {
        const hit = this.hitAt(x, y);
        const group = this.model?.bodies.find((body) => body.name === hit?.body)?.rigidGroup ?? 0;
        const frame = hit && this.graph.frameOf(hit.body);
        return hit && frame && group !== 0 ? { ...hit, frame } : undefined;
      },
      rayAt: (x, y) => this.rayAt(x, y).ray,
      viewDirection: () => this.rig.camera.getWorldDirection(new THREE.Vector3()),
      onPull: (grip, target) => {
        Object.assign(this.pointer, { inside: false, moved: true });
        this.onPull(grip, target);
      },
      onLetGo: () => this.onLetGo(),
    });
  }

  private bodyAt(clientX: number, clientY: number): string | undefined {
    return this.hitAt(clientX, clientY)?.body;
  }

  private rayAt(clientX: number, clientY: number): THREE.Raycaster {
    const rect = this.renderer.domElement.getBoundingClientRect();
    const x = ((clientX - rect.left) / rect.width) * 2 - 1;
    const y = -((clientY - rect.top) / rect.height) * 2 + 1;
    const ray = new THREE.Raycaster();
    ray.setFromCamera(new THREE.Vector2(x, y), this.rig.camera);
    return ray;
  }

  private hitAt(clientX: number, clientY: number): { body: string; point: THREE.Vector3 } | undefined {
    const hits = this.rayAt(clientX, clientY).intersectObject(this.graph.root, true);
    const hit = hits.find((one) => one.object instanceof THREE.Mesh);
    for (let at = hit?.object ?? null; at; at = at.parent) {
      if (typeof at.userData.body === "string") return { body: at.userData.body, point: hit!.point };
    }
    return undefined;
  }

  private updateHover(): void {
    this.pointer.moved = false;
    const body = this.pointer.inside ? this.bodyAt(this.pointer.x, this.pointer.y) : undefined;
    this.onHover(body && this.graph.labelOf(body), this.pointer.x, this.pointer.y);
    if (body === this.hovered) return;
    this.hovered = body;
    this.showSelection();
  }

  private selectedFrame(): THREE.Object3D | undefined {
    const body = this.selected?.kind === "joint" ? this.jointOf(this.selected.name)?.body1 : this.selected?.name;
    return body === undefined ? undefined : this.graph.frameOf(body || ROOT_FRAME);
  }

  private jointOf(name: string): Joint | undefined {
    return this.model?.joints.find((joint) => joint.name === name);
  }

  private showSelection(): void {
    this.marks.clear();
    if (this.selectedJoint) disposeMarker(this.selectedJoint);
    this.selectedJoint = undefined;
    const { selected } = this;
    if (this.hovered && this.hovered !== selected?.name) {
      this.marks.add(this.graph.shapesOf(this.hovered), this.accent, "hover");
    }
    if (selected?.kind === "body") this.marks.add(this.graph.shapesOf(selected.name), this.accent, "selected");
    const joint = selected?.kind === "joint" ? this.jointOf(selected.name) : undefined;
    if (joint) this.showJoint(joint);
    this.invalidate();
  }

  private showJoint(joint: Joint): void {
    for (const body of [joint.body0, joint.body1]) this.marks.add(this.graph.shapesOf(body), this.accent, "related");
    const marker = jointMarker(joint, this.accent.getHex());
    const anchor = joint.body1 ? { body: joint.body1, pose: joint.frame1 } : { body: joint.body0, pose: joint.frame0 };
    poseMatrix(anchor.pose).decompose(marker.position, marker.quaternion, marker.scale);
    (this.graph.frameOf(anchor.body || ROOT_FRAME) ?? this.graph.root).add(marker);
    this.selectedJoint = marker;
  }

  // Home shows what moves and its surroundings, not a whole hall around it.
  private homeSphere(): THREE.Sphere {
    const groups = new Map(this.model?.bodies.map((body) => [body.name, body.rigidGroup]));
    const bodies = this.graph.bodies;
    const moving = this.graph.boxOf(bodies.filter((body) => (groups.get(body) ?? 0) !== 0));
    const all = this.graph.boxOf(bodies);
    if (all.isEmpty()) return new THREE.Sphere(new THREE.Vector3(0, 0, 0.5), 1.5);
    const whole = all.getBoundingSphere(new THREE.Sphere());
    if (moving.isEmpty()) return whole;
    const near = moving.getBoundingSphere(new THREE.Sphere());
    return whole.radius < HOME_MARGIN * near.radius ? whole : new THREE.Sphere(near.center, near.radius * HOME_MARGIN);
  }

  private fitSphere(): THREE.Sphere {
    const names =
      this.selected?.kind === "joint"
        ? [this.jointOf(this.selected.name)?.body0 ?? "", this.jointOf(this.selected.name)?.body1 ?? ""]
        : this.selected?.kind === "body"
          ? [this.selected.name]
          : [];
    const box = this.graph.boxOf(names);
    if (box.isEmpty()) return this.homeSphere();
    const sphere = box.getBoundingSphere(new THREE.Sphere());
    return new THREE.Sphere(sphere.center, sphere.radius * 1.5);
  }

  // The first picture: home, without a glide, for good once shapes, poses and model are known.
  private frameFirst(): void {
    if (this.framed || this.graph.bodies.length === 0) return;
    this.framed = this.hasPoses && this.model !== undefined;
    const box = this.graph.boxOf(this.graph.bodies);
    const home = this.homeSphere();
    const lit = new THREE.Sphere(home.center, home.radius * 2);
    this.ground.setFloor(box.min.z, lit);
    this.lighting.cover(lit);
    this.forces.setRadius(home.radius);
    this.rig.look(home, "home", 0, true);
  }
}
