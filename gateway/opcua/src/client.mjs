// The gateway's side of one plant: connects once when asked, subscribes, and tells the twin what comes. When the
// connection is lost it says so and waits for the next 'connect': the twin decides when (with back-off), and every
// connection starts from nothing, so that no half-alive session is ever believed.
import { ClientMonitoredItemGroup, ClientSubscription, MessageSecurityMode, OPCUAClient, SecurityPolicy,
  TimestampsToReturn, UserTokenType, AttributeIds, constructEventFilter } from "node-opcua-client";
import { explain } from "./explain.mjs";
import { word } from "./frames.mjs";
import { resolveNames } from "./names.mjs";
import { distrust, fileThumbprint, openStore } from "./security.mjs";
import * as services from "./services.mjs";
import { encodeVariant, KIND, overflowed, quality, timeText } from "./values.mjs";

const PATIENCE_MS = 10_000; // for one answer of the plant
const KEEP_ALIVE_MS = 1000; // the plant says at least this often that it lives
const SILENCE_MS = 6000; // without a word: the connection is lost
const LOOK_AGAIN_MS = 10_000; // for signals that the plant does not have yet
const ITEMS_A_CALL = 200;
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024; // that the twin may leave unread before updates are dropped and counted
const MAX_BATCH = 1024 * 1024; // characters of updates in one frame
const EVENT_FIELDS = ["EventType", "SourceName", "Time", "Message", "Severity"];
const VARIABLE = 2; // NodeClass
const BAD = 2; // quality

class Distrust extends Error {}

export class Role {
  #channel;
  #connection = null; // the newest

  constructor(channel) {
    this.#channel = channel;
  }

  async handle(message) {
    if (message.type === "connect") {
      await this.#connection?.close();
      this.#connection = new Connection(this.#channel, message);
      return this.#connection.open();
    }
    const connection = this.#connection;
    const reply = (fields) => this.#channel.sendText(`{"type":"reply","id":${message.id},${fields}}`);
    if (!connection?.session) {
      return reply('"ok":false,"code":"unavailable","error":"the plant is not connected"');
    }
    try {
      return reply(`"ok":true,${await services.serve(connection, message)}`);
    } catch (error) {
      const code = error instanceof services.Refusal ? error.code : "unavailable";
      const text = error instanceof services.Refusal ? error.message : explain(error, connection.target);
      return reply(`"ok":false,"code":"${code}","error":${JSON.stringify(word(text))}`);
    }
  }

  async close() {
    await this.#connection?.close();
  }
}

class Connection {
  session = null;
  namespaces = [];
  target; // for explanations: {url, user, certificateFile, print}
  nodes = new Map(); // name -> {nodeId, indexRange, dataType}, of writes
  #channel;
  #options;
  #client = null;
  #store = null;
  #subscription = null;
  #watch = null;
  #lookAgain = null;
  #heard = 0; // [ms] when the plant last said anything
  #done = false;
  #pending = []; // JSON texts of updates, sent together at the end of the turn
  #lost = 0;
  #typeNames = new Map();

  constructor(channel, options) {
    this.#channel = channel;
    this.#options = options;
    this.target = { url: options.url, user: options.user, certificateFile: "", print: "" };
  }

  async open() {
    try {
      await this.#connect();
      if (this.#done) return;
      await this.#subscribe();
    } catch (error) {
      this.#down(error instanceof Distrust ? error.message : explain(error, this.target));
    }
  }

  #clientOptions(extra) {
    return {
      applicationName: "Geoul", applicationUri: this.#store.applicationUri, clientName: `geoul ${this.#options.link}`,
      certificateFile: this.#store.certificateFile, privateKeyFile: this.#store.privateKeyFile,
      clientCertificateManager: this.#store.manager, endpointMustExist: false, keepSessionAlive: true,
      connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 1000 }, transportTimeout: PATIENCE_MS,
      defaultTransactionTimeout: PATIENCE_MS, requestedSessionTimeout: 60_000, ...extra,
    };
  }

  // The endpoint of the plant that is asked for, after a look at its certificate.
  async #findEndpoint(mode, policy) {
    const probe = OPCUAClient.create(this.#clientOptions({ securityMode: MessageSecurityMode.None, securityPolicy: SecurityPolicy.None }));
    let endpoints;
    try {
      await probe.connect(this.#options.url);
      endpoints = await probe.getEndpoints();
    } finally {
      await probe.disconnect().catch(() => {});
    }
    const endpoint = endpoints.find((e) => e.securityMode === mode && e.securityPolicyUri === policy &&
      e.endpointUrl?.startsWith("opc.tcp"));
    if (!endpoint) {
      const offered = [...new Set(endpoints.map((e) => `${MessageSecurityMode[e.securityMode]} ${e.securityPolicyUri?.split("#")[1]}`))];
      throw new Distrust(`the plant does not offer ${MessageSecurityMode[mode]} ${policy.split("#")[1]}; it offers ${offered.join(", ")}: ` +
        "set security to one of these, or set the plant up for it");
    }
    return endpoint;
  }

  #checkPassword(endpoint) {
    const tokens = (endpoint.userIdentityTokens ?? []).filter((t) => t.tokenType === UserTokenType.UserName);
    if (tokens.length === 0) throw new Distrust("the plant knows no users with passwords at this endpoint; leave user out");
    const clear = tokens.every((t) => (t.securityPolicyUri || endpoint.securityPolicyUri) === SecurityPolicy.None);
    if (clear && endpoint.securityMode !== MessageSecurityMode.SignAndEncrypt) {
      throw new Distrust("the password would cross the network in clear text, and is not sent; set security to sign_and_encrypt");
    }
  }

  async #connect() {
    const o = this.#options;
    this.#store = await openStore(o.state_folder, "client", { dns: [], ip: [] });
    this.target.certificateFile = this.#store.certificateFile;
    this.target.print = fileThumbprint(this.#store.certificateFile);
    const mode = MessageSecurityMode[o.security_mode];
    const policy = SecurityPolicy[o.security_policy];
    const extra = { securityMode: mode, securityPolicy: policy };
    if (mode !== MessageSecurityMode.None || o.user) {
      const endpoint = await this.#findEndpoint(mode, policy);
      const problem = await distrust(this.#store, endpoint.serverCertificate, `the server ${o.url}`);
      if (problem) throw new Distrust(problem);
      if (o.user) this.#checkPassword(endpoint);
      extra.serverCertificate = endpoint.serverCertificate;
    }
    this.#client = OPCUAClient.create(this.#clientOptions(extra));
    this.#client.on("connection_lost", () => this.#down(explain("connection lost", this.target)));
    this.#client.on("close", () => this.#down(explain("connection closed", this.target)));
    await this.#client.connect(o.url);
    const identity = o.user ? { type: UserTokenType.UserName, userName: o.user, password: o.password } : { type: UserTokenType.Anonymous };
    const session = await this.#client.createSession(identity);
    session.on("session_closed", () => this.#down(explain("the session was closed", this.target)));
    this.namespaces = await session.readNamespaceArray();
    this.session = session;
  }

  async #subscribe() {
    const o = this.#options;
    const beat = Math.max(1, Math.round(KEEP_ALIVE_MS / o.publishing_interval_ms));
    this.#subscription = ClientSubscription.create(this.session, {
      requestedPublishingInterval: o.publishing_interval_ms, requestedMaxKeepAliveCount: beat,
      requestedLifetimeCount: 20 * beat, maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 10 });
    const started = new Promise((resolve, reject) => {
      this.#subscription.on("started", resolve);
      this.#subscription.on("internal_error", reject);
      this.#subscription.on("terminated", () => reject(new Error("the plant ended the subscription")));
    });
    started.catch((error) => this.#down(explain(error, this.target)));
    const heard = () => { this.#heard = Date.now(); };
    this.#subscription.on("keepalive", heard);
    this.#subscription.on("received_notifications", heard);
    this.#subscription.on("terminated", () => this.#down("the plant ended the subscription; see the log of its server"));
    this.#subscription.on("status_changed", (status) => {
      if (!status.isGood()) this.#down(`the plant ended the subscription: ${status.name}; see the log of its server`);
    });
    await started;
    heard();
    const silence = Math.max(SILENCE_MS, 3 * this.#subscription.publishingInterval * this.#subscription.maxKeepAliveCount);
    this.#watch = setInterval(() => {
      if (Date.now() - this.#heard > silence) {
        this.#down(`${o.url} has said nothing for ${Math.round(silence / 1000)} s; check the network and the plant's server`);
      }
    }, 500);
    this.#channel.send({ type: "live", peer: o.url, publishing_interval_ms: this.#subscription.publishingInterval });
    await this.#monitor([...o.signals.keys()]);
    await this.#monitorEvents();
  }

  // Subscribes to the signals of these indices; those that the plant does not have are looked for again later.
  async #monitor(indices) {
    const names = indices.map((i) => this.#options.signals[i]);
    const found = await resolveNames(this.session, this.namespaces, names);
    const missing = [], items = new Map();
    found.forEach((node, k) => {
      if (node.nodeId && node.nodeClass !== VARIABLE) node.problem = "is not a variable, so it has no value";
      if (node.problem) missing.push(k);
      else {
        // Once for all signals that live in it. Elements are picked here: not every plant knows index ranges.
        const key = node.nodeId.toString();
        if (!items.has(key)) items.set(key, { nodeId: node.nodeId, targets: [] });
        items.get(key).targets.push({ k, signal: indices[k], element: node.element });
      }
    });
    const all = [...items.values()];
    await this.#tellUnits(all);
    for (let at = 0; at < all.length; at += ITEMS_A_CALL) {
      for (const [{ targets }, status] of await this.#monitorSome(all.slice(at, at + ITEMS_A_CALL))) {
        for (const { k } of targets) {
          found[k].problem = `cannot be subscribed to: ${status.name}`;
          missing.push(k);
        }
      }
    }
    if (missing.length) {
      const [first] = missing;
      const more = missing.length > 1 ? ` (and ${missing.length - 1} more)` : "";
      this.#problem(`signal '${names[first]}' ${found[first].problem}${more}`, missing.map((k) => indices[k]));
      this.#lookAgain = setTimeout(() => {
        this.#monitor(missing.map((k) => indices[k])).catch((error) => this.#down(explain(error, this.target)));
      }, LOOK_AGAIN_MS);
    } else {
      this.#problem("", []);
    }
  }

  // The units that the plant says of these, before their first values: the twin holds them against the site's.
  async #tellUnits(items) {
    for (let at = 0; at < items.length; at += ITEMS_A_CALL) {
      const some = items.slice(at, at + ITEMS_A_CALL);
      const units = await services.readUnits(this.session, some.map(({ nodeId }) => nodeId));
      const said = some.flatMap(({ targets }, k) => targets.map(({ signal }) => [signal, units[k]]));
      if (said.length) this.#channel.send({ type: "units", items: said });
    }
  }

  // [item, status] of each item that the plant refused.
  async #monitorSome(items) {
    const o = this.#options;
    const group = ClientMonitoredItemGroup.create(this.#subscription,
      items.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
      { samplingInterval: o.sampling_interval_ms, queueSize: o.queue_size, discardOldest: true }, TimestampsToReturn.Both);
    group.on("changed", (_item, value, at) => this.#update(items[at].targets, value));
    await new Promise((resolve, reject) => {
      group.on("initialized", resolve);
      group.on("err", (text) => reject(new Error(text)));
    });
    return group.monitoredItems.map((item, at) => [items[at], item.statusCode]).filter(([, status]) => status && !status.isGoodish());
  }

  #update(targets, value) {
    if (this.#pending.length === 0) setImmediate(() => this.#flush());
    if (overflowed(value.statusCode)) ++this.#lost;
    for (const { signal, element } of targets) {
      const [kind, text] = encodeVariant(value.value, element);
      let grade = quality(value.statusCode);
      if (kind === KIND.none && grade !== BAD) {
        grade = BAD;
        this.#problem(`signal '${this.#options.signals[signal]}' holds neither a number, a truth nor text (of at most 65536 ` +
          "characters); name a variable inside it, or one element of an array as NAME[0]", [signal]);
      }
      this.#pending.push(`[${signal},${grade},${kind},${text},${timeText(value.sourceTimestamp, value.sourcePicoseconds)}]`);
    }
  }

  #flush() {
    const pending = this.#pending;
    this.#pending = [];
    if (this.#done) return;
    if (this.#channel.backlog > MAX_BACKLOG_BYTES) {
      this.#lost += pending.length;
      return;
    }
    let some = [], size = 0;
    const send = () => {
      this.#channel.sendText(`{"type":"updates","lost":${this.#lost},"items":[${some.join(",")}]}`);
      this.#lost = 0;
      some = [], size = 0;
    };
    for (const item of pending) {
      some.push(item);
      size += item.length;
      if (size > MAX_BATCH) send();
    }
    if (some.length) send();
  }

  async #monitorEvents() {
    const names = this.#options.events;
    if (names.length === 0) return;
    const found = await resolveNames(this.session, this.namespaces, names);
    for (const [k, node] of found.entries()) {
      if (node.problem) {
        this.#problem(`event source '${names[k]}' ${node.problem}`, []);
        continue;
      }
      const item = await this.#subscription.monitor({ nodeId: node.nodeId, attributeId: AttributeIds.EventNotifier },
        { samplingInterval: 0, queueSize: 1000, discardOldest: true, filter: constructEventFilter(EVENT_FIELDS) },
        TimestampsToReturn.Both);
      item.on("changed", (fields) => this.#event(names[k], fields).catch((error) => console.error(`event: ${error.message}`)));
    }
  }

  async #event(from, [type, source, time, text, severity]) {
    const typeId = type.value?.toString() ?? "";
    if (typeId && !this.#typeNames.has(typeId)) {
      const name = await this.session?.read({ nodeId: type.value, attributeId: AttributeIds.BrowseName });
      this.#typeNames.set(typeId, name?.value?.value?.name ?? typeId);
    }
    const date = time.value instanceof Date ? time.value : null;
    this.#channel.sendText(`{"type":"event","from":${JSON.stringify(from)},"source":${JSON.stringify(word(source.value))},` +
      `"event_type":${JSON.stringify(word(this.#typeNames.get(typeId)))},"time":${timeText(date, date?.picoseconds)},` +
      `"message":${JSON.stringify(word(text.value?.text))},"severity":${severity.value ?? 0}}`);
  }

  #problem(text, signals) {
    this.#channel.send({ type: "problem", text: word(text), signals });
  }

  #down(problem) {
    if (this.#done) return;
    this.#finish().catch(() => {});
    this.#channel.send({ type: "down", problem: word(problem) });
  }

  async #finish() {
    this.#done = true;
    const { session } = this;
    this.session = null;
    clearInterval(this.#watch);
    clearTimeout(this.#lookAgain);
    const patience = new Promise((resolve) => setTimeout(resolve, 1000));
    const parting = (async () => {
      await session?.close(true).catch(() => {});
      await this.#client?.disconnect().catch(() => {});
      await this.#store?.manager.dispose().catch(() => {});
    })();
    await Promise.race([parting, patience]);
  }

  async close() {
    if (!this.#done) await this.#finish();
  }
}
