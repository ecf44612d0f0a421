// node sparkplug.mjs CASES.json: each case has the bytes of a payload, as ours wrote them, and what ours reads in them.
// The public implementation must read the same in the bytes, and write the same bytes from it. Exit code 0: it does, 1: it
// does not, 77: it is not installed (npm ci in this folder).
import { readFile } from "node:fs/promises";
import process from "node:process";

let sparkplug;
try {
  sparkplug = (await import("sparkplug-payload")).default.get("spBv1.0");
} catch (error) {
  console.log(`skipped: ${error.message.split("\n")[0]}; run npm ci in geoul/link/mqtt/testdata/oracle`);
  process.exit(77);
}

const number = (value) => (typeof value === "object" && value !== null && "low" in value ? Number(value.toString()) : value);

// A payload as the cases describe it.
function described(payload) {
  return {
    timestamp: number(payload.timestamp),
    seq: number(payload.seq),
    metrics: payload.metrics.map((metric) => ({
      name: metric.name,
      type: metric.type,
      ...(metric.alias == null ? {} : { alias: number(metric.alias) }),
      ...(metric.timestamp == null ? {} : { timestamp: number(metric.timestamp) }),
      ...(metric.isHistorical ? { isHistorical: true } : {}),
      // this implementation reads UInt32 into a signed number
      value: metric.type === "UInt32" && metric.value !== null ? number(metric.value) >>> 0 : number(metric.value),
      ...(metric.properties ? { unit: metric.properties.engUnit.value } : {}),
    })),
  };
}

const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]))
      : value;

const cases = JSON.parse(await readFile(process.argv[2], "utf8"));
for (const [index, { bytes, payload }] of cases.entries()) {
  const buffer = Buffer.from(bytes, "hex");
  const read = JSON.stringify(sorted(described(sparkplug.decodePayload(buffer))));
  const wanted = JSON.stringify(sorted(payload));
  if (read !== wanted) {
    console.log(`case ${index}: reads\n${read}\nours reads\n${wanted}`);
    process.exit(1);
  }
  const written = Buffer.from(
    sparkplug.encodePayload({
      ...payload,
      metrics: payload.metrics.map(({ unit, ...metric }) => ({
        ...metric,
        ...(unit ? { properties: { engUnit: { type: "String", value: unit } } } : {}),
      })),
    }),
  ).toString("hex");
  if (written !== bytes) {
    console.log(`case ${index}: writes\n${written}\nours writes\n${bytes}`);
    process.exit(1);
  }
}
console.log(`${cases.length} payloads read and written the same`);
