// The studio: puts the twin, the view and the panels together. The page draws once a display frame, from the newest state.

import "@fontsource-variable/inter/index.css";
import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/judgement.css";
import "./styles/panels.css";

import { ClockMode } from "./generated/geoul";
import { AdvicePanel } from "./panels/advice_panel";
import { AlarmsPanel } from "./panels/alarms_panel";
import { ConnectionView } from "./panels/connection_view";
import { Dock } from "./panels/dock";
import { FixedJointsPanel } from "./panels/fixed_joints_panel";
import { helpDialog } from "./panels/help_dialog";
import { LinksPanel } from "./panels/links_panel";
import { LogPanel } from "./panels/log_panel";
import { PlotPanel } from "./panels/plot_panel";
import { PropertiesPanel } from "./panels/properties_panel";
import { SignInDialog } from "./panels/sign_in_dialog";
import { ReportPanel } from "./panels/report_panel";
import { ResidualsPanel } from "./panels/residuals_panel";
import { TransportBar } from "./panels/transport_bar";
import { TreePanel } from "./panels/tree_panel";
import { ViewTools } from "./panels/view_tools";
import { FoxgloveClient, type ConnectionState, type EntryAnswer, type Socket } from "./protocol/client";
import { mayDo, Session, type Entry } from "./protocol/session";
import { Control } from "./twin/control";
import { Dragging } from "./twin/dragging";
import { Oversight } from "./twin/oversight";
import { Selection } from "./twin/selection";
import { ON_DEMAND, TOPIC_SCHEMAS, Twin } from "./twin/twin";
import { h, setText } from "./ui/dom";
import { formatCount, formatFixed } from "./ui/format";
import { icon } from "./ui/icons";
import { installShortcuts } from "./ui/shortcuts";
import { splitter } from "./ui/splitter";
import { Theme } from "./ui/theme";
import { Viewer } from "./view3d/viewer";

const SLOW_MS = 120; // texts change at most this often, so that they can be read
const PLOT_MS = 66;
const HIDDEN_MS = 1000; // a hidden page still takes samples in, without drawing

// The server is where the page came from; ?ws=ws://host:port names another one.
function serverUrl(): string {
  const given = new URLSearchParams(location.search).get("ws");
  return given ?? `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`;
}

const url = serverUrl();
// Only the server that the page came from is signed in to; another one (?ws=) gets a token in its address.
const session = new URLSearchParams(location.search).has("ws") ? undefined : new Session();
const twin = new Twin();
const selection = new Selection();
const log = new LogPanel(twin);
const client = new FoxgloveClient({
  url,
  topics: TOPIC_SCHEMAS,
  onDemand: ON_DEMAND,
  open: (address, subprotocol) => new WebSocket(address, [subprotocol, ...(session?.subprotocols ?? [])]) as unknown as Socket,
  enter: session && (() => session.refresh().then(entered)),
  onState: (state) => connectionChanged(state),
  onMessage: (topic, payload) => twin.receive(topic, payload, performance.now()),
  onTime: () => undefined,
  onNote: (level, text) => log.note(level, text),
});
const control = new Control(client, twin, (words) => log.note("error", `The twin did not obey: ${words}`));
const dragging = new Dragging(client, (drags) => viewer?.applyDrags(drags), (words) => log.note("error", words));
const oversight = new Oversight(client, twin, (words) => log.note("error", words));
const connection = new ConnectionView(url, () => client.retryNow());
const transport = new TransportBar(twin, control);
const plots = new PlotPanel(twin);
const tree = new TreePanel(twin, selection, plots);
const properties = new PropertiesPanel(twin, selection);
const fixedJoints = new FixedJointsPanel(twin, selection);
const report = new ReportPanel(twin);
const residuals = new ResidualsPanel(twin);
const links = new LinksPanel(twin);
const alarms = new AlarmsPanel(twin, oversight);
const advice = new AdvicePanel(twin, oversight);
const dock = new Dock("Data", [
  { id: "plots", title: "Plots", panel: plots.element, tools: plots.tools },
  { id: "fixed", title: "Fixed joints", panel: fixedJoints.element, tools: fixedJoints.tools },
  { id: "residuals", title: "Residuals", panel: residuals.element, tools: residuals.tools },
  { id: "links", title: "Links", panel: links.element, tools: links.tools },
  { id: "alarms", title: "Alarms", panel: alarms.element, tools: alarms.tools },
  { id: "advice", title: "Advice", panel: advice.element, tools: advice.tools },
  { id: "report", title: "Report", panel: report.element, tools: report.tools },
  { id: "log", title: "Log", panel: log.element, tools: log.tools },
]);
const help = helpDialog();
const signIn = new SignInDialog(async (name, password) => {
  const result = await session!.signIn(name, password);
  if (result.kind === "done") client.start();
  return result;
});
const who = h("span", { class: "who", hidden: true });
const signOut = h("button", { class: "button", hidden: true, onclick: () => void session?.signOut().then(() => (client.stop(), client.start())) }, "Sign out");
const sceneName = h("span", { class: "scene-name" });
const rates = h("span", { class: "rates", title: "Achieved speed of the twin, and its steps per second" });
const tooltip = h("div", { class: "tooltip", hidden: true, role: "presentation" });
const forceLegend = h("div", { class: "force-legend", role: "status" });
const viewport = h("main", { class: "viewport", "aria-label": "3D view of the twin" }, tooltip, forceLegend, connection.banner);

function makeViewer(): Viewer | undefined {
  try {
    return new Viewer(viewport);
  } catch (error) {
    log.note("error", `The 3D view needs WebGL: ${(error as Error).message}`);
    viewport.append(h("p", { class: "no-webgl" }, "This browser offers no WebGL, so the 3D view is missing. All other panels work."));
    return undefined;
  }
}

const viewer = makeViewer();
const viewTools = viewer ? new ViewTools(viewer, (topic, on) => client.want(topic, on)) : undefined;
if (viewTools) viewport.append(viewTools.element);
const theme = new Theme((isDark) => {
  viewer?.setTheme(isDark);
  plots.restyle();
});

function layout(): void {
  const logo = h("img", { src: "./favicon.svg", alt: "", width: 20, height: 20 });
  const themeButton = h("button", { class: "icon-button", title: "Dark or light", "aria-label": "Dark or light", onclick: () => theme.toggle() }, icon("theme"));
  const helpButton = h("button", { class: "icon-button", title: "Help (?)", "aria-label": "Help", onclick: () => help.showModal() }, icon("help"));
  const top = h("header", { class: "topbar" }, h("span", { class: "brand" }, logo, h("b", {}, "Geoul")), sceneName, h("span", { class: "grow" }), rates, connection.pill, who, signOut, themeButton, helpButton);
  const left = h("aside", { class: "left", "aria-label": "Scene tree" }, tree.element);
  const right = h("aside", { class: "right", "aria-label": "Properties" }, properties.element);
  const bottom = h("footer", { class: "bottom" }, transport.element);
  const half = () => Math.round(innerWidth / 3);
  const leftBar = splitter({ label: "Width of the tree", variable: "--left", axis: "x", direction: 1, initial: innerWidth < 1400 ? 264 : 288, min: 180, max: half });
  const rightBar = splitter({ label: "Width of the properties", variable: "--right", axis: "x", direction: -1, initial: innerWidth < 1400 ? 308 : 324, min: 200, max: half });
  const dockBar = splitter({ label: "Height of the data panels", variable: "--dock", axis: "y", direction: -1, initial: Math.round(innerHeight * 0.34), min: 120, max: () => innerHeight - 280 });
  document.body.append(h("div", { class: "app" }, top, left, leftBar, viewport, rightBar, right, dockBar, dock.element, bottom), help, signIn.element);
}

// What to do about how the server is entered.
function entered(entry: Entry): EntryAnswer {
  if (entry.kind === "unreachable") return { later: "nobody answers there" };
  if (entry.kind === "refused") return { later: entry.reason };
  if (entry.kind === "sign-in") signIn.open();
  else if (signIn.element.open) signIn.close();
  return entry.kind === "sign-in" ? "stay out" : "go";
}

function showWho(user: string | undefined, role: string | undefined): void {
  const isSignedIn = session?.entry.kind === "signed-in";
  who.hidden = !user || !role || user === "local";
  setText(who, who.hidden ? "" : `${user} · ${role}`);
  signOut.hidden = !isSignedIn;
  const obstacle = mayDo(role, "operate") ? "" : `needs the role operate, you have ${role}`;
  transport.setObstacle(obstacle);
  viewTools?.setPullObstacle(obstacle);
  alarms.setObstacle(obstacle);
  advice.setObstacles(obstacle, mayDo(role, "approve") ? "" : `needs the role approve, you have ${role}`);
}

let run: string | undefined;
function connectionChanged(state: ConnectionState): void {
  connection.setState(state);
  transport.setLive(state.kind === "live");
  if (state.kind === "live") {
    showWho(state.user, state.role);
    if (state.sessionId !== run || state.sessionId === undefined) {
      twin.reset();
      viewer?.clear();
    }
    run = state.sessionId;
    log.note("info", `Connected to ${state.serverName || "the twin"} at ${url}`);
  } else if (state.kind === "outside") {
    showWho(undefined, undefined);
    twin.reset();
    viewer?.clear();
    run = undefined;
  } else if (state.kind === "waiting" && state.attempt <= 1) {
    log.note("warning", `Connection lost: ${state.reason}`);
  }
}

function showNames(): void {
  const name = twin.model?.name ?? "";
  setText(sceneName, name);
  document.title = name ? `${name} · Geoul studio` : "Geoul studio";
}

function xyz(v: { x: number; y: number; z: number }): { x: number; y: number; z: number } {
  return { x: v.x, y: v.y, z: v.z };
}

function wire(): void {
  twin.on("scene", (update) => viewer?.applyScene(update));
  twin.on("transforms", (transforms) => viewer?.applyTransforms(transforms));
  twin.on("model", (model) => {
    viewer?.setModel(model);
    showNames();
  });
  twin.on("reset", () => {
    selection.set(undefined);
    showNames();
  });
  twin.on("unreadable", ({ topic, reason }) => log.note("error", `${topic} cannot be read: ${reason}`));
  twin.on("lost", ({ topic, count }) => {
    if (topic === "/scene") client.refresh(topic);
    log.note("debug", `${count} messages on ${topic} came faster than the page draws and were left out`);
  });
  twin.on("contacts", (contacts) => viewer?.applyContacts(contacts));
  twin.on("wrenches", (wrenches) => viewer?.applyWrenches(wrenches));
  twin.on("drags", (drags) => viewer?.applyDrags(drags));
  selection.on("change", (selected) => viewer?.select(selected));
  plots.onChange = () => {
    tree.refreshPlots();
    dock.setBadge("plots", plots.summary);
  };
  alarms.onSeek = (nanoseconds) => void control.seek(nanoseconds);
  advice.onGhosts = (options) => viewer?.showGhosts(options);
  log.onChange = () => dock.setBadge("log", log.problems > 0 ? String(log.problems) : "", "bad");
  if (!viewer) return;
  viewer.onPick = (body) => selection.set(body && twin.bodies.has(body) ? { kind: "body", name: body } : undefined);
  viewer.onPull = ({ body, point }, target) => void dragging.pull({ body, point: xyz(point), target: xyz(target) });
  viewer.onLetGo = () => void dragging.letGo();
  viewer.onHover = (label, x, y) => {
    tooltip.hidden = label === undefined;
    if (label === undefined) return;
    setText(tooltip, label);
    const box = viewport.getBoundingClientRect();
    tooltip.style.transform = `translate(${x - box.left + 14}px, ${y - box.top + 14}px)`;
  };
}

function keys(): void {
  const step = (count: number) => (event: KeyboardEvent) => transport.stepBy(event.shiftKey ? 10 * count : count);
  installShortcuts({
    " ": () => void control.toggle(),
    ArrowRight: step(1),
    ".": step(1),
    ArrowLeft: step(-1),
    Home: () => transport.toBegin(),
    End: () => transport.toLive(),
    f: () => viewer?.look(),
    h: () => viewer?.look("home"),
    "1": () => viewer?.look("front"),
    "2": () => viewer?.look("side"),
    "3": () => viewer?.look("top"),
    l: () => viewTools?.toggleFollow(),
    g: () => viewTools?.toggleGrid(),
    c: () => viewTools?.toggleContacts(),
    x: () => viewTools?.toggleForces(),
    w: () => viewTools?.toggleWrenches(),
    d: () => viewTools?.togglePull(),
    "/": () => tree.filter.select(),
    Escape: () => (tree.filter.value ? tree.clearFilter() : selection.set(undefined)),
    p: () => dock.show("plots"),
    j: () => dock.show("fixed"),
    e: () => dock.show("residuals"),
    i: () => dock.show("links"),
    a: () => dock.show("alarms"),
    o: () => dock.show("advice"),
    r: () => dock.show("report"),
    k: () => dock.show("log"),
    "?": () => help.showModal(),
  });
}

function updateTexts(now: number): void {
  const { clock } = twin;
  connection.update(now, twin.lastMessageAt, clock !== undefined && clock.mode !== ClockMode.PAUSED);
  setText(rates, clock ? `${formatFixed(clock.realTimeFactor, 2)}× real time   ${formatCount(clock.stepsPerSecond)} steps/s` : "");
  tree.updateValues();
  properties.updateValues();
  fixedJoints.draw();
  residuals.draw();
  links.draw();
  setText(forceLegend, viewer?.forces.legend ?? "");
  dock.setBadge("fixed", fixedJoints.summary);
  dock.setBadge("residuals", residuals.beyond > 0 ? String(residuals.beyond) : "", "bad");
  dock.setBadge("links", links.summary, links.troubled > 0 ? "bad" : "good");
  dock.setBadge("alarms", alarms.unseen > 0 ? String(alarms.unseen) : "", "bad");
  dock.setBadge("advice", advice.waiting > 0 ? String(advice.waiting) : "", "bad");
  dock.setBadge("report", report.summary, report.isBad ? "bad" : "good");
}

let textsAt = 0;
let plotsAt = 0;
function frame(now: number): void {
  requestAnimationFrame(frame);
  twin.drain();
  viewer?.frame(now);
  if (now - textsAt >= SLOW_MS) {
    textsAt = now;
    updateTexts(performance.now());
  }
  if (now - plotsAt >= PLOT_MS) {
    plotsAt = now;
    plots.draw();
  }
}

// A pressed button must not keep the Space key from the twin; whoever moves by Tab keeps the focus.
document.addEventListener("click", (event) => {
  const button = event.detail > 0 && event.target instanceof Element ? event.target.closest("button") : null;
  button?.blur();
});

layout();
wire();
keys();
theme.apply();
client.start();
requestAnimationFrame(frame);
setInterval(() => document.hidden && twin.drain(), HIDDEN_MS);
addEventListener("online", () => client.retryNow());
document.addEventListener("visibilitychange", () => !document.hidden && client.retryNow());
