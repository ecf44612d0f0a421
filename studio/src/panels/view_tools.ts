// The buttons over the 3D view: camera presets and what is shown.

import { h } from "../ui/dom";
import { icon, type IconName } from "../ui/icons";
import type { ForceLayerName } from "../view3d/forces";
import type { Viewer } from "../view3d/viewer";

export class ViewTools {
  readonly element: HTMLElement;
  private readonly followButton: HTMLButtonElement;
  private readonly gridButton: HTMLButtonElement;
  private readonly pullButton: HTMLButtonElement;
  private readonly contactsButton: HTMLButtonElement;
  private readonly forcesButton: HTMLButtonElement;
  private readonly wrenchesButton: HTMLButtonElement;

  // wantTopic  told which large topics the shown layers need
  constructor(viewer: Viewer, wantTopic: (topic: string, on: boolean) => void) {
    const shown = new Set<string>();
    const layer = (name: IconName, label: string, what: ForceLayerName, topic: string) =>
      toggle(name, label, false, (on) => {
        if (on) shown.add(what);
        else shown.delete(what);
        wantTopic(topic, topic === "/wrenches" ? shown.has("wrenches") : shown.has("contacts") || shown.has("forces"));
        viewer.setForces(what, on);
      });
    this.pullButton = toggle("pull", "Pull bodies with the left button (D; or hold Ctrl)", false, (on) => (viewer.gripper.always = on));
    this.contactsButton = layer("contact", "Contact points (C)", "contacts", "/contacts");
    this.forcesButton = layer("force", "Contact forces (X)", "forces", "/contacts");
    this.wrenchesButton = layer("wrench", "Joint wrenches: forces blue, torques violet (W)", "wrenches", "/wrenches");
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
      h("span", { class: "gap" }),
      this.contactsButton,
      this.forcesButton,
      this.wrenchesButton,
      this.pullButton,
    );
  }

  // obstacle  why this user may not pull; empty: nothing is in the way
  setPullObstacle(obstacle: string): void {
    if (obstacle && this.pullButton.getAttribute("aria-pressed") === "true") this.pullButton.click();
    this.pullButton.disabled = obstacle !== "";
    this.pullButton.title = `Pull bodies with the left button (D; or hold Ctrl)${obstacle ? `: ${obstacle}` : ""}`;
  }

  toggleFollow(): void {
    this.followButton.click();
  }

  togglePull(): void {
    this.pullButton.click();
  }

  toggleContacts(): void {
    this.contactsButton.click();
  }

  toggleForces(): void {
    this.forcesButton.click();
  }

  toggleWrenches(): void {
    this.wrenchesButton.click();
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
