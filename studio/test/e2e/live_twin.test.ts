// The studio on a live plant: real broker, real plant process, real twin. Left out where geoul is not built.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser, until } from "./browser";
import { binary, printed, root, startTwin } from "./twin";

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await gone;
}

describe.runIf(existsSync(binary))("the studio on a live plant", () => {
  const folder = mkdtempSync(join(tmpdir(), "geoul_live_"));
  const problems: string[] = [];
  let words: string; // of the link
  let plant: ChildProcess;
  let twin: ChildProcess;
  let browser: Browser;
  let page: Page;

  const link = () => page.locator('tr[data-link="rtde"]');
  const isLive = async () => (await page.getByRole("button", { name: "Live", exact: true }).getAttribute("aria-pressed")) === "true";

  beforeAll(async () => {
    plant = spawn(join(root, "tools/plant"), ["mqtt"], { cwd: root });
    words = (await printed(plant, /^rtde=.*$/m))[0];
    let url: string;
    ({ twin, url } = await startTwin("run", "scenarios/ur3e_cell/site.yaml", "--link", words, "--history", join(folder, "history"), "--no-record"));
    browser = await openBrowser();
    page = await (await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" })).newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(url);
    await page.locator('.pill[data-state="live"]').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await end(twin);
    await end(plant);
    rmSync(folder, { recursive: true });
  });

  it("shows that the link is live, with rate, age and clock", async () => {
    await page.getByRole("tab", { name: /Links/ }).click();
    await link().waitFor();
    await until(async () => /Live/.test(await link().innerText()));
    await until(async () => Number((await link().locator("td").nth(2).innerText()).replace(/[^\d.]/g, "")) > 500); // 40 signals at 25 Hz
    await page.getByText("All links deliver").waitFor();
    expect(await isLive()).toBe(true);
  });

  it("moves into the past while the plant goes on, and back to it", async () => {
    const time = () => page.locator(".time-now").innerText();
    await until(async () => /0:0[3-9]|0:[1-9]/.test(await time()));
    const scrub = page.locator(".scrub");
    const box = (await scrub.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.3, box.y + box.height / 2);
    await until(async () => !(await isLive()));
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Play", exact: true }).waitFor();
    const then = await time();
    await page.waitForTimeout(500);
    expect(await time()).toBe(then);
    const updates = async () => Number((await link().locator("td").nth(3).innerText()).replace(/[^\d.]/g, ""));
    expect(await updates()).toBeLessThan(2); // the age of the newest update: the plant is still heard
    await page.getByRole("button", { name: "Live", exact: true }).click();
    await until(isLive);
    await until(async () => (await time()) !== then);
  });

  it("says in one line what is wrong when the plant goes away, and marks it on the time line", async () => {
    execFileSync("pkill", ["-TERM", "-P", String(plant.pid), "mosquitto"]);
    await until(async () => /Waiting|Connecting/.test(await link().innerText()));
    await until(async () => (await page.locator(".summary.bad").count()) > 0);
    expect((await link().locator("td").last().innerText()).length).toBeGreaterThan(10);
    await until(async () => (await page.locator(".live-button").innerText()) === "Link lost");
    expect(await page.locator(".live-button").getAttribute("data-link")).toBe("lost");
    await until(async () => (await page.locator(".mark.event.bad").count()) > 0);
    await page.locator(".mark.event.bad").last().click();
    await until(async () => /link\/rtde: ./.test(await page.locator(".event-words").innerText()));
  });

  it("shows the recording of the run before, from its beginning, where no plant is", async () => {
    await end(twin);
    let url: string;
    ({ twin, url } = await startTwin("run", "scenarios/ur3e_cell/site.yaml", "--link", words.replace(/:\d+,/, ":9,"), "--history", join(folder, "history"), "--no-record"));
    await page.goto(url);
    await page.locator('.pill[data-state="live"]').waitFor();
    await until(async () => (await page.locator(".mark.event.bad").count()) > 0); // of the run before
    const now = () => page.locator(".time-now").innerText();
    await page.getByRole("button", { name: "To the beginning" }).click();
    await until(async () => /^0(:00)*[.:]0/.test(await now()));
    await until(async () => (await page.locator(".live-button").getAttribute("aria-pressed")) === "false");
    const before = await now();
    const play = page.getByRole("button", { name: "Play", exact: true });
    if ((await play.count()) > 0) await play.click();
    await until(async () => (await now()) !== before); // the past goes on, row by row
  });

  it("raises no error of its own", () => expect(problems).toEqual([]));
});
