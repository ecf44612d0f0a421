// The real geoul as a process beside a test. GEOUL_BINARY names another than build/release/bin/geoul.

import { spawn, type ChildProcess } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const binary = process.env.GEOUL_BINARY ?? join(root, "build/release/bin/geoul");

// The first match in what the child prints; fails with all of it where it ends before, or after the time [ms].
export function printed(child: ChildProcess, text: RegExp, patience = 60_000): Promise<RegExpExecArray> {
  return new Promise((found, failed) => {
    let all = "";
    const timer = setTimeout(() => failed(new Error(`no ${text} in:\n${all}`)), patience);
    const look = (chunk: Buffer) => {
      all += chunk.toString();
      const match = text.exec(all);
      if (!match) return;
      clearTimeout(timer);
      found(match);
    };
    child.stdout!.on("data", look);
    child.stderr!.on("data", look);
    child.on("exit", () => {
      clearTimeout(timer);
      failed(new Error(`ended early:\n${all}`));
    });
  });
}

// A twin on a free port, and the address of its studio.
export async function startTwin(...words: string[]): Promise<{ twin: ChildProcess; url: string }> {
  const twin = spawn(binary, [...words, "--port", "0", "--studio", join(root, "studio/dist")], { cwd: root });
  return { twin, url: (await printed(twin, /^open +(\S+)$/m))[1]! };
}
