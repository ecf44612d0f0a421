// Asks for a name and a password, says what was wrong in words, and counts down where the server makes one wait.

import type { SignInResult } from "../protocol/session";
import { h, setText } from "../ui/dom";

export class SignInDialog {
  readonly element: HTMLDialogElement;
  private readonly name = h("input", { id: "sign-in-name", name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true });
  private readonly password = h("input", { id: "sign-in-password", name: "password", type: "password", autocomplete: "current-password", required: true });
  private readonly button = h("button", { class: "button primary", type: "submit" }, "Sign in");
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private isBusy = false;
  private waitUntil = 0; // [ms] of performance.now()
  private reason = "";

  constructor(private readonly signIn: (name: string, password: string) => Promise<SignInResult>) {
    const form = h(
      "form",
      { method: "dialog", onsubmit: (event: Event) => void this.submit(event) },
      h("h2", {}, "Sign in to this twin"),
      h("label", { for: "sign-in-name" }, "Name"),
      this.name,
      h("label", { for: "sign-in-password" }, "Password"),
      this.password,
      this.problem,
      this.button,
      h("p", { class: "hint" }, "Who runs the twin adds users with: geoul user add NAME --role operate"),
    );
    this.element = h("dialog", { class: "sign-in", "aria-label": "Sign in" }, form);
    this.element.addEventListener("cancel", (event) => event.preventDefault()); // nothing works without it
    setInterval(() => this.show(), 250);
  }

  open(): void {
    if (this.element.open) return;
    this.element.showModal();
    (this.name.value ? this.password : this.name).focus();
  }

  close(): void {
    this.element.close();
    this.password.value = "";
    this.reason = "";
    this.waitUntil = 0;
    this.show();
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isBusy || performance.now() < this.waitUntil) return;
    this.isBusy = true;
    this.reason = "";
    this.show();
    const result = await this.signIn(this.name.value.trim(), this.password.value);
    this.isBusy = false;
    if (result.kind === "done") return this.close();
    this.reason = result.reason.charAt(0).toUpperCase() + result.reason.slice(1);
    this.waitUntil = performance.now() + 1000 * result.waitSeconds;
    this.password.value = "";
    this.show();
    this.password.focus();
  }

  private show(): void {
    const seconds = Math.max(0, Math.ceil((this.waitUntil - performance.now()) / 1000));
    setText(this.problem, this.reason && seconds > 0 ? `${this.reason}. Again in ${seconds} s.` : this.reason && `${this.reason}.`);
    setText(this.button, this.isBusy ? "Signing in …" : "Sign in");
    this.button.disabled = this.isBusy || seconds > 0;
  }
}
