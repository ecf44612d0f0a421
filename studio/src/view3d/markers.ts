// Marks over the scene: the frame and axis of the selected joint, and the triads of sites. They keep their size on screen.

import * as THREE from "three";
import { JointKind, type Joint, type Placement as Pose, type Site } from "../generated/geoul";

const AXIS_COLORS = [0xd9534f, 0x4caf50, 0x4a8fe7] as const;

function line(to: THREE.Vector3, color: number, from = new THREE.Vector3()): THREE.Line {
  const geometry = new THREE.BufferGeometry().setFromPoints([from, to]);
  const material = new THREE.LineBasicMaterial({ color, depthTest: false, transparent: true });
  const made = new THREE.Line(geometry, material);
  made.renderOrder = 10;
  return made;
}

export function triad(size: number): THREE.Group {
  const group = new THREE.Group();
  AXIS_COLORS.forEach((color, k) => group.add(line(new THREE.Vector3().setComponent(k, size), color)));
  return group;
}

export function poseMatrix(pose: Pose | undefined): THREE.Matrix4 {
  const p = pose?.position;
  const q = new THREE.Quaternion(pose?.qx ?? 0, pose?.qy ?? 0, pose?.qz ?? 0, pose?.qw ?? 1);
  if (q.lengthSq() < 1e-12) q.identity();
  return new THREE.Matrix4().compose(
    new THREE.Vector3(p?.x ?? 0, p?.y ?? 0, p?.z ?? 0),
    q.normalize(),
    new THREE.Vector3(1, 1, 1),
  );
}

// Frame of a joint with its axis drawn through, and a ring about it where it turns.
export function jointMarker(joint: Joint, accent: number): THREE.Group {
  const group = triad(0.6);
  const axis = new THREE.Vector3(joint.axis?.x ?? 0, joint.axis?.y ?? 0, joint.axis?.z ?? 0);
  if (joint.kind === JointKind.FIXED || axis.lengthSq() < 1e-12) return group;
  axis.normalize();
  group.add(line(axis.clone().multiplyScalar(1.3), accent, axis.clone().multiplyScalar(-1.3)));
  if (joint.kind === JointKind.REVOLUTE || joint.kind === JointKind.CONTINUOUS) {
    const material = new THREE.MeshBasicMaterial({ color: accent, transparent: true, opacity: 0.85, depthTest: false });
    const ring = new THREE.Mesh(new THREE.TorusGeometry(0.75, 0.02, 8, 64), material);
    ring.quaternion.setFromUnitVectors(new THREE.Vector3(0, 0, 1), axis);
    ring.renderOrder = 10;
    group.add(ring);
  }
  return group;
}

export function siteMarker(site: Site): THREE.Group {
  const group = triad(0.45);
  poseMatrix(site.pose).decompose(group.position, group.quaternion, group.scale);
  return group;
}

// Keeps a marker at the same size on screen. size  fraction of the viewport's height
export function keepSize(marker: THREE.Object3D, camera: THREE.PerspectiveCamera, size: number): void {
  const at = marker.getWorldPosition(new THREE.Vector3());
  const height = 2 * at.distanceTo(camera.position) * Math.tan(THREE.MathUtils.degToRad(camera.fov / 2));
  marker.scale.setScalar(Math.max(1e-4, height * size));
}

export function disposeMarker(marker: THREE.Object3D): void {
  marker.removeFromParent();
  marker.traverse((object) => {
    if (object instanceof THREE.Line || object instanceof THREE.Mesh) {
      object.geometry.dispose();
      (object.material as THREE.Material).dispose();
    }
  });
}
