// What the twin asks of a connected plant: write, browse, call a method, read history. Each answers with the JSON text of
// the reply's own fields, or throws Refusal (one line, with the twin's code of errors).
import { AttributeIds, BrowseDirection, DataType, findBasicDataType, StatusCodes, VariantArrayType } from "node-opcua-client";
import { explainWrite } from "./explain.mjs";
import { word } from "./frames.mjs";
import { parsePath, resolveNames } from "./names.mjs";
import { decodeVariant, encodeVariant, isSignalType, KIND, kindOf, quality, timeText } from "./values.mjs";

const NODES_A_CALL = 100;
const MAX_DEPTH = 30;
const SERVER = "ns=0;i=2253"; // the server's own affairs: not the plant's signals
const HIERARCHICAL = "i=33";
const VARIABLE = 2, METHOD = 4; // NodeClass
const CAN_WRITE = 2; // AccessLevel

export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export async function serve(connection, message) {
  switch (message.type) {
    case "write": return write(connection, message);
    case "browse": return browse(connection, message);
    case "call": return call(connection, message);
    case "history": return history(connection, message);
    default: throw new Refusal("internal", `unknown message '${message.type}'`);
  }
}

async function find(connection, name, what) {
  const [node] = await resolveNames(connection.session, connection.namespaces, [name]);
  if (node.problem) throw new Refusal("not-found", `${what} '${name}' ${node.problem}`);
  return node;
}

async function write(connection, { name, kind, value }) {
  let node = connection.nodes.get(name);
  if (!node) {
    node = await find(connection, name, "signal");
    if (node.nodeClass !== VARIABLE) throw new Refusal("unsupported", `signal '${name}' is not a variable`);
    if (node.element !== undefined) {
      // A plant that does not know index ranges would put the one element in place of the whole array.
      throw new Refusal("unsupported", `signal '${name}' is an element of an array, and these are not written`);
    }
    node.dataType = await connection.session.getBuiltInDataType(node.nodeId);
    connection.nodes.set(name, node);
  }
  let variant;
  try {
    variant = decodeVariant(kind, value, node.dataType);
  } catch (error) {
    throw new Refusal("bad-input", `signal '${name}': ${error.message}`);
  }
  const status = await connection.session.write({ nodeId: node.nodeId, attributeId: AttributeIds.Value,
    value: { value: variant } });
  if (!status.isGood()) throw new Refusal("unsupported", `signal '${name}': ${explainWrite(status)}`);
  return '"done":true';
}

// Breadth first over hierarchical references from Objects, each node once. `limit`: of variables.
async function browse(connection, { limit, until_ms }) {
  const { session } = connection;
  const seen = new Set(["ns=0;i=85", SERVER]);
  let level = [{ nodeId: "ns=0;i=85", path: "Objects" }];
  const variables = [];
  let whole = true;
  for (let depth = 0; level.length && depth < MAX_DEPTH && whole; ++depth) {
    const next = [];
    for (let at = 0; at < level.length && whole; at += NODES_A_CALL) {
      const some = level.slice(at, at + NODES_A_CALL);
      const results = await browseAll(session, some.map(({ nodeId }) => nodeId), HIERARCHICAL);
      results.forEach((references, k) => {
        for (const reference of references) {
          const key = reference.nodeId.toString();
          if (seen.has(key)) continue;
          seen.add(key);
          const name = reference.browseName;
          const escaped = name.name.replaceAll(/[&/:{]/g, "&$&");
          const path = `${some[k].path}/${name.namespaceIndex ? `${name.namespaceIndex}:` : ""}${escaped}`;
          const entry = { nodeId: key, path, name: name.name };
          if (reference.nodeClass === VARIABLE) variables.push(entry);
          if (reference.nodeClass !== METHOD) next.push(entry);
        }
      });
      if (variables.length >= limit || Date.now() > until_ms) whole = false;
    }
    level = next;
  }
  variables.length = Math.min(variables.length, limit);
  const offered = [];
  for (let at = 0; at < variables.length; at += NODES_A_CALL) {
    offered.push(...await describe(session, variables.slice(at, at + NODES_A_CALL)));
  }
  return `"whole":${whole},"offered":[${offered.join(",")}]`;
}

async function browseAll(session, nodeIds, referenceTypeId) {
  let results = await session.browse(nodeIds.map((nodeId) => ({ nodeId, referenceTypeId, includeSubtypes: true,
    browseDirection: BrowseDirection.Forward, nodeClassMask: 0, resultMask: 63 })));
  const all = results.map((result) => [...(result.references ?? [])]);
  for (const [k, result] of results.entries()) {
    let point = result.continuationPoint;
    while (point?.length) {
      const more = await session.browseNext(point, false);
      all[k].push(...(more.references ?? []));
      point = more.continuationPoint;
    }
  }
  results = null;
  return all;
}

// What the EngineeringUnits of each variable say, as text; empty where it has none. At most as many as a plant takes in one
// call.
export async function readUnits(session, nodeIds) {
  const properties = await browseAll(session, nodeIds, "i=46"); // HasProperty
  const units = nodeIds.map(() => "");
  const wanted = properties.map((references) => references.find((r) => r.browseName.name === "EngineeringUnits" && r.browseName.namespaceIndex === 0));
  const asked = wanted.map((reference, k) => [k, reference]).filter(([, reference]) => reference);
  if (asked.length) {
    const read = await session.read(asked.map(([, reference]) => ({ nodeId: reference.nodeId, attributeId: AttributeIds.Value })));
    read.forEach((value, at) => { units[asked[at][0]] = word(value.value?.value?.displayName?.text) ?? ""; });
  }
  return units;
}

// JSON texts [name, kind, unit, description, can_write, value] of those variables that can be signals.
async function describe(session, variables) {
  const attributes = [AttributeIds.Value, AttributeIds.UserAccessLevel, AttributeIds.Description];
  const values = await session.read(variables.flatMap(({ nodeId }) => attributes.map((attributeId) => ({ nodeId, attributeId }))));
  const units = await readUnits(session, variables.map(({ nodeId }) => nodeId));
  const out = [];
  for (const [k, { nodeId, path, name }] of variables.entries()) {
    const [value, access, description] = values.slice(3 * k, 3 * k + 3);
    const isArray = value.value?.arrayType === VariantArrayType.Array;
    // What is bad just now has no value to tell its type.
    const dataType = value.value?.dataType || await session.getBuiltInDataType(nodeId).catch(() => DataType.Null);
    if (nodeId.length > 1000) continue; // no name that anybody would write
    if (!isSignalType(dataType) || value.value?.arrayType === VariantArrayType.Matrix) continue;
    const count = isArray ? Math.min(value.value.value?.length ?? 0, 64) : 1;
    for (let i = 0; i < count; ++i) {
      const one = isArray ? { dataType, arrayType: VariantArrayType.Scalar, value: value.value.value[i] } : value.value;
      const [kind, text] = encodeVariant(one);
      const said = description.value?.value?.text;
      const words = said && said !== name ? `${path}: ${said}` : path;
      out.push(`[${JSON.stringify(nodeId + (isArray ? `[${i}]` : ""))},${kind === KIND.none ? kindOf(dataType) : kind},` +
        `${JSON.stringify(units[k])},${JSON.stringify(words)},${((access.value?.value ?? 0) & CAN_WRITE) !== 0},` +
        `${JSON.stringify(kind === KIND.none ? "" : kind === KIND.text ? JSON.parse(text) : text.replaceAll('"', ""))}]`);
    }
  }
  return out;
}

// `method` is a node id, or a path of browse names below `object` ("2:Reset").
async function call(connection, { object, method, arguments: given }) {
  const { session, namespaces } = connection;
  const owner = await find(connection, object, "object");
  let methodId;
  if (/^(ns=[0-9]+;|nsu=)?[isgb]=/.test(method)) {
    methodId = (await find(connection, method, "method")).nodeId;
  } else {
    let elements;
    try {
      elements = parsePath(method, namespaces);
    } catch (error) {
      throw new Refusal("not-found", `method '${method}': ${error.message}`);
    }
    const result = await session.translateBrowsePath({ startingNode: owner.nodeId, relativePath: { elements: elements.map((e) => ({
      referenceTypeId: HIERARCHICAL, includeSubtypes: true, targetName: { namespaceIndex: e.namespace, name: e.name } })) } });
    methodId = result.targets?.[0]?.targetId;
    if (!methodId) throw new Refusal("not-found", `object '${object}' has no method '${method}'; methods are named with their namespace: '2:Reset'`);
  }
  const { inputArguments } = await session.getArgumentDefinition(methodId);
  if (inputArguments.length !== given.length) {
    throw new Refusal("bad-input", `method '${method}' takes ${inputArguments.length} arguments ` +
      `(${inputArguments.map((a) => a.name).join(", ")}), and ${given.length} are given`);
  }
  const variants = [];
  for (const [k, argument] of inputArguments.entries()) {
    try {
      variants.push(decodeVariant(given[k][0], given[k][1], await findBasicDataType(session, argument.dataType)));
    } catch (error) {
      throw new Refusal("bad-input", `argument '${argument.name}' of method '${method}': ${error.message}`);
    }
  }
  const result = await session.call({ objectId: owner.nodeId, methodId, inputArguments: variants });
  if (!result.statusCode.isGood()) {
    throw new Refusal("unavailable", `method '${method}' failed: ${result.statusCode.description} (${result.statusCode.name})`);
  }
  return `"values":[${(result.outputArguments ?? []).map((v) => `[${encodeVariant(v).join(",")}]`).join(",")}]`;
}

// Values whose source time lies in [from, to), oldest first, at most `limit`.
async function history(connection, { name, from, to, limit }) {
  const node = await find(connection, name, "signal");
  const begin = BigInt(from), end = BigInt(to);
  const start = new Date(Number(begin / 1_000_000n)), stop = new Date(Number((end + 999_999n) / 1_000_000n));
  const samples = [];
  let point;
  do {
    const result = await connection.session.readHistoryValue({ nodeId: node.nodeId, continuationPoint: point },
      start, stop, { numValuesPerNode: Math.min(limit + 1, 1000), returnBounds: false, timestampsToReturn: 0 });
    if (!result.statusCode.isGoodish() && !result.statusCode.equals(StatusCodes.GoodNoData)) {
      const words = /HistoryOperation|NotReadable|AccessDenied|NotSupported|ServiceUnsupported/.test(result.statusCode.name)
        ? "the plant keeps no history of it, or does not let this user read it" : result.statusCode.description;
      throw new Refusal("unsupported", `signal '${name}': ${words} (${result.statusCode.name})`);
    }
    for (const value of result.historyData?.dataValues ?? []) {
      const time = timeText(value.sourceTimestamp, value.sourcePicoseconds);
      if (time === "null" || BigInt(time) < begin || BigInt(time) >= end) continue;
      const [kind, text] = encodeVariant(value.value, node.element);
      samples.push(`[${quality(value.statusCode)},${kind},${text},${time}]`);
    }
    point = result.continuationPoint;
  } while (point?.length && samples.length <= limit);
  const whole = !point?.length && samples.length <= limit; // one more is asked for: not every plant says that there is more
  samples.length = Math.min(samples.length, limit);
  return `"whole":${whole},"samples":[${samples.join(",")}]`;
}
