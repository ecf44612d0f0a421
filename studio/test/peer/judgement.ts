// What the test peer holds to be wrong and what it advises: one alarm, one advice with three options, and commands that go as
// far as a person lets them. Its figures are made up for tests of the studio.

import { create, fromBinary, toBinary, type DescMessage } from "@bufbuild/protobuf";
import * as geoul from "../../src/generated/geoul";
import { fromNanoseconds } from "../../src/twin/time";
import { transforms } from "./arm";

export interface JudgementService {
  id: number;
  name: string;
  request: DescMessage;
  response: DescMessage;
  topic: string;
}

export const SERVICES: readonly JudgementService[] = [
  { id: 20, name: "/alarms/acknowledge", request: geoul.AlarmAcknowledgementSchema, response: geoul.AlarmsSchema, topic: "/alarms" },
  { id: 21, name: "/commands/propose", request: geoul.CommandProposalSchema, response: geoul.PlantCommandsSchema, topic: "/commands" },
  { id: 22, name: "/commands/decide", request: geoul.CommandDecisionSchema, response: geoul.PlantCommandsSchema, topic: "/commands" },
  { id: 23, name: "/advice/ask", request: geoul.AdviceQuestionSchema, response: geoul.AdviceListSchema, topic: "/advice" },
];
const JOINT = "/cell/ur3e/joints/elbow";
const MOVING = /ur3e\/(shoulder|upper|forearm|wrist)|load_cell|payload/;

export class Judgement {
  readonly questions: string[] = [];
  readonly alarms: geoul.Alarms;
  readonly advice: geoul.AdviceList;
  readonly commands = create(geoul.PlantCommandsSchema);

  constructor(begin: bigint) {
    const at = (seconds: number) => fromNanoseconds(begin + BigInt(Math.round(seconds * 1e9)));
    const causes = [
      { name: "friction rise", probability: 0.91, size: 2.1, deviation: 0.2, unit: "N.m", evidence: "the residual follows the sign of the joint's velocity" },
      { name: "undeclared payload", probability: 0.06, size: 0.4, deviation: 0.1, unit: "kg", evidence: "would show at the shoulder too" },
      { name: "wrong model", probability: 0.03, size: NaN, deviation: NaN, unit: "", evidence: "no other joint is off" },
    ];
    const friction = { id: 2n, onset: at(1), detected: at(1.08), place: JOINT, text: "elbow: torque is 2.1 N·m above what the twin expects since 1.0 s", size: 2.1, deviation: 0.2, unit: "N.m", causes };
    const bias = { id: 1n, state: geoul.AlarmState.ALARM_CLEARED, onset: at(0.2), detected: at(0.3), cleared: at(0.8), place: JOINT, text: "elbow: encoder bias of 0.01 rad", size: 0.01, deviation: NaN, unit: "rad", acknowledgedBy: "kim", note: "re-homed" };
    this.alarms = create(geoul.AlarmsSchema, { alarms: [friction, bias] });
    this.advice = create(geoul.AdviceListSchema, { advice: [this.makeAdvice("a1", 2n, "Friction of the elbow has risen by 2.1 N·m: three ways to go on", begin)] });
  }

  estimates(t: number, stamp: bigint): geoul.Estimates {
    const estimates = ["shoulder_lift", "elbow"].map((name, i) => ({ name: `external torque/${name}`, unit: "N.m", value: i * 2.1 + 0.1 * Math.sin(5 * t), deviation: 0.15, age: 0.01, statistic: i === 1 ? 1.7 : 0.12 }));
    return create(geoul.EstimatesSchema, { timestamp: fromNanoseconds(stamp), estimates });
  }

  // The answer's bytes; throws the words of a refusal.
  serve(service: JudgementService, payload: Uint8Array, now: bigint): Uint8Array {
    if (service.id === 20) {
      const { alarm, note } = fromBinary(geoul.AlarmAcknowledgementSchema, payload);
      const found = this.alarms.alarms.find((one) => one.id === alarm)!;
      Object.assign(found, { state: geoul.AlarmState.ALARM_ACKNOWLEDGED, acknowledgedBy: "peer", note });
      return toBinary(geoul.AlarmsSchema, this.alarms);
    }
    if (service.id === 23) {
      const { text } = fromBinary(geoul.AdviceQuestionSchema, payload);
      this.questions.push(text);
      if (!/payload|friction/.test(text)) throw new Error(`'${text}' is no question that can be rehearsed; ask for a payload or a friction`);
      this.advice.advice.unshift(this.makeAdvice(`q${this.questions.length}`, 0n, `What if: ${text}`, now));
      return toBinary(geoul.AdviceListSchema, this.advice);
    }
    if (service.id === 21) this.propose(fromBinary(geoul.CommandProposalSchema, payload), now);
    else this.decide(fromBinary(geoul.CommandDecisionSchema, payload), now);
    return toBinary(geoul.PlantCommandsSchema, this.commands);
  }

  private propose({ advice, option }: geoul.CommandProposal, now: bigint): void {
    const found = this.advice.advice.find((one) => one.id === advice)!;
    found.command = `c-${advice}-${option}`;
    const time = fromNanoseconds(now);
    const steps = [
      { stage: geoul.CommandStage.COMMAND_PROPOSED, time, who: "peer", text: "" },
      { stage: geoul.CommandStage.COMMAND_CHECKED, time, who: "safety filter", text: "within all limits" },
    ];
    const text = found.options.find((one) => one.id === option)!.text;
    this.commands.commands.unshift(create(geoul.PlantCommandSchema, { id: found.command, text, advice, option, stage: geoul.CommandStage.COMMAND_CHECKED, steps, approvalsNeeded: 1 }));
  }

  private decide({ command, approve, reason }: geoul.CommandDecision, now: bigint): void {
    const found = this.commands.commands.find((one) => one.id === command)!;
    const stages = approve ? [geoul.CommandStage.COMMAND_APPROVED, geoul.CommandStage.COMMAND_SENT, geoul.CommandStage.COMMAND_CLOSED] : [geoul.CommandStage.COMMAND_REFUSED];
    for (const stage of stages) found.steps.push(create(geoul.CommandStepSchema, { stage, time: fromNanoseconds(now), who: stage === stages[0] ? "peer" : "plant", text: stage === stages[0] ? reason : "" }));
    found.stage = stages.at(-1)!;
  }

  private makeAdvice(id: string, alarm: bigint, text: string, now: bigint): geoul.Advice {
    const line = (name: string, unit: string, mean: number, limit = NaN, ok = true) => ({ name, unit, mean, low: 0.9 * mean, high: 1.1 * mean, limit, ok });
    const option = (name: string, words: string, rank: number, speed: number, torque: number) => ({
      id: name, text: words, rank, rejected: rank === 0 ? "the elbow's torque leaves its limit in 4 of 100 futures" : "", futures: 100,
      consequences: [line("cycle time", "s", 4 / speed), line("elbow torque", "N.m", torque, 28, torque < 28), line("least clearance", "m", 0.05 + 0.01 / speed)],
      ghost: ghost(speed),
    });
    const options = [option("half", "carry on at half speed", 1, 0.5, 21), option("hold", "hold and call somebody", 2, 0.25, 9), option("go", "carry on", 0, 1, 29.5)];
    return create(geoul.AdviceSchema, { id, alarm, text, made: fromNanoseconds(now), expires: fromNanoseconds(now + 60_000_000_000n), data: [{ name: "rtde/actual_q", age: 0.012 }], options });
  }
}

function ghost(speed: number) {
  const times = Array.from({ length: 21 }, (_, i) => i / 10);
  const frames = times.map((t) => transforms(6 + 2 * speed * t, 0n).transforms.filter((one) => MOVING.test(one.childFrameId)));
  const poses = frames.flatMap((frame) => frame.flatMap(({ translation: p, rotation: q }) => [p!.x, p!.y, p!.z, q!.x, q!.y, q!.z, q!.w]));
  return { bodies: frames[0]!.map((one) => one.childFrameId), times, poses };
}
