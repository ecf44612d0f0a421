// The ground: a grid in the plane z = 0 that fades with distance, and a plane that only shows shadows.

import * as THREE from "three";

const GRID_VERTEX = `
varying vec3 world;
void main() {
  vec4 w = modelMatrix * vec4(position, 1.0);
  world = w.xyz;
  gl_Position = projectionMatrix * viewMatrix * w;
}`;

// Lines every metre and every tenth of it, one pixel wide by screen derivatives; x axis red, y axis green.
const GRID_FRAGMENT = `
varying vec3 world;
uniform vec3 color;
uniform vec3 xColor;
uniform vec3 yColor;
uniform vec2 center;
uniform float radius;
float lines(vec2 at, float spacing) {
  vec2 p = at / spacing;
  vec2 width = fwidth(p);
  vec2 d = abs(fract(p - 0.5) - 0.5) / width;
  float line = 1.0 - min(min(d.x, d.y), 1.0);
  return line * (1.0 - smoothstep(0.25, 0.6, max(width.x, width.y)));
}
void main() {
  float fade = 1.0 - smoothstep(0.25 * radius, radius, distance(world.xy, center));
  float strength = max(lines(world.xy, 1.0) * 0.55, lines(world.xy, 0.1) * 0.16);
  vec2 axis = 1.0 - min(abs(world.xy) / (fwidth(world.xy) * 1.2), 1.0);
  vec3 c = color;
  if (axis.y > 0.0) { c = xColor; strength = max(strength, axis.y * 0.8); }
  if (axis.x > 0.0) { c = yColor; strength = max(strength, axis.x * 0.8); }
  gl_FragColor = vec4(c, strength * fade);
  if (gl_FragColor.a < 0.004) discard;
  #include <colorspace_fragment>
}`;

export class Ground {
  readonly grid: THREE.Mesh;
  readonly shadowPlane: THREE.Mesh;
  private readonly uniforms = {
    color: { value: new THREE.Color() },
    xColor: { value: new THREE.Color(0.75, 0.25, 0.25) },
    yColor: { value: new THREE.Color(0.3, 0.6, 0.3) },
    center: { value: new THREE.Vector2() },
    radius: { value: 10 },
  };
  private readonly shadowMaterial = new THREE.ShadowMaterial({ opacity: 0.2 });

  constructor() {
    const material = new THREE.ShaderMaterial({
      vertexShader: GRID_VERTEX,
      fragmentShader: GRID_FRAGMENT,
      uniforms: this.uniforms,
      transparent: true,
      depthWrite: false,
      side: THREE.DoubleSide,
      polygonOffset: true,
      polygonOffsetFactor: -2,
      polygonOffsetUnits: -8,
    });
    this.grid = new THREE.Mesh(new THREE.PlaneGeometry(400, 400), material);
    this.grid.renderOrder = 1;
    this.shadowPlane = new THREE.Mesh(new THREE.PlaneGeometry(2, 2), this.shadowMaterial);
    this.shadowPlane.receiveShadow = true;
    this.shadowPlane.position.z = -0.002;
  }

  setTheme(isDark: boolean): void {
    this.uniforms.color.value.set(isDark ? 0x6f8496 : 0x7d8b97);
    this.shadowMaterial.opacity = isDark ? 0.42 : 0.2;
  }

  // Keeps the visible patch under what the camera looks at.
  follow(target: THREE.Vector3, distance: number): void {
    this.uniforms.center.value.set(target.x, target.y);
    this.uniforms.radius.value = Math.max(3, distance * 2.4);
  }

  // Puts the shadow plane just under the lowest shape, at or below z = 0, where the light casts shadows.
  setFloor(lowest: number, lit: THREE.Sphere): void {
    this.shadowPlane.scale.set(lit.radius * 1.5, lit.radius * 1.5, 1);
    this.shadowPlane.position.set(lit.center.x, lit.center.y, 0);
    this.shadowPlane.position.z = Math.min(0, Number.isFinite(lowest) ? lowest : 0) - 0.002;
  }
}
