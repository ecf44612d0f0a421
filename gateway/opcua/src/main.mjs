// Geoul's OPC UA gateway: started, watched and ended by the twin (geoul/link/opcua/gateway.h), which speaks with it over
// file descriptor 3. It ends when that stream ends, so that it never outlives the twin. Standard output and error are
// log lines. Messages: docs/notes/link_opcua.md.
import "./node18.mjs";
import { createRequire } from "node:module";
import { Channel, PROTOCOL, word } from "./frames.mjs";

const FD = 3;
let role = null; // a plant's client or the twin's server, loaded when first asked for: each takes a second to load

function version(name) {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}

let ending = false;
async function end(code) {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(code), 1500).unref(); // a plant that does not answer must not hold us
  try {
    await role?.close();
  } finally {
    process.exit(code);
  }
}

const kinds = { connect: "client", serve: "server" };
let loading = null; // a promise while a role is being loaded: messages wait for it, in their order

async function handle(message) {
  switch (message.type) {
    case "ping": return channel.send({ type: "pong", n: message.n });
    case "stop": return end(0);
    default:
  }
  if (loading) await loading;
  if (!role) {
    const kind = kinds[message.type];
    if (!kind) throw new Error(`'${message.type}' before 'connect' or 'serve'`);
    // Where a package is missing or does not suit this Node.js, nothing can be done here: the twin tells the reason.
    loading = import(`./${kind}.mjs`).then((module) => { role = new module.Role(channel); }, (error) => {
      console.error(`Error: the packages of the gateway cannot be loaded by Node.js ${process.version}: ${error.message}`);
      return end(1);
    });
    await loading;
    loading = null;
  }
  return role.handle(message);
}

function onMessage(message) {
  handle(message).catch((error) => {
    if (Number.isInteger(message.id)) {
      channel.send({ type: "reply", id: message.id, ok: false, code: "internal", error: word(error.message) });
    } else {
      console.error(`message '${message.type}': ${error.stack}`);
    }
  });
}

const channel = new Channel(FD, onMessage, () => end(0));
process.on("SIGTERM", () => end(0));
process.on("SIGINT", () => end(0));
// The library may fail in a callback of its own; the connection is then as good as lost, and the twin starts us anew.
process.on("uncaughtException", (error) => {
  console.error(`uncaught: ${error.stack}`);
  end(1);
});
process.on("unhandledRejection", (error) => {
  console.error(`unhandled: ${error?.stack ?? error}`);
  end(1);
});
channel.send({ type: "hello", protocol: PROTOCOL, node: process.version, library: version("node-opcua-client") });
