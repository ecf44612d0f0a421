// The buttons over the 3D view: camera presets and what is shown.

import { h } from "../ui/dom";
import { icon, type IconName } from "../ui/icons";
import type { Viewer } from "../view3d/viewer";

export class ViewTools {
  readonly element: HTMLElement;
  private readonly followButton: HTMLButtonElement;
  private readonly gridButton: HTMLButtonElement;

  constructor(viewer: Viewer) {
    const action = (name: IconName, label: string, run: () => void) =>
      h("button", { class: "icon-button", title: label, "aria-label": label, onclick: run }, icon(name));
    this.followButton = toggle("follow", "Follow the selection (L)", false, (on) => viewer.setFollow(on));
    this.gridButton = toggle("grid", "Grid (G)", true, (on) => viewer.setGrid(on));
    this.element = h(
      "div",
      { class: "view-tools", role: "toolbar", "aria-label": "View" },
      action("home", "Home view (H)", () => viewer.look("home")),
      action("fit", "Fit the selection (F)", () => viewer.look()),
      this.followButton,
      h("span", { class: "gap" }),
      action("cubeFront", "Front view (1)", () => viewer.look("front")),
      action("cubeSide", "Side view (2)", () => viewer.look("side")),
      action("cubeTop", "Top view (3)", () => viewer.look("top")),
      h("span", { class: "gap" }),
      this.gridButton,
      toggle("frames", "Sites", false, (on) => viewer.setSites(on)),
      toggle("shadow", "Shadows", true, (on) => viewer.setShadows(on)),
    );
  }

  toggleFollow(): void {
    this.followButton.click();
  }

  toggleGrid(): void {
    this.gridButton.click();
  }
}

function toggle(name: IconName, label: string, initial: boolean, run: (on: boolean) => void): HTMLButtonElement {
  const button: HTMLButtonElement = h(
    "button",
    {
      class: "icon-button",
      title: label,
      "aria-label": label,
      "aria-pressed": String(initial),
      onclick: () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        run(on);
      },
    },
    icon(name),
  );
  return button;
}
