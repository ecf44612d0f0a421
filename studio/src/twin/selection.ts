// What the user has selected: one body, joint or signal, or nothing.

import { Emitter } from "./emitter";

export type Selected = { kind: "body" | "joint" | "signal"; name: string } | undefined;

export class Selection extends Emitter<{ change: Selected }> {
  private selected: Selected;

  get current(): Selected {
    return this.selected;
  }

  set(selected: Selected): void {
    if (this.selected?.kind === selected?.kind && this.selected?.name === selected?.name) return;
    this.selected = selected;
    this.emit("change", selected);
  }
}
