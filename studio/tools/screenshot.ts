// Takes screenshots of the built studio: vite-node tools/screenshot.ts OUT_FOLDER [URL]. Without a URL it shows the test peer.

import { openBrowser } from "../test/e2e/browser";
import { Peer } from "../test/peer/peer";

const out = process.argv[2] ?? "/tmp";
const given = process.argv[3];
const peer = new Peer("dist");
const url = given ?? `http://127.0.0.1:${await peer.start()}/`;
const browser = await openBrowser();
for (const [width, height, colorScheme] of [[1440, 900, "dark"], [1280, 720, "light"]] as const) {
  const page = await (await browser.newContext({ viewport: { width, height }, colorScheme })).newPage();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && console.log(message.type(), message.text()));
  page.on("pageerror", (error) => console.log("page error:", error.message));
  await page.goto(url);
  await page.waitForTimeout(6000);
  for (const key of ["c", "x", "w"]) await page.keyboard.press(key);
  for (const tab of ["plots", "fixed", "residuals", "alarms", "advice", "report", "log"]) {
    await page.click(`#tab-${tab}`);
    if (tab === "fixed") await page.getByRole("treeitem").filter({ hasText: "elbow" }).first().click();
    if (tab === "report") await page.getByRole("treeitem").filter({ hasText: "shoulder_pan" }).first().click().catch(() => undefined);
    if (tab === "advice") for (const show of (await page.getByRole("button", { name: "Show" }).all()).slice(0, 2)) await show.click();
    await page.waitForTimeout(900);
    await page.screenshot({ path: `${out}/studio-${width}-${tab}.png` });
  }
}
await browser.close();
await peer.stop();
process.exit(0);
