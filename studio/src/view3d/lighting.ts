// Light: a soft room around, a sky, and one key light that casts shadows over the scene.

import * as THREE from "three";
import { RoomEnvironment } from "three/examples/jsm/environments/RoomEnvironment.js";

export class Lighting {
  readonly group = new THREE.Group();
  private readonly key = new THREE.DirectionalLight(0xfff6ea, 2.1);
  private readonly sky = new THREE.HemisphereLight(0xe8f1fa, 0x8a8478, 0.55);

  constructor(renderer: THREE.WebGLRenderer, scene: THREE.Scene) {
    const generator = new THREE.PMREMGenerator(renderer);
    scene.environment = generator.fromScene(new RoomEnvironment(), 0.04).texture;
    scene.environmentRotation.set(Math.PI / 2, 0, 0);
    generator.dispose();
    this.sky.position.set(0, 0, 1);
    this.key.castShadow = true;
    this.key.shadow.mapSize.set(2048, 2048);
    this.key.shadow.bias = -0.0004;
    this.key.shadow.normalBias = 0.01;
    this.key.shadow.radius = 5;
    this.group.add(this.key, this.key.target, this.sky);
    this.cover(new THREE.Sphere(new THREE.Vector3(), 2));
  }

  setTheme(scene: THREE.Scene, isDark: boolean): void {
    scene.environmentIntensity = isDark ? 0.32 : 0.42;
    this.key.intensity = isDark ? 2.2 : 2.6;
    this.sky.intensity = isDark ? 0.4 : 0.6;
  }

  setShadows(enabled: boolean): void {
    this.key.castShadow = enabled;
  }

  // Fits the shadow map to what is looked at.
  cover(sphere: THREE.Sphere): void {
    const radius = Math.max(0.5, sphere.radius) * 1.15;
    const direction = new THREE.Vector3(0.55, -0.75, 1.35).normalize();
    this.key.position.copy(sphere.center).addScaledVector(direction, radius * 3);
    this.key.target.position.copy(sphere.center);
    const camera = this.key.shadow.camera;
    Object.assign(camera, { left: -radius, right: radius, top: radius, bottom: -radius, near: radius, far: radius * 5 });
    camera.updateProjectionMatrix();
  }
}
