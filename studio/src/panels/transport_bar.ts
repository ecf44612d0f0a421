// Play, pause, step, speed and the scrub bar.

import { Log_Level, type Log } from "../generated/foxglove";
import { ClockMode, type Clock } from "../generated/geoul";
import type { Control } from "../twin/control";
import { toNanoseconds } from "../twin/time";
import type { Twin } from "../twin/twin";
import { h, setAttribute, setText } from "../ui/dom";
import { formatDuration, formatInstant } from "../ui/format";
import { icon } from "../ui/icons";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10];
const SCRUB_STEPS = 10_000;
const MAX_MARKS = 200;

// An event on the time line.
interface Mark {
  time: bigint; // [ns] of the twin
  element: HTMLElement;
}

export class TransportBar {
  readonly element: HTMLElement;
  private readonly playButton: HTMLButtonElement;
  private readonly beginButton: HTMLButtonElement;
  private readonly stepButton: HTMLButtonElement;
  private readonly speed: HTMLSelectElement;
  private readonly scrub: HTMLInputElement;
  private readonly now = h("output", { class: "time-now", "aria-label": "Time of the twin" });
  private readonly end = h("span", { class: "time-end" });
  private readonly liveButton: HTMLButtonElement;
  private readonly marks = h("div", { class: "marks" });
  private events: Mark[] = [];
  private isScrubbing = false;
  private isLive = false;
  private obstacle = ""; // why the twin may not be steered
  private shownMode: ClockMode | undefined;

  constructor(
    private readonly twin: Twin,
    private readonly control: Control,
  ) {
    this.beginButton = h("button", { class: "icon-button", title: "To the beginning (Home)", "aria-label": "To the beginning", onclick: () => this.toBegin() }, icon("toBegin"));
    this.playButton = h("button", { class: "icon-button play", onclick: () => void control.toggle() });
    this.stepButton = h("button", { class: "icon-button", title: "One step (→ or .)", "aria-label": "One step", onclick: () => void control.step(1) }, icon("step"));
    this.speed = h(
      "select",
      { "aria-label": "Speed", title: "Speed", onchange: () => void control.setSpeed(Number(this.speed.value)) },
      ...SPEEDS.map((speed) => h("option", { value: speed, selected: speed === 1 }, `${speed}×`)),
      h("option", { value: "Infinity" }, "max"),
    );
    this.scrub = h("input", {
      type: "range",
      class: "scrub",
      min: 0,
      max: SCRUB_STEPS,
      step: 1,
      value: 0,
      "aria-label": "Time in the run",
      oninput: () => this.scrubbed(),
      onpointerdown: () => (this.isScrubbing = true),
      onpointerup: () => (this.isScrubbing = false),
      onpointercancel: () => (this.isScrubbing = false),
    });
    this.liveButton = h("button", { class: "button live-button", hidden: true, onclick: () => this.toLive() }, "Live");
    const timeline = h("div", { class: "timeline" }, this.scrub, this.marks);
    this.element = h("div", { class: "transport", role: "toolbar", "aria-label": "Time" }, this.beginButton, this.playButton, this.stepButton, this.speed, this.now, timeline, this.end, this.liveButton);
    twin.on("clock", (clock) => this.show(clock));
    twin.on("log", (entry) => this.mark(entry));
    twin.on("reset", () => {
      this.events = [];
      this.marks.replaceChildren();
      this.show(undefined);
    });
    this.show(undefined);
  }

  toBegin(): void {
    void this.control.seek(toNanoseconds(this.twin.clock?.begin));
  }

  // To the newest instant of a running plant, and on with it.
  toLive(): void {
    if (this.twin.clock?.isLive) void this.control.goLive();
  }

  // Moves in time by a number of steps; back only where the run can be sought.
  stepBy(count: number): void {
    const { clock } = this.twin;
    if (!clock) return;
    if (count > 0) void this.control.step(count);
    else void this.control.seek(toNanoseconds(clock.now) + BigInt(Math.round(count * clock.dt * 1e9)));
  }

  setLive(isLive: boolean): void {
    this.isLive = isLive;
    this.enable();
  }

  // obstacle  why this user may not steer; empty: nothing is in the way
  setObstacle(obstacle: string): void {
    this.obstacle = obstacle;
    this.enable();
    this.showMode(this.shownMode ?? ClockMode.PAUSED, true);
    for (const [one, words] of [[this.beginButton, "To the beginning (Home)"], [this.stepButton, "One step (→ or .)"], [this.speed, "Speed"]] as const) {
      one.title = obstacle ? `${words}: ${obstacle}` : words;
    }
  }

  // A clock that arrived before the connection broke may be shown after it: only both together let the user press.
  private enable(): void {
    const { clock } = this.twin;
    const enabled = this.isLive && clock !== undefined && !this.obstacle;
    for (const one of [this.playButton, this.stepButton, this.speed, this.liveButton]) one.disabled = !enabled;
    this.beginButton.disabled = this.scrub.disabled = !(enabled && clock.canSeek);
  }

  private show(clock: Clock | undefined): void {
    this.enable();
    this.showMode(clock?.mode ?? ClockMode.PAUSED);
    const begin = toNanoseconds(clock?.begin);
    const end = toNanoseconds(clock?.end);
    const now = toNanoseconds(clock?.now);
    const length = Number(end - begin) * 1e-9;
    const hasEnd = clock !== undefined && end > begin;
    setText(this.now, clock ? formatDuration(Number(now - begin) * 1e-9) : "–");
    this.now.title = clock ? formatInstant(Number(now) * 1e-9) : "";
    setText(this.end, hasEnd ? formatDuration(length) : clock ? "no end" : "");
    const part = hasEnd ? Number(now - begin) / Number(end - begin) : 0;
    if (!this.isScrubbing) this.scrub.value = String(Math.round(part * SCRUB_STEPS));
    this.scrub.style.setProperty("--part", `${(Number(this.scrub.value) / SCRUB_STEPS) * 100}%`);
    setAttribute(this.scrub, "aria-valuetext", `${this.now.textContent} of ${this.end.textContent}`);
    setAttribute(this.scrub, "title", clock && !clock.canSeek ? "This run cannot be moved in time" : this.obstacle ? `Time in the run: ${this.obstacle}` : "Time in the run");
    if (clock && document.activeElement !== this.speed) this.showSpeed(clock);
    this.showLive(clock);
    for (const { time, element } of this.events) {
      element.hidden = time < begin || time > end;
      if (!element.hidden) element.style.left = `${(Number(time - begin) / Math.max(1, Number(end - begin))) * 100}%`;
    }
  }

  private showLive(clock: Clock | undefined): void {
    this.liveButton.hidden = !clock?.isLive;
    const isFollowing = clock?.isFollowing ?? false;
    setAttribute(this.liveButton, "aria-pressed", String(isFollowing));
    this.liveButton.title = isFollowing ? "The plant as it is now" : `Back to the plant as it is now (End)${this.obstacle ? `: ${this.obstacle}` : ""}`;
    document.body.dataset.time = clock?.isLive ? (isFollowing ? "live" : "past") : "";
  }

  // A warning or an error of the twin becomes a mark on the time line, which leads there.
  private mark(entry: Log): void {
    if (entry.level < Log_Level.WARNING) return;
    const time = toNanoseconds(entry.timestamp);
    const element = h("button", { class: `mark ${entry.level > Log_Level.WARNING ? "bad" : ""}`, tabindex: "-1", title: entry.message, "aria-label": entry.message, onclick: () => void this.control.seek(time) });
    this.events.push({ time, element });
    this.marks.append(element);
    if (this.events.length > MAX_MARKS) this.events.shift()!.element.remove();
  }

  private showSpeed(clock: Clock): void {
    const isFree = clock.mode === ClockMode.FREE_RUN || (clock.mode === ClockMode.PAUSED && this.control.willFreeRun);
    const value = isFree ? "Infinity" : String(clock.speed || 1);
    if (![...this.speed.options].some((option) => option.value === value)) {
      this.speed.prepend(h("option", { value }, `${value}×`));
    }
    this.speed.value = value;
  }

  private showMode(mode: ClockMode, anew = false): void {
    if (mode === this.shownMode && !anew) return;
    this.shownMode = mode;
    const isPaused = mode === ClockMode.PAUSED;
    this.playButton.replaceChildren(icon(isPaused ? "play" : "pause"));
    setAttribute(this.playButton, "aria-label", isPaused ? "Play" : "Pause");
    this.playButton.title = `${isPaused ? "Play" : "Pause"} (Space)${this.obstacle ? `: ${this.obstacle}` : ""}`;
  }

  private scrubbed(): void {
    const { clock } = this.twin;
    if (!clock) return;
    const begin = toNanoseconds(clock.begin);
    const length = toNanoseconds(clock.end) - begin;
    const target = begin + (length * BigInt(this.scrub.value)) / BigInt(SCRUB_STEPS);
    this.scrub.style.setProperty("--part", `${(Number(this.scrub.value) / SCRUB_STEPS) * 100}%`);
    void this.control.seek(target);
  }
}
