// The studio against a running geoul, at the address in GEOUL_URL (for example http://127.0.0.1:8765/). Left out without it.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser, until } from "./browser";

const url = process.env.GEOUL_URL;

describe.runIf(url !== undefined)("the studio on a real twin", () => {
  const problems: string[] = [];
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser();
    page = await (await browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme: "dark" })).newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(url!);
    await page.locator('.pill[data-state="live"]').waitFor();
  });
  afterAll(async () => browser?.close());

  it("shows its bodies and joints", async () => {
    await until(async () => (await page.getByRole("treeitem").count()) > 8);
    expect(await page.locator(".scene-name").innerText()).not.toBe("");
  });

  it("finds every fixed joint exact", async () => {
    await page.getByRole("tab", { name: /Fixed joints/ }).click();
    await page.getByText("All fixed joints hold exactly").waitFor();
    expect(await page.locator("tbody tr[data-joint]").count()).toBeGreaterThan(0);
  });

  it("pauses, steps and plays", async () => {
    const time = () => page.locator(".time-now").innerText();
    const isPaused = async () => (await page.getByRole("button", { name: "Play", exact: true }).count()) === 1;
    if (await isPaused()) await page.keyboard.press("Space");
    await until(async () => !(await isPaused()));
    await page.keyboard.press("Space");
    await until(isPaused);
    await page.waitForTimeout(500);
    const before = await time();
    await page.waitForTimeout(500);
    expect(await time()).toBe(before);
    await page.keyboard.press("Shift+ArrowRight");
    await until(async () => (await time()) !== before);
    await page.keyboard.press("Space");
    await until(async () => !(await isPaused()));
  });

  it("raises no error of its own, and reads every topic", async () => {
    expect(problems).toEqual([]);
    expect(await page.getByText(/cannot be read|is not shown|unreadable message/).count()).toBe(0);
  });
});
