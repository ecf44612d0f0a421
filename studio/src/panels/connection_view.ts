// Whether the twin is there: a mark in the top bar, and clear words over the view when it is gone.

import type { ConnectionState } from "../protocol/client";
import { h, setText } from "../ui/dom";

const STALL_MS = 3000;

export class ConnectionView {
  readonly pill: HTMLElement;
  readonly banner: HTMLElement;
  private readonly word = h("span");
  private readonly title = h("h2");
  private readonly detail = h("p");
  private readonly advice = h("p", { class: "hint" });
  private readonly retry: HTMLButtonElement;
  private state: ConnectionState = { kind: "closed" };
  private wasLive = false;

  constructor(
    private readonly url: string,
    retryNow: () => void,
  ) {
    this.retry = h("button", { class: "button primary", onclick: retryNow }, "Try now");
    this.pill = h("span", { class: "pill", role: "status", title: url }, h("i", { class: "dot" }), this.word);
    this.banner = h("div", { class: "banner", role: "alert", hidden: true }, this.title, this.detail, this.retry, this.advice);
  }

  setState(state: ConnectionState): void {
    this.state = state;
    if (state.kind === "live") this.wasLive = true;
    document.body.dataset.connection = state.kind;
  }

  // Called a few times a second: counts down, and notices a twin that runs but sends nothing.
  //   lastMessageAt [ms], isRunning whether messages are due
  update(now: number, lastMessageAt: number, isRunning: boolean): void {
    const { state } = this;
    const isStalled = state.kind === "live" && isRunning && lastMessageAt > 0 && now - lastMessageAt > STALL_MS;
    this.pill.dataset.state = isStalled ? "stalled" : state.kind;
    setText(this.word, this.words(now, isStalled, lastMessageAt));
    this.banner.hidden = state.kind !== "waiting" && !(state.kind === "connecting" && state.attempt > 1);
    if (this.banner.hidden) return;
    setText(this.title, this.wasLive ? "The twin is gone" : "No twin answers");
    const since = lastMessageAt > 0 ? ` Its last data came ${Math.round((now - lastMessageAt) / 1000)} s ago and is still shown.` : "";
    const reason = state.kind === "waiting" ? state.reason : "trying to connect";
    setText(this.detail, `${this.url}: ${reason}.${since}`);
    const seconds = state.kind === "waiting" ? Math.max(0, Math.ceil((state.retryAt - now) / 1000)) : 0;
    setText(this.retry, state.kind === "waiting" ? `Try now (again in ${seconds} s)` : "Trying …");
    this.retry.disabled = state.kind !== "waiting";
    setText(this.advice, "Is geoul still running in its terminal? Start it again and this page connects by itself.");
  }

  private words(now: number, isStalled: boolean, lastMessageAt: number): string {
    const { state } = this;
    if (isStalled) return `No data for ${Math.round((now - lastMessageAt) / 1000)} s`;
    if (state.kind === "live") return "Live";
    if (state.kind === "connecting") return "Connecting";
    if (state.kind === "outside") return "Signed out";
    return state.kind === "waiting" ? "Disconnected" : "Closed";
  }
}
