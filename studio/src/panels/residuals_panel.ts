// How far the twin is off: of a simulation how well it keeps its own laws (contacts, residuals with their bounds), of a followed
// plant what the twin estimates and tests (with the band of three standard deviations); and the last minute of each.

import { create } from "@bufbuild/protobuf";
import { ReportLineSchema, type Estimate, type ReportLine } from "../generated/geoul";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatNumber, formatUnit } from "../ui/format";
import { drawSpark, sparkCanvas, SPARK_WINDOW as WINDOW } from "./spark";

interface Row {
  value: HTMLElement;
  note: HTMLElement;
  bound: HTMLElement;
  element: HTMLElement;
  canvas: HTMLCanvasElement;
}

export class ResidualsPanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  private readonly summaryText = h("span", { class: "summary", role: "status" });
  private readonly body = h("tbody");
  private readonly empty = h("p", { class: "empty" }, "No residuals: a recording is played. A simulation (geoul sim) and a followed plant (geoul run --live) have them.");
  private readonly rows = new Map<string, Row>();
  private isDirty = true;

  constructor(private readonly twin: Twin) {
    const heads = ["Figure", "Value", "Unit", "Bound", `Last ${WINDOW} s`, "Note"].map((title, i) =>
      h("th", { scope: "col", class: i === 1 || i === 3 ? "num" : undefined }, title),
    );
    const table = h("table", { class: "table" }, h("thead", {}, h("tr", {}, ...heads)), this.body);
    this.tools = h("div", { class: "panel-tools" }, this.summaryText);
    this.element = h("div", { class: "table-panel" }, this.empty, h("div", { class: "table-scroll", tabindex: "0", "aria-label": "Residuals" }, table));
    twin.on("residuals", () => (this.isDirty = true));
    twin.on("estimates", () => (this.isDirty = true));
    twin.on("reset", () => {
      this.rows.clear();
      this.body.replaceChildren();
      this.isDirty = true;
    });
  }

  // Of the newest step: figures beyond their bound.
  get beyond(): number {
    return this.lines.filter((line) => !line.ok).length;
  }

  // Called a few times a second.
  draw(): void {
    if (!this.isDirty || this.element.offsetParent === null) return;
    this.isDirty = false;
    this.empty.hidden = this.lines.length > 0;
    if (this.lines.some((line) => !this.rows.has(line.name)) || this.lines.length !== this.rows.size) this.rebuild();
    for (const line of this.lines) this.fill(line);
    const count = this.beyond;
    setText(this.summaryText, this.lines.length === 0 ? "" : count === 0 ? "All within their bounds" : `${count} beyond their bound`);
    this.summaryText.className = count > 0 ? "summary bad" : "summary good";
  }

  private get lines(): readonly ReportLine[] {
    return this.twin.residuals?.lines ?? (this.twin.estimates?.estimates ?? []).map(estimateLine);
  }

  private rebuild(): void {
    this.rows.clear();
    this.body.replaceChildren(
      ...this.lines.map((line) => {
        const canvas = sparkCanvas(line.name);
        const value = h("td", { class: "num" });
        const bound = h("td", { class: "num" });
        const note = h("td", { class: "note" });
        const element = h("tr", { "data-figure": line.name }, h("td", {}, line.name), value, h("td", {}, formatUnit(line.unit)), bound, h("td", {}, canvas), note);
        this.rows.set(line.name, { value, note, bound, element, canvas });
        return element;
      }),
    );
  }

  private fill(line: ReportLine): void {
    const row = this.rows.get(line.name)!;
    setText(row.value, formatNumber(line.value));
    setText(row.bound, Number.isNaN(line.bound) ? "–" : formatNumber(line.bound));
    setText(row.note, line.note);
    row.element.className = line.ok ? "" : "bad-row";
    const isEstimate = this.twin.residuals === undefined;
    const table = isEstimate ? this.twin.estimateTable : this.twin.residualTable;
    if (!table.has(line.name)) return;
    const end = table.lastTime();
    const { time, columns } = table.window([line.name, `${line.name} deviation`], end - WINDOW, end);
    const band = isEstimate ? columns[1]!.map((deviation) => 3 * deviation) : undefined;
    drawSpark(row.canvas, { time, values: columns[0]!, bound: isEstimate ? NaN : line.bound, band, end });
  }
}

// An estimate is beyond its bound where its test says so.
function estimateLine({ name, unit, value, deviation, age, statistic }: Estimate): ReportLine {
  const tested = Number.isNaN(statistic) ? "not tested" : `test at ${Math.round(100 * statistic)} % of an alarm`;
  const note = `${tested}; newest measurement ${formatNumber(age, 2)} s old`;
  return create(ReportLineSchema, { name, value, unit, bound: 3 * deviation, ok: !(statistic >= 1), note });
}
