// Chromium of the machine, headless with software WebGL, each time with a fresh profile. CHROMIUM names another binary.

import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) throw new Error(`no browser at ${executablePath}: install Debian's chromium or set CHROMIUM`);
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

// Waits until the condition holds; fails with its text after the time [ms].
export async function until(condition: () => boolean | Promise<boolean>, time = 60_000): Promise<void> {
  const end = Date.now() + time;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not come true within ${time} ms: ${condition.toString()}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
