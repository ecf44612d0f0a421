// The twin as an OPC UA server. On loopback anybody may read, without a name and without encryption; on any other address
// messages are signed or encrypted, clients need a certificate that a person has trusted, and users a password, which the
// twin judges. Nothing can be written: what acts on the plant goes through the twin's own policy.
import net from "node:net";
import { DataType, MessageSecurityMode, SecurityPolicy, StatusCodes } from "node-opcua-client";
import { nodesets } from "node-opcua-nodesets";
import { MonitoredItem, OPCUAServer } from "node-opcua-server";
import { word } from "./frames.mjs";
import { publish, TwinSpace } from "./robotics.mjs";
import { distrust, openStore } from "./security.mjs";

const LOGIN_PATIENCE_MS = 10_000;
const STATE_PERIOD_MS = 10; // the twin tells its state this often
const LOOPBACK = /^(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost|::1)$/;

// Why this address cannot be listened at, in one line; null where it can. Asked first: loading the nodesets takes seconds.
function cannotListen(host, port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", (error) => resolve(error.code === "EADDRINUSE"
      ? `port ${port} of ${host} is in use; end what uses it, or take another port`
      : `${host}:${port} cannot be listened at (${error.code}); take an address of this machine and a port above 1023`));
    probe.listen(port, host, () => probe.close(() => resolve(null)));
  });
}

export class Role {
  #channel;
  #server = null;
  #space = null;
  #logins = new Map(); // id -> callback
  #lastLogin = 0;
  #sessions = -1;
  #timer = null;

  constructor(channel) {
    this.#channel = channel;
  }

  async handle(message) {
    switch (message.type) {
      case "serve": return this.#serve(message);
      case "values": return this.#publish(message);
      case "verdict": return this.#verdict(message);
      default: throw new Error(`unknown message '${message.type}'`);
    }
  }

  async #serve(message) {
    const { host, port, description, state_folder: folder } = message;
    const local = LOOPBACK.test(host);
    const busy = await cannotListen(host, port);
    if (busy) return this.#refuse(message, busy);
    const any = host === "0.0.0.0" || host === "::";
    const isAddress = /^[0-9.]+$|:/.test(host);
    const names = { dns: isAddress ? [] : [host], ip: isAddress && !any ? [host] : [] };
    const store = await openStore(folder, "server", names, { watched: true });
    const modes = [MessageSecurityMode.SignAndEncrypt, MessageSecurityMode.Sign];
    const policies = [SecurityPolicy.Aes256_Sha256_RsaPss, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep];
    if (local) modes.push(MessageSecurityMode.None), policies.push(SecurityPolicy.None);
    MonitoredItem.minimumSamplingInterval = STATE_PERIOD_MS; // the library looks 20 times a second at most
    const server = new OPCUAServer({
      host, ...(any ? {} : { hostname: host }), port, securityModes: modes, securityPolicies: policies, allowAnonymous: local,
      nodeset_filename: [nodesets.standard, nodesets.di, nodesets.ia, nodesets.machinery, nodesets.robotics],
      serverCertificateManager: store.manager, certificateFile: store.certificateFile, privateKeyFile: store.privateKeyFile,
      serverInfo: { applicationUri: store.applicationUri, productUri: "urn:geoul", applicationName: { text: "Geoul" } },
      buildInfo: { productName: "Geoul", productUri: "urn:geoul", manufacturerName: "Geoul", softwareVersion: message.version },
      userManager: { isValidUserAsync: (user, password, done) => this.#login(user, password, done) },
      maxConnectionsPerEndpoint: 100,
      serverCapabilities: { minSupportedSampleRate: STATE_PERIOD_MS, maxSessions: 50, maxSubscriptions: 200, maxMonitoredItems: 100_000 },
    });
    this.#server = server;
    this.#watchStrangers(store);
    try {
      await server.initialize();
      this.#space = new TwinSpace(server.engine.addressSpace, description);
      await server.start();
    } catch (error) {
      await server.shutdown(0).catch(() => {});
      this.#server = null;
      return this.#refuse(message, String(error?.stack ?? error));
    }
    this.#timer = setInterval(() => this.#countSessions(), 500);
    const url = `opc.tcp://${host}:${server.endpoints[0].port}`;
    this.#channel.send({ type: "reply", id: message.id, ok: true, url,
      namespaces: server.engine.addressSpace.getNamespaceArray().map((n) => n.namespaceUri) });
  }

  #refuse(message, text) {
    this.#channel.send({ type: "reply", id: message.id, ok: false, code: "unavailable", error: word(text) });
  }

  // A client whose certificate is not trusted, or out of its time (which the library alone would let pass with a warning),
  // is refused, and the twin told what a person can do.
  #watchStrangers(store) {
    const check = store.manager.checkCertificate.bind(store.manager);
    store.manager.checkCertificate = async (certificates, callback) => {
      let status = await check(certificates);
      if (!status.isGood()) {
        status = StatusCodes.BadSecurityChecksFailed;
        const first = Array.isArray(certificates) ? certificates[0] : certificates;
        const text = await distrust(store, first, "a client");
        if (text) this.#channel.send({ type: "problem", text: word(text), signals: [] });
      }
      callback?.(null, status);
      return status;
    };
  }

  #countSessions() {
    const count = this.#server.currentSessionCount;
    if (count === this.#sessions) return;
    this.#sessions = count;
    this.#channel.send({ type: "sessions", count });
  }

  #login(user, password, done) {
    if (user.length > 1000 || password.length > 1000) return done(null, false); // a stranger's word must fit into a message
    const id = ++this.#lastLogin;
    this.#logins.set(id, done);
    this.#channel.send({ type: "login", id, user, password });
    setTimeout(() => this.#verdict({ id, accepted: false }), LOGIN_PATIENCE_MS).unref();
  }

  #verdict({ id, accepted }) {
    const done = this.#logins.get(id);
    this.#logins.delete(id);
    done?.(null, accepted === true);
  }

  // {time: nanoseconds as text, axes: [[position, speed, acceleration, grade]], overrides, temperatures: [value],
  //  safety: [[mode, emergency, protective]], variables: [[value, grade]]}; a list may be left out.
  #publish(values) {
    const space = this.#space;
    if (!space) return;
    const ns = BigInt(values.time);
    const time = { date: new Date(Number(ns / 1_000_000n)), picoseconds: Number(ns % 1_000_000n) * 1000 };
    values.axes?.forEach(([position, speed, acceleration, grade], i) => {
      const axis = space.axes[i];
      publish(axis.position, DataType.Double, position, grade, time);
      publish(axis.speed, DataType.Double, speed, grade, time);
      publish(axis.acceleration, DataType.Double, acceleration, grade, time);
    });
    values.overrides?.forEach((value, i) => publish(space.overrides[i], DataType.Double, value, 0, time));
    values.temperatures?.forEach((value, i) => publish(space.temperatures[i], DataType.Double, value, 0, time));
    values.safety?.forEach(([mode, emergency, protective], i) => {
      const state = space.safety[i];
      publish(state.mode, DataType.Int32, mode, 0, time);
      publish(state.emergency, DataType.Boolean, emergency, 0, time);
      publish(state.protective, DataType.Boolean, protective, 0, time);
    });
    values.variables?.forEach(([value, grade], i) => publish(space.variables[i], DataType.Double, value, grade, time));
  }

  async close() {
    clearInterval(this.#timer);
    await this.#server?.shutdown(200);
  }
}
