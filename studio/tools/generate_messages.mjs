// Generates the TypeScript of every message under geoul/runtime/protocol into src/generated, with one barrel a package
// (src/generated/geoul.ts, src/generated/foxglove.ts). Writes nothing when nothing changed. Needs protoc on the path.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const studio = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const protocol = resolve(process.env.GEOUL_PROTOCOL ?? join(studio, "../geoul/runtime/protocol"));
const out = join(studio, "src/generated");
const plugin = join(studio, "node_modules/.bin/protoc-gen-es");

function fail(message) {
  console.error(`studio: ${message}`);
  process.exit(2);
}

function protoFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return protoFiles(path);
      return entry.name.endsWith(".proto") ? [path] : [];
    })
    .sort();
}

if (!existsSync(protocol)) fail(`no message declarations at ${protocol}`);
if (!existsSync(plugin)) fail("protoc-gen-es is missing: run 'npm ci' in studio/ first");
const files = protoFiles(protocol);
const digest = createHash("sha256");
for (const file of files) digest.update(relative(protocol, file)).update("\0").update(readFileSync(file)).update("\0");
digest.update(readFileSync(fileURLToPath(import.meta.url)));
const stamp = digest.digest("hex");
const stampFile = join(out, ".stamp");
if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) process.exit(0);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const args = [`--plugin=protoc-gen-es=${plugin}`, `-I${protocol}`, `--es_out=${out}`, "--es_opt=target=ts", ...files];
const result = spawnSync("protoc", args, { encoding: "utf8" });
if (result.error) fail("protoc was not found: install Debian's protobuf-compiler");
if (result.status !== 0) fail(`protoc failed:\n${result.stderr}`);

const barrels = new Map();
for (const file of files) {
  const name = /^\s*package\s+([\w.]+)\s*;/m.exec(readFileSync(file, "utf8"))?.[1];
  if (!name) fail(`${file}: no package statement`);
  const module = `./${relative(protocol, file).split(sep).join("/").replace(/\.proto$/, "_pb")}`;
  barrels.set(name, [...(barrels.get(name) ?? []), `export * from "${module}";`]);
}
for (const [name, lines] of barrels) writeFileSync(join(out, `${name}.ts`), `${lines.join("\n")}\n`);
writeFileSync(stampFile, stamp);
