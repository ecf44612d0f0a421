import { create } from "@bufbuild/protobuf";
import * as THREE from "three";
import { describe, expect, it } from "vitest";
import { FrameTransformsSchema, SceneEntityDeletion_Type, SceneUpdateSchema } from "../../src/generated/foxglove";
import { Highlight } from "../../src/view3d/highlight";
import { SceneGraph } from "../../src/view3d/scene_graph";

const cube = { size: { x: 2, y: 4, z: 6 }, color: { r: 1, g: 0, b: 0, a: 1 }, pose: { position: { x: 1, y: 0, z: 0 }, orientation: { w: 1 } } };
const update = (id: string, deletions: { type: SceneEntityDeletion_Type; id: string }[] = []) =>
  create(SceneUpdateSchema, { deletions, entities: [{ id, frameId: id, cubes: [cube], metadata: [{ key: "label", value: `label of ${id}` }] }] });
// A .glb of one triangle with corners at x = 1, y = 2 (up) and z = 3.
function triangleFile(): Uint8Array {
  const points = new Uint8Array(new Float32Array([1, 0, 0, 0, 2, 0, 0, 0, 3]).buffer);
  const text = JSON.stringify({
    asset: { version: "2.0" }, scene: 0, scenes: [{ nodes: [0] }], nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 } }] }],
    accessors: [{ bufferView: 0, componentType: 5126, type: "VEC3", count: 3, min: [0, 0, 0], max: [1, 2, 3] }],
    bufferViews: [{ buffer: 0, byteLength: 36 }], buffers: [{ byteLength: 36 }],
  });
  const json = new TextEncoder().encode(text.padEnd(4 * Math.ceil(text.length / 4)));
  const file = new Uint8Array(12 + 8 + json.length + 8 + 36);
  new Uint32Array(file.buffer, 0, 3).set([0x46546c67, 2, file.length]);
  const words = new DataView(file.buffer);
  words.setUint32(12, json.length, true);
  words.setUint32(16, 0x4e4f534a, true);
  file.set(json, 20);
  words.setUint32(20 + json.length, 36, true);
  words.setUint32(24 + json.length, 0x004e4942, true);
  file.set(points, 28 + json.length);
  return file;
}
const quarterTurnAboutZ = { z: Math.SQRT1_2, w: Math.SQRT1_2 };

describe("scene graph", () => {
  it("places a shape by its pose in the body and the body's pose in the world", () => {
    const graph = new SceneGraph();
    graph.apply(update("/a"));
    const transforms = [{ parentFrameId: "world", childFrameId: "/a", translation: { x: 10, y: 0, z: 5 }, rotation: quarterTurnAboutZ }];
    graph.move(create(FrameTransformsSchema, { transforms }));
    const box = graph.boxOf(["/a"]);
    const close = (v: THREE.Vector3, expected: number[]) => v.toArray().forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 9));
    close(box.min, [8, 0, 2]);
    close(box.max, [12, 2, 8]);
    expect(graph.labelOf("/a")).toBe("label of /a");
  });

  it("replaces an entity of the same id, and deletes by id and all", () => {
    const graph = new SceneGraph();
    graph.apply(update("/a"));
    graph.apply(update("/a"));
    expect(graph.shapesOf("/a")).toHaveLength(1);
    graph.apply(update("/b", [{ type: SceneEntityDeletion_Type.MATCHING_ID, id: "/a" }]));
    expect(graph.bodies).toEqual(["/b"]);
    graph.apply(update("/c", [{ type: SceneEntityDeletion_Type.ALL, id: "" }]));
    expect(graph.bodies).toEqual(["/c"]);
  });

  it("keeps the last pose where a transform is not finite, and never hangs a frame below itself", () => {
    const graph = new SceneGraph();
    graph.apply(update("/a"));
    const move = (parentFrameId: string, childFrameId: string, x: number) =>
      graph.move(create(FrameTransformsSchema, { transforms: [{ parentFrameId, childFrameId, translation: { x }, rotation: { w: 1 } }] }));
    move("world", "/a", 3);
    move("world", "/a", NaN);
    expect(graph.frameOf("/a")!.position.x).toBe(3);
    move("/a", "/b", 1);
    move("/b", "/a", 1);
    expect(graph.frameOf("/a")!.parent).toBe(graph.root);
  });

  it("shows a glTF model with z up in the place it is given, and none once its entity is gone", async () => {
    const graph = new SceneGraph();
    const models = [{ data: triangleFile(), mediaType: "model/gltf-binary", scale: { x: 2, y: 2, z: 2 }, pose: { position: { x: 10 }, orientation: { w: 1 } } }];
    const shown = new Promise<void>((resolve) => (graph.onLoaded = resolve));
    graph.apply(create(SceneUpdateSchema, { entities: [{ id: "/m", frameId: "/m", models }] }));
    await shown;
    const box = graph.boxOf(["/m"]);
    [10, -6, 0].forEach((x, i) => expect(box.min.getComponent(i)).toBeCloseTo(x, 6));
    [12, 0, 4].forEach((x, i) => expect(box.max.getComponent(i)).toBeCloseTo(x, 6));

    let late = 0;
    graph.onLoaded = () => late++;
    graph.apply(create(SceneUpdateSchema, { entities: [{ id: "/n", frameId: "/n", models }] }));
    graph.apply(create(SceneUpdateSchema, { deletions: [{ type: SceneEntityDeletion_Type.ALL, id: "" }] }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(late).toBe(0);
    expect(graph.boxOf(["/m", "/n"]).isEmpty()).toBe(true);
  });

  it("draws a triangle list whose indices point outside it without them", () => {
    const graph = new SceneGraph();
    const points = [{ x: 0 }, { x: 1 }, { y: 1 }];
    graph.apply(create(SceneUpdateSchema, { entities: [{ id: "/m", frameId: "/m", triangles: [{ points, indices: [0, 1, 7] }] }] }));
    expect(graph.boxOf(["/m"]).max.toArray()).toEqual([1, 1, 0]);
  });
});

describe("highlight", () => {
  it("gives every shape its own material back, also where two marks fell on one body", () => {
    const graph = new SceneGraph();
    graph.apply(update("/a"));
    graph.apply(update("/b"));
    const mesh = (body: string) => graph.shapesOf(body)[0]!.children[0] as THREE.Mesh<THREE.BufferGeometry, THREE.MeshStandardMaterial>;
    const own = mesh("/a").material;
    expect(mesh("/b").material).toBe(own);
    const marks = new Highlight();
    const accent = new THREE.Color(0, 1, 1);
    marks.add(graph.shapesOf("/a"), accent, "hover");
    marks.add(graph.shapesOf("/a"), accent, "selected");
    expect(mesh("/a").material.emissive.g).toBeCloseTo(0.4);
    expect(mesh("/b").material.emissive.g).toBe(0);
    expect(mesh("/a").children).toHaveLength(1);
    marks.clear();
    expect(mesh("/a").material).toBe(own);
    expect(mesh("/a").children).toHaveLength(0);
  });
});
