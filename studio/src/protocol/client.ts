// A client of the Foxglove WebSocket protocol v1: connects, subscribes to the topics it was told, calls services, and
// connects again with growing pauses when the server is gone. It decodes nothing but the protocol's own frames.

import { backoffMs } from "./backoff";
import { decodeServerFrame, encodeServiceRequest } from "./frames";
import { parseServerText, type Channel, type ServerText, type Service } from "./server_text";

export const SUBPROTOCOL = "foxglove.websocket.v1";

export type ConnectionState =
  | { kind: "connecting"; attempt: number }
  | { kind: "live"; serverName: string; sessionId: string | undefined; user: string | undefined; role: string | undefined }
  | { kind: "waiting"; attempt: number; retryAt: number; reason: string }
  | { kind: "outside" } // the server lets in only who signs in
  | { kind: "closed" };

// Connect, wait for the user, or try again later, with the reason.
export type EntryAnswer = "go" | "stay out" | { later: string };

// The part of the browser's WebSocket that the client uses; tests hand in their own.
export interface Socket {
  binaryType: string;
  readonly protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface ClientOptions {
  url: string;
  topics: ReadonlyMap<string, string>; // topic -> schema name that the studio can read
  onDemand?: ReadonlySet<string>; // topics that are subscribed only while wanted: see want()
  open: (url: string, subprotocol: string) => Socket;
  enter?: () => Promise<EntryAnswer>; // asked before every attempt; after "stay out" start() goes on
  onState: (state: ConnectionState) => void;
  onMessage: (topic: string, payload: Uint8Array, time: bigint) => void;
  onTime: (time: bigint) => void;
  onNote: (level: "info" | "warning" | "error", text: string) => void;
  now?: () => number; // [ms]
  random?: () => number;
  connectTimeoutMs?: number;
  callTimeoutMs?: number;
}

interface PendingCall {
  resolve: (payload: Uint8Array) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class FoxgloveClient {
  private readonly options: ClientOptions;
  private socket: Socket | undefined;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private state: ConnectionState = { kind: "closed" };
  private readonly subscriptions = new Map<number, { topic: string; channelId: number }>();
  private readonly services = new Map<string, Service>();
  private readonly offered = new Map<string, number>(); // readable topic -> channel
  private readonly wanted = new Set<string>();
  private readonly calls = new Map<number, PendingCall>();
  private nextSubscription = 1;
  private nextCall = 1;
  private lastBadFrame = "";

  constructor(options: ClientOptions) {
    this.options = options;
  }

  start(): void {
    if (this.state.kind === "closed" || this.state.kind === "outside") this.connect();
  }

  // Tries at once instead of at the end of the current pause. Does nothing while connected.
  retryNow(): void {
    if (this.state.kind !== "waiting") return;
    clearTimeout(this.timer);
    this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.dropSocket("the page closed the connection");
    this.setState({ kind: "closed" });
  }

  hasService(name: string): boolean {
    return this.services.has(name);
  }

  // Asks the server for a topic anew, so that what it latches is sent again.
  refresh(topic: string): void {
    for (const [id, subscription] of this.subscriptions) {
      if (subscription.topic !== topic) continue;
      this.sendJson({ op: "unsubscribe", subscriptionIds: [id] });
      this.subscriptions.delete(id);
      this.subscribe([{ topic, id: subscription.channelId }]);
      return;
    }
  }

  // Subscribes to a topic of onDemand, or ends it.
  want(topic: string, on: boolean): void {
    if (on === this.wanted.has(topic)) return;
    if (on) {
      this.wanted.add(topic);
      const id = this.offered.get(topic);
      if (id !== undefined) this.subscribe([{ topic, id }]);
      return;
    }
    this.wanted.delete(topic);
    for (const [id, subscription] of this.subscriptions) {
      if (subscription.topic !== topic) continue;
      this.sendJson({ op: "unsubscribe", subscriptionIds: [id] });
      this.subscriptions.delete(id);
    }
  }

  // Calls a service with a protobuf request; resolves with the response's bytes. Rejects when the service is not
  // offered, the server refuses, the connection ends or no answer comes in time.
  call(name: string, request: Uint8Array): Promise<Uint8Array> {
    const service = this.services.get(name);
    if (!this.socket || this.state.kind !== "live") return Promise.reject(new Error("not connected"));
    if (!service) return Promise.reject(new Error(`the server does not offer ${name}`));
    const callId = this.nextCall++;
    const frame = encodeServiceRequest(service.id, callId, "protobuf", request);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.settleCall(callId, new Error(`${name}: no answer`)), this.options.callTimeoutMs ?? 5000);
      this.calls.set(callId, { resolve, reject, timer });
      this.socket?.send(frame);
    });
  }

  private connect(): void {
    this.attempt += 1;
    this.setState({ kind: "connecting", attempt: this.attempt });
    if (this.options.enter) void this.enter(this.options.enter, this.attempt);
    else this.open();
  }

  private async enter(ask: () => Promise<EntryAnswer>, attempt: number): Promise<void> {
    const answer = await ask();
    if (this.state.kind !== "connecting" || attempt !== this.attempt) return; // stopped meanwhile
    if (answer === "go") return this.open();
    if (answer !== "stay out") return this.wait(answer.later);
    this.attempt = 0;
    this.setState({ kind: "outside" });
  }

  private open(): void {
    let socket: Socket;
    try {
      socket = this.options.open(this.options.url, SUBPROTOCOL);
    } catch (error) {
      this.wait(`the address ${this.options.url} cannot be used (${(error as Error).message})`);
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    this.timer = setTimeout(() => this.lose(socket, "no answer"), this.options.connectTimeoutMs ?? 6000);
    socket.onmessage = (event) => {
      if (socket === this.socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      const words = event.reason || (this.state.kind === "live" ? "the connection ended" : "nobody answers there");
      this.lose(socket, words);
    };
  }

  private lose(socket: Socket, reason: string): void {
    if (socket !== this.socket) return;
    this.dropSocket(reason);
    this.wait(reason);
  }

  private dropSocket(reason: string): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = undefined;
    this.subscriptions.clear();
    this.services.clear();
    this.offered.clear();
    for (const callId of [...this.calls.keys()]) this.settleCall(callId, new Error(reason));
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  private wait(reason: string): void {
    const pause = backoffMs(this.attempt, (this.options.random ?? Math.random)());
    const retryAt = (this.options.now ?? (() => performance.now()))() + pause;
    this.timer = setTimeout(() => this.connect(), pause);
    this.setState({ kind: "waiting", attempt: this.attempt, retryAt, reason });
  }

  private setState(state: ConnectionState): void {
    this.state = state;
    this.options.onState(state);
  }

  private receive(data: unknown): void {
    try {
      if (typeof data === "string") this.receiveText(parseServerText(data));
      else if (data instanceof ArrayBuffer) this.receiveBinary(data);
    } catch (error) {
      const words = `unreadable message from the server: ${(error as Error).message}`;
      if (words !== this.lastBadFrame) this.options.onNote("warning", words);
      this.lastBadFrame = words;
    }
  }

  private receiveText(message: ServerText): void {
    switch (message.op) {
      case "serverInfo":
        clearTimeout(this.timer);
        this.attempt = 0;
        this.setState({ kind: "live", serverName: message.name, sessionId: message.sessionId, user: message.user, role: message.role });
        break;
      case "advertise":
        for (const channel of message.channels) {
          if (!this.isReadable(channel)) continue;
          this.offered.set(channel.topic, channel.id);
          if (!this.options.onDemand?.has(channel.topic) || this.wanted.has(channel.topic)) this.subscribe([channel]);
        }
        break;
      case "unadvertise":
        for (const [id, subscription] of this.subscriptions) {
          if (message.channelIds.includes(subscription.channelId)) this.subscriptions.delete(id);
        }
        for (const [topic, id] of this.offered) if (message.channelIds.includes(id)) this.offered.delete(topic);
        break;
      case "advertiseServices":
        for (const service of message.services) this.services.set(service.name, service);
        break;
      case "unadvertiseServices":
        for (const [name, service] of this.services) {
          if (message.serviceIds.includes(service.id)) this.services.delete(name);
        }
        break;
      case "serviceCallFailure":
        this.settleCall(message.callId, new Error(message.message));
        break;
      case "status":
        this.options.onNote(message.level >= 2 ? "error" : message.level === 1 ? "warning" : "info", message.message);
        break;
      case "other":
        break;
    }
  }

  private receiveBinary(data: ArrayBuffer): void {
    const frame = decodeServerFrame(data);
    if (frame.kind === "message") {
      const subscription = this.subscriptions.get(frame.subscriptionId);
      if (subscription) this.options.onMessage(subscription.topic, frame.payload, frame.time);
    } else if (frame.kind === "time") {
      this.options.onTime(frame.time);
    } else if (frame.kind === "serviceResponse") {
      this.settleCall(frame.callId, frame.payload);
    }
  }

  private isReadable(channel: Channel): boolean {
    const schema = this.options.topics.get(channel.topic);
    if (schema === undefined) return false;
    if (channel.encoding === "protobuf" && channel.schemaName === schema) return true;
    const offered = `${channel.schemaName} as ${channel.encoding}`;
    this.options.onNote("warning", `${channel.topic} is not shown: it is ${offered}, ${schema} as protobuf is needed`);
    return false;
  }

  private subscribe(channels: { topic: string; id: number }[]): void {
    const known = new Set([...this.subscriptions.values()].map((subscription) => subscription.channelId));
    const subscriptions = channels
      .filter((channel) => !known.has(channel.id))
      .map((channel) => {
        const id = this.nextSubscription++;
        this.subscriptions.set(id, { topic: channel.topic, channelId: channel.id });
        return { id, channelId: channel.id };
      });
    if (subscriptions.length > 0) this.sendJson({ op: "subscribe", subscriptions });
  }

  private sendJson(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  private settleCall(callId: number, outcome: Uint8Array | Error): void {
    const call = this.calls.get(callId);
    if (!call) return;
    clearTimeout(call.timer);
    this.calls.delete(callId);
    if (outcome instanceof Error) call.reject(outcome);
    else call.resolve(outcome);
  }
}
