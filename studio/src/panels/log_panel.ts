// What the twin and the page had to say, newest at the bottom. Keeps the last 500 entries.

import { Log_Level } from "../generated/foxglove";
import { toSeconds } from "../twin/time";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatDuration } from "../ui/format";

const MAX_ENTRIES = 500;
type Level = "debug" | "info" | "warning" | "error";
const LEVELS: readonly Level[] = ["debug", "info", "warning", "error"];

function levelOf(level: Log_Level): Level {
  if (level >= Log_Level.ERROR) return "error";
  if (level === Log_Level.WARNING) return "warning";
  return level === Log_Level.DEBUG ? "debug" : "info";
}

export class LogPanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  onChange: () => void = () => undefined;
  problems = 0;
  private lastKey = "";
  private repeats = 1;
  private readonly list = h("ol", { class: "log", role: "log", "aria-label": "Log", tabindex: "0" });
  private readonly empty = h("p", { class: "empty" }, "Nothing was logged yet.");
  private readonly count = h("span", { class: "summary" });

  constructor(private readonly twin: Twin) {
    const choose = h(
      "select",
      { "aria-label": "Least level shown", onchange: () => (this.list.dataset.least = choose.value) },
      ...LEVELS.map((level) => h("option", { value: level, selected: level === "info" }, level)),
    );
    this.list.dataset.least = "info";
    const clear = h("button", { class: "button", onclick: () => this.clear() }, "Clear");
    this.tools = h("div", { class: "panel-tools" }, this.count, h("label", { class: "tool-label" }, "From level", choose), clear);
    this.element = h("div", { class: "log-panel" }, this.empty, this.list);
    twin.on("log", (entry) => {
      const where = entry.file ? `${entry.file}:${entry.line}` : entry.name;
      this.add(levelOf(entry.level), toSeconds(entry.timestamp), where, entry.message);
    });
  }

  // An entry of the page's own.
  note(level: Level, text: string): void {
    this.add(level, NaN, "studio", text);
  }

  private add(level: Level, time: number, where: string, message: string): void {
    if (this.repeat(level, where, message)) return;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 30;
    const shown = Number.isFinite(time) ? formatDuration(time - this.twin.begin) : new Date().toLocaleTimeString();
    this.list.append(
      h("li", { class: `log-${level}` }, h("time", {}, shown), h("span", { class: "log-level" }, level), h("span", { class: "log-text" }, message), h("span", { class: "log-where" }, where)),
    );
    while (this.list.childElementCount > MAX_ENTRIES) this.list.firstElementChild!.remove();
    if (level === "warning" || level === "error") this.problems += 1;
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
    this.show();
  }

  // The same words again only count up the last entry.
  private repeat(level: Level, where: string, message: string): boolean {
    const key = `${level} ${where} ${message}`;
    const isSame = key === this.lastKey && this.list.lastElementChild !== null;
    this.repeats = isSame ? this.repeats + 1 : 1;
    this.lastKey = key;
    const text = isSame ? this.list.lastElementChild!.querySelector(".log-text") : null;
    if (text) setText(text, `${message}  (${this.repeats} times)`);
    return isSame;
  }

  private clear(): void {
    this.list.replaceChildren();
    this.problems = 0;
    this.show();
  }

  private show(): void {
    const size = this.list.childElementCount;
    this.empty.hidden = size > 0;
    setText(this.count, size > 0 ? `${size} ${size === 1 ? "entry" : "entries"}${size >= MAX_ENTRIES ? " kept" : ""}` : "");
    this.onChange();
  }
}
