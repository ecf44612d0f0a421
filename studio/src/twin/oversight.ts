// What a person says to the judgement of the twin: alarms acknowledged, commands proposed, approved and rejected, questions.
// Each answer is the newest list, so that the page shows at once what was done.

import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import {
  AdviceListSchema,
  AdviceQuestionSchema,
  AlarmAcknowledgementSchema,
  AlarmsSchema,
  CommandDecisionSchema,
  CommandProposalSchema,
  PlantCommandsSchema,
} from "../generated/geoul";
import type { FoxgloveClient } from "../protocol/client";
import type { Twin } from "./twin";

export class Oversight {
  constructor(
    private readonly client: Pick<FoxgloveClient, "call" | "hasService">,
    private readonly twin: Twin,
    private readonly onFailure: (words: string) => void,
  ) {}

  // A twin that commands nothing has no use for a button.
  get takesCommands(): boolean {
    return this.client.hasService("/commands/propose");
  }

  async acknowledge(alarm: bigint, note: string): Promise<boolean> {
    const alarms = await this.call("/alarms/acknowledge", AlarmAcknowledgementSchema, { alarm, note }, AlarmsSchema);
    if (alarms) this.twin.setAlarms(alarms);
    return alarms !== undefined;
  }

  async propose(advice: string, option: string): Promise<boolean> {
    const commands = await this.call("/commands/propose", CommandProposalSchema, { advice, option }, PlantCommandsSchema);
    if (commands) this.twin.setCommands(commands);
    return commands !== undefined;
  }

  async decide(command: string, approve: boolean, reason: string): Promise<boolean> {
    const commands = await this.call("/commands/decide", CommandDecisionSchema, { command, approve, reason }, PlantCommandsSchema);
    if (commands) this.twin.setCommands(commands);
    return commands !== undefined;
  }

  async ask(text: string): Promise<boolean> {
    const advice = await this.call("/advice/ask", AdviceQuestionSchema, { text }, AdviceListSchema);
    if (advice) this.twin.setAdvice(advice);
    return advice !== undefined;
  }

  private async call<Q extends DescMessage, A extends DescMessage>(
    service: string,
    question: Q,
    fields: MessageInitShape<Q>,
    answer: A,
  ): Promise<MessageShape<A> | undefined> {
    try {
      return fromBinary(answer, await this.client.call(service, toBinary(question, create(question, fields))));
    } catch (error) {
      this.onFailure((error as Error).message);
      return undefined;
    }
  }
}
