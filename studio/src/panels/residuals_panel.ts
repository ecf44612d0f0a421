// How well the simulation keeps its own laws: contacts, residuals with their bounds, and the last minute of each.

import type { ReportLine } from "../generated/geoul";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatNumber, formatUnit } from "../ui/format";

const WINDOW = 60; // [s] of the twin's time
const WIDTH = 220;
const HEIGHT = 22;

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
  private readonly empty = h("p", { class: "empty" }, "No residuals: a recording is played. A simulation (geoul sim) has them.");
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
    return this.twin.residuals?.lines ?? [];
  }

  private rebuild(): void {
    this.rows.clear();
    this.body.replaceChildren(
      ...this.lines.map((line) => {
        const canvas = h("canvas", { class: "spark", role: "img", "aria-label": `${line.name} over time` });
        canvas.width = WIDTH * devicePixelRatio;
        canvas.height = HEIGHT * devicePixelRatio;
        canvas.style.width = `${WIDTH}px`;
        canvas.style.height = `${HEIGHT}px`;
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
    const table = this.twin.residualTable;
    if (!table.has(line.name)) return;
    const end = table.lastTime();
    const { time, columns } = table.window([line.name], end - WINDOW, end);
    drawLine(row.canvas, time, columns[0]!, line.bound, end);
  }
}

// A line over the window, its bound dashed; linear from the smallest to the largest of both.
function drawLine(canvas: HTMLCanvasElement, time: Float64Array, values: Float64Array, bound: number, end: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  const finite = values.filter((value) => Number.isFinite(value));
  const low = Math.min(0, ...finite);
  const high = Math.max(low + 1e-300, Number.isFinite(bound) ? bound : low, ...finite);
  const x = (t: number) => width * (1 - (end - t) / WINDOW);
  const y = (value: number) => height - 2 - ((height - 4) * (value - low)) / (high - low);
  context.clearRect(0, 0, width, height);
  context.lineWidth = devicePixelRatio;
  if (Number.isFinite(bound)) {
    context.strokeStyle = style.getPropertyValue("--bad") || "red";
    context.setLineDash([4, 4]);
    context.beginPath();
    context.moveTo(0, y(bound));
    context.lineTo(width, y(bound));
    context.stroke();
    context.setLineDash([]);
  }
  context.strokeStyle = style.color;
  context.beginPath();
  let isDown = false;
  for (let i = 0; i < time.length; ++i) {
    if (!Number.isFinite(values[i]!)) {
      isDown = false;
      continue;
    }
    if (isDown) context.lineTo(x(time[i]!), y(values[i]!));
    else context.moveTo(x(time[i]!), y(values[i]!));
    isDown = true;
  }
  context.stroke();
}
