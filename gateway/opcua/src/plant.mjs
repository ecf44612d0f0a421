#!/usr/bin/env node
// A small OPC UA plant for trying the live link: plays the columns of recordings in CSV as variables, in real time.
//   node gateway/opcua/src/plant.mjs FILE.csv... [--port 4840] [--time timestamp] [--unit s] [--speed 1] [--loop]
//                                    [--columns a,b,c] [--writable w] [--state FOLDER]
// Variables are 'ns=1;s=COLUMN' below Objects/1:Recording; the source time of a value is that of its row, moved to now. On
// loopback only; anybody may read, with or without encryption (the certificate is made at the first use, below --state).
// --writable adds a variable that may be written. Prints 'ready URL THUMBPRINT' when it listens, 'end' when the rows are
// used up without --loop, and ends with its standard input.
// Exit codes: 0 done, 2 the call or the file is wrong.
import "./node18.mjs";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { DataType, DataValue, MessageSecurityMode, SecurityPolicy, StatusCodes } from "node-opcua-client";
import { nodesets } from "node-opcua-nodesets";
import { MonitoredItem, OPCUAServer } from "node-opcua-server";
import { fileThumbprint, openStore } from "./security.mjs";

const say = (text) => process.stdout.write(`${text}\n`);
console.log = console.error; // the library's lines are not ours

const UNITS_S = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

function fail(...lines) {
  console.error(lines.join("\n"));
  process.exit(2);
}

// {columns, rows: [[seconds, ...values]]} with the columns asked for (all others when none are); without quotes in fields.
function readRecording(file, { time, unit, columns }) {
  let text;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    fail(`${file}: ${error.message}`);
  }
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim());
  const header = lines[0]?.split(",").map((name) => name.trim().replace(/^"(.*)"$/, "$1")) ?? [];
  const at = header.indexOf(time);
  if (at < 0) fail(`${file}: no column '${time}'; name the one of time with --time (${header.slice(0, 10).join(", ")}, ...)`);
  const wanted = columns ? columns.split(",") : header.filter((_, i) => i !== at);
  const indices = wanted.map((name) => header.indexOf(name));
  const missing = wanted.find((_, i) => indices[i] < 0);
  if (missing !== undefined) fail(`${file}: no column '${missing}'`);
  const rows = lines.slice(1).map((line, i) => {
    const fields = line.split(",");
    const row = [at, ...indices].map((k) => (fields[k]?.trim() ? Number(fields[k]) : NaN)); // an empty field is no zero
    row[0] *= UNITS_S[unit];
    if (Number.isNaN(row[0])) fail(`${file}:${i + 2}: the time is no number`);
    if (columns && row.some((value) => Number.isNaN(value))) fail(`${file}:${i + 2}: a value is no number`);
    return row;
  });
  if (rows.length < 2) fail(`${file}: fewer than two rows`);
  return { columns: wanted, rows };
}

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function listen(options, columns) {
  const folder = options.state ?? path.join(process.env.XDG_STATE_HOME ?? path.join(os.homedir(), ".local/state"), "geoul/opcua-plant");
  const store = await openStore(folder, "server", { dns: [], ip: ["127.0.0.1"] });
  store.manager.automaticallyAcceptUnknownCertificate = true; // a plant to try with: it lets every client in
  MonitoredItem.minimumSamplingInterval = 1; // the library looks 20 times a second at most: rows come faster
  const server = new OPCUAServer({
    host: "127.0.0.1", hostname: "127.0.0.1", port: Number(options.port) || await freePort(), allowAnonymous: true,
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
    nodeset_filename: [nodesets.standard], serverCertificateManager: store.manager,
    certificateFile: store.certificateFile, privateKeyFile: store.privateKeyFile,
    serverInfo: { applicationUri: store.applicationUri, productUri: "urn:geoul:plant", applicationName: { text: "Geoul plant" } },
    serverCapabilities: { minSupportedSampleRate: 1 },
  });
  await server.initialize();
  const own = server.engine.addressSpace.getOwnNamespace();
  const folderNode = own.addObject({ browseName: "Recording", organizedBy: server.engine.addressSpace.rootFolder.objects });
  const add = (name, writable) => own.addVariable({ browseName: name, componentOf: folderNode, nodeId: `s=${name}`, dataType: "Double",
    accessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead", userAccessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
    minimumSamplingInterval: 0, value: writable ? { dataType: DataType.Double, value: 0 } : undefined });
  const variables = columns.map((name) => add(name, false));
  if (options.writable) add(options.writable, true);
  await server.start();
  say(`ready opc.tcp://127.0.0.1:${server.endpoints[0].port} ${fileThumbprint(store.certificateFile)}`);
  return { server, variables };
}

// Sets all variables of a row at once, with its time (a Unix time in milliseconds, with fraction).
function show(variables, row, milliseconds) {
  const date = new Date(Math.floor(milliseconds));
  const picoseconds = Math.round((milliseconds - Math.floor(milliseconds)) * 1e4) * 1e5; // whole 100 ns
  variables.forEach((variable, i) => {
    const value = row[i + 1];
    variable._internal_set_dataValue(new DataValue({ value: { dataType: DataType.Double, value },
      statusCode: Number.isNaN(value) ? StatusCodes.Bad : StatusCodes.Good,
      sourceTimestamp: date, sourcePicoseconds: picoseconds, serverTimestamp: date, serverPicoseconds: picoseconds }));
  });
}

async function play(variables, rows, options) {
  const speed = Number(options.speed);
  do {
    const begin = performance.timeOrigin + performance.now();
    for (const row of rows) {
      const due = begin + (1e3 * (row[0] - rows[0][0])) / speed;
      const wait = due - (performance.timeOrigin + performance.now());
      if (wait > 0.5) await new Promise((resolve) => setTimeout(resolve, wait));
      show(variables, row, due);
    }
  } while (options.loop);
}

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: {
  port: { type: "string", default: "4840" }, time: { type: "string", default: "timestamp" }, unit: { type: "string", default: "s" },
  speed: { type: "string", default: "1" }, loop: { type: "boolean", default: false }, columns: { type: "string" },
  writable: { type: "string" }, state: { type: "string" } } });
if (positionals.length === 0) fail("name a recording: node gateway/opcua/src/plant.mjs FILE.csv...");
if (!(options.unit in UNITS_S)) fail(`--unit ${options.unit}: write s, ms, us or ns`);
if (!(Number(options.speed) > 0)) fail(`--speed ${options.speed}: write a number above 0`);
const recordings = positionals.map((file) => readRecording(file, options)); // one stream, in this order
const { columns } = recordings[0];
const odd = recordings.findIndex((recording) => recording.columns.join() !== columns.join());
if (odd >= 0) fail(`${positionals[odd]}: its columns differ from those of ${positionals[0]}`);
const rows = recordings.flatMap((recording) => recording.rows);
const { server, variables } = await listen(options, columns);
process.stdin.resume().on("end", async () => {
  await server.shutdown(100);
  process.exit(0);
});
await play(variables, rows, options);
say("end");
