// The fixed joints: how exactly each holds, measured in the published poses, and what load it carries.

import type { FixedJoint, Vector3 } from "../generated/geoul";
import type { Selection } from "../twin/selection";
import type { Twin } from "../twin/twin";
import { h, setText } from "../ui/dom";
import { formatFixed, formatNumber, formatQuantity, lastPart } from "../ui/format";

// Errors up to here are the rounding of double arithmetic over a chain of a few metres.
export const ROUNDING = 1e-12; // [m] and [rad]
const MAX_ROWS = 500;

type SortKey = "name" | "error" | "force" | "torque";
const COLUMNS: { title: string; sort?: SortKey; class?: string }[] = [
  { title: "Fixed joint", sort: "name" },
  { title: "Bodies" },
  { title: "Pos. error [m]", sort: "error", class: "num" },
  { title: "Rot. error [rad]", class: "num" },
  { title: "Force [N]", sort: "force", class: "num" },
  { title: "|F|", class: "num" },
  { title: "Torque [N·m]", sort: "torque", class: "num" },
  { title: "|τ|", class: "num" },
  { title: "Load" },
];

export class FixedJointsPanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  private readonly summaryText = h("span", { class: "summary", role: "status" });
  private readonly body = h("tbody");
  private readonly empty = h("p", { class: "empty" }, "This scene has no fixed joints.");
  private readonly heads: HTMLElement[];
  private sort: SortKey = "name";
  private order: string[] = [];
  private rows = new Map<string, HTMLTableCellElement[]>();
  private isDirty = false;

  constructor(
    private readonly twin: Twin,
    private readonly selection: Selection,
  ) {
    this.heads = COLUMNS.map((column) =>
      h(
        "th",
        { scope: "col", class: column.class },
        column.sort
          ? h("button", { class: "sort", onclick: () => this.sortBy(column.sort!) }, column.title)
          : column.title,
      ),
    );
    const table = h("table", { class: "table" }, h("thead", {}, h("tr", {}, ...this.heads)), this.body);
    this.tools = h("div", { class: "panel-tools" }, this.summaryText);
    this.element = h("div", { class: "table-panel" }, this.empty, h("div", { class: "table-scroll", tabindex: "0", "aria-label": "Fixed joints" }, table));
    twin.on("fixedJoints", () => (this.isDirty = true));
    twin.on("model", () => this.sortBy(this.sort));
    twin.on("reset", () => this.sortBy(this.sort));
    selection.on("change", () => this.markSelected());
    this.sortBy("name");
  }

  get summary(): string {
    return String(this.twin.fixedJoints?.joints.length ?? "");
  }

  // Called a few times a second.
  draw(): void {
    if (!this.isDirty || this.element.offsetParent === null) return;
    this.isDirty = false;
    const joints = this.twin.fixedJoints?.joints ?? [];
    if (joints.length !== this.order.length || joints.some((joint) => !this.rows.has(joint.name))) this.rebuild();
    for (const joint of joints) this.fill(joint);
    this.showSummary(joints);
  }

  private sortBy(key: SortKey): void {
    this.sort = key;
    this.heads.forEach((head, i) => head.setAttribute("aria-sort", COLUMNS[i]!.sort === key ? (key === "name" ? "ascending" : "descending") : "none"));
    this.rebuild();
    this.isDirty = true;
    this.draw();
  }

  private rebuild(): void {
    const joints = [...(this.twin.fixedJoints?.joints ?? [])];
    const size: Record<SortKey, (joint: FixedJoint) => number> = {
      name: () => 0,
      error: (joint) => joint.positionError,
      force: (joint) => norm(joint.force),
      torque: (joint) => norm(joint.torque),
    };
    joints.sort((a, b) => size[this.sort](b) - size[this.sort](a) || a.name.localeCompare(b.name));
    this.order = joints.map((joint) => joint.name);
    this.rows.clear();
    this.body.replaceChildren(...joints.slice(0, MAX_ROWS).map((joint) => this.row(joint)));
    this.empty.hidden = joints.length > 0;
    this.markSelected();
  }

  private row(joint: FixedJoint): HTMLElement {
    const cells = COLUMNS.map((column) => h("td", { class: column.class }));
    const pick = h("button", { class: "link", title: joint.name, onclick: () => this.selection.set({ kind: "joint", name: joint.name }) }, lastPart(joint.name));
    cells[0]!.append(pick);
    const first = joint.body0 ? lastPart(joint.body0) : "world";
    cells[1]!.append(`${first} → ${joint.body1 ? lastPart(joint.body1) : "world"}`);
    this.rows.set(joint.name, cells);
    return h("tr", { "data-joint": joint.name }, ...cells);
  }

  private fill(joint: FixedJoint): void {
    const cells = this.rows.get(joint.name);
    if (!cells) return;
    const error = (cell: HTMLElement, value: number) => {
      setText(cell, formatNumber(value, 3));
      cell.classList.toggle("bad", !(value <= ROUNDING));
      cell.classList.toggle("good", value <= ROUNDING);
    };
    error(cells[2]!, joint.positionError);
    error(cells[3]!, joint.rotationError);
    setText(cells[4]!, triple(joint.force, 2));
    setText(cells[5]!, formatFixed(norm(joint.force), 2));
    setText(cells[6]!, triple(joint.torque, 3));
    setText(cells[7]!, formatFixed(norm(joint.torque), 3));
    setText(cells[8]!, joint.indeterminate ? "indeterminate" : "determinate");
    cells[8]!.title = joint.indeterminate ? "Statically indeterminate: the minimum-norm share is shown" : "";
    cells[8]!.classList.toggle("warn", joint.indeterminate);
  }

  private showSummary(joints: readonly FixedJoint[]): void {
    if (joints.length === 0) return setText(this.summaryText, "");
    const position = Math.max(...joints.map((joint) => joint.positionError));
    const rotation = Math.max(...joints.map((joint) => joint.rotationError));
    const isExact = position <= ROUNDING && rotation <= ROUNDING;
    const verdict = isExact ? "All fixed joints hold exactly" : "A fixed joint has moved";
    const cut = joints.length > MAX_ROWS ? `; the first ${MAX_ROWS} of ${joints.length} are listed` : "";
    setText(this.summaryText, `${verdict}: largest error ${formatQuantity(position, "m", 3)}, ${formatQuantity(rotation, "rad", 3)}${cut}`);
    this.summaryText.className = isExact ? "summary good" : "summary bad";
  }

  private markSelected(): void {
    const { current } = this.selection;
    for (const row of this.body.children) {
      row.classList.toggle("selected", current?.kind === "joint" && row.getAttribute("data-joint") === current.name);
    }
  }
}

function norm(v: Vector3 | undefined): number {
  return v ? Math.hypot(v.x, v.y, v.z) : NaN;
}

function triple(v: Vector3 | undefined, decimals: number): string {
  return v ? [v.x, v.y, v.z].map((value) => formatFixed(value, decimals)).join("  ") : "–";
}
