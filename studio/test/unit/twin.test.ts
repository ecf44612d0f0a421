import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClockCommandSchema, ClockMode, ClockSchema, JointStatesSchema, SignalsSchema, type ClockCommand } from "../../src/generated/geoul";
import { Control } from "../../src/twin/control";
import { Mailbox } from "../../src/twin/mailbox";
import { rowsWithinBudget, SampleTable } from "../../src/twin/sample_table";
import { fromNanoseconds, toNanoseconds, toSeconds } from "../../src/twin/time";
import { Twin } from "../../src/twin/twin";

describe("sample table", () => {
  it("keeps the newest rows over many wraps", () => {
    const table = new SampleTable(["a", "b"], 10);
    for (let i = 0; i < 137; ++i) table.push(i, [i * 2, -i]);
    const { time, columns } = table.window(["b", "a"]);
    expect([...time]).toEqual(Array.from({ length: 10 }, (_, i) => 127 + i));
    expect([...columns[0]!]).toEqual([...time].map((t) => -t));
    expect([...columns[1]!]).toEqual([...time].map((t) => 2 * t));
  });

  it("forgets what comes later when time goes back", () => {
    const table = new SampleTable(["a"], 10);
    for (const t of [0, 1, 2, 3]) table.push(t, [t]);
    table.push(1.5, [15]);
    expect([...table.window(["a"]).time]).toEqual([0, 1, 1.5]);
    table.push(-1, [0]);
    expect(table.length).toBe(1);
  });

  it("cuts windows with both ends included and gives NaN for unknown names", () => {
    const table = new SampleTable(["a"], 10);
    for (const t of [0, 1, 2, 3]) table.push(t, [t]);
    const { time, columns } = table.window(["gone"], 1, 2);
    expect([...time]).toEqual([1, 2]);
    expect([...columns[0]!]).toEqual([NaN, NaN]);
  });

  it("leaves a gap where time leaps ahead, and none where steps are merely coarse", () => {
    const table = new SampleTable(["a"], 100);
    for (const t of [0, 0.04, 0.08, 90, 90.04]) table.push(t, [1]);
    expect([...table.window(["a"]).columns[0]!]).toEqual([1, 1, 1, NaN, 1, 1]);
    const coarse = new SampleTable(["a"], 100);
    for (const t of [0, 0.4, 0.8, 1.6, 2.4]) coarse.push(t, [1]);
    expect(coarse.length).toBe(5);
  });

  it("stays within its memory budget", () => {
    expect(rowsWithinBudget(10)).toBe(20_000);
    for (const columns of [500, 5000]) expect(rowsWithinBudget(columns) * (columns + 1) * 16).toBeLessThanOrEqual(32 * 1024 * 1024);
  });
});

describe("mailbox", () => {
  it("loses the oldest and counts them", () => {
    const box = new Mailbox(2);
    for (const i of [1, 2, 3, 4, 5]) box.put(new Uint8Array([i]));
    expect(box.take()).toEqual({ items: [new Uint8Array([4]), new Uint8Array([5])], lost: 3 });
    expect(box.take()).toEqual({ items: [], lost: 0 });
  });
});

describe("time", () => {
  it("survives the round trip to the nanosecond, before the epoch too", () => {
    for (const ns of [0n, 1n, 1_700_000_000_123_456_789n, -1n, -1_500_000_000n]) expect(toNanoseconds(fromNanoseconds(ns))).toBe(ns);
    expect(toSeconds(fromNanoseconds(1_500_000_000n))).toBe(1.5);
  });
});

const joints = (seconds: number, names: string[], value: number) =>
  toBinary(
    JointStatesSchema,
    create(JointStatesSchema, {
      timestamp: fromNanoseconds(BigInt(seconds * 1e9)),
      joints: names.map((name) => ({ name, position: [value], velocity: [2 * value], effort: [3 * value] })),
    }),
  );

describe("twin", () => {
  it("keeps every sample of the plotted topics, and the newest state", () => {
    const twin = new Twin();
    for (const t of [1, 2, 3]) twin.receive("/joints", joints(t, ["/a", "/b"], t), 0);
    expect(twin.drain()).toBe(true);
    expect(twin.drain()).toBe(false);
    expect(twin.jointStates.get("/b")!.effort).toEqual([9]);
    expect([...twin.jointTable.window(["/b#velocity"]).columns[0]!]).toEqual([2, 4, 6]);
  });

  it("starts a new table when joints come in another order", () => {
    const twin = new Twin();
    twin.receive("/joints", joints(1, ["/a", "/b"], 1), 0);
    twin.receive("/joints", joints(2, ["/b", "/a"], 7), 0);
    twin.drain();
    expect(twin.jointTable.names[0]).toBe("/b#position");
    expect(twin.jointTable.length).toBe(1);
  });

  it("bounds what waits when nobody draws, and says what was lost", () => {
    const twin = new Twin();
    const lost: number[] = [];
    twin.on("lost", ({ count }) => lost.push(count));
    for (let t = 1; t <= 2000; ++t) twin.receive("/joints", joints(t, ["/a"], t), 0);
    twin.drain();
    expect(lost).toEqual([1488]);
    expect(twin.jointTable.length).toBe(512);
    expect(twin.jointTable.lastTime()).toBe(2000);
  });

  it("reports an unreadable topic once and goes on with the next message", () => {
    const twin = new Twin();
    const topics: string[] = [];
    twin.on("unreadable", ({ topic }) => topics.push(topic));
    for (let i = 0; i < 3; ++i) twin.receive("/joints", new Uint8Array([0x0a, 0xff, 0xff]), 0);
    twin.receive("/joints", joints(4, ["/a"], 4), 0);
    twin.drain();
    expect(topics).toEqual(["/joints"]);
    expect(twin.jointStates.get("/a")!.position).toEqual([4]);
  });

  it("keeps NaN of a signal that was not predicted", () => {
    const twin = new Twin();
    const signals = [{ name: "tcp", unit: "m", measured: 1, predicted: NaN, residual: NaN }];
    twin.receive("/signals", toBinary(SignalsSchema, create(SignalsSchema, { timestamp: fromNanoseconds(1n), signals })), 0);
    twin.drain();
    expect([...twin.signalTable.window(["tcp#measured", "tcp#predicted"]).columns.map((c) => c[0])]).toEqual([1, NaN]);
  });
});

describe("control", () => {
  function setUp(mode: ClockMode, now = 0n) {
    const sent: ClockCommand["command"][] = [];
    const answers: (() => void)[] = [];
    const failures: string[] = [];
    const twin = new Twin();
    const clock = (value: ClockMode) =>
      create(ClockSchema, { now: fromNanoseconds(now), begin: fromNanoseconds(0n), end: fromNanoseconds(100n), mode: value, canSeek: true, dt: 1, speed: 1 });
    const call = (_: string, request: Uint8Array) =>
      new Promise<Uint8Array>((resolve) => {
        const { command } = fromBinary(ClockCommandSchema, request);
        sent.push(command);
        answers.push(() => resolve(toBinary(ClockSchema, clock(command.case === "mode" ? command.value : mode))));
      });
    const control = new Control({ call }, twin, (words) => failures.push(words));
    twin.setClock(clock(mode));
    const answerAll = async () => {
      while (answers.length > 0) {
        answers.shift()!();
        await new Promise((done) => setTimeout(done, 0));
      }
    };
    return { control, twin, sent, answerAll };
  }

  it("sends one seek at a time and only the newest of those that came meanwhile", async () => {
    const { control, sent, answerAll } = setUp(ClockMode.PAUSED);
    for (const target of [10n, 20n, 30n, 40n, 900n, -5n, 70n]) void control.seek(target);
    expect(sent).toHaveLength(1);
    await answerAll();
    expect(sent.map((command) => toNanoseconds(command.value as never))).toEqual([10n, 70n]);
  });

  it("holds a seek within begin and end", async () => {
    const { control, sent, answerAll } = setUp(ClockMode.PAUSED);
    void control.seek(900n);
    await answerAll();
    expect(toNanoseconds(sent[0]!.value as never)).toBe(100n);
  });

  it("resumes in the mode that was left, and starts over at the end", async () => {
    const { control, twin, sent, answerAll } = setUp(ClockMode.FREE_RUN);
    void control.toggle();
    await answerAll();
    expect(twin.clock!.mode).toBe(ClockMode.PAUSED);
    void control.toggle();
    await answerAll();
    expect(sent.map((command) => command.value)).toEqual([ClockMode.PAUSED, ClockMode.FREE_RUN]);
    const ended = setUp(ClockMode.PAUSED, 100n);
    void ended.control.toggle();
    await ended.answerAll();
    expect(ended.sent.map((command) => command.case)).toEqual(["seek", "mode"]);
  });
});
