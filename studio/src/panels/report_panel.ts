// The residual report: every figure with its bound, and whether it is kept.

import type { ReportLine } from "../generated/geoul";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatNumber, formatUnit } from "../ui/format";
import { icon } from "../ui/icons";

export class ReportPanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  private readonly summaryText = h("span", { class: "summary", role: "status" });
  private readonly body = h("tbody");
  private readonly empty = h("p", { class: "empty" }, "No report yet. It comes once the twin has something to compare.");

  constructor(private readonly twin: Twin) {
    const heads = ["", "Figure", "Value", "Unit", "Bound", "Note"].map((title, i) =>
      h("th", { scope: "col", class: i === 2 || i === 4 ? "num" : undefined }, title),
    );
    const table = h("table", { class: "table" }, h("thead", {}, h("tr", {}, ...heads)), this.body);
    this.tools = h("div", { class: "panel-tools" }, this.summaryText);
    this.element = h("div", { class: "table-panel" }, this.empty, h("div", { class: "table-scroll", tabindex: "0", "aria-label": "Report" }, table));
    twin.on("report", () => this.show());
    twin.on("reset", () => this.show());
  }

  // Words for the tab: figures within bounds of those that have one.
  get summary(): string {
    const bounded = (this.twin.report?.lines ?? []).filter((line) => !Number.isNaN(line.bound));
    return bounded.length > 0 ? `${bounded.filter((line) => line.ok).length}/${bounded.length}` : "";
  }

  get isBad(): boolean {
    return (this.twin.report?.lines ?? []).some((line) => !line.ok);
  }

  private show(): void {
    const lines = this.twin.report?.lines ?? [];
    this.empty.hidden = lines.length > 0;
    this.body.replaceChildren(...lines.map(row));
    const bounded = lines.filter((line) => !Number.isNaN(line.bound));
    const kept = bounded.filter((line) => line.ok).length;
    setText(this.summaryText, lines.length > 0 ? `${kept} of ${bounded.length} bounds kept, ${lines.length - bounded.length} figures reported only` : "");
    this.summaryText.className = this.isBad ? "summary bad" : "summary good";
  }
}

function row(line: ReportLine): HTMLElement {
  const hasBound = !Number.isNaN(line.bound);
  const word = line.ok ? (hasBound ? "within bound" : "reported") : "out of bound";
  const mark = h("span", { class: `mark ${line.ok ? (hasBound ? "good" : "dim") : "bad"}`, title: word, role: "img", "aria-label": word });
  mark.append(line.ok ? (hasBound ? icon("ok") : "·") : icon("bad"));
  return h(
    "tr",
    { class: line.ok ? undefined : "bad-row" },
    h("td", { class: "mark-cell" }, mark),
    h("td", {}, line.name),
    h("td", { class: "num" }, formatNumber(line.value)),
    h("td", {}, formatUnit(line.unit)),
    h("td", { class: "num" }, hasBound ? formatNumber(line.bound) : "–"),
    h("td", { class: "note" }, line.note),
  );
}
