// Names of signals: a node id ("ns=2;s=Robot.Joint1", "i=2258", "nsu=http://maker.com/arm;s=Joint1") or a path of
// browse names from Objects ("Objects/2:Robot/2:Axis1/ActualPosition"). A name in a path is of namespace 0, or says its
// namespace by index ("2:Robot") or URI ("{http://maker.com/arm}Robot"); '&' before '/', ':', '{' or '&' takes it
// literally (OPC UA part 4, annex A.2). "[3]" after either means the fourth element of an array, unless the plant has a
// node of just that name.
import { AttributeIds, BrowsePath, coerceNodeId, StatusCodes } from "node-opcua-client";

const OBJECTS = "i=85";
const HIERARCHICAL = "i=33";

// [{namespace (index), name}] of a path without its "Objects/"; throws Error, one line.
export function parsePath(text, namespaces) {
  const elements = [];
  let namespace = 0, name = "", begun = false;
  const finish = () => {
    if (!name) throw new Error("it has an empty name between its slashes");
    elements.push({ namespace, name });
    namespace = 0, name = "", begun = false;
  };
  for (let i = 0; i < text.length; ++i) {
    const c = text[i];
    if (c === "&") {
      if (++i === text.length) throw new Error("it ends in '&'");
      name += text[i];
      begun = true;
    } else if (c === "/") {
      finish();
    } else if (c === "{" && !begun) {
      const end = text.indexOf("}", i);
      if (end < 0) throw new Error("'{' has no '}'");
      const uri = text.slice(i + 1, end);
      namespace = namespaces.indexOf(uri);
      if (namespace < 0) throw new Error(`the plant has no namespace '${uri}'; it has ${namespaces.join(", ")}`);
      i = end;
      begun = true;
    } else if (c === ":" && /^[0-9]+$/.test(name) && namespace === 0) {
      namespace = Number(name);
      name = "";
    } else {
      name += c;
      begun = true;
    }
  }
  finish();
  return elements;
}

function parseNodeId(name, namespaces) {
  let text = name;
  if (text.startsWith("nsu=")) {
    const end = text.lastIndexOf(";", text.search(/;[isgb]=/));
    if (end < 0) throw new Error("write 'nsu=URI;s=NAME'");
    const uri = text.slice(4, end);
    const index = namespaces.indexOf(uri);
    if (index < 0) throw new Error(`the plant has no namespace '${uri}'; it has ${namespaces.join(", ")}`);
    text = `ns=${index}${text.slice(end)}`;
  }
  return coerceNodeId(text);
}

const isNodeId = (name) => /^(ns=[0-9]+;|nsu=[^;]+;)?[isgb]=/.test(name);

async function lookUp(session, namespaces, names) {
  const found = names.map(() => ({}));
  const paths = [], direct = [];
  names.forEach((name, i) => {
    try {
      if (isNodeId(name)) {
        direct.push([i, parseNodeId(name, namespaces)]);
      } else if (/^\/?Objects\//.test(name)) {
        const elements = parsePath(name.replace(/^\/?Objects\//, ""), namespaces);
        paths.push([i, new BrowsePath({
          startingNode: OBJECTS,
          relativePath: { elements: elements.map((e) => ({
            referenceTypeId: HIERARCHICAL, isInverse: false, includeSubtypes: true,
            targetName: { namespaceIndex: e.namespace, name: e.name } })) } })]);
      } else {
        found[i].problem = "is neither a node id ('ns=2;s=NAME') nor a path ('Objects/2:NAME')";
      }
    } catch (error) {
      found[i].problem = `cannot be read: ${error.message}`;
    }
  });
  for (let at = 0; at < paths.length; at += 200) {
    const some = paths.slice(at, at + 200);
    const results = await session.translateBrowsePath(some.map(([, path]) => path));
    results.forEach((result, k) => {
      const target = result.targets?.[0];
      if (result.statusCode.isGood() && target) direct.push([some[k][0], target.targetId]);
      else found[some[k][0]].problem = "is no path that the plant has; 'geoul link probe' lists what it has, with namespaces";
    });
  }
  for (let at = 0; at < direct.length; at += 200) {
    const some = direct.slice(at, at + 200);
    const classes = await session.read(some.map(([, nodeId]) => ({ nodeId, attributeId: AttributeIds.NodeClass })));
    classes.forEach((value, k) => {
      const [i, nodeId] = some[k];
      if (value.statusCode.isGood()) Object.assign(found[i], { nodeId, nodeClass: value.value.value });
      else if (value.statusCode.equals(StatusCodes.BadNodeIdUnknown)) {
        found[i].problem = "is no node that the plant has; 'geoul link probe' lists what it has";
      } else found[i].problem = `cannot be looked up: ${value.statusCode.name}`;
    });
  }
  return found;
}

// For each name {nodeId, nodeClass, element?} or {problem: "..."}.
export async function resolveNames(session, namespaces, names) {
  const found = await lookUp(session, namespaces, names);
  const again = names.map((name, i) => [i, /^(.+)\[([0-9]+)\]$/.exec(name)])
    .filter(([i, match]) => found[i].problem && match);
  if (again.length) {
    const elements = await lookUp(session, namespaces, again.map(([, match]) => match[1]));
    elements.forEach((element, k) => {
      const [i, match] = again[k];
      if (element.nodeId) found[i] = { ...element, element: Number(match[2]) };
    });
  }
  return found;
}
