// Play, pause, step, speed and the scrub bar.

import { Log_Level, type Log } from "../generated/foxglove";
import { ClockMode, EventSeverity, type Clock } from "../generated/geoul";
import type { Control } from "../twin/control";
import { toNanoseconds, toSeconds } from "../twin/time";
import { deadLinks, marksOf, part, TimeWindow, type Mark as EventMark, type Span } from "../twin/time_window";
import type { Twin } from "../twin/twin";
import { h, setAttribute, setText } from "../ui/dom";
import { formatDuration, formatInstant } from "../ui/format";
import { icon } from "../ui/icons";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10];
const SCRUB_STEPS = 10_000;
const MAX_MARKS = 200;
const BILLION = 1_000_000_000n;
const SPANS: readonly [words: string, seconds: bigint | undefined][] = [["all", undefined], ["1 d", 86_400n], ["1 h", 3_600n], ["5 min", 300n], ["30 s", 30n]];
const LONG = 3600; // [s] a live run that is longer is told by date and time
const MOST_WORDS = 8; // events of one mark that are told

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
  private readonly window = new TimeWindow();
  private readonly spanSelect: HTMLSelectElement;
  private readonly words = h("div", { class: "event-words", role: "status", hidden: true });
  private shown: Span = { from: 0n, to: 0n };
  private drawn = ""; // what the marks of the events were drawn for
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
    this.spanSelect = h(
      "select",
      { "aria-label": "Length of the time bar", title: "How much of the run the time bar shows", onchange: () => this.setSpan() },
      ...SPANS.map(([words]) => h("option", { value: words }, words)),
    );
    const timeline = h("div", { class: "timeline" }, this.scrub, this.marks, this.words);
    this.element = h("div", { class: "transport", role: "toolbar", "aria-label": "Time" }, this.beginButton, this.playButton, this.stepButton, this.speed, this.now, timeline, this.end, this.spanSelect, this.liveButton);
    twin.on("clock", (clock) => this.show(clock));
    twin.on("log", (entry) => this.mark(entry));
    twin.on("links", () => this.showLive(twin.clock));
    twin.on("events", () => {
      for (const { element } of this.events) element.remove(); // the log tells the same, without the past
      this.events = [];
      this.drawn = "";
      this.show(twin.clock);
    });
    twin.on("reset", () => {
      this.events = [];
      this.drawn = "";
      this.words.hidden = true;
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
    const isLong = clock !== undefined && clock.isLive && length >= LONG;
    setText(this.now, !clock ? "–" : isLong ? shortInstant(toSeconds(clock.now)) : formatDuration(Number(now - begin) * 1e-9));
    this.now.title = clock ? formatInstant(Number(now) * 1e-9) : "";
    setText(this.end, hasEnd ? (isLong ? shortInstant(toSeconds(clock.end)) : formatDuration(length)) : clock ? "no end" : "");
    this.spanSelect.hidden = !(clock?.canSeek && length > 60);
    this.shown = hasEnd ? this.window.span(begin, end, now, this.isScrubbing) : { from: begin, to: end };
    if (!this.isScrubbing) this.scrub.value = String(Math.round(hasEnd ? part(now, this.shown) * SCRUB_STEPS : 0));
    this.scrub.style.setProperty("--part", `${(Number(this.scrub.value) / SCRUB_STEPS) * 100}%`);
    setAttribute(this.scrub, "aria-valuetext", `${this.now.textContent} of ${this.end.textContent}`);
    setAttribute(this.scrub, "title", clock && !clock.canSeek ? "This run cannot be moved in time" : this.obstacle ? `Time in the run: ${this.obstacle}` : "Time in the run");
    if (clock && document.activeElement !== this.speed) this.showSpeed(clock);
    this.showLive(clock);
    for (const { time, element } of this.events) {
      element.hidden = time < this.shown.from || time > this.shown.to;
      if (!element.hidden) element.style.left = `${part(time, this.shown) * 100}%`;
    }
    this.drawEvents(end);
  }

  private showLive(clock: Clock | undefined): void {
    this.liveButton.hidden = !clock?.isLive;
    const isFollowing = clock?.isFollowing ?? false;
    const dead = deadLinks(this.twin.links);
    setAttribute(this.liveButton, "aria-pressed", String(isFollowing));
    setText(this.liveButton, dead.all ? "Link lost" : "Live");
    this.liveButton.dataset.link = dead.all ? "lost" : dead.words ? "part" : "live";
    const trouble = dead.words ? `\n${dead.all ? "No link delivers; what is shown is the last that came" : "Not all links deliver"}:\n${dead.words}` : "";
    this.liveButton.title = (isFollowing ? "The plant as it is now" : `Back to the plant as it is now (End)${this.obstacle ? `: ${this.obstacle}` : ""}`) + trouble;
    document.body.dataset.time = clock?.isLive ? (isFollowing ? "live" : "past") : "";
  }

  private setSpan(): void {
    const seconds = SPANS.find(([words]) => words === this.spanSelect.value)?.[1];
    this.window.length = seconds === undefined ? undefined : seconds * BILLION;
    this.show(this.twin.clock);
  }

  // Events of the site, also of earlier runs: drawn anew where they, or the span, have changed by more than a pixel or so.
  private drawEvents(end: bigint): void {
    const events = this.twin.events?.events;
    if (!events) return;
    const { from, to } = this.shown;
    const grain = (to - from) / 2000n + 1n;
    const drawn = `${events.length} ${events.at(-1)?.timestamp?.seconds} ${from / grain} ${to / grain}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.marks.replaceChildren(...marksOf(events, this.shown, to === end).map((mark) => this.eventMark(mark)));
  }

  private eventMark(mark: EventMark): HTMLElement {
    const words = mark.events.slice(0, MOST_WORDS).map((event) => `${shortInstant(toSeconds(event.timestamp))}  ${event.source}: ${event.text || event.name}`);
    if (mark.events.length > MOST_WORDS) words.push(`and ${mark.events.length - MOST_WORDS} more`);
    const text = words.join("\n");
    const tone = mark.severity === EventSeverity.FAULT ? "bad" : mark.severity === EventSeverity.INFO ? "good" : "";
    const element = h("button", { class: `mark event ${tone}`, title: text, "aria-label": text, onclick: () => this.showEvent(mark, text) });
    element.style.left = `${part(mark.time, this.shown) * 100}%`;
    return element;
  }

  // Leads there, and tells what it was until the next click.
  private showEvent(mark: EventMark, text: string): void {
    setText(this.words, text);
    this.words.hidden = false;
    this.words.style.left = `${Math.min(0.75, part(mark.time, this.shown)) * 100}%`;
    document.addEventListener("pointerdown", () => (this.words.hidden = true), { once: true });
    if (!this.obstacle) void this.control.seek(mark.time);
  }

  // A warning or an error of the twin becomes a mark on the time line, which leads there.
  private mark(entry: Log): void {
    if (entry.level < Log_Level.WARNING || this.twin.events) return;
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
    const { from, to } = this.shown;
    const target = from + ((to - from) * BigInt(this.scrub.value)) / BigInt(SCRUB_STEPS);
    this.scrub.style.setProperty("--part", `${(Number(this.scrub.value) / SCRUB_STEPS) * 100}%`);
    void this.control.seek(target);
  }
}

// "28 Nov 14:03:07" in the time of the place.
function shortInstant(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getDate()} ${date.toLocaleString("en", { month: "short" })} ${date.toTimeString().slice(0, 8)}`;
}
