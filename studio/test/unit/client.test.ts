import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs } from "../../src/protocol/backoff";
import { FoxgloveClient, type ConnectionState, type Socket } from "../../src/protocol/client";
import { messageFrame, readServiceRequest, serviceResponseFrame } from "../peer/wire";

class FakeSocket implements Socket {
  binaryType = "";
  protocol = "";
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  sent: (string | Uint8Array)[] = [];
  isClosed = false;

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }
  close(): void {
    this.isClosed = true;
  }
  says(message: object | Buffer): void {
    const data = Buffer.isBuffer(message) ? new Uint8Array(message).buffer : JSON.stringify(message);
    this.onmessage?.({ data });
  }
  json(index: number): Record<string, unknown> {
    return JSON.parse(this.sent[index] as string) as Record<string, unknown>;
  }
}

const CHANNEL = { id: 5, topic: "/tf", encoding: "protobuf", schemaName: "foxglove.FrameTransforms", schema: "" };
const SERVICE = { id: 3, name: "/clock/control", type: "geoul.ClockControl" };

function setUp() {
  const sockets: FakeSocket[] = [];
  const states: ConnectionState[] = [];
  const messages: [string, number[], bigint][] = [];
  const notes: string[] = [];
  const client = new FoxgloveClient({
    url: "ws://twin/",
    topics: new Map([["/tf", "foxglove.FrameTransforms"], ["/contacts", "geoul.Contacts"]]),
    onDemand: new Set(["/contacts"]),
    open: () => {
      sockets.push(new FakeSocket());
      return sockets.at(-1)!;
    },
    onState: (state) => states.push(state),
    onMessage: (topic, payload, time) => messages.push([topic, [...payload], time]),
    onTime: () => undefined,
    onNote: (_, text) => notes.push(text),
    now: () => 0,
    random: () => 1,
  });
  const goLive = (index = 0) => {
    sockets[index]!.says({ op: "serverInfo", name: "peer", capabilities: [], sessionId: "s" });
    sockets[index]!.says({ op: "advertise", channels: [CHANNEL] });
    sockets[index]!.says({ op: "advertiseServices", services: [SERVICE] });
  };
  return { client, sockets, states, messages, notes, goLive };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("client", () => {
  it("subscribes to the topics it knows and hands their messages on", () => {
    const { client, sockets, messages, goLive } = setUp();
    client.start();
    goLive();
    const subscribe = sockets[0]!.json(0) as { op: string; subscriptions: { id: number; channelId: number }[] };
    expect(subscribe).toMatchObject({ op: "subscribe", subscriptions: [{ channelId: 5 }] });
    sockets[0]!.says(messageFrame(subscribe.subscriptions[0]!.id, 42n, new Uint8Array([1, 2])));
    sockets[0]!.says(messageFrame(999, 43n, new Uint8Array([3])));
    expect(messages).toEqual([["/tf", [1, 2], 42n]]);
  });

  it("says why it leaves out a channel with another schema or encoding", () => {
    const { client, sockets, notes } = setUp();
    client.start();
    sockets[0]!.says({ op: "serverInfo" });
    sockets[0]!.says({ op: "advertise", channels: [{ ...CHANNEL, encoding: "json" }] });
    expect(sockets[0]!.sent).toEqual([]);
    expect(notes[0]).toContain("foxglove.FrameTransforms as json");
  });

  it("does not subscribe twice when a channel is advertised again, and does after it was withdrawn", () => {
    const { client, sockets, goLive } = setUp();
    client.start();
    goLive();
    sockets[0]!.says({ op: "advertise", channels: [CHANNEL] });
    expect(sockets[0]!.sent).toHaveLength(1);
    sockets[0]!.says({ op: "unadvertise", channelIds: [5] });
    sockets[0]!.says({ op: "advertise", channels: [CHANNEL] });
    expect(sockets[0]!.sent).toHaveLength(2);
  });

  it("connects again with growing pauses, and starts over after a success", () => {
    const { client, sockets, states, goLive } = setUp();
    client.start();
    goLive();
    const pauses: number[] = [];
    for (let i = 0; i < 7; ++i) {
      sockets.at(-1)!.onclose?.({ code: 1006, reason: "" });
      const waiting = states.at(-1) as Extract<ConnectionState, { kind: "waiting" }>;
      pauses.push(waiting.retryAt);
      vi.advanceTimersByTime(waiting.retryAt - 1);
      expect(states.at(-1)!.kind).toBe("waiting");
      vi.advanceTimersByTime(1);
      expect(states.at(-1)!.kind).toBe("connecting");
    }
    expect(pauses).toEqual([500, 500, 1000, 2000, 4000, 8000, 10_000]);
    goLive(sockets.length - 1);
    sockets.at(-1)!.onclose?.({ code: 1006, reason: "" });
    expect(states.at(-1)).toMatchObject({ kind: "waiting", retryAt: 500 });
  });

  it("gives up on a server that accepts and then says nothing", () => {
    const { client, sockets, states } = setUp();
    client.start();
    vi.advanceTimersByTime(6000);
    expect(states.at(-1)).toMatchObject({ kind: "waiting", reason: "no answer" });
    expect(sockets[0]!.isClosed).toBe(true);
  });

  it("ignores a late word from a connection it has given up", () => {
    const { client, sockets, states } = setUp();
    client.start();
    const late = sockets[0]!.onmessage!;
    vi.advanceTimersByTime(6000);
    late({ data: JSON.stringify({ op: "serverInfo" }) });
    expect(states.at(-1)!.kind).toBe("waiting");
  });

  it("tries at once when asked to", () => {
    const { client, sockets } = setUp();
    client.start();
    sockets[0]!.onclose?.({ code: 1006, reason: "" });
    client.retryNow();
    client.retryNow();
    expect(sockets).toHaveLength(2);
  });

  it("keeps the connection through rubbish and reports it once", () => {
    const { client, sockets, states, notes, goLive } = setUp();
    client.start();
    goLive();
    for (let i = 0; i < 3; ++i) sockets[0]!.onmessage?.({ data: "rubbish" });
    sockets[0]!.says(Buffer.from([1, 2]));
    expect(notes).toHaveLength(2);
    expect(states.at(-1)!.kind).toBe("live");
  });

  it("resolves a service call with its own answer, whatever the order", async () => {
    const { client, sockets, goLive } = setUp();
    client.start();
    goLive();
    const calls = [client.call("/clock/control", new Uint8Array([1])), client.call("/clock/control", new Uint8Array([2]))];
    const requests = sockets[0]!.sent.slice(1).map((frame) => readServiceRequest(Buffer.from(frame as Uint8Array)));
    for (const { serviceId, callId, payload } of requests.reverse()) {
      sockets[0]!.says(serviceResponseFrame(serviceId, callId, "protobuf", new Uint8Array([payload[0]! * 10])));
    }
    expect((await Promise.all(calls)).map((answer) => [...answer])).toEqual([[10], [20]]);
  });

  it("rejects a call that is refused, unanswered, cut off or not offered", async () => {
    const { client, sockets, goLive } = setUp();
    await expect(client.call("/clock/control", new Uint8Array())).rejects.toThrow("not connected");
    client.start();
    goLive();
    await expect(client.call("/nowhere", new Uint8Array())).rejects.toThrow("does not offer /nowhere");
    const refused = client.call("/clock/control", new Uint8Array());
    sockets[0]!.says({ op: "serviceCallFailure", serviceId: 3, callId: 1, message: "cannot seek" });
    await expect(refused).rejects.toThrow("cannot seek");
    const unanswered = expect(client.call("/clock/control", new Uint8Array())).rejects.toThrow("no answer");
    await vi.advanceTimersByTimeAsync(5000);
    await unanswered;
    const cut = client.call("/clock/control", new Uint8Array());
    sockets[0]!.onclose?.({ code: 1006, reason: "" });
    await expect(cut).rejects.toThrow("the connection ended");
  });

  it("asks for a topic anew so that its latched message comes again", () => {
    const { client, sockets, goLive } = setUp();
    client.start();
    goLive();
    client.refresh("/tf");
    expect(sockets[0]!.json(1)).toMatchObject({ op: "unsubscribe", subscriptionIds: [1] });
    expect(sockets[0]!.json(2)).toMatchObject({ op: "subscribe", subscriptions: [{ id: 2, channelId: 5 }] });
  });
});

describe("backoff", () => {
  it("stays between four fifths of the pause and the whole", () => {
    expect(backoffMs(3, 0)).toBe(1600);
    expect(backoffMs(3, 1)).toBe(2000);
    expect(backoffMs(50, 1)).toBe(10_000);
  });

  it("subscribes to a topic on demand only while it is wanted, over a lost connection too", () => {
    const { client, sockets, goLive } = setUp();
    const offer = (socket: FakeSocket) => socket.says({ op: "advertise", channels: [{ ...CHANNEL, id: 9, topic: "/contacts", schemaName: "geoul.Contacts" }] });
    const asked = (socket: FakeSocket) => socket.sent.map((text) => String(text)).filter((text) => text.includes("ubscribe"));
    client.start();
    goLive();
    offer(sockets[0]!);
    expect(asked(sockets[0]!)).toHaveLength(1); // /tf
    client.want("/contacts", true);
    client.want("/contacts", true);
    expect(asked(sockets[0]!)).toHaveLength(2);
    expect(asked(sockets[0]!)[1]).toContain('"channelId":9');
    client.want("/contacts", false);
    expect(asked(sockets[0]!)[2]).toContain('"unsubscribe"');
    client.want("/contacts", true);
    sockets[0]!.onclose?.({ code: 1006, reason: "" });
    client.retryNow();
    goLive(1);
    offer(sockets[1]!);
    expect(asked(sockets[1]!)).toHaveLength(2);
  });
});
