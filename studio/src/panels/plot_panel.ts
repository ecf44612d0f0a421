// The plots: a row of charts over a rolling window, with pause and CSV export. Channels come by the tree's check boxes, by
// drag (onto a chart: into it; elsewhere: a new chart), and are remembered per scene.

import { channelKey, type Channel } from "../twin/series";
import type { Twin } from "../twin/twin";
import { toCsv, type CsvSeries } from "../ui/csv";
import { h, saveText } from "../ui/dom";
import { icon } from "../ui/icons";
import { Chart, linesOf } from "./chart";
import { CHANNEL_MIME, type PlotSwitch } from "./tree_panel";

const WINDOWS = [5, 10, 30, 60, 120, 600]; // [s]
const DEFAULT_CHARTS = 6;
const KEY = [
  ["solid", 0, "measured"],
  ["dashed", 1, "predicted"],
  ["thin", 2, "residual (below)"],
] as const;

export class PlotPanel implements PlotSwitch {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  onChange: () => void = () => undefined;
  private readonly board: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly pauseButton: HTMLButtonElement;
  private charts: Chart[] = [];
  private seconds = 30;
  private frozenAt: number | undefined;
  private isRestored = false;
  private isDirty = true;

  constructor(private readonly twin: Twin) {
    const choose = h(
      "select",
      { "aria-label": "Time window of the plots", onchange: () => this.setWindow(Number(choose.value)) },
      ...WINDOWS.map((s) => h("option", { value: s, selected: s === this.seconds }, s < 60 ? `${s} s` : `${s / 60} min`)),
    );
    this.pauseButton = h("button", { class: "button", "aria-pressed": "false", title: "Hold the plots still; the twin goes on", onclick: () => this.togglePause() });
    const csv = h("button", { class: "button", title: "Save all kept samples of these plots", onclick: () => this.exportCsv() }, icon("export"), "CSV");
    const clear = h("button", { class: "button", title: "Remove all plots", onclick: () => this.setChannels([]) }, "Clear");
    this.empty = h("p", { class: "empty" }, "Tick a joint channel or a signal in the tree, or drag it here.");
    this.board = h("div", { class: "plot-board" });
    const key = h("span", { class: "tool-label plot-key" }, ...KEY.flatMap(([style, tint, word]) => [h("i", { class: `swatch ${style}`, style: `--tint: var(--series-${tint})` }), word]));
    this.tools = h("div", { class: "panel-tools" }, key, h("label", { class: "tool-label" }, "Window", choose), this.pauseButton, csv, clear);
    this.element = h("div", { class: "plot-panel" }, this.empty, this.board);
    this.showPause();
    this.acceptDrops();
    twin.on("model", () => this.restore());
    twin.on("signalNames", () => this.restore());
    twin.on("joints", () => (this.isDirty = true));
    twin.on("signals", () => (this.isDirty = true));
    twin.on("reset", () => {
      this.isRestored = false;
      this.isDirty = true;
      this.frozenAt = undefined;
      this.showPause();
    });
  }

  has(channel: Channel): boolean {
    const key = channelKey(channel);
    return this.charts.some((chart) => chart.channels.some((one) => channelKey(one) === key));
  }

  toggle(channel: Channel): void {
    if (!this.has(channel)) return this.add(channel);
    const key = channelKey(channel);
    this.setChannels(this.charts.map((chart) => chart.channels.filter((one) => channelKey(one) !== key)));
  }

  // Colours come from the style sheet: take them anew after a change of theme.
  restyle(): void {
    for (const chart of this.charts) chart.rebuild();
    this.isDirty = true;
  }

  // Draws the newest samples if there are any new ones and the panel shows.
  draw(): void {
    if (!this.isDirty || this.element.offsetParent === null) return;
    this.isDirty = false;
    const newest = this.frozenAt ?? this.newest();
    if (!Number.isFinite(newest)) return;
    const to = Math.max(newest, Math.min(this.twin.begin + this.seconds, newest + this.seconds));
    for (const chart of this.charts) chart.draw(to - this.seconds, to, this.twin.begin);
  }

  private newest(): number {
    const times = [this.twin.jointTable.lastTime(), this.twin.signalTable.lastTime()].filter(Number.isFinite);
    return times.length > 0 ? Math.max(...times) : NaN;
  }

  private add(channel: Channel, into?: Chart): void {
    const lists = this.charts.map((chart) => (chart === into ? [...chart.channels, channel] : chart.channels));
    this.setChannels(into ? lists : [...lists, [channel]]);
  }

  private setChannels(lists: Channel[][]): void {
    for (const chart of this.charts) chart.destroy();
    this.charts = lists
      .filter((list) => list.length > 0)
      .map((list) => new Chart(list, this.twin, "plots", (gone) => this.setChannels(this.charts.filter((c) => c !== gone).map((c) => c.channels))));
    this.board.replaceChildren(...this.charts.map((chart) => chart.element));
    for (const chart of this.charts) chart.rebuild();
    this.empty.hidden = this.charts.length > 0;
    this.board.hidden = this.charts.length === 0;
    this.isDirty = true;
    this.isRestored = true;
    try {
      localStorage.setItem(this.storageKey(), JSON.stringify(lists));
    } catch {
      // Private windows may refuse storage; the plots are then not remembered.
    }
    this.onChange();
  }

  private storageKey(): string {
    return `geoul.plots.${this.twin.model?.name ?? ""}`;
  }

  // Brings back the remembered charts, or starts with the first signals.
  private restore(): void {
    if (this.isRestored) return this.restyle();
    if (!this.twin.model) return;
    const stored = readStored(this.storageKey());
    if (stored) return this.setChannels(stored);
    const signals = [...this.twin.signals.values()].slice(0, DEFAULT_CHARTS);
    if (signals.length > 0) this.setChannels(signals.map(({ name }) => [{ table: "signals", signal: name }]));
  }

  private setWindow(seconds: number): void {
    this.seconds = seconds;
    this.isDirty = true;
  }

  private togglePause(): void {
    this.frozenAt = this.frozenAt === undefined ? this.newest() : undefined;
    this.isDirty = true;
    this.showPause();
  }

  private showPause(): void {
    const isPaused = this.frozenAt !== undefined;
    this.pauseButton.setAttribute("aria-pressed", String(isPaused));
    this.pauseButton.replaceChildren(icon(isPaused ? "play" : "pause"), isPaused ? "Resume plots" : "Hold plots");
  }

  private exportCsv(): void {
    const series = this.charts.flatMap((chart) => chart.channels).flatMap((channel): CsvSeries[] =>
      linesOf(channel, this.twin, 0).map((line) => {
        const table = line.table === "joints" ? this.twin.jointTable : this.twin.signalTable;
        const { time, columns } = table.window([line.column]);
        const name = line.column.replace("#", " ");
        return { name, unit: line.unit, time: Float64Array.from(time, (t) => t - this.twin.begin), values: columns[0]! };
      }),
    );
    saveText(`${this.twin.model?.name || "geoul"}-plots.csv`, "text/csv", toCsv(series));
  }

  private acceptDrops(): void {
    const isChannel = (event: DragEvent) => event.dataTransfer?.types.includes(CHANNEL_MIME) ?? false;
    this.element.addEventListener("dragover", (event) => {
      if (!isChannel(event)) return;
      event.preventDefault();
      this.element.classList.add("drop");
    });
    this.element.addEventListener("dragleave", () => this.element.classList.remove("drop"));
    this.element.addEventListener("drop", (event) => {
      this.element.classList.remove("drop");
      if (!isChannel(event)) return;
      event.preventDefault();
      const channel = JSON.parse(event.dataTransfer!.getData(CHANNEL_MIME)) as Channel;
      const into = this.charts.find((chart) => chart.element.contains(event.target as Node));
      if (!this.has(channel)) this.add(channel, into);
    });
  }

  // Words for the tab: how many charts.
  get summary(): string {
    return this.charts.length > 0 ? String(this.charts.length) : "";
  }
}

// What was stored is checked, since another version of the page may have written it.
function readStored(key: string): Channel[][] | undefined {
  try {
    const lists: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    if (!Array.isArray(lists)) return undefined;
    const isChannel = (one: unknown): one is Channel => {
      const fields = one as Record<string, unknown> | null;
      if (fields?.table === "signals") return typeof fields.signal === "string";
      const quantity = ["position", "velocity", "effort"].includes(String(fields?.quantity));
      return fields?.table === "joints" && typeof fields.joint === "string" && quantity && typeof fields.dof === "number";
    };
    return lists.map((list) => (Array.isArray(list) ? list.filter(isChannel) : []));
  } catch {
    return undefined;
  }
}
