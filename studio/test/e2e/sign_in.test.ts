// Signing in to a real geoul, in a browser. Left out where build/release/bin/geoul is not built (GEOUL_BINARY names another).

import { spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser, until } from "./browser";
import { binary, root, startTwin } from "./twin";

const PASSWORD = "correct horse battery";

describe.runIf(existsSync(binary))("signing in", () => {
  const folder = mkdtempSync(join(tmpdir(), "geoul-sign-in-"));
  const problems: string[] = [];
  let twin: ChildProcess;
  let browser: Browser;
  let page: Page;

  function user(...words: string[]): void {
    const done = spawnSync(binary, ["user", ...words, "--access", folder], { input: `${PASSWORD}\n`, encoding: "utf8" });
    if (done.status !== 0) throw new Error(done.stderr);
  }
  const dialog = () => page.getByRole("dialog", { name: "Sign in" });
  const play = () => page.locator(".play");
  async function signIn(name: string, password: string): Promise<void> {
    await dialog().getByLabel("Name").fill(name);
    await dialog().getByLabel("Password").fill(password);
    await dialog().getByRole("button", { name: "Sign in" }).click();
  }
  const isLive = () => page.locator('.pill[data-state="live"]').waitFor();

  beforeAll(async () => {
    user("add", "ann", "--role", "operate", "--password-stdin");
    user("add", "vic", "--role", "view", "--password-stdin");
    let url: string;
    ({ twin, url } = await startTwin("sim", join(root, "scenarios/ur3e_cell/cell.usda"), "--access", folder));
    browser = await openBrowser();
    page = await (await browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme: "dark" })).newPage();
    page.on("pageerror", (error) => problems.push(error.message));
    // The browser itself reports refusals of the server, which this test asks for.
    page.on("console", (message) => message.type() === "error" && !/status of 4(01|29)/.test(message.text()) && problems.push(message.text()));
    await page.goto(url);
    await dialog().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    twin?.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("shows nothing of the twin before", async () => {
    expect(await page.getByRole("treeitem").count()).toBe(0);
    await until(async () => (await page.locator(".pill").innerText()) === "Signed out");
    if (process.env.GEOUL_SHOTS) await page.screenshot({ path: `${process.env.GEOUL_SHOTS}/sign-in.png` });
  });

  it("says that a password is wrong, and counts the wait down", async () => {
    await signIn("ann", "a wrong password");
    await page.getByText("The name or the password is wrong.", { exact: true }).waitFor();
    // The wait doubles with every failure: it will soon be long enough for a slow browser to show it.
    const waits = page.getByText(/is wrong\. Again in \d+ s\./);
    for (let i = 0; i < 8 && !(await waits.isVisible()); ++i) {
      await until(async () => dialog().getByRole("button", { name: "Sign in" }).isEnabled());
      await signIn("ann", "a wrong password");
      await page.waitForTimeout(700);
    }
    expect(await waits.isVisible()).toBe(true);
    expect(await dialog().getByRole("button", { name: "Sign in" }).isDisabled()).toBe(true);
    if (process.env.GEOUL_SHOTS) await page.screenshot({ path: `${process.env.GEOUL_SHOTS}/wait.png` });
    await until(async () => !(await dialog().getByRole("button", { name: "Sign in" }).isDisabled()));
  });

  it("lets who may operate steer", async () => {
    await signIn("ann", PASSWORD);
    await isLive();
    expect(await dialog().isVisible()).toBe(false);
    expect(await page.locator(".who").innerText()).toBe("ann · operate");
    await until(async () => play().isEnabled());
    const label = await play().getAttribute("aria-label");
    await play().click();
    await until(async () => (await play().getAttribute("aria-label")) !== label);
    if (process.env.GEOUL_SHOTS) await page.screenshot({ path: `${process.env.GEOUL_SHOTS}/operate.png` });
  });

  it("stays signed in when the page is loaded again", async () => {
    await page.reload();
    await isLive();
    expect(await page.locator(".who").innerText()).toBe("ann · operate");
  });

  it("signs out", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await dialog().waitFor();
    await page.reload();
    await dialog().waitFor();
  });

  it("lets who may only view see, and says which role is needed", async () => {
    await signIn("vic", PASSWORD);
    await isLive();
    await until(async () => (await page.getByRole("treeitem").count()) > 8);
    expect(await play().isDisabled()).toBe(true);
    expect(await play().getAttribute("title")).toContain("needs the role operate, you have view");
    expect(await page.getByRole("button", { name: /Pull bodies/ }).isDisabled()).toBe(true);
    if (process.env.GEOUL_SHOTS) await page.screenshot({ path: `${process.env.GEOUL_SHOTS}/view.png` });
  });

  it("is shown the door when the user is removed", async () => {
    user("remove", "vic");
    await dialog().waitFor();
  });

  it("raises no error of its own", () => expect(problems).toEqual([]));
});
