// Foxglove primitives as three.js meshes, in the frame of their entity.

import * as THREE from "three";
import { mergeVertices, toCreasedNormals } from "three/examples/jsm/utils/BufferGeometryUtils.js";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
import type { Color, ModelPrimitive, Pose, SceneEntity, TriangleListPrimitive } from "../generated/foxglove";

// Faces that meet at a sharper angle keep a hard edge [rad].
const CREASE_ANGLE = Math.PI / 6;
// Above this many triangles smoothing would hold up the page: faces stay flat.
const CREASE_LIMIT = 150_000;

const unitBox = new THREE.BoxGeometry(1, 1, 1);
const unitSphere = new THREE.SphereGeometry(0.5, 40, 24);
const sharedGeometries = new Set<THREE.BufferGeometry>([unitBox, unitSphere]);
const cylinders = new Map<string, THREE.BufferGeometry>();

// Cylinder of unit height and diameter about z; scales in [0, 1] narrow its ends.
function unitCylinder(bottomScale: number, topScale: number): THREE.BufferGeometry {
  const key = `${bottomScale}/${topScale}`;
  let geometry = cylinders.get(key);
  if (!geometry) {
    geometry = new THREE.CylinderGeometry(topScale / 2, bottomScale / 2, 1, 48, 1).rotateX(Math.PI / 2);
    cylinders.set(key, geometry);
    sharedGeometries.add(geometry);
  }
  return geometry;
}

function triangleGeometry(triangles: TriangleListPrimitive): THREE.BufferGeometry {
  const positions = new Float32Array(triangles.points.length * 3);
  triangles.points.forEach((point, i) => positions.set([point.x, point.y, point.z], 3 * i));
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.BufferAttribute(positions, 3));
  if (triangles.colors.length === triangles.points.length && triangles.colors.length > 0) {
    const colors = new Float32Array(triangles.colors.length * 3);
    const linear = new THREE.Color();
    triangles.colors.forEach((c, i) => linear.setRGB(c.r, c.g, c.b, THREE.SRGBColorSpace).toArray(colors, 3 * i));
    geometry.setAttribute("color", new THREE.BufferAttribute(colors, 3));
  }
  const inRange = triangles.indices.every((index) => index < triangles.points.length);
  if (triangles.indices.length > 0 && inRange) geometry.setIndex(new THREE.BufferAttribute(new Uint32Array(triangles.indices), 1));
  const count = (geometry.index?.count ?? triangles.points.length) / 3;
  if (count > CREASE_LIMIT) {
    geometry.computeVertexNormals();
    return geometry;
  }
  return toCreasedNormals(mergeVertices(geometry, 1e-7), CREASE_ANGLE);
}

function place(object: THREE.Object3D, pose: Pose | undefined): void {
  const p = pose?.position;
  const q = pose?.orientation;
  if (p) object.position.set(p.x, p.y, p.z);
  if (q && q.x ** 2 + q.y ** 2 + q.z ** 2 + q.w ** 2 > 1e-12) object.quaternion.set(q.x, q.y, q.z, q.w).normalize();
}

// Materials are shared by all shapes of a colour: a scene of thousands of bodies has a handful.
const materials = new Map<string, THREE.MeshStandardMaterial>();

function paint(color: Color | undefined, isMesh = false, vertexColors = false): THREE.MeshStandardMaterial {
  const { r, g, b, a } = color ?? { r: 0.7, g: 0.72, b: 0.75, a: 1 };
  const key = `${r}/${g}/${b}/${a}/${isMesh}/${vertexColors}`;
  let made = materials.get(key);
  if (!made) {
    made = new THREE.MeshStandardMaterial({ roughness: 0.58, metalness: 0.08, vertexColors });
    if (!vertexColors) made.color.setRGB(r, g, b, THREE.SRGBColorSpace);
    if (a > 0 && a < 1) Object.assign(made, { transparent: true, opacity: a, depthWrite: false });
    if (isMesh) made.side = THREE.DoubleSide;
    materials.set(key, made);
  }
  return made;
}

// A glTF file within the message: normals, textures and materials of its own. y is up in it. It is there a moment later.
function addModel(model: ModelPrimitive, into: THREE.Group, onLoaded: () => void): void {
  if (model.data.length === 0) return;
  const bytes = model.data.slice().buffer;
  new GLTFLoader().parse(bytes, "", ({ scene }) => {
    scene.traverse((object) => {
      if (!(object instanceof THREE.Mesh)) return;
      object.castShadow = !(object.material as THREE.Material).transparent;
      object.receiveShadow = true;
      object.userData.owned = true;
    });
    if (into.userData.disposed) return disposeEntity(scene);
    const placed = new THREE.Group();
    place(placed, model.pose);
    scene.rotation.x = Math.PI / 2;
    placed.scale.set(model.scale?.x || 1, model.scale?.y || 1, model.scale?.z || 1);
    placed.add(scene);
    into.add(placed);
    onLoaded();
  }, (error) => console.error("a model of the scene cannot be shown:", error));
}

// Makes the meshes of one entity. onLoaded  called when a model in it has come, after this returned.
export function buildEntity(entity: SceneEntity, onLoaded: () => void = () => undefined): THREE.Group {
  const group = new THREE.Group();
  const add = (geometry: THREE.BufferGeometry, material: THREE.MeshStandardMaterial, pose: Pose | undefined) => {
    const mesh = new THREE.Mesh(geometry, material);
    mesh.castShadow = !material.transparent;
    mesh.receiveShadow = true;
    place(mesh, pose);
    group.add(mesh);
    return mesh;
  };
  for (const cube of entity.cubes) {
    add(unitBox, paint(cube.color), cube.pose).scale.set(cube.size?.x ?? 0, cube.size?.y ?? 0, cube.size?.z ?? 0);
  }
  for (const sphere of entity.spheres) {
    const size = sphere.size;
    add(unitSphere, paint(sphere.color), sphere.pose).scale.set(size?.x ?? 0, size?.y ?? 0, size?.z ?? 0);
  }
  for (const cylinder of entity.cylinders) {
    const geometry = unitCylinder(cylinder.bottomScale, cylinder.topScale);
    const size = cylinder.size;
    add(geometry, paint(cylinder.color), cylinder.pose).scale.set(size?.x ?? 0, size?.y ?? 0, size?.z ?? 0);
  }
  for (const triangles of entity.triangles) {
    const geometry = triangleGeometry(triangles);
    add(geometry, paint(triangles.color, true, geometry.hasAttribute("color")), triangles.pose);
  }
  for (const model of entity.models) addModel(model, group, onLoaded);
  return group;
}

// Frees what buildEntity made.
export function disposeEntity(group: THREE.Object3D): void {
  group.userData.disposed = true;
  group.traverse((object) => {
    if (!(object instanceof THREE.Mesh)) return;
    if (!sharedGeometries.has(object.geometry)) object.geometry.dispose();
    if (!object.userData.owned) return;
    const material = object.material as THREE.MeshStandardMaterial;
    for (const map of [material.map, material.normalMap, material.roughnessMap, material.aoMap, material.emissiveMap]) map?.dispose();
    material.dispose();
  });
}
