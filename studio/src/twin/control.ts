// Steers the twin's clock through the service /clock/control. Scrubbing sends one seek at a time: while one is under
// way only the newest target is kept.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClockCommandSchema, ClockMode, ClockSchema, type ClockCommand } from "../generated/geoul";
import type { FoxgloveClient } from "../protocol/client";
import { fromNanoseconds, toNanoseconds } from "./time";
import type { Twin } from "./twin";

export const CONTROL_SERVICE = "/clock/control";

type Command = Exclude<ClockCommand["command"], { case: undefined }>;

export class Control {
  private seekTarget: bigint | undefined;
  private isSeeking = false;
  private modeToResume = ClockMode.REAL_TIME;

  constructor(
    private readonly client: Pick<FoxgloveClient, "call">,
    private readonly twin: Twin,
    private readonly onFailure: (words: string) => void,
  ) {
    twin.on("clock", (clock) => {
      if (clock.mode !== ClockMode.PAUSED) this.modeToResume = clock.mode;
    });
  }

  async toggle(): Promise<void> {
    const clock = this.twin.clock;
    if (!clock) return;
    if (clock.mode !== ClockMode.PAUSED) return this.setMode(ClockMode.PAUSED);
    const end = toNanoseconds(clock.end);
    if (!clock.isLive && clock.canSeek && end > 0n && toNanoseconds(clock.now) >= end) await this.seek(toNanoseconds(clock.begin));
    return this.setMode(this.modeToResume);
  }

  // Beyond the end of a live run is the plant itself.
  async goLive(): Promise<void> {
    const end = toNanoseconds(this.twin.clock?.end);
    this.modeToResume = ClockMode.REAL_TIME;
    await this.send({ case: "seek", value: fromNanoseconds(end + 3_600_000_000_000n) });
  }

  setMode(mode: ClockMode): Promise<void> {
    return this.send({ case: "mode", value: mode });
  }

  step(count: number): Promise<void> {
    return this.send({ case: "step", value: count });
  }

  // speed > 0 runs at that multiple of real time; Infinity as fast as possible.
  async setSpeed(speed: number): Promise<void> {
    const running = this.twin.clock?.mode !== ClockMode.PAUSED;
    if (speed === Infinity) {
      this.modeToResume = ClockMode.FREE_RUN;
      return running ? this.setMode(ClockMode.FREE_RUN) : undefined;
    }
    this.modeToResume = ClockMode.REAL_TIME;
    await this.send({ case: "speed", value: speed });
    if (running && this.twin.clock?.mode === ClockMode.FREE_RUN) await this.setMode(ClockMode.REAL_TIME);
  }

  get willFreeRun(): boolean {
    return this.modeToResume === ClockMode.FREE_RUN;
  }

  // nanoseconds of the twin's time; held within begin and end.
  async seek(nanoseconds: bigint): Promise<void> {
    const clock = this.twin.clock;
    if (!clock?.canSeek) return;
    const begin = toNanoseconds(clock.begin);
    const end = toNanoseconds(clock.end);
    if (clock.isLive && nanoseconds >= end) return this.goLive();
    this.seekTarget = nanoseconds < begin ? begin : end > 0n && nanoseconds > end ? end : nanoseconds;
    if (this.isSeeking) return;
    this.isSeeking = true;
    while (this.seekTarget !== undefined) {
      const target: bigint = this.seekTarget;
      this.seekTarget = undefined;
      await this.send({ case: "seek", value: fromNanoseconds(target) });
    }
    this.isSeeking = false;
  }

  private async send(command: Command): Promise<void> {
    try {
      const request = toBinary(ClockCommandSchema, create(ClockCommandSchema, { command }));
      const clock = fromBinary(ClockSchema, await this.client.call(CONTROL_SERVICE, request));
      if (clock.now) this.twin.setClock(clock);
    } catch (error) {
      this.onFailure((error as Error).message);
    }
  }
}
