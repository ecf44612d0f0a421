// A bar between two areas that resizes one of them through a CSS variable, by pointer or arrow keys.

import { h } from "./dom";

export interface SplitterOptions {
  label: string;
  variable: string; // CSS variable on the root element [px]
  axis: "x" | "y";
  direction: 1 | -1; // +1 where moving right or down enlarges the area
  initial: number;
  min: number;
  max: () => number;
}

export function splitter(options: SplitterOptions): HTMLElement {
  const { variable, axis, direction } = options;
  let size = options.initial;
  const element = h("div", {
    class: `splitter splitter-${axis}`,
    role: "separator",
    tabindex: "0",
    "aria-label": options.label,
    "aria-orientation": axis === "x" ? "vertical" : "horizontal",
  });
  const set = (value: number) => {
    size = Math.round(Math.max(options.min, Math.min(options.max(), value)));
    document.documentElement.style.setProperty(variable, `${size}px`);
    element.setAttribute("aria-valuenow", String(size));
  };
  element.addEventListener("pointerdown", (event) => {
    const start = axis === "x" ? event.clientX : event.clientY;
    const before = size;
    element.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent) => set(before + direction * ((axis === "x" ? e.clientX : e.clientY) - start));
    element.addEventListener("pointermove", move);
    element.addEventListener("lostpointercapture", () => element.removeEventListener("pointermove", move), { once: true });
  });
  element.addEventListener("keydown", (event) => {
    const forward = axis === "x" ? "ArrowRight" : "ArrowDown";
    const backward = axis === "x" ? "ArrowLeft" : "ArrowUp";
    if (event.key !== forward && event.key !== backward) return;
    set(size + direction * (event.key === forward ? 16 : -16));
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("dblclick", () => set(options.initial));
  addEventListener("resize", () => set(size));
  set(size);
  return element;
}
