import { create, toBinary } from "@bufbuild/protobuf";
import * as THREE from "three";
import { describe, expect, it } from "vitest";
import { ContactsSchema, DragsSchema, ReportSchema, WrenchesSchema } from "../../src/generated/geoul";
import { Dragging } from "../../src/twin/dragging";
import { Twin } from "../../src/twin/twin";
import { Arrows, ForceLayer } from "../../src/view3d/forces";

const v = (x: number, y: number, z: number) => ({ x, y, z });

// Where the tip of arrow i ends: the top of its head.
function tip(arrows: Arrows, i: number): THREE.Vector3 {
  const matrix = new THREE.Matrix4();
  (arrows.group.children[1] as THREE.InstancedMesh).getMatrixAt(i, matrix);
  return new THREE.Vector3(0, 1, 0).applyMatrix4(matrix);
}

describe("arrows", () => {
  it("start and end where they are told, in any direction", () => {
    const arrows = new Arrows(0xffffff);
    const list = [v(1, 0, 0), v(0, -2, 0), v(0, 0, 0.001), v(1, 2, -3)].map((along, i) => ({
      from: new THREE.Vector3(i, 0, 1),
      along: new THREE.Vector3(along.x, along.y, along.z),
    }));
    arrows.set(list, 0.01);
    expect(arrows.count).toBe(4);
    list.forEach(({ from, along }, i) => expect(tip(arrows, i).distanceTo(from.clone().add(along))).toBeLessThan(1e-6));
  });

  it("leave out what is nothing or not finite, and grow", () => {
    const arrows = new Arrows(0xffffff);
    arrows.set([{ from: new THREE.Vector3(), along: new THREE.Vector3() }, { from: new THREE.Vector3(NaN, 0, 0), along: new THREE.Vector3(1, 0, 0) }], 0.01);
    expect(arrows.count).toBe(0);
    arrows.set(Array.from({ length: 300 }, () => ({ from: new THREE.Vector3(), along: new THREE.Vector3(0, 0, 1) })), 0.01);
    expect(arrows.count).toBe(300);
    expect(arrows.group.children).toHaveLength(2);
  });
});

describe("the force layer", () => {
  it("shows nothing until a layer is asked for, and names what the longest arrow stands for", () => {
    const layer = new ForceLayer();
    layer.setRadius(2);
    layer.setContacts(create(ContactsSchema, { contacts: [{ position: v(0, 0, 0), force: v(0, 0, 30) }, { position: v(1, 0, 0), force: v(0, 40, 30) }] }));
    layer.setWrenches(create(WrenchesSchema, { wrenches: [{ position: v(0, 0, 1), force: v(7, 0, 0), torque: v(0, 0, 2) }] }));
    expect(layer.scales).toEqual({ contact: 50, jointForce: 7, jointTorque: 2 });
    const visible = () => layer.root.children.map((child) => child.visible);
    expect(visible()).toEqual([false, false, false, false, true]); // the springs of whoever drags
    layer.show("contacts", true);
    layer.show("wrenches", true);
    expect(visible()).toEqual([true, false, true, true, true]);
    expect(layer.legend).toBe("Longest arrows: joint 7\u00a0N, joint 2\u00a0N·m");
    layer.clear();
    expect(layer.scales.contact).toBe(0);
  });
});

describe("dragging", () => {
  const setUp = () => {
    const sent: Uint8Array[] = [];
    const answers: ((bytes: Uint8Array) => void)[] = [];
    const refusals: ((error: Error) => void)[] = [];
    const failures: string[] = [];
    const call = (_: string, request: Uint8Array) =>
      new Promise<Uint8Array>((resolve, reject) => {
        sent.push(request);
        answers.push(resolve);
        refusals.push(reject);
      });
    return { sent, answers, refusals, failures, dragging: new Dragging({ call }, () => undefined, (words) => failures.push(words)) };
  };
  const answer = toBinary(DragsSchema, create(DragsSchema, {}));
  const turn = () => new Promise((done) => setTimeout(done, 0));
  const pull = (x: number) => ({ body: "/box", point: v(0, 0, 0), target: v(x, 0, 0) });

  it("keeps one command under way, then sends the newest alone; letting go is never lost", async () => {
    const { sent, answers, dragging } = setUp();
    void dragging.pull(pull(1));
    void dragging.pull(pull(2));
    void dragging.pull(pull(3));
    void dragging.letGo();
    expect(sent).toHaveLength(1);
    answers[0]!(answer);
    await turn();
    expect(sent).toHaveLength(2);
    expect(sent[1]).toHaveLength(0); // an empty command lets go
    answers[1]!(answer);
    await turn();
    expect(sent).toHaveLength(2);
  });

  it("says a refusal once a pull", async () => {
    const { refusals, failures, dragging } = setUp();
    for (let i = 0; i < 3; ++i) {
      void dragging.pull(pull(i));
      refusals[i]!(new Error("drag: a recording cannot be dragged"));
      await turn();
    }
    expect(failures).toHaveLength(1);
  });
});

describe("residuals", () => {
  it("become samples, and a changed set of figures begins anew", () => {
    const twin = new Twin();
    const send = (seconds: number, names: string[]) => {
      const lines = names.map((name, i) => ({ name, value: seconds + i, bound: NaN, ok: true }));
      twin.receive("/residuals", toBinary(ReportSchema, create(ReportSchema, { timestamp: { seconds: BigInt(seconds), nanos: 0 }, lines })), 0);
    };
    send(1, ["a", "b"]);
    send(2, ["a", "b"]);
    twin.drain();
    expect([...twin.residualTable.window(["b"]).columns[0]!]).toEqual([2, 3]);
    send(3, ["a", "c"]);
    twin.drain();
    expect(twin.residualTable.names).toEqual(["a", "c"]);
    expect(twin.residualTable.length).toBe(1);
  });
});
