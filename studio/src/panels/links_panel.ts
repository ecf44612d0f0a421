// How the live links are doing: state, rate, age, losses and the plant's clock, and what is wrong in one line.

import { LinkState, type Link } from "../generated/geoul";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatCount, formatNumber } from "../ui/format";

const STATES: Record<LinkState, { word: string; tone: string }> = {
  [LinkState.LINK_CONNECTING]: { word: "Connecting", tone: "" },
  [LinkState.LINK_LIVE]: { word: "Live", tone: "good" },
  [LinkState.LINK_WAITING]: { word: "Waiting", tone: "bad" },
  [LinkState.LINK_STOPPED]: { word: "Stopped", tone: "bad" },
};
const HEADS = ["Link", "State", "Updates/s", "Age", "Lost", "Dropped", "Out of order", "Clock offset", "Drift", "Delay", "Stale signals", "What is wrong"];
const NUMBERS = new Set(["Updates/s", "Age", "Lost", "Dropped", "Out of order", "Clock offset", "Drift", "Delay", "Stale signals"]);
const OLD = 2; // [s] an age that draws the eye

export class LinksPanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  private readonly summaryText = h("span", { class: "summary", role: "status" });
  private readonly body = h("tbody");
  private readonly empty = h("p", { class: "empty" }, "No live link: a recording or a simulation is played. A site file lists links to a plant.");
  private isDirty = true;

  constructor(private readonly twin: Twin) {
    const heads = HEADS.map((title) => h("th", { scope: "col", class: NUMBERS.has(title) ? "num" : undefined }, title));
    const table = h("table", { class: "table" }, h("thead", {}, h("tr", {}, ...heads)), this.body);
    this.tools = h("div", { class: "panel-tools" }, this.summaryText);
    this.element = h("div", { class: "table-panel" }, this.empty, h("div", { class: "table-scroll", tabindex: "0", "aria-label": "Links" }, table));
    twin.on("links", () => (this.isDirty = true));
    twin.on("reset", () => (this.isDirty = true));
  }

  // Links that do not deliver what they should.
  get troubled(): number {
    return this.links.filter((link) => isTroubled(link)).length;
  }

  get summary(): string {
    const { length } = this.links;
    return length === 0 ? "" : `${length - this.troubled}/${length}`;
  }

  // Called a few times a second.
  draw(): void {
    if (!this.isDirty || this.element.offsetParent === null) return;
    this.isDirty = false;
    this.empty.hidden = this.links.length > 0;
    if (this.body.children.length !== this.links.length) {
      this.body.replaceChildren(...this.links.map(() => h("tr", {}, ...HEADS.map((title) => h("td", { class: NUMBERS.has(title) ? "num" : title === "What is wrong" ? "note" : undefined })))));
    }
    this.links.forEach((link, i) => fill(this.body.children[i] as HTMLElement, link));
    const count = this.troubled;
    setText(this.summaryText, this.links.length === 0 ? "" : count === 0 ? "All links deliver" : `${count} of ${this.links.length} in trouble`);
    this.summaryText.className = count > 0 ? "summary bad" : "summary good";
  }

  private get links(): readonly Link[] {
    return this.twin.links?.links ?? [];
  }
}

function isTroubled(link: Link): boolean {
  return link.state !== LinkState.LINK_LIVE || link.stale.length > 0;
}

function fill(row: HTMLElement, link: Link): void {
  const { word, tone } = STATES[link.state];
  const waits = link.state === LinkState.LINK_WAITING && link.retryIn > 0 ? ` ${Math.ceil(link.retryIn)} s` : "";
  const stale = link.stale.length > 0 ? `${link.stale.length} of ${link.signals}` : "–";
  const words = [
    link.id,
    word + waits,
    formatCount(link.rate),
    link.age < 0 ? "–" : `${link.age < 10 ? link.age.toFixed(2) : Math.round(link.age)} s`,
    String(link.lost),
    String(link.dropped),
    String(link.reordered + link.duplicated),
    link.hasClock ? seconds(link.clockOffset) : "–",
    link.hasClock ? `${formatNumber(link.clockDrift * 1e6)} ppm` : "–",
    link.hasClock ? `${seconds(link.delayMedian)} (${seconds(link.delayWorst)})` : "–",
    stale,
    link.problem,
  ];
  words.forEach((text, i) => setText(row.children[i] as HTMLElement, text));
  row.title = link.stale.length > 0 ? `${link.peer}\nstale: ${link.stale.slice(0, 20).join(", ")}` : link.peer;
  row.dataset.link = link.id;
  row.className = isTroubled(link) ? "bad-row" : "";
  (row.children[1] as HTMLElement).className = tone;
  (row.children[3] as HTMLElement).className = link.age > OLD ? "num bad" : "num";
}

// "12.3 ms", "1.20 s", "4 d": readable whatever the size.
function seconds(value: number): string {
  const size = Math.abs(value);
  if (size < 1) return `${formatNumber(value * 1e3)} ms`;
  if (size < 3600) return `${formatNumber(value)} s`;
  return size < 86_400 ? `${formatNumber(value / 3600)} h` : `${formatNumber(value / 86_400)} d`;
}
