// A twin for tests: real protocol bytes from a small server that also behaves badly on demand (drops everybody, sends
// rubbish, refuses, floods). It serves the built studio from the same port, as geoul does.

import { createReadStream, existsSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, resolve } from "node:path";
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { FrameTransformsSchema, Log_Level, LogSchema, SceneUpdateSchema } from "../../src/generated/foxglove";
import * as geoul from "../../src/generated/geoul";
import { fromNanoseconds, toNanoseconds } from "../../src/twin/time";
import * as arm from "./arm";
import { Judgement, SERVICES } from "./judgement";
import { messageFrame, readServiceRequest, serviceFailureFrame, serviceResponseFrame, timeFrame } from "./wire";

const TOPICS: readonly (readonly [string, DescMessage])[] = [
  ["/scene", SceneUpdateSchema],
  ["/tf", FrameTransformsSchema],
  ["/model", geoul.ModelSchema],
  ["/joints", geoul.JointStatesSchema],
  ["/fixed_joints", geoul.FixedJointsSchema],
  ["/signals", geoul.SignalsSchema],
  ["/clock", geoul.ClockSchema],
  ["/report", geoul.ReportSchema],
  ["/log", LogSchema],
  ["/contacts", geoul.ContactsSchema],
  ["/wrenches", geoul.WrenchesSchema],
  ["/residuals", geoul.ReportSchema],
  ["/drags", geoul.DragsSchema],
  ["/estimates", geoul.EstimatesSchema],
  ["/alarms", geoul.AlarmsSchema],
  ["/advice", geoul.AdviceListSchema],
  ["/commands", geoul.PlantCommandsSchema],
];
const SERVICE_ID = 7;
const DRAG_ID = 8;
const BEGIN = 1_700_000_000_000_000_000n; // [ns]
const LENGTH = 60_000_000_000n; // [ns]
const DT = 40_000_000n; // [ns]
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

interface Client {
  socket: WebSocket;
  subscriptions: Map<string, number>; // topic -> subscription id
}

export class Peer {
  readonly commands: geoul.ClockCommand["command"][] = [];
  readonly drags: geoul.DragCommand[] = [];
  readonly judgement = new Judgement(BEGIN);
  role = "approve"; // of whoever comes
  sessionId = "peer-1";
  now = BEGIN;
  mode = geoul.ClockMode.REAL_TIME;
  speed = 1;
  isMute = false;
  private readonly clients = new Set<Client>();
  private http: Server | undefined;
  private sockets: WebSocketServer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;

  // dist  folder of the built studio, served on the same port
  constructor(private readonly dist?: string) {}

  async start(port = 0): Promise<number> {
    const http = createServer((request, response) => this.serveFile(request, response));
    this.sockets = new WebSocketServer({
      server: http,
      handleProtocols: (offered) => (offered.has("foxglove.websocket.v1") ? "foxglove.websocket.v1" : false),
    });
    this.sockets.on("connection", (socket) => this.welcome(socket));
    await new Promise<void>((done, fail) => {
      http.once("error", fail);
      http.listen(port, "127.0.0.1", done);
    });
    this.http = http;
    this.timer = setInterval(() => this.tick(), Number(DT) / 1e6);
    return (http.address() as AddressInfo).port;
  }

  // Ends as a killed process would: no closing words, and a last clock that the page meets with the end itself.
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.publish("/clock", geoul.ClockSchema, this.clock());
    this.dropAll();
    this.http?.closeAllConnections();
    await new Promise<void>((done) => (this.http ? this.http.close(() => done()) : done()));
    this.http = undefined;
  }

  dropAll(): void {
    for (const { socket } of this.clients) socket.terminate();
    this.clients.clear();
  }

  sendRubbish(): void {
    for (const { socket, subscriptions } of this.clients) {
      socket.send("this is not JSON");
      socket.send(JSON.stringify({ op: "advertise", channels: [{ id: "one" }] }));
      socket.send(Buffer.from([1, 2, 3]));
      socket.send(Buffer.from([250, 0, 0]));
      const tf = subscriptions.get("/tf");
      if (tf !== undefined) socket.send(messageFrame(tf, 0n, Buffer.from([0x0a, 0xff, 0xff, 0xff])));
    }
  }

  log(level: Log_Level, message: string): void {
    this.publish("/log", LogSchema, create(LogSchema, { timestamp: fromNanoseconds(this.now), level, message, name: "peer", file: "peer.ts", line: 12 }));
  }

  // Sends many frames at once, faster than any page draws.
  flood(count: number): void {
    for (let i = 0; i < count; ++i) {
      this.now += DT;
      this.publishState();
    }
  }

  private seconds(): number {
    return Number(this.now - BEGIN) * 1e-9;
  }

  private serveFile(request: IncomingMessage, response: ServerResponse): void {
    const root = resolve(this.dist ?? ".");
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (path === "/api/session") {  // a server that has no users
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ entry: "open", name: "peer", role: this.role }));
      return;
    }
    const file = normalize(join(root, path === "/" ? "index.html" : path));
    if (!this.dist || !file.startsWith(root) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  }

  private welcome(socket: WebSocket): void {
    const client: Client = { socket, subscriptions: new Map() };
    this.clients.add(client);
    socket.on("close", () => this.clients.delete(client));
    socket.on("error", () => this.clients.delete(client));
    socket.on("message", (data, isBinary) => this.receive(client, data, isBinary));
    const send = (message: object) => socket.send(JSON.stringify(message));
    send({ op: "serverInfo", name: "test peer", capabilities: ["time", "services"], supportedEncodings: ["protobuf"], sessionId: this.sessionId, metadata: { user: "peer", role: this.role } });
    send({
      op: "advertise",
      channels: TOPICS.map(([topic, schema], id) => ({ id, topic, encoding: "protobuf", schemaName: schema.typeName, schema: "" })),
    });
    const side = (schema: DescMessage) => ({ encoding: "protobuf", schemaName: schema.typeName, schemaEncoding: "protobuf", schema: "" });
    const service = { id: SERVICE_ID, name: "/clock/control", type: "geoul.ClockControl", request: side(geoul.ClockCommandSchema), response: side(geoul.ClockSchema) };
    const drag = { id: DRAG_ID, name: "/drag", type: "geoul.DragControl", request: side(geoul.DragCommandSchema), response: side(geoul.DragsSchema) };
    const judgement = SERVICES.map(({ id, name, request, response }) => ({ id, name, type: request.typeName, request: side(request), response: side(response) }));
    send({ op: "advertiseServices", services: [service, drag, ...judgement] });
  }

  private receive(client: Client, data: RawData, isBinary: boolean): void {
    if (isBinary) return this.serve(client, data as Buffer);
    const message = JSON.parse((data as Buffer).toString()) as { op: string; subscriptions?: { id: number; channelId: number }[]; subscriptionIds?: number[] };
    for (const { id, channelId } of message.subscriptions ?? []) {
      const topic = TOPICS[channelId]![0];
      client.subscriptions.set(topic, id);
      this.sendLatched(client, topic);
    }
    for (const id of message.subscriptionIds ?? []) {
      for (const [topic, known] of client.subscriptions) if (known === id) client.subscriptions.delete(topic);
    }
  }

  private serve(client: Client, frame: Buffer): void {
    const request = readServiceRequest(frame);
    if (request.serviceId === DRAG_ID) return this.drag(client, request);
    if (SERVICES.some(({ id }) => id === request.serviceId)) return this.judge(client, request);
    const { command } = fromBinary(geoul.ClockCommandSchema, request.payload);
    this.commands.push(command);
    if (command.case === "mode") this.mode = command.value;
    else if (command.case === "speed") this.speed = command.value;
    else if (command.case === "seek") this.now = toNanoseconds(command.value);
    else if (command.case === "step") {
      this.mode = geoul.ClockMode.PAUSED;
      this.now += BigInt(command.value) * DT;
    }
    const response = toBinary(geoul.ClockSchema, this.clock());
    client.socket.send(serviceResponseFrame(request.serviceId, request.callId, request.encoding, response));
    this.publishState();
    this.publish("/clock", geoul.ClockSchema, this.clock());
  }

  // Moves nothing, but says what it was asked.
  private drag(client: Client, request: ReturnType<typeof readServiceRequest>): void {
    const command = fromBinary(geoul.DragCommandSchema, request.payload);
    this.drags.push(command);
    const { body, target } = command;
    const drags = body ? [{ body, point: { x: 0, y: 0, z: 0 }, target }] : [];
    const message = create(geoul.DragsSchema, { timestamp: fromNanoseconds(this.now), drags });
    client.socket.send(serviceResponseFrame(request.serviceId, request.callId, request.encoding, toBinary(geoul.DragsSchema, message)));
  }

  private judge(client: Client, request: ReturnType<typeof readServiceRequest>): void {
    const service = SERVICES.find(({ id }) => id === request.serviceId)!;
    try {
      const answer = this.judgement.serve(service, request.payload, this.now);
      client.socket.send(serviceResponseFrame(request.serviceId, request.callId, request.encoding, answer));
      this.publishJudgement();
    } catch (error) {
      client.socket.send(serviceFailureFrame(request.serviceId, request.callId, (error as Error).message));
    }
  }

  private publishJudgement(clients = this.clients): void {
    this.publish("/alarms", geoul.AlarmsSchema, this.judgement.alarms, clients);
    this.publish("/advice", geoul.AdviceListSchema, this.judgement.advice, clients);
    this.publish("/commands", geoul.PlantCommandsSchema, this.judgement.commands, clients);
  }

  private clock(): geoul.Clock {
    const isPaused = this.mode === geoul.ClockMode.PAUSED;
    return create(geoul.ClockSchema, {
      now: fromNanoseconds(this.now),
      begin: fromNanoseconds(BEGIN),
      end: fromNanoseconds(BEGIN + LENGTH),
      mode: this.mode,
      speed: this.speed,
      dt: Number(DT) * 1e-9,
      realTimeFactor: isPaused ? 0 : this.speed,
      stepsPerSecond: isPaused ? 0 : 25 * this.speed,
      canSeek: true,
      source: "test peer",
    });
  }

  private tick(): void {
    if (this.isMute) return;
    this.ticks += 1;
    if (this.mode !== geoul.ClockMode.PAUSED) {
      this.now += BigInt(Math.round(Number(DT) * this.speed));
      if (this.now >= BEGIN + LENGTH) {
        this.now = BEGIN + LENGTH;
        this.mode = geoul.ClockMode.PAUSED;
      }
      this.publishState();
    }
    if (this.ticks % 5 === 0) this.publish("/clock", geoul.ClockSchema, this.clock());
    for (const { socket } of this.clients) socket.send(timeFrame(this.now));
  }

  private publishState(): void {
    const t = this.seconds();
    this.publish("/tf", FrameTransformsSchema, arm.transforms(t, this.now));
    this.publish("/joints", geoul.JointStatesSchema, arm.jointStates(t, this.now));
    this.publish("/signals", geoul.SignalsSchema, arm.signals(t, this.now));
    this.publish("/fixed_joints", geoul.FixedJointsSchema, arm.fixedJoints(t, this.now));
    this.publish("/contacts", geoul.ContactsSchema, arm.contacts(this.now));
    this.publish("/wrenches", geoul.WrenchesSchema, arm.wrenches(t, this.now));
    this.publish("/residuals", geoul.ReportSchema, arm.residuals(t, this.now));
    this.publish("/estimates", geoul.EstimatesSchema, this.judgement.estimates(t, this.now));
  }

  private sendLatched(client: Client, topic: string): void {
    const only = new Set([client]);
    if (topic === "/scene") this.publish(topic, SceneUpdateSchema, arm.sceneUpdate(), only);
    if (topic === "/model") this.publish(topic, geoul.ModelSchema, arm.model(), only);
    if (topic === "/report") this.publish(topic, geoul.ReportSchema, arm.report(this.now), only);
    if (topic === "/clock") this.publish(topic, geoul.ClockSchema, this.clock(), only);
    if (topic === "/alarms" || topic === "/advice" || topic === "/commands") this.publishJudgement(only);
    if (topic === "/tf") this.publish(topic, FrameTransformsSchema, arm.transforms(this.seconds(), this.now), only);
  }

  private publish<S extends DescMessage>(topic: string, schema: S, message: MessageShape<S>, clients = this.clients): void {
    const payload = toBinary(schema, message);
    for (const { socket, subscriptions } of clients) {
      const id = subscriptions.get(topic);
      if (id !== undefined && socket.readyState === socket.OPEN) socket.send(messageFrame(id, this.now, payload));
    }
  }
}
