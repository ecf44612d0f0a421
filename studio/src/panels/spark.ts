// Small pictures of the last minute of a figure: a line, with its bound dashed or the band that it may lie in.

import { h } from "../ui/dom";

export const SPARK_WINDOW = 60; // [s] of the twin's time
const WIDTH = 220;
const HEIGHT = 22;

export function sparkCanvas(label: string): HTMLCanvasElement {
  const canvas = h("canvas", { class: "spark", role: "img", "aria-label": `${label} over time` });
  canvas.width = WIDTH * devicePixelRatio;
  canvas.height = HEIGHT * devicePixelRatio;
  canvas.style.width = `${WIDTH}px`;
  canvas.style.height = `${HEIGHT}px`;
  return canvas;
}

export interface Spark {
  time: Float64Array; // [s]
  values: Float64Array;
  bound?: number; // dashed; NaN: none
  band?: Float64Array; // half its width about zero at each time: what may come without anything being wrong
  end: number; // [s] at the right edge
}

// Linear from the smallest to the largest of all that is drawn, zero included.
export function drawSpark(canvas: HTMLCanvasElement, { time, values, bound = NaN, band, end }: Spark): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  const drawn = [0, bound, ...values, ...(band ?? []), ...(band ?? []).map((half) => -half)].filter(Number.isFinite);
  const low = Math.min(...drawn);
  const high = Math.max(low + 1e-300, ...drawn);
  const x = (t: number) => width * (1 - (end - t) / SPARK_WINDOW);
  const y = (value: number) => height - 2 - ((height - 4) * (value - low)) / (high - low);
  const trace = (of: (i: number) => number) => {
    context.beginPath();
    let isDown = false;
    for (let i = 0; i < time.length; ++i) {
      const value = of(i);
      if (Number.isFinite(value)) context[isDown ? "lineTo" : "moveTo"](x(time[i]!), y(value));
      isDown = Number.isFinite(value);
    }
    context.stroke();
  };
  context.clearRect(0, 0, width, height);
  context.lineWidth = devicePixelRatio;
  if (band) {
    context.strokeStyle = style.getPropertyValue("--text-dim") || "gray";
    for (const side of [1, -1]) trace((i) => side * band[i]!);
  }
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
  trace((i) => values[i]!);
}
