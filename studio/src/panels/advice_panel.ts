// What could be done: options that were rehearsed in the twin, side by side with their spread; and what became of those that
// somebody made a command of. Nothing reaches the plant from here without the approvals that the policy asks for.

import { CommandStage, type Advice, type Consequence, type Option, type PlantCommand } from "../generated/geoul";
import type { Oversight } from "../twin/oversight";
import { toSeconds } from "../twin/time";
import type { Twin } from "../twin/twin";
import { h } from "../ui/dom";
import { formatInstant, formatNumber, formatUnit } from "../ui/format";

const STAGES: Record<CommandStage, { word: string; tone: string }> = {
  [CommandStage.COMMAND_PROPOSED]: { word: "proposed", tone: "" },
  [CommandStage.COMMAND_REHEARSED]: { word: "rehearsed", tone: "" },
  [CommandStage.COMMAND_CHECKED]: { word: "waits for approval", tone: "warn" },
  [CommandStage.COMMAND_APPROVED]: { word: "approved", tone: "" },
  [CommandStage.COMMAND_SENT]: { word: "sent", tone: "" },
  [CommandStage.COMMAND_ACKNOWLEDGED]: { word: "acknowledged by the plant", tone: "" },
  [CommandStage.COMMAND_VERIFIED]: { word: "verified", tone: "good" },
  [CommandStage.COMMAND_CLOSED]: { word: "done", tone: "good" },
  [CommandStage.COMMAND_ROLLED_BACK]: { word: "rolled back", tone: "bad" },
  [CommandStage.COMMAND_REFUSED]: { word: "refused", tone: "bad" },
  [CommandStage.COMMAND_EXPIRED]: { word: "expired", tone: "bad" },
};
// In these a person can still say yes or no.
const OPEN = new Set([CommandStage.COMMAND_PROPOSED, CommandStage.COMMAND_REHEARSED, CommandStage.COMMAND_CHECKED]);

export class AdvicePanel {
  readonly element: HTMLElement;
  readonly tools: HTMLElement;
  // The futures to draw; none clears the view.
  onGhosts: (options: readonly Option[]) => void = () => undefined;
  private readonly question = h("input", { class: "field", name: "question", placeholder: "What if …  payload 3 kg", "aria-label": "What if" });
  private readonly form: HTMLFormElement;
  private readonly advice = h("div", { class: "advice" });
  private readonly commands = h("div", { class: "commands", "aria-live": "polite" });
  private readonly empty = h("p", { class: "empty" }, "No advice yet. It comes with an alarm, or when you ask: “payload 3 kg”, “joint elbow friction x2”.");
  private readonly shown = new Set<string>(); // options whose ghosts are drawn
  private operateObstacle = "";
  private approveObstacle = "";
  private drawn = "";

  constructor(
    private readonly twin: Twin,
    private readonly oversight: Oversight,
  ) {
    this.form = h("form", { class: "panel-tools ask", onsubmit: (event: Event) => void this.ask(event) }, this.question, h("button", { class: "button", type: "submit" }, "Rehearse"));
    this.tools = this.form;
    this.element = h("div", { class: "advice-panel" }, this.empty, this.advice, this.commands);
    twin.on("advice", () => this.showAdvice());
    twin.on("commands", () => this.showCommands());
    twin.on("reset", () => {
      this.shown.clear();
      this.showAdvice();
      this.showCommands();
    });
    this.showAdvice();
    this.showCommands();
  }

  // Commands that wait for a person.
  get waiting(): number {
    return (this.twin.commands?.commands ?? []).filter((command) => OPEN.has(command.stage)).length;
  }

  setObstacles(operate: string, approve: string): void {
    this.operateObstacle = operate;
    this.approveObstacle = approve;
    this.showAdvice();
    this.showCommands();
  }

  private async ask(event: Event): Promise<void> {
    event.preventDefault();
    const text = this.question.value.trim();
    if (text === "") return this.question.focus();
    if (await this.oversight.ask(text)) this.question.value = "";
  }

  private showAdvice(): void {
    const list = this.twin.advice?.advice ?? [];
    const nothing = list.length === 0 && (this.twin.commands?.commands ?? []).length === 0;
    this.empty.hidden = !nothing;
    this.advice.replaceChildren(...list.map((one) => this.adviceCard(one)));
    const known = new Set(list.flatMap((one) => one.options.map((option) => key(one, option))));
    for (const id of this.shown) if (!known.has(id)) this.shown.delete(id);
    this.drawGhosts();
  }

  private adviceCard(advice: Advice): HTMLElement {
    const names = consequenceNames(advice);
    const heads = ["", "Option", ...names.map(({ name, unit }) => `${name}${formatUnit(unit) ? ` [${formatUnit(unit)}]` : ""}`), "Futures", ""];
    const rows = advice.options.map((option) => this.optionRow(advice, option, names.map(({ name }) => name)));
    const data = advice.data.map(({ name, age }) => `${name} (${formatNumber(age, 2)} s old)`);
    const used = data.length > 3 ? `${data.slice(0, 3).join(", ")} and ${data.length - 3} more` : data.join(", ");
    return h(
      "section",
      { class: "card", "data-advice": advice.id },
      h("h3", {}, advice.text),
      h("table", { class: "table" }, h("thead", {}, h("tr", {}, ...heads.map((title, i) => h("th", { scope: "col", class: i > 1 && i < heads.length - 1 ? "num" : undefined }, title)))), h("tbody", {}, ...rows)),
      h("p", { class: "hint" }, `Mean, and in brackets where 9 of 10 futures lie. From ${formatInstant(toSeconds(advice.made))}; holds until ${formatInstant(toSeconds(advice.expires))}. Data used: ${used || "none"}.`),
    );
  }

  private optionRow(advice: Advice, option: Option, names: readonly string[]): HTMLElement {
    const id = key(advice, option);
    const byName = new Map(option.consequences.map((one) => [one.name, one]));
    const eye = h("button", { class: "button small", "aria-pressed": String(this.shown.has(id)), disabled: !option.ghost, title: "Draw this future in the view", onclick: () => this.toggle(id) }, "Show");
    const take = h(
      "button",
      { class: "button small primary", disabled: this.operateObstacle !== "", title: this.operateObstacle, onclick: () => void this.oversight.propose(advice.id, option.id) },
      "Propose",
    );
    const isRejected = option.rank === 0;
    const actions = isRejected || advice.command !== "" || !this.oversight.takesCommands ? [eye] : [eye, take];
    return h(
      "tr",
      { class: isRejected ? "rejected" : "", "data-option": option.id },
      h("td", { class: "rank" }, isRejected ? "–" : String(option.rank)),
      h("td", {}, option.text, isRejected ? h("div", { class: "note bad" }, `Rejected: ${option.rejected}`) : null),
      ...names.map((name) => consequenceCell(byName.get(name))),
      h("td", { class: "num" }, String(option.futures)),
      h("td", { class: "actions" }, ...actions),
    );
  }

  private toggle(id: string): void {
    if (!this.shown.delete(id)) this.shown.add(id);
    this.showAdvice();
  }

  private drawGhosts(): void {
    const ids = [...this.shown].sort().join("|");
    if (ids === this.drawn) return;
    this.drawn = ids;
    const list = this.twin.advice?.advice ?? [];
    this.onGhosts(list.flatMap((one) => one.options.filter((option) => this.shown.has(key(one, option)))));
  }

  private showCommands(): void {
    const list = this.twin.commands?.commands ?? [];
    this.empty.hidden = list.length > 0 || (this.twin.advice?.advice ?? []).length > 0;
    // what is being typed stays
    const typed = this.commands.querySelector("input");
    if (typed && document.activeElement === typed && list.some((one) => OPEN.has(one.stage) && typed.dataset.command === one.id)) return;
    this.commands.replaceChildren(...list.map((one) => this.commandCard(one)));
  }

  private commandCard(command: PlantCommand): HTMLElement {
    const { word, tone } = STAGES[command.stage];
    const steps = command.steps.map((step) =>
      h("li", {}, h("time", { class: "dim" }, formatInstant(toSeconds(step.time))), h("b", {}, ` ${STAGES[step.stage].word} `), `${step.who}${step.text ? `: ${step.text}` : ""}`),
    );
    const parts: (HTMLElement | null)[] = [
      h("h3", {}, command.text, " ", h("span", { class: `state ${tone}` }, word)),
      h("ol", { class: "steps" }, ...steps),
      OPEN.has(command.stage) ? this.decision(command) : null,
    ];
    return h("section", { class: "card", "data-command": command.id }, ...parts);
  }

  private decision(command: PlantCommand): HTMLElement {
    const reason = h("input", { class: "field", name: "reason", placeholder: "Reason", "aria-label": "Reason", maxlength: 500, "data-command": command.id });
    const blocked = this.approveObstacle !== "";
    const decide = (approve: boolean) => () => {
      const text = reason.value.trim();
      if (!approve && text === "") return reason.focus();
      reason.blur();
      void this.oversight.decide(command.id, approve, text);
    };
    const count = command.approvers.length;
    return h(
      "div",
      { class: "actions" },
      h("span", { class: "hint" }, command.approvalsNeeded > 1 ? `${count} of ${command.approvalsNeeded} approvals` : "Needs an approval"),
      reason,
      h("button", { class: "button primary", disabled: blocked, title: this.approveObstacle, onclick: decide(true) }, "Approve"),
      h("button", { class: "button", disabled: blocked, title: this.approveObstacle || "Needs a reason", onclick: decide(false) }, "Reject"),
    );
  }
}

function key(advice: Advice, option: Option): string {
  return `${advice.id} ${option.id}`;
}

// Of all options, in the order in which they first appear.
function consequenceNames(advice: Advice): { name: string; unit: string }[] {
  const units = new Map<string, string>();
  for (const option of advice.options) for (const { name, unit } of option.consequences) if (!units.has(name)) units.set(name, unit);
  return [...units].map(([name, unit]) => ({ name, unit }));
}

// "8 (7.2 … 8.8)"; what does not spread is one number.
function spreadOf({ mean, low, high }: Consequence): string {
  const [middle, from, to] = [mean, low, high].map((value) => formatNumber(value, 3));
  return from === middle && to === middle ? middle! : `${middle} (${from} … ${to})`;
}

function consequenceCell(one: Consequence | undefined): HTMLElement {
  if (!one) return h("td", { class: "num" }, "–");
  const limit = Number.isNaN(one.limit) ? undefined : `limit ${formatNumber(one.limit)} ${formatUnit(one.unit)}`;
  return h("td", { class: one.ok ? "num" : "num bad", title: limit }, spreadOf(one));
}
