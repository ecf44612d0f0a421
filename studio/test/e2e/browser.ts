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
