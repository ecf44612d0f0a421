// What the page knows of the running twin. Messages wait in mailboxes until drain(), which the page calls once a drawn
// frame: it decodes the newest states (and every sample of the plotted topics), then tells listeners what changed.

import { fromBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  FrameTransformsSchema,
  LogSchema,
  SceneUpdateSchema,
  type FrameTransforms,
  type Log,
  type SceneUpdate,
} from "../generated/foxglove";
import {
  AdviceListSchema,
  AlarmsSchema,
  ClockSchema,
  ContactsSchema,
  DragsSchema,
  EstimatesSchema,
  EventsSchema,
  FixedJointsSchema,
  JointStatesSchema,
  LinksSchema,
  ModelSchema,
  PlantCommandsSchema,
  ReportSchema,
  SignalsSchema,
  WrenchesSchema,
  type AdviceList,
  type Alarms,
  type Body,
  type Clock,
  type Contacts,
  type Drags,
  type Estimates,
  type Events,
  type FixedJoint,
  type FixedJoints,
  type Joint,
  type JointState,
  type Links,
  type Model,
  type PlantCommands,
  type Report,
  type Signal,
  type Wrenches,
} from "../generated/geoul";
import { Emitter } from "./emitter";
import { Mailbox } from "./mailbox";
import { rowsWithinBudget, SampleTable } from "./sample_table";
import { jointColumns, jointRow, signalColumns, signalRow } from "./series";
import { toSeconds } from "./time";

// Topic -> schema, and how many undrawn messages may wait. States keep the newest only; samples keep a few seconds.
const TOPICS = {
  "/scene": { schema: SceneUpdateSchema, capacity: 256 },
  "/tf": { schema: FrameTransformsSchema, capacity: 1 },
  "/model": { schema: ModelSchema, capacity: 1 },
  "/joints": { schema: JointStatesSchema, capacity: 512 },
  "/fixed_joints": { schema: FixedJointsSchema, capacity: 1 },
  "/signals": { schema: SignalsSchema, capacity: 512 },
  "/clock": { schema: ClockSchema, capacity: 1 },
  "/report": { schema: ReportSchema, capacity: 1 },
  "/log": { schema: LogSchema, capacity: 512 },
  "/contacts": { schema: ContactsSchema, capacity: 1 },
  "/wrenches": { schema: WrenchesSchema, capacity: 1 },
  "/drags": { schema: DragsSchema, capacity: 1 },
  "/residuals": { schema: ReportSchema, capacity: 512 },
  "/links": { schema: LinksSchema, capacity: 1 },
  "/estimates": { schema: EstimatesSchema, capacity: 512 },
  "/alarms": { schema: AlarmsSchema, capacity: 1 },
  "/advice": { schema: AdviceListSchema, capacity: 1 },
  "/commands": { schema: PlantCommandsSchema, capacity: 1 },
  "/events": { schema: EventsSchema, capacity: 1 },
} as const;
type Topic = keyof typeof TOPICS;

export const TOPIC_SCHEMAS: ReadonlyMap<string, string> = new Map(
  Object.entries(TOPICS).map(([topic, { schema }]) => [topic, schema.typeName]),
);

// Topics that are large, and read only while somebody looks.
export const ON_DEMAND: ReadonlySet<string> = new Set(["/contacts", "/wrenches"]);

export interface TwinEvents {
  reset: undefined; // another session: everything before is void
  scene: SceneUpdate;
  transforms: FrameTransforms;
  model: Model;
  joints: undefined;
  fixedJoints: FixedJoints;
  signals: undefined;
  signalNames: undefined; // the set of signals changed
  clock: Clock;
  report: Report;
  log: Log;
  contacts: Contacts;
  wrenches: Wrenches;
  drags: Drags;
  residuals: undefined;
  links: Links;
  estimates: undefined;
  alarms: Alarms;
  advice: AdviceList;
  commands: PlantCommands;
  events: Events;
  lost: { topic: string; count: number };
  unreadable: { topic: string; reason: string };
}

export class Twin extends Emitter<TwinEvents> {
  model: Model | undefined;
  clock: Clock | undefined;
  report: Report | undefined;
  transforms: FrameTransforms | undefined;
  fixedJoints: FixedJoints | undefined;
  residuals: Report | undefined;
  links: Links | undefined;
  estimates: Estimates | undefined;
  alarms: Alarms | undefined;
  advice: AdviceList | undefined;
  commands: PlantCommands | undefined;
  events: Events | undefined;
  bodies = new Map<string, Body>();
  joints = new Map<string, Joint>();
  jointStates = new Map<string, JointState>();
  fixedStates = new Map<string, FixedJoint>();
  signals = new Map<string, Signal>();
  jointTable = new SampleTable([], 1);
  signalTable = new SampleTable([], 1);
  residualTable = new SampleTable([], 1);
  estimateTable = new SampleTable([], 1);
  lastMessageAt = 0; // [ms] of the page's clock
  private readonly boxes = new Map<string, Mailbox>();
  private readonly unreadableTopics = new Set<string>();

  constructor() {
    super();
    for (const [topic, { capacity }] of Object.entries(TOPICS)) this.boxes.set(topic, new Mailbox(capacity));
  }

  // Takes a message in; costs nothing until drain().
  receive(topic: string, payload: Uint8Array, now: number): void {
    this.boxes.get(topic)?.put(payload);
    this.lastMessageAt = now;
  }

  // Begin of the run [s]; plots count from here.
  get begin(): number {
    return toSeconds(this.clock?.begin);
  }

  reset(): void {
    for (const box of this.boxes.values()) box.take();
    this.model = this.clock = this.report = this.transforms = this.fixedJoints = this.residuals = this.links = undefined;
    this.estimates = this.alarms = this.advice = this.commands = this.events = undefined;
    for (const map of [this.bodies, this.joints, this.jointStates, this.fixedStates, this.signals]) map.clear();
    this.jointTable = new SampleTable([], 1);
    this.signalTable = new SampleTable([], 1);
    this.residualTable = new SampleTable([], 1);
    this.estimateTable = new SampleTable([], 1);
    this.unreadableTopics.clear();
    this.emit("reset", undefined);
  }

  // Decodes what waits. Returns whether anything did.
  drain(): boolean {
    let busy = false;
    for (const topic of Object.keys(TOPICS) as Topic[]) {
      const box = this.boxes.get(topic)!;
      if (box.isEmpty) continue;
      busy = true;
      const { items, lost } = box.take();
      if (lost > 0 && TOPICS[topic].capacity > 1) this.emit("lost", { topic, count: lost });
      this.apply(topic, items);
    }
    return busy;
  }

  // Takes over the clock of a service response, which is newer than the last published one.
  setClock(clock: Clock): void {
    this.clock = clock;
    this.emit("clock", clock);
  }

  // The same for what a service answered.
  setAlarms(alarms: Alarms): void {
    this.alarms = alarms;
    this.emit("alarms", alarms);
  }

  setAdvice(advice: AdviceList): void {
    this.advice = advice;
    this.emit("advice", advice);
  }

  setCommands(commands: PlantCommands): void {
    this.commands = commands;
    this.emit("commands", commands);
  }

  private apply(topic: Topic, items: Uint8Array[]): void {
    switch (topic) {
      case "/scene":
        for (const update of this.decode(topic, SceneUpdateSchema, items)) this.emit("scene", update);
        break;
      case "/tf":
        for (const transforms of this.decode(topic, FrameTransformsSchema, items)) {
          this.transforms = transforms;
          this.emit("transforms", transforms);
        }
        break;
      case "/model":
        for (const model of this.decode(topic, ModelSchema, items)) this.setModel(model);
        break;
      case "/joints":
        this.addJointSamples(items);
        break;
      case "/signals":
        this.addSignalSamples(items);
        break;
      case "/fixed_joints":
        for (const message of this.decode(topic, FixedJointsSchema, items)) {
          this.fixedJoints = message;
          this.fixedStates = new Map(message.joints.map((joint) => [joint.name, joint]));
          this.emit("fixedJoints", message);
        }
        break;
      case "/clock":
        for (const clock of this.decode(topic, ClockSchema, items)) this.setClock(clock);
        break;
      case "/report":
        for (const report of this.decode(topic, ReportSchema, items)) {
          this.report = report;
          this.emit("report", report);
        }
        break;
      case "/log":
        for (const entry of this.decode(topic, LogSchema, items)) this.emit("log", entry);
        break;
      case "/contacts":
        for (const contacts of this.decode(topic, ContactsSchema, items)) this.emit("contacts", contacts);
        break;
      case "/wrenches":
        for (const wrenches of this.decode(topic, WrenchesSchema, items)) this.emit("wrenches", wrenches);
        break;
      case "/drags":
        for (const drags of this.decode(topic, DragsSchema, items)) this.emit("drags", drags);
        break;
      case "/residuals":
        this.addResiduals(items);
        break;
      case "/links":
        for (const links of this.decode(topic, LinksSchema, items)) {
          this.links = links;
          this.emit("links", links);
        }
        break;
      case "/estimates":
        this.addEstimates(items);
        break;
      case "/alarms":
        for (const alarms of this.decode(topic, AlarmsSchema, items)) this.setAlarms(alarms);
        break;
      case "/advice":
        for (const advice of this.decode(topic, AdviceListSchema, items)) this.setAdvice(advice);
        break;
      case "/commands":
        for (const commands of this.decode(topic, PlantCommandsSchema, items)) this.setCommands(commands);
        break;
      case "/events":
        for (const events of this.decode(topic, EventsSchema, items)) {
          this.events = events;
          this.emit("events", events);
        }
        break;
    }
  }

  private setModel(model: Model): void {
    this.model = model;
    this.bodies = new Map(model.bodies.map((body) => [body.name, body]));
    this.joints = new Map(model.joints.map((joint) => [joint.name, joint]));
    this.emit("model", model);
  }

  private addJointSamples(items: Uint8Array[]): void {
    for (const message of this.decode("/joints", JointStatesSchema, items)) {
      const row = jointRow(message.joints);
      if (row.length !== this.jointTable.names.length || !sameNames(message.joints, this.jointStates)) {
        const columns = jointColumns(message.joints);
        this.jointTable = new SampleTable(columns, rowsWithinBudget(columns.length));
      }
      this.jointTable.push(toSeconds(message.timestamp), row);
      this.jointStates = new Map(message.joints.map((joint) => [joint.name, joint]));
    }
    this.emit("joints", undefined);
  }

  private addResiduals(items: Uint8Array[]): void {
    for (const message of this.decode("/residuals", ReportSchema, items)) {
      const names = message.lines.map((line) => line.name);
      if (names.length !== this.residualTable.names.length || names.some((name) => !this.residualTable.has(name))) {
        this.residualTable = new SampleTable(names, rowsWithinBudget(names.length));
      }
      this.residualTable.push(toSeconds(message.timestamp), message.lines.map((line) => line.value));
      this.residuals = message;
    }
    this.emit("residuals", undefined);
  }

  // Columns: the value of each estimate, then what it may be off ("NAME deviation").
  private addEstimates(items: Uint8Array[]): void {
    for (const message of this.decode("/estimates", EstimatesSchema, items)) {
      const names = message.estimates.flatMap(({ name }) => [name, `${name} deviation`]);
      if (names.length !== this.estimateTable.names.length || names.some((name) => !this.estimateTable.has(name))) {
        this.estimateTable = new SampleTable(names, rowsWithinBudget(names.length));
      }
      this.estimateTable.push(toSeconds(message.timestamp), message.estimates.flatMap(({ value, deviation }) => [value, deviation]));
      this.estimates = message;
    }
    this.emit("estimates", undefined);
  }

  private addSignalSamples(items: Uint8Array[]): void {
    let renamed = false;
    for (const message of this.decode("/signals", SignalsSchema, items)) {
      if (!sameNames(message.signals, this.signals)) {
        const columns = signalColumns(message.signals);
        this.signalTable = new SampleTable(columns, rowsWithinBudget(columns.length));
        renamed = true;
      }
      this.signalTable.push(toSeconds(message.timestamp), signalRow(message.signals));
      this.signals = new Map(message.signals.map((signal) => [signal.name, signal]));
    }
    if (renamed) this.emit("signalNames", undefined);
    this.emit("signals", undefined);
  }

  private decode<S extends DescMessage>(topic: string, schema: S, items: Uint8Array[]): MessageShape<S>[] {
    return items.flatMap((item) => {
      try {
        return [fromBinary(schema, item)];
      } catch (error) {
        if (!this.unreadableTopics.has(topic)) this.emit("unreadable", { topic, reason: (error as Error).message });
        this.unreadableTopics.add(topic);
        return [];
      }
    });
  }
}

// Whether items carry the names of `known` in the same order.
function sameNames(items: readonly { name: string }[], known: ReadonlyMap<string, unknown>): boolean {
  if (items.length !== known.size) return false;
  let i = 0;
  for (const name of known.keys()) {
    if (items[i++]!.name !== name) return false;
  }
  return true;
}
