// Pulls on bodies through the service /drag: one command under way at a time, of those that wait only the newest is kept.
// Letting go is never lost.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DragCommandSchema, DragsSchema, type Drags } from "../generated/geoul";
import type { FoxgloveClient } from "../protocol/client";

export const DRAG_SERVICE = "/drag";

export interface Pull {
  body: string;
  point: { x: number; y: number; z: number }; // body frame [m]
  target: { x: number; y: number; z: number }; // world [m]
}

export class Dragging {
  private next: Pull | "let go" | undefined;
  private isSending = false;
  private complained = "";

  constructor(
    private readonly client: Pick<FoxgloveClient, "call">,
    private readonly onDrags: (drags: Drags) => void,
    private readonly onFailure: (words: string) => void,
  ) {}

  pull(pull: Pull): Promise<void> {
    return this.send(pull);
  }

  letGo(): Promise<void> {
    this.complained = "";
    return this.send("let go");
  }

  private async send(next: Pull | "let go"): Promise<void> {
    this.next = next;
    if (this.isSending) return;
    this.isSending = true;
    while (this.next !== undefined) {
      const command: Pull | "let go" = this.next;
      this.next = undefined;
      try {
        const message = create(DragCommandSchema, command === "let go" ? {} : command);
        this.onDrags(fromBinary(DragsSchema, await this.client.call(DRAG_SERVICE, toBinary(DragCommandSchema, message))));
      } catch (error) {
        const words = (error as Error).message;
        if (words !== this.complained) this.onFailure(words); // once a pull, not once a mouse move
        this.complained = words;
      }
    }
    this.isSending = false;
  }
}
