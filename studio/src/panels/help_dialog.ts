// The help overlay: every key, in one place.

import { h } from "../ui/dom";

const KEYS: readonly [string, string][] = [
  ["Space", "play or pause the twin"],
  ["→  .", "one step (with Shift ten)"],
  ["←", "one step back, where the run can be moved in time"],
  ["Home  End", "to the beginning of the run; to the live plant"],
  ["F", "fit the selection (or everything) in the view"],
  ["H", "home view"],
  ["1  2  3", "front, side and top view"],
  ["L", "follow the selected body"],
  ["G", "grid on or off"],
  ["C  X  W", "contact points, contact forces, joint wrenches"],
  ["D", "pull bodies with the left button, on or off"],
  ["/", "filter the tree"],
  ["Esc", "clear the filter, then the selection"],
  ["P  J  E  I", "plots, fixed joints, residuals, links"],
  ["A  O  R  K", "alarms, advice and commands, report, log"],
  ["?", "this help"],
];

const MOUSE: readonly [string, string][] = [
  ["Drag", "orbit"],
  ["Right drag, or Shift + drag", "pan"],
  ["Wheel", "zoom to the pointer"],
  ["Click", "select a body"],
  ["Ctrl + drag", "pull a body by a spring (simulations)"],
  ["Double click", "fit"],
  ["Drag a channel from the tree", "plot it"],
];

function list(rows: readonly [string, string][]): HTMLElement {
  return h("dl", { class: "keys" }, ...rows.flatMap(([keys, words]) => [h("dt", {}, ...keys.split(/ {2}/).map((key) => h("kbd", {}, key.trim()))), h("dd", {}, words)]));
}

export function helpDialog(): HTMLDialogElement {
  const close = h("button", { class: "button primary", onclick: () => dialog.close() }, "Close");
  const dialog: HTMLDialogElement = h(
    "dialog",
    { class: "help", "aria-label": "Help" },
    h("h2", {}, "Keys and mouse"),
    h("div", { class: "help-columns" }, list(KEYS), list(MOUSE)),
    h("p", { class: "hint" }, "All figures are in SI units and radians. The axes x, y, z are red, green, blue; z points up."),
    close,
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}
