// Panels behind tabs. Arrow keys move between tabs, as in any tab list.

import { h, setText } from "../ui/dom";

export interface DockTab {
  id: string;
  title: string;
  panel: HTMLElement;
  tools: HTMLElement; // stands at the right of the tabs while the panel shows
}

export class Dock {
  readonly element: HTMLElement;
  onShow: (id: string) => void = () => undefined;
  private readonly tabs = new Map<string, { button: HTMLElement; badge: HTMLElement; panel: HTMLElement; tools: HTMLElement }>();
  private current = "";

  constructor(label: string, tabs: readonly DockTab[]) {
    const bar = h("div", { class: "tabs", role: "tablist", "aria-label": label, onkeydown: (event: KeyboardEvent) => this.key(event) });
    const toolbar = h("div", { class: "dock-tools" });
    const panels = h("div", { class: "dock-panels" });
    for (const { id, title, panel, tools } of tabs) {
      const badge = h("span", { class: "badge" });
      const button = h("button", { class: "tab", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, onclick: () => this.show(id) }, title, badge);
      bar.append(button);
      panels.append(h("div", { class: "dock-panel", role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}` }, panel));
      this.tabs.set(id, { button, badge, panel: panels.lastElementChild as HTMLElement, tools });
      toolbar.append(tools);
    }
    this.element = h("section", { class: "dock", "aria-label": label }, h("div", { class: "dock-bar" }, bar, toolbar), panels);
    if (tabs[0]) this.show(tabs[0].id);
  }

  show(id: string): void {
    this.current = id;
    for (const [name, { button, panel, tools }] of this.tabs) {
      const isShown = name === id;
      button.setAttribute("aria-selected", String(isShown));
      button.tabIndex = isShown ? 0 : -1;
      panel.hidden = tools.hidden = !isShown;
    }
    this.onShow(id);
  }

  // A few characters beside a tab's title. tone "bad" draws the eye.
  setBadge(id: string, text: string, tone: "plain" | "good" | "bad" = "plain"): void {
    const badge = this.tabs.get(id)?.badge;
    if (!badge) return;
    setText(badge, text);
    badge.hidden = text === "";
    badge.dataset.tone = tone;
  }

  private key(event: KeyboardEvent): void {
    const ids = [...this.tabs.keys()];
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = ids[(ids.indexOf(this.current) + step + ids.length) % ids.length]!;
    this.show(next);
    this.tabs.get(next)?.button.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
