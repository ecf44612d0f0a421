// The page's keys. A key belongs to the field or list that has the focus first (of a slider, those that move it); Space
// also to a focused button.

import { takesKeys } from "./dom";

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

export function installShortcuts(shortcuts: Shortcuts): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (takesKeys(target, event.key)) return;
    const pressesButton = target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter");
    const run = shortcuts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!run || pressesButton) return;
    event.preventDefault();
    run(event);
  });
}
