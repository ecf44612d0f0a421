// The built studio in a real browser against the test peer: what a user sees and does, and what happens when the twin misbehaves.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Log_Level } from "../../src/generated/foxglove";
import { ClockMode } from "../../src/generated/geoul";
import { Peer } from "../peer/peer";
import { openBrowser, until } from "./browser";

const dist = resolve(dirname(fileURLToPath(import.meta.url)), "../../dist");
const peer = new Peer(dist);
const problems: string[] = [];
let browser: Browser;
let page: Page;
let port = 0;

const treeRow = (text: string) => page.getByRole("treeitem").filter({ hasText: text }).first();
const textOf = (selector: string) => page.locator(selector).first().innerText();
const commandsSince = (count: number) => peer.commands.slice(count).map((command) => command.case);

beforeAll(async () => {
  if (!existsSync(resolve(dist, "index.html"))) throw new Error("studio/dist is missing: run 'npm run build' first");
  port = await peer.start();
  browser = await openBrowser();
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme: "dark" });
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.locator('.pill[data-state="live"]').waitFor();
});

afterAll(async () => {
  await browser?.close();
  await peer.stop();
});

describe("the studio", () => {
  it("connects, names the scene and lists its bodies, joints and signals", async () => {
    await treeRow("shoulder_pan").waitFor();
    expect(await textOf(".scene-name")).toBe("Test peer cell");
    expect(await page.title()).toBe("Test peer cell · Geoul studio");
    expect(await textOf(".rates")).toMatch(/1\.00× real time\s+25 steps\/s/);
    expect(await page.getByRole("treeitem").count()).toBeGreaterThan(15);
  });

  it("fits a laptop screen without scrolling the page", async () => {
    const size = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    expect(size).toEqual([1280, 720]);
    const tabs = (await page.locator(".dock .tabs").boundingBox())!;
    for (const tool of await page.locator(".dock-tools > :not([hidden]) > *:visible").all()) {
      expect((await tool.boundingBox())!.x).toBeGreaterThanOrEqual(tabs.x + tabs.width);
    }
  });

  it("plots the first signals from the start", async () => {
    await until(async () => (await page.locator(".chart").count()) === 6);
    expect(await page.locator(".chart-title").first().getAttribute("title")).toBe("torque/shoulder_pan [N·m]");
    const drawn = () => page.locator(".chart canvas").first().evaluate((canvas: HTMLCanvasElement) => {
      const pixels = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height).data;
      let blue = 0;
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 2]! > 200 && pixels[i]! < 120) blue += 1;
      return blue;
    });
    await until(async () => (await drawn()) > 50);
  });

  it("shows residuals with their bounds, and marks what is beyond", async () => {
    await page.keyboard.press("e");
    await page.locator('tr[data-figure="contact residual"]').waitFor();
    await until(async () => (await textOf('tr[data-figure="loop closure"]')).includes("2e\u22129"));
    expect(await page.locator('tr[data-figure="loop closure"]').getAttribute("class")).toBe("bad-row");
    expect(await page.locator("#tab-residuals .badge").innerText()).toBe("1");
    await page.keyboard.press("p");
  });

  it("draws contact forces and wrenches when asked", async () => {
    const orange = () => page.locator(".canvas3d").screenshot().then((image) => page.evaluate(async (bytes) => {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
      let count = 0;
      for (let i = 0; i < pixels.length; i += 4) if (pixels[i]! > 220 && pixels[i + 1]! > 100 && pixels[i + 1]! < 180 && pixels[i + 2]! < 110) count += 1;
      return count;
    }, [...image]));
    const before = await orange();
    await page.keyboard.press("x");
    await until(async () => (await orange()) > before + 30);
    await page.keyboard.press("x");
    await until(async () => (await orange()) <= before + 5);
  });

  it("pulls a body with Ctrl and the mouse, and lets go", async () => {
    const box = (await page.locator(".canvas3d").boundingBox())!;
    let grip: [number, number] | undefined;
    for (let y = 0.3; y < 0.8 && !grip; y += 0.05) {
      await page.mouse.move(box.x + box.width / 2, box.y + y * box.height);
      await page.waitForTimeout(300);
      const label = await page.locator(".tooltip").innerText().catch(() => "");
      if (/arm|shoulder|wrist/.test(label)) grip = [box.x + box.width / 2, box.y + y * box.height];
    }
    expect(grip).toBeDefined();
    await page.keyboard.down("Control");
    await page.mouse.move(...grip!);
    await page.mouse.down();
    await page.mouse.move(grip![0] + 60, grip![1] - 30, { steps: 4 });
    await until(() => peer.drags.length >= 2);
    await page.mouse.up();
    await page.keyboard.up("Control");
    await until(() => peer.drags.at(-1)!.body === "");
    const pulls = peer.drags.filter((drag) => drag.body !== "");
    expect(pulls[0]!.body).toMatch(/ur3e/);
    const moved = (drag: (typeof pulls)[0]) => Math.hypot(drag.target!.x - pulls[0]!.target!.x, drag.target!.y - pulls[0]!.target!.y, drag.target!.z - pulls[0]!.target!.z);
    expect(moved(pulls.at(-1)!)).toBeGreaterThan(0.02);
    expect(pulls.at(-1)!.point).toEqual(pulls[0]!.point);
  });

  it("pauses with Space, steps with the full stop, and draws nothing new while paused", async () => {
    const before = peer.commands.length;
    await page.locator(".canvas3d").click({ position: { x: 30, y: 300 } });
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Play", exact: true }).waitFor();
    const shownAt = await textOf(".time-now");
    await page.keyboard.press(".");
    await until(async () => (await textOf(".time-now")) !== shownAt);
    await page.keyboard.press("Shift+ArrowRight");
    await until(() => commandsSince(before).length === 3);
    expect(peer.commands.slice(before)).toEqual([
      { case: "mode", value: ClockMode.PAUSED },
      { case: "step", value: 1 },
      { case: "step", value: 10 },
    ]);
    await page.waitForTimeout(600);
    const still = await page.locator(".viewport").screenshot();
    expect((await page.locator(".viewport").screenshot()).equals(still)).toBe(true);
  });

  it("moves in time by the scrub bar, and the picture follows", async () => {
    const before = await page.locator(".viewport").screenshot();
    const bar = (await page.locator(".scrub").boundingBox())!;
    await page.mouse.click(bar.x + bar.width * 0.75, bar.y + bar.height / 2);
    await until(async () => (await textOf(".time-now")).startsWith("0:4"));
    expect(peer.commands.at(-1)!.case).toBe("seek");
    await page.waitForTimeout(400);
    expect((await page.locator(".viewport").screenshot()).equals(before)).toBe(false);
  });

  it("changes speed and plays on", async () => {
    await page.getByLabel("Speed").selectOption("2");
    await until(() => peer.speed === 2);
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await until(() => peer.mode === ClockMode.REAL_TIME);
    await page.getByLabel("Speed").selectOption("max");
    await until(() => peer.mode === ClockMode.FREE_RUN);
    await page.getByLabel("Speed").selectOption("1");
    await until(() => peer.mode === ClockMode.REAL_TIME && peer.speed === 1);
    await page.getByRole("button", { name: "To the beginning" }).click();
    await until(async () => (await textOf(".time-now")).startsWith("0:0"));
  });

  it("selects a body by a click in the view, and clears the selection with Escape", async () => {
    const box = (await page.locator(".canvas3d").boundingBox())!;
    await page.keyboard.press("h");
    await page.waitForTimeout(900);
    await page.mouse.click(box.x + box.width / 2, box.y + box.height * 0.6);
    await page.locator(".properties-head .chip", { hasText: "body" }).waitFor();
    expect(await page.locator('.tree-row[aria-selected="true"]').count()).toBe(1);
    await page.keyboard.press("Escape");
    await page.locator(".properties-head .chip", { hasText: "scene" }).waitFor();
  });

  it("shows a joint with its limits and moving state", async () => {
    await treeRow("shoulder_lift").click();
    const panel = page.locator(".properties-panel");
    await panel.getByText("revolute joint").waitFor();
    expect(await panel.innerText()).toMatch(/−6\.283 … 6\.283\srad/);
    const first = await panel.locator("dd.live").first().innerText();
    await until(async () => (await panel.locator("dd.live").first().innerText()) !== first);
    await panel.getByRole("button", { name: "upper_arm" }).click();
    await panel.locator(".chip", { hasText: "body" }).waitFor();
    expect(await panel.innerText()).toContain("1.07");
  });

  it("filters the tree from the keyboard", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("payload");
    await until(async () => (await page.getByRole("treeitem").count()) === 4);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("treeitem").count()).toBeGreaterThan(15);
  });

  it("walks the tree with arrow keys, opens a joint and plots a channel with Space", async () => {
    const paused = peer.commands.length;
    await treeRow("elbow").click();
    await page.locator(".tree").focus();
    for (const key of ["ArrowRight", "ArrowDown", "ArrowDown", "Space"]) await page.keyboard.press(key);
    await until(async () => (await page.locator(".chart").count()) === 7);
    expect(await page.locator(".chart-title").last().innerText()).toBe("elbow velocity");
    expect(peer.commands.length).toBe(paused);
    expect(await page.locator(".plot-check:checked").count()).toBeGreaterThanOrEqual(1);
  });

  it("takes a channel dragged onto a chart into it", async () => {
    await treeRow("effort").dragTo(page.locator(".chart").last());
    await until(async () => (await page.locator(".chart-title").last().innerText()) === "elbow velocity, elbow effort");
  });

  it("exports the plotted samples as CSV", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    const lines = readFileSync((await download.path())!, "utf8").trim().split("\n");
    const header = lines[0]!.split(",");
    expect(header.slice(0, 3)).toEqual(["time [s]", "torque/shoulder_pan measured [N.m]", "torque/shoulder_pan predicted [N.m]"]);
    expect(header).toContain("/cell/ur3e/joints/elbow#velocity".replace("#", " ") + " [rad/s]");
    expect(lines.length).toBeGreaterThan(20);
    const [, measured, predicted, residual] = lines[5]!.split(",").map(Number);
    expect(measured! - predicted!).toBeCloseTo(residual!, 12);
  });

  it("lists the fixed joints with their error and load", async () => {
    await page.getByRole("tab", { name: /Fixed joints/ }).click();
    await page.getByText("All fixed joints hold exactly").waitFor();
    const row = page.locator('tr[data-joint="/cell/joints/fence_to_floor"]');
    await until(async () => (await row.innerText()).includes("indeterminate"));
    await row.getByRole("button").click();
    await page.locator(".properties-panel").getByText("fixed joint", { exact: true }).waitFor();
  });

  it("shows the report with what is out of bounds", async () => {
    await page.getByRole("tab", { name: /Report/ }).click();
    await page.getByText("2 of 3 bounds kept, 6 figures reported only").waitFor();
    expect(await page.locator("#panel-report .bad-row").innerText()).toContain("0.00052");
  });

  it("shows log entries of the twin and counts the problems", async () => {
    peer.log(Log_Level.WARNING, "joint 4 is near its limit");
    await page.getByRole("tab", { name: /Log/ }).click();
    await page.getByText("joint 4 is near its limit").waitFor();
    await until(async () => (await textOf("#tab-log .badge")) === "1");
  });

  it("shows its keys on ? and gives the focus back on Escape", async () => {
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });

  it("reaches every area with the Tab key", async () => {
    await page.locator("body").click({ position: { x: 640, y: 20 } });
    const areas = new Set<string>();
    for (let i = 0; i < 60; ++i) {
      await page.keyboard.press("Tab");
      areas.add(await page.evaluate(() => document.activeElement?.closest("header, aside, main, .dock, footer")?.className.split(" ")[0] ?? ""));
    }
    for (const area of ["topbar", "left", "viewport", "right", "dock", "bottom"]) expect(areas).toContain(area);
  });
});

describe("when the twin misbehaves, the studio", () => {
  it("lives through rubbish and says so in the log", async () => {
    // again and again: a state that a newer one has replaced before it was drawn is never decoded
    const seen = (text: RegExp) => page.getByText(text).first().isVisible();
    await until(async () => {
      peer.sendRubbish();
      return (await seen(/unreadable message from the server/)) && (await seen(/\/tf cannot be read/));
    }, 90_000);
    expect(await page.locator(".pill").getAttribute("data-state")).toBe("live");
  });

  it("draws only the newest state of a flood and stays usable", async () => {
    const start = Date.now();
    peer.flood(400);
    const arrived = peer.now;
    await until(async () => {
      const [minutes, seconds] = (await textOf(".time-now")).split(":").map(Number);
      return minutes! * 60 + seconds! >= Number(arrived - 1_700_000_000_000_000_000n) * 1e-9 - 0.3;
    });
    await treeRow("pedestal").click();
    await page.locator(".properties-head h2", { hasText: "pedestal" }).waitFor();
    expect(Date.now() - start).toBeLessThan(8000);
  });

  it("notices a twin that runs and sends nothing", async () => {
    peer.isMute = true;
    await page.locator('.pill[data-state="stalled"]').waitFor();
    peer.isMute = false;
    await page.locator('.pill[data-state="live"]').waitFor();
  });

  it("tells clearly that the twin is gone, and connects by itself when it is back as another session", async () => {
    // a busy page meets the last clock and the end between two frames
    const busy = page.evaluate(() => {
      for (const end = performance.now() + 500; performance.now() < end; );
    });
    await new Promise((done) => setTimeout(done, 100));
    await peer.stop();
    await busy;
    await page.getByRole("heading", { name: "The twin is gone" }).waitFor();
    expect(await textOf(".banner")).toMatch(/Its last data came \d+ s ago/);
    expect(await page.getByRole("button", { name: "Pause" }).isDisabled()).toBe(true);
    peer.sessionId = "peer-2";
    await peer.start(port);
    await page.locator('.pill[data-state="live"]').waitFor({ timeout: 90_000 });
    expect(await page.locator(".banner").isHidden()).toBe(true);
    await page.locator(".properties-head .chip", { hasText: "scene" }).waitFor();
    await treeRow("pedestal").waitFor();
  });

  it("connects again when the connection is cut without a word", async () => {
    peer.dropAll();
    await page.locator('.pill:not([data-state="live"])').waitFor();
    await page.locator('.pill[data-state="live"]').waitFor({ timeout: 90_000 });
    expect(await page.getByRole("treeitem").count()).toBeGreaterThan(15);
  });

  it("has raised no error of its own in all this", () => {
    expect(problems.filter((words) => !words.includes("WebSocket connection to"))).toEqual([]);
  });
});
