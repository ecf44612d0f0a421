// Shows which body is selected or under the pointer: a tint on its shapes, and its hard edges drawn over for a selection.

import * as THREE from "three";

// Finding edges takes time: shapes with more triangles are tinted only.
const EDGE_LIMIT = 60_000;
const TINT = { selected: 0.4, related: 0.16, hover: 0.14 } as const;

export type Emphasis = keyof typeof TINT;

export class Highlight {
  private readonly edges: THREE.LineSegments[] = [];
  private readonly tinted = new Map<THREE.Mesh, THREE.Material>(); // with the material to put back

  clear(): void {
    for (const line of this.edges) {
      line.removeFromParent();
      line.geometry.dispose();
      (line.material as THREE.Material).dispose();
    }
    this.edges.length = 0;
    for (const [mesh, material] of this.tinted) {
      (mesh.material as THREE.Material).dispose();
      mesh.material = material;
    }
    this.tinted.clear();
  }

  add(groups: readonly THREE.Object3D[], accent: THREE.Color, emphasis: Emphasis): void {
    for (const group of groups) {
      const meshes: THREE.Mesh[] = [];
      group.traverse((object) => object instanceof THREE.Mesh && meshes.push(object));
      for (const mesh of meshes) {
        const before = mesh.material as THREE.MeshStandardMaterial;
        const material = before.clone();
        material.emissive.copy(accent).multiplyScalar(TINT[emphasis]);
        if (this.tinted.has(mesh)) before.dispose();
        else this.tinted.set(mesh, before);
        mesh.material = material;
        if (emphasis === "selected") this.drawEdges(mesh, accent);
      }
    }
  }

  private drawEdges(mesh: THREE.Mesh, accent: THREE.Color): void {
    const geometry = mesh.geometry as THREE.BufferGeometry;
    const triangles = (geometry.index?.count ?? geometry.getAttribute("position").count) / 3;
    if (triangles > EDGE_LIMIT) return;
    const material = new THREE.LineBasicMaterial({ color: accent, transparent: true, opacity: 0.9 });
    const lines = new THREE.LineSegments(new THREE.EdgesGeometry(geometry, 28), material);
    lines.renderOrder = 5;
    lines.raycast = () => undefined;
    mesh.add(lines);
    this.edges.push(lines);
  }
}
