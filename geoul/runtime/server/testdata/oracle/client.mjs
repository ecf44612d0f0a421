// node client.mjs URL: the public client of the protocol against a server that offers what server_test.cpp sets up.
// Exit code 0: it found all of it; 1: not (one line says what); 77: the client is not installed.
import assert from "node:assert/strict";
import process from "node:process";

let protocol, socket;
try {
  protocol = await import("@foxglove/ws-protocol");
  socket = await import("ws");
} catch (error) {
  console.log(`skipped: ${error.message.split("\n")[0]}`);
  process.exit(77);
}
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});
setTimeout(() => {
  console.error("no answer within 20 s");
  process.exit(1);
}, 20_000);

const { FoxgloveClient } = protocol.default ?? protocol;
const WebSocket = socket.WebSocket ?? socket.default;
const client = new FoxgloveClient({ ws: new WebSocket(process.argv[2], [FoxgloveClient.SUPPORTED_SUBPROTOCOL]) });
client.on("error", (error) => {
  throw error;
});
const next = (event, wanted = () => true) =>
  new Promise((resolve) => {
    const listener = (value) => {
      if (!wanted(value)) return;
      client.off(event, listener);
      resolve(value);
    };
    client.on(event, listener);
  });
const text = (view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString();

const [info, channels, services] = await Promise.all([
  next("serverInfo"),
  next("advertise", (list) => list.length > 0),
  next("advertiseServices", (list) => list.length > 0),
]);
assert(info.capabilities.includes("services") && info.capabilities.includes("parameters"));
assert.equal(channels[0].topic, "/joints");
assert.equal(channels[0].schemaName, "geoul.JointStates");
assert.equal(Buffer.from(channels[0].schema, "base64").toString(), "abc");
assert.equal(services[0].name, "/clock/control");

const message = next("message");
const subscription = client.subscribe(channels[0].id);
const { subscriptionId, timestamp, data } = await message;
assert.equal(subscriptionId, subscription);
assert.equal(timestamp, 0x1122334455667788n);
assert.equal(text(data), "payload");

const answer = next("serviceCallResponse");
client.sendServiceCallRequest({
  serviceId: services[0].id,
  callId: 7,
  encoding: "protobuf",
  data: new DataView(new TextEncoder().encode("ask").buffer),
});
const response = await answer;
assert.equal(response.callId, 7);
assert.equal(text(response.data), "answer to ask");

const failure = next("serviceCallFailure");
client.sendServiceCallRequest({ serviceId: 99, callId: 8, encoding: "protobuf", data: new DataView(new ArrayBuffer(0)) });
assert.equal((await failure).callId, 8);

const values = next("parameterValues", (event) => event.id === "q");
client.getParameters(["speed"], "q");
assert.deepEqual((await values).parameters, [{ name: "speed", value: 1, type: "float64" }]);
const status = next("status");
client.setParameters([{ name: "none", value: 2 }], "w");
assert.match((await status).message, /none/);
console.log("the public client found what the server offers");
process.exit(0);
