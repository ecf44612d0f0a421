// node mcap_check.mjs FILE [--unfinished]: reads FILE with the public MCAP reader, checking every CRC, and prints what
// it found as one line of JSON. Exit code 0: sound, 1: not, 77: the reader is not installed (npm ci in this folder).
//   --unfinished  the file was never closed: only the streaming reader is asked, and a missing end is right
import { open, readFile } from "node:fs/promises";
import process from "node:process";

let mcap, support, nodejs;
try {
  mcap = await import("@mcap/core");
  support = await import("@mcap/support");
  nodejs = await import("@mcap/nodejs");
} catch (error) {
  console.log(`skipped: ${error.message.split("\n")[0]}; run npm ci in geoul/history/testdata/oracle`);
  process.exit(77);
}

process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});

const [path, mode] = process.argv.slice(2);
const decompressHandlers = await support.loadDecompressHandlers();
const found = { streamed: 0, chunks: 0, attachments: 0, metadata: 0, indexed: 0, ordered: true, topics: [] };

const stream = new mcap.McapStreamReader({ decompressHandlers, validateCrcs: true, includeChunks: true });
stream.append(await readFile(path));
for (let record; (record = stream.nextRecord()); ) {
  if (record.type === "Message") found.streamed += 1;
  if (record.type === "Chunk") found.chunks += 1;
  if (record.type === "Attachment") found.attachments += 1;
  if (record.type === "Metadata") found.metadata += 1;
}
if (mode !== "--unfinished") {
  if (!stream.done()) throw new Error("the file does not end as it should");
  const file = await open(path, "r");
  const reader = await mcap.McapIndexedReader.Initialize({
    readable: new nodejs.FileHandleReadable(file),
    decompressHandlers,
  });
  let last = -1n;
  for await (const message of reader.readMessages({ validateCrcs: true })) {
    found.indexed += 1;
    found.ordered &&= message.logTime >= last;
    last = message.logTime;
  }
  found.topics = [...reader.channelsById.values()].map((channel) => channel.topic).sort();
  found.stated = Number(reader.statistics.messageCount);
  await file.close();
  if (found.indexed !== found.streamed || found.indexed !== found.stated || !found.ordered) {
    throw new Error(`the index, the data and the statistics differ: ${JSON.stringify(found)}`);
  }
}
console.log(JSON.stringify(found));
