// The alarm inbox: what the twin holds to be wrong with the plant, since when, why it thinks so, and who has seen it.

import { AlarmState, type Alarm, type Cause } from "../generated/geoul";
import type { Oversight } from "../twin/oversight";
import { toNanoseconds, toSeconds } from "../twin/time";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatInstant, formatNumber, formatQuantity, lastPart } from "../ui/format";

const STATES: Record<AlarmState, { word: string; tone: string }> = {
  [AlarmState.ALARM_RAISED]: { word: "New", tone: "bad" },
  [AlarmState.ALARM_ACKNOWLEDGED]: { word: "Seen", tone: "" },
  [AlarmState.ALARM_CLEARED]: { word: "Over", tone: "dim" },
};

export class AlarmsPanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  onSeek: (nanoseconds: bigint) => void = () => undefined;
  private readonly summaryText = h("span", { class: "summary", role: "status" });
  private readonly list = h("ul", { class: "inbox", role: "listbox", "aria-label": "Alarms", tabindex: "0", onkeydown: (event: KeyboardEvent) => this.key(event) });
  private readonly detail = h("div", { class: "inbox-detail", "aria-live": "polite" });
  private readonly empty = h("p", { class: "empty" }, "No alarm. The twin compares every row of a followed plant with what it expects.");
  private chosen: bigint | undefined;
  private obstacle = "";

  constructor(
    private readonly twin: Twin,
    private readonly oversight: Oversight,
  ) {
    this.tools = h("div", { class: "panel-tools" }, this.summaryText);
    this.element = h("div", { class: "inbox-panel" }, this.empty, this.list, this.detail);
    twin.on("alarms", () => this.show());
    twin.on("reset", () => {
      this.chosen = undefined;
      this.show();
    });
    this.show();
  }

  // Alarms that nobody has seen.
  get unseen(): number {
    return this.alarms.filter((alarm) => alarm.state === AlarmState.ALARM_RAISED).length;
  }

  // obstacle  why this user may not acknowledge; empty: nothing is in the way
  setObstacle(obstacle: string): void {
    this.obstacle = obstacle;
    this.show();
  }

  private get alarms(): readonly Alarm[] {
    return this.twin.alarms?.alarms ?? [];
  }

  private show(): void {
    const { alarms } = this;
    this.empty.hidden = alarms.length > 0;
    this.list.hidden = this.detail.hidden = alarms.length === 0;
    if (!alarms.some((alarm) => alarm.id === this.chosen)) this.chosen = alarms[0]?.id;
    this.list.replaceChildren(...alarms.map((alarm) => this.item(alarm)));
    const chosen = alarms.find((alarm) => alarm.id === this.chosen);
    // what is being typed stays
    const typed = this.detail.querySelector("input");
    if (!(chosen && typed && document.activeElement === typed && this.detail.dataset.alarm === String(chosen.id) && chosen.state === AlarmState.ALARM_RAISED)) {
      this.detail.dataset.alarm = String(chosen?.id ?? "");
      this.detail.replaceChildren(...(chosen ? this.detailOf(chosen) : []));
    }
    const count = this.unseen;
    setText(this.summaryText, alarms.length === 0 ? "" : count === 0 ? "All alarms were seen" : `${count} new`);
    this.summaryText.className = count > 0 ? "summary bad" : "summary good";
  }

  private item(alarm: Alarm): HTMLElement {
    const { word, tone } = STATES[alarm.state];
    return h(
      "li",
      {
        class: `inbox-item ${alarm.id === this.chosen ? "selected" : ""}`,
        role: "option",
        "aria-selected": String(alarm.id === this.chosen),
        "data-alarm": String(alarm.id),
        onclick: () => this.choose(alarm.id),
      },
      h("span", { class: `state ${tone}` }, word),
      h("span", { class: "inbox-text" }, alarm.text),
      h("time", { class: "dim" }, formatInstant(toSeconds(alarm.onset))),
    );
  }

  private choose(id: bigint): void {
    this.chosen = id;
    this.show();
  }

  private detailOf(alarm: Alarm): HTMLElement[] {
    const lag = toSeconds(alarm.detected) - toSeconds(alarm.onset);
    const facts: [string, string][] = [
      ["Where", alarm.place],
      ["How much", withDeviation(alarm.size, alarm.deviation, alarm.unit)],
      ["Since", `${formatInstant(toSeconds(alarm.onset))}, found ${formatNumber(lag, 3)} s later`],
    ];
    if (alarm.cleared) facts.push(["Until", formatInstant(toSeconds(alarm.cleared))]);
    if (alarm.acknowledgedBy) facts.push(["Seen by", alarm.acknowledgedBy + (alarm.note ? `: ${alarm.note}` : "")]);
    const seek = h("button", { class: "button", title: "Shows the plant at that instant", onclick: () => this.onSeek(toNanoseconds(alarm.onset)) }, "Go to its beginning");
    const parts: HTMLElement[] = [
      h("h3", {}, alarm.text),
      h("dl", { class: "facts" }, ...facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", { title: text }, name === "Where" ? lastPart(text) : text)])),
      h("h4", {}, "What it may be"),
      h("ol", { class: "causes" }, ...alarm.causes.map(causeItem)),
      h("div", { class: "actions" }, seek),
    ];
    if (alarm.state === AlarmState.ALARM_RAISED) parts.push(this.acknowledgement(alarm));
    return parts;
  }

  private acknowledgement(alarm: Alarm): HTMLElement {
    const note = h("input", { class: "field", name: "note", placeholder: "Note (optional)", "aria-label": "Note", maxlength: 500 });
    const button = h("button", { class: "button primary", type: "submit", disabled: this.obstacle !== "", title: this.obstacle }, "I have seen it");
    const submit = (event: Event) => {
      event.preventDefault();
      note.blur();
      void this.oversight.acknowledge(alarm.id, note.value.trim());
    };
    return h("form", { class: "actions", onsubmit: submit }, note, button);
  }

  private key(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const next = this.alarms[this.alarms.findIndex((alarm) => alarm.id === this.chosen) + step];
    if (step === 0 || !next) return;
    this.choose(next.id);
    event.preventDefault();
    event.stopPropagation();
  }
}

function withDeviation(size: number, deviation: number, unit: string): string {
  if (Number.isNaN(size)) return "–";
  return Number.isNaN(deviation) ? formatQuantity(size, unit) : `${formatNumber(size)} ± ${formatQuantity(deviation, unit, 2)}`;
}

function causeItem(cause: Cause): HTMLElement {
  const percent = Math.round(100 * cause.probability);
  const bar = h("span", { class: "probability", role: "img", "aria-label": `${percent} %` });
  bar.style.setProperty("--part", `${percent}%`);
  return h(
    "li",
    { class: "cause" },
    h("span", { class: "cause-name" }, cause.name),
    bar,
    h("span", { class: "num" }, `${percent} %`),
    h("span", { class: "num" }, withDeviation(cause.size, cause.deviation, cause.unit)),
    h("span", { class: "note" }, cause.evidence),
  );
}
