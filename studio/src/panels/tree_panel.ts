// The scene tree: only the rows in view are in the page, whatever the size of the scene. Keys as in any tree: arrows,
// Home, End, Enter to select, Space to plot.

import type { Channel } from "../twin/series";
import { channelKey, jointUnit } from "../twin/series";
import type { Selection } from "../twin/selection";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatFixed, formatUnit } from "../ui/format";
import { icon, type IconName } from "../ui/icons";
import { buildTree, visibleRows, type TreeNode, type TreeRow } from "./tree_model";

const ROW_HEIGHT = 26; // [px], as in the style sheet
const ICONS: Partial<Record<TreeNode["kind"], IconName>> = {
  scope: "scope",
  body: "body",
  joint: "joint",
  weld: "weld",
  signal: "signal",
};
export const CHANNEL_MIME = "application/x-geoul-channel";

export interface PlotSwitch {
  has(channel: Channel): boolean;
  toggle(channel: Channel): void;
}

export class TreePanel {
  readonly element: HTMLElement;
  readonly filter: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly spacer: HTMLElement;
  private readonly empty: HTMLElement;
  private tree: TreeNode[] = [];
  private rows: TreeRow[] = [];
  private readonly collapsed = new Set<string>();
  private readonly seen = new Set<string>();
  private readonly values: { cell: HTMLElement; read: () => string }[] = [];
  private active = 0;

  constructor(
    private readonly twin: Twin,
    private readonly selection: Selection,
    private readonly plots: PlotSwitch,
  ) {
    this.filter = h("input", {
      type: "search",
      class: "filter",
      placeholder: "Filter  ( / )",
      "aria-label": "Filter the scene tree",
      spellcheck: "false",
      oninput: () => this.refreshRows(),
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "ArrowDown") this.list.focus();
        else if (event.key === "Escape") this.clearFilter();
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
    });
    this.spacer = h("div", { class: "tree-spacer", role: "presentation" });
    this.list = h(
      "div",
      { class: "tree", role: "tree", tabindex: "0", "aria-label": "Bodies, joints and signals", onkeydown: (e: KeyboardEvent) => this.key(e) },
      this.spacer,
    );
    this.list.addEventListener("scroll", () => this.draw(), { passive: true });
    this.empty = h("p", { class: "empty" });
    this.element = h("section", { class: "panel tree-panel", "aria-label": "Scene" }, h("div", { class: "filter-box" }, icon("filter"), this.filter), this.empty, this.list);
    new ResizeObserver(() => this.draw()).observe(this.list);
    twin.on("model", () => this.rebuild());
    twin.on("signalNames", () => this.rebuild());
    twin.on("reset", () => this.rebuild());
    selection.on("change", () => this.reveal());
    this.rebuild();
  }

  // Live values at the right of the rows; called a few times a second.
  updateValues(): void {
    for (const { cell, read } of this.values) setText(cell, read());
  }

  refreshPlots(): void {
    this.draw();
  }

  clearFilter(): void {
    this.filter.value = "";
    this.refreshRows();
    this.list.focus();
  }

  private rebuild(): void {
    this.tree = buildTree({
      model: this.twin.model,
      dofs: (joint, quantity) => this.twin.jointStates.get(joint)?.[quantity].length ?? 1,
      signals: [...this.twin.signals.values()],
    });
    const visit = (one: TreeNode) => {
      const isFirst = !this.seen.has(one.id);
      this.seen.add(one.id);
      if (isFirst && one.kind === "joint") this.collapsed.add(one.id);
      one.children.forEach(visit);
    };
    this.tree.forEach(visit);
    this.refreshRows();
  }

  private refreshRows(): void {
    this.rows = visibleRows(this.tree, this.collapsed, this.filter.value);
    this.active = Math.max(0, Math.min(this.active, this.rows.length - 1));
    this.spacer.style.height = `${this.rows.length * ROW_HEIGHT}px`;
    this.empty.hidden = this.rows.length > 0;
    setText(this.empty, this.tree.length > 0 ? "Nothing matches the filter." : "No scene yet.");
    this.draw();
  }

  private draw(): void {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW_HEIGHT) - 4);
    const count = Math.ceil(this.list.clientHeight / ROW_HEIGHT) + 8;
    this.values.length = 0;
    this.spacer.replaceChildren(...this.rows.slice(first, first + count).map((row, i) => this.rowElement(row, first + i)));
    this.list.setAttribute("aria-activedescendant", this.rows.length > 0 ? `tree-row-${this.active}` : "");
    this.updateValues();
  }

  private rowElement(row: TreeRow, index: number): HTMLElement {
    const { node } = row;
    const { current } = this.selection;
    const isSelected = node.kind !== "channel" && current !== undefined && current.name === node.selects?.name && current.kind === node.selects.kind;
    const kindIcon = ICONS[node.kind];
    const classes = ["tree-row", `is-${node.kind}`, isSelected ? "selected" : "", index === this.active ? "active" : ""];
    const element = h(
      "div",
      {
        id: `tree-row-${index}`,
        class: classes.filter(Boolean).join(" "),
        role: "treeitem",
        "aria-level": row.level,
        "aria-posinset": row.position,
        "aria-setsize": row.siblings,
        "aria-selected": String(isSelected),
        "aria-expanded": row.isExpanded === undefined ? undefined : String(row.isExpanded),
        title: node.selects?.name,
        draggable: node.channel ? "true" : undefined,
        style: `top:${index * ROW_HEIGHT}px;padding-left:${(row.level - 1) * 13 + 4}px`,
        onclick: () => this.activate(index, node.kind === "section" || node.kind === "scope"),
        ondragstart: (event: DragEvent) => event.dataTransfer?.setData(CHANNEL_MIME, JSON.stringify(node.channel)),
      },
      this.caret(row, index),
      kindIcon ? icon(kindIcon) : null,
      h("span", { class: "tree-label" }, node.label),
    );
    this.addTail(element, node);
    return element;
  }

  private caret(row: TreeRow, index: number): HTMLElement {
    if (row.isExpanded === undefined) return h("span", { class: "caret" });
    const toggle = (event: MouseEvent) => {
      event.stopPropagation();
      this.toggle(index);
    };
    return h("span", { class: row.isExpanded ? "caret open" : "caret", onclick: toggle }, icon("caret"));
  }

  private addTail(element: HTMLElement, node: TreeNode): void {
    const { channel } = node;
    const value = this.valueReader(node);
    if (value) {
      const cell = h("span", { class: "tree-value" });
      this.values.push({ cell, read: value });
      element.append(cell);
    } else if (node.hint) {
      element.append(h("span", { class: "tree-hint" }, node.hint));
    }
    if (!channel) return;
    const isOn = this.plots.has(channel);
    const flip = (event: Event) => {
      event.stopPropagation();
      this.plots.toggle(channel);
    };
    element.append(
      h("input", {
        type: "checkbox",
        class: "plot-check",
        tabindex: "-1",
        "aria-label": `Plot ${node.selects?.name ?? ""} ${node.label}`,
        title: isOn ? "Remove from the plots" : "Plot",
        "data-channel": channelKey(channel),
        checked: isOn,
        onclick: flip,
      }),
    );
  }

  private valueReader(node: TreeNode): (() => string) | undefined {
    const { channel } = node;
    if (channel?.table === "signals") {
      return () => {
        const signal = this.twin.signals.get(channel.signal);
        if (!signal) return "";
        const value = Number.isFinite(signal.measured) ? signal.measured : signal.predicted;
        return `${formatFixed(value, 3)} ${formatUnit(signal.unit)}`;
      };
    }
    if (channel?.table === "joints") {
      return () => {
        const value = this.twin.jointStates.get(channel.joint)?.[channel.quantity][channel.dof];
        const unit = jointUnit(this.twin.joints.get(channel.joint)?.kind, channel.quantity, channel.dof);
        return value === undefined ? "" : `${formatFixed(value, 3)} ${formatUnit(unit)}`;
      };
    }
    if (node.kind === "joint") {
      const name = node.selects?.name ?? "";
      return () => {
        const position = this.twin.jointStates.get(name)?.position;
        if (position?.length !== 1) return node.hint;
        return `${formatFixed(position[0]!, 3)} ${jointUnit(this.twin.joints.get(name)?.kind, "position", 0)}`;
      };
    }
    return undefined;
  }

  private activate(index: number, toggles: boolean): void {
    const row = this.rows[index];
    if (!row) return;
    this.active = index;
    if (toggles) return this.toggle(index);
    if (row.node.selects) this.selection.set(row.node.selects);
    this.draw();
  }

  private toggle(index: number, open?: boolean): void {
    const row = this.rows[index];
    if (row?.isExpanded === undefined || row.isExpanded === open) return;
    if (row.isExpanded) this.collapsed.add(row.node.id);
    else this.collapsed.delete(row.node.id);
    this.active = index;
    this.refreshRows();
  }

  private key(event: KeyboardEvent): void {
    const row = this.rows[this.active];
    const move = (to: number) => {
      this.active = Math.max(0, Math.min(this.rows.length - 1, to));
      this.scrollTo(this.active);
    };
    switch (event.key) {
      case "ArrowDown": move(this.active + 1); break;
      case "ArrowUp": move(this.active - 1); break;
      case "PageDown": move(this.active + 10); break;
      case "PageUp": move(this.active - 10); break;
      case "Home": move(0); break;
      case "End": move(this.rows.length - 1); break;
      case "ArrowRight": row?.isExpanded === false ? this.toggle(this.active, true) : move(this.active + 1); break;
      case "ArrowLeft": row?.isExpanded ? this.toggle(this.active, false) : move(this.parentOf(this.active)); break;
      case "Enter": this.activate(this.active, false); break;
      case " ":
        if (!row?.node.channel) return;
        this.plots.toggle(row.node.channel);
        break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private parentOf(index: number): number {
    const level = this.rows[index]?.level ?? 1;
    for (let i = index - 1; i >= 0; --i) if (this.rows[i]!.level < level) return i;
    return index;
  }

  private scrollTo(index: number): void {
    const top = index * ROW_HEIGHT;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    else if (top + ROW_HEIGHT > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW_HEIGHT - this.list.clientHeight;
    this.draw();
  }

  // Opens what hides the selected row and brings it into view.
  private reveal(): void {
    const { current } = this.selection;
    const matches = (one: TreeNode) => one.kind !== "channel" && one.selects?.name === current?.name && one.selects?.kind === current?.kind;
    const open = (nodes: TreeNode[]): boolean =>
      nodes.some((one) => {
        if (matches(one)) return true;
        const isInside = open(one.children);
        if (isInside) this.collapsed.delete(one.id);
        return isInside;
      });
    if (current && open(this.tree)) {
      this.refreshRows();
      const index = this.rows.findIndex((row) => matches(row.node));
      if (index >= 0 && matches(this.rows[this.active]?.node ?? this.rows[index]!.node) === false) this.active = index;
      if (index >= 0) return this.scrollTo(index);
    }
    this.draw();
  }
}
