// One time plot over uPlot: any number of channels against one time axis. A signal is drawn three times: measured (full),
// predicted (dashed) and residual (thin, on its own axis at the right).

import uPlot from "uplot";
import { jointColumn, jointUnit, signalColumn, SIGNAL_QUANTITIES, type Channel } from "../twin/series";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatNumber, formatUnit, lastPart } from "../ui/format";
import { icon } from "../ui/icons";

export interface Line {
  table: "joints" | "signals";
  column: string;
  label: string;
  unit: string;
  style: "solid" | "dashed" | "thin";
  tint: number; // index into the palette
}

// The lines of a channel, with full names that stand alone (as in a CSV header).
export function linesOf(channel: Channel, twin: Twin, tint: number): Line[] {
  if (channel.table === "joints") {
    const unit = jointUnit(twin.joints.get(channel.joint)?.kind, channel.quantity, channel.dof);
    const part = channel.dof > 0 ? ` ${channel.dof + 1}` : "";
    const label = `${lastPart(channel.joint)} ${channel.quantity}${part}`;
    return [{ table: "joints", column: jointColumn(channel), label, unit, style: "solid", tint }];
  }
  const unit = twin.signals.get(channel.signal)?.unit ?? "";
  const styles = { measured: "solid", predicted: "dashed", residual: "thin" } as const;
  return SIGNAL_QUANTITIES.map((quantity) => ({
    table: "signals",
    column: signalColumn(channel.signal, quantity),
    label: quantity,
    unit,
    style: styles[quantity],
    tint: tint + (quantity === "predicted" ? 1 : quantity === "residual" ? 2 : 0),
  }));
}

function channelTitle(channel: Channel): string {
  if (channel.table === "signals") return channel.signal;
  return `${lastPart(channel.joint)} ${channel.quantity}${channel.dof > 0 ? ` ${channel.dof + 1}` : ""}`;
}

// One number as short as an axis wants it.
function axisLabel(value: number): string {
  return formatNumber(Number(value.toPrecision(6)), 6);
}

function withNulls(values: Float64Array): (number | null)[] {
  const out: (number | null)[] = new Array(values.length);
  for (let i = 0; i < values.length; ++i) out[i] = Number.isFinite(values[i]!) ? values[i]! : null;
  return out;
}

export class Chart {
  readonly element: HTMLElement;
  readonly channels: Channel[];
  private readonly body: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly title: HTMLElement;
  private readonly values: HTMLElement[] = [];
  private lines: Line[] = [];
  private readonly hidden = new Set<string>();
  private plot: uPlot | undefined;

  constructor(
    channels: Channel[],
    private readonly twin: Twin,
    private readonly syncKey: string,
    onRemove: (chart: Chart) => void,
  ) {
    this.channels = channels;
    this.title = h("span", { class: "chart-title" });
    this.legend = h("span", { class: "chart-legend" });
    this.body = h("div", { class: "chart-body" });
    const remove = h("button", { class: "icon-button small", title: "Remove this plot", "aria-label": "Remove this plot", onclick: () => onRemove(this) }, icon("close"));
    this.element = h("figure", { class: "chart" }, h("figcaption", { class: "chart-head" }, this.title, this.legend, remove), this.body);
    new ResizeObserver(() => this.resize()).observe(this.body);
  }

  // Takes channels and theme anew.
  rebuild(): void {
    this.plot?.destroy();
    const step = this.channels.some((channel) => channel.table === "signals") ? 3 : 1;
    this.lines = this.channels.flatMap((channel, i) => linesOf(channel, this.twin, i * step));
    const units = [...new Set(this.lines.map((line) => formatUnit(line.unit)))].filter(Boolean).join(", ");
    const names = this.channels.map(channelTitle);
    setText(this.title, names.map(lastPart).join(", "));
    this.title.title = `${names.join(", ")} [${units}]`;
    this.element.setAttribute("aria-label", `Plot of ${this.title.title}`);
    this.buildLegend(units);
    this.plot = new uPlot(this.plotOptions(), [[], ...this.lines.map(() => [])] as uPlot.AlignedData, this.body);
  }

  destroy(): void {
    this.plot?.destroy();
    this.element.remove();
  }

  // Draws the samples of [from, to] (seconds of the twin); times are shown from `begin`.
  draw(from: number, to: number, begin: number): void {
    if (!this.plot || this.body.clientWidth === 0) return;
    const tables = (["joints", "signals"] as const)
      .map((table) => ({ table, lines: this.lines.filter((line) => line.table === table) }))
      .filter(({ lines }) => lines.length > 0)
      .map(({ table, lines }) => {
        const source = table === "joints" ? this.twin.jointTable : this.twin.signalTable;
        const { time, columns } = source.window(lines.map((line) => line.column), from, to);
        return [Array.from(time, (t) => t - begin), ...columns.map(withNulls)] as uPlot.AlignedData;
      });
    const data = tables.length === 1 ? tables[0]! : uPlot.join(tables);
    this.plot.batch(() => {
      this.plot!.setData(data, false);
      this.plot!.setScale("x", { min: from - begin, max: to - begin });
    });
    this.showValues();
  }

  private showValues(): void {
    const data = this.plot?.data;
    if (!data) return;
    const at = this.plot?.cursor.idx ?? null;
    this.values.forEach((cell, k) => {
      const column = data[k + 1];
      const value = at === null ? column?.[column.length - 1] : column?.[at];
      setText(cell, value === null || value === undefined ? "–" : formatNumber(value, 3));
    });
  }

  private buildLegend(units: string): void {
    this.values.length = 0;
    const items = this.lines.map((line, k) => {
      const value = h("b");
      this.values.push(value);
      const name = this.channels.length > 1 && line.table === "signals" ? `${lastPart(line.column.split("#")[0]!)} ${line.label}` : line.label;
      const button = h(
        "button",
        {
          class: "legend-item",
          "aria-pressed": String(!this.hidden.has(line.column)),
          title: `Show or hide ${name}`,
          onclick: () => {
            if (!this.hidden.delete(line.column)) this.hidden.add(line.column);
            const isShown = !this.hidden.has(line.column);
            button.setAttribute("aria-pressed", String(isShown));
            this.plot?.setSeries(k + 1, { show: isShown });
          },
        },
        h("i", { class: `swatch ${line.style}`, style: `--tint: var(--series-${line.tint % 6})` }),
        value,
      );
      return button;
    });
    this.legend.replaceChildren(...items, h("span", { class: "legend-unit" }, units));
  }

  private plotOptions(): uPlot.Options {
    const css = getComputedStyle(document.documentElement);
    const color = (name: string) => css.getPropertyValue(name).trim();
    const scaleOf = (line: Line) => (line.style === "thin" ? `residual ${line.unit}` : line.unit || "1");
    const scales = [...new Set(this.lines.map(scaleOf))];
    const axis = { stroke: color("--text-dim"), font: "11px Inter Variable, sans-serif", ticks: { show: false } };
    const grid = { stroke: color("--line-soft"), width: 1 };
    return {
      width: Math.max(80, this.body.clientWidth),
      height: Math.max(60, this.body.clientHeight),
      padding: [6, scales.length > 1 ? 0 : 10, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: this.syncKey }, drag: { x: false, y: false }, points: { size: 5 } },
      hooks: { setCursor: [() => this.showValues()] },
      scales: {
        x: { time: false, auto: false },
        ...Object.fromEntries(scales.map((key) => [key, { range: key.startsWith("residual") ? residualRange : this.mainRange }])),
      },
      axes: [
        { ...axis, grid, size: 24, gap: 3, space: 56, values: (_, ticks) => ticks.map((t) => `${axisLabel(t)} s`) },
        ...scales.slice(0, 2).map((scale, k) => ({
          ...axis,
          scale,
          side: k === 0 ? 3 : 1,
          size: k === 0 ? 46 : 40,
          gap: 4,
          space: 20,
          ...(scale.startsWith("residual") ? { splits: () => [0] } : {}),
          grid: k === 0 ? grid : { show: false },
          filter: (plot: uPlot, ticks: number[]) => visibleTicks(plot, scale, ticks, this.hasResidual()),
          values: (plot: uPlot, ticks: (number | null)[]) =>
            scale.startsWith("residual")
              ? [`±${formatNumber(-(plot.scales[scale]?.min ?? 0), 2)}`]
              : ticks.map((tick) => (tick === null ? "" : axisLabel(tick))),
        })),
      ],
      series: [
        {},
        ...this.lines.map((line) => ({
          label: line.label,
          scale: scaleOf(line),
          stroke: color(`--series-${line.tint % 6}`),
          width: line.style === "thin" ? 1 : 1.6,
          ...(line.style === "dashed" ? { dash: [5, 4] } : {}),
          points: { show: false },
          spanGaps: this.lines.some((other) => other.table !== line.table),
          show: !this.hidden.has(line.column),
        })),
      ],
    };
  }

  private hasResidual(): boolean {
    return this.lines.some((line) => line.style === "thin" && !this.hidden.has(line.column));
  }

  // Values get the upper part of the plot where residuals are drawn below.
  private readonly mainRange = (_: uPlot, min: number | null, max: number | null): [number, number] => {
    const [low, high] = paddedRange(min, max);
    return this.hasResidual() ? [low - ((high - low) * STRIP) / (1 - STRIP), high] : [low, high];
  };

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.body;
    if (width > 0 && height > 0) this.plot?.setSize({ width, height });
  }
}

// Share of the plot's height at the bottom that shows the residuals.
const STRIP = 0.3;

// A tenth of room around; a constant gets room too, so that rounding is not magnified.
function paddedRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [-1, 1];
  const floor = Math.max(1e-9, 1e-6 * Math.max(Math.abs(min), Math.abs(max)));
  const room = Math.max((max - min) * 0.1, floor);
  return [min - room, max + room];
}

// Residuals lie about zero in the strip at the bottom.
function residualRange(_: uPlot, min: number | null, max: number | null): [number, number] {
  const size = Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0), 1e-9) * 1.15;
  return [-size, -size + (2 * size) / STRIP];
}

// Ticks of an axis within its own part of the plot.
function visibleTicks(plot: uPlot, scale: string, ticks: number[], hasStrip: boolean): (number | null)[] {
  const { min = 0, max = 1 } = plot.scales[scale] ?? {};
  const edge = min + (max - min) * STRIP;
  const isResidual = scale.startsWith("residual");
  return ticks.map((tick) => (!hasStrip || (isResidual ? tick <= edge : tick >= edge) ? tick : null));
}
