// The rows of the scene tree, as data: bodies and joints by their USD path, joints with their plottable channels, then signals.

import { JointKind, type Model } from "../generated/geoul";
import { channelKey, JOINT_QUANTITIES, KIND_WORDS, type Channel } from "../twin/series";
import type { Selected } from "../twin/selection";
import { lastPart } from "../ui/format";

export interface TreeNode {
  id: string;
  label: string;
  kind: "section" | "scope" | "body" | "joint" | "weld" | "channel" | "signal";
  hint: string;
  selects: Selected;
  channel: Channel | undefined;
  children: TreeNode[];
}

export interface TreeRow {
  node: TreeNode;
  level: number; // 1 at the root
  position: number; // 1-based among its siblings
  siblings: number;
  isExpanded: boolean | undefined; // undefined where there is nothing to expand
}

export interface TreeInput {
  model: Model | undefined;
  dofs: (joint: string, quantity: "position" | "velocity" | "effort") => number;
  signals: readonly { name: string; unit: string }[];
}

function node(partial: Partial<TreeNode> & Pick<TreeNode, "id" | "label" | "kind">): TreeNode {
  return { hint: "", selects: undefined, channel: undefined, children: [], ...partial };
}

export function buildTree(input: TreeInput): TreeNode[] {
  const scene = node({ id: "section:scene", label: input.model?.name || "Scene", kind: "section" });
  const places = new Map<string, TreeNode>();
  const place = (path: string): TreeNode => {
    const known = places.get(path);
    if (known) return known;
    const parentPath = path.slice(0, path.lastIndexOf("/"));
    const made = node({ id: `path:${path}`, label: lastPart(path), kind: "scope" });
    places.set(path, made);
    (parentPath ? place(parentPath) : scene).children.push(made);
    return made;
  };
  for (const body of input.model?.bodies ?? []) {
    const hint = body.rigidGroup === 0 ? "world" : "";
    const label = body.label || lastPart(body.name);
    Object.assign(place(body.name), { label, kind: "body", hint, selects: { kind: "body", name: body.name } });
  }
  for (const joint of input.model?.joints ?? []) {
    const row = place(joint.name);
    const isFixed = joint.kind === JointKind.FIXED;
    row.label = joint.label || lastPart(joint.name);
    row.kind = isFixed ? "weld" : "joint";
    row.hint = KIND_WORDS[joint.kind];
    row.selects = { kind: "joint", name: joint.name };
    if (!isFixed) row.children.push(...channelNodes(joint.name, input.dofs));
  }
  scene.children = scene.children.map(joinScopes);
  const roots = scene.children.length === 1 && scene.children[0]!.kind === "scope" ? scene.children[0]!.children : scene.children;
  scene.children = roots;
  const signals = node({ id: "section:signals", label: "Signals", kind: "section", children: signalNodes(input.signals) });
  return [scene, signals].filter((section) => section.children.length > 0);
}

function channelNodes(joint: string, dofs: TreeInput["dofs"]): TreeNode[] {
  return JOINT_QUANTITIES.flatMap((quantity) => {
    const count = Math.max(1, dofs(joint, quantity));
    return Array.from({ length: count }, (_, dof) => {
      const channel: Channel = { table: "joints", joint, quantity, dof };
      return node({
        id: `channel:${channelKey(channel)}`,
        label: count > 1 ? `${quantity} ${dof + 1}` : quantity,
        kind: "channel",
        selects: { kind: "joint", name: joint },
        channel,
      });
    });
  });
}

function signalNodes(signals: TreeInput["signals"]): TreeNode[] {
  const groups = new Map<string, TreeNode>();
  const top: TreeNode[] = [];
  for (const { name, unit } of signals) {
    const cut = name.indexOf("/");
    const groupName = cut > 0 ? name.slice(0, cut) : "";
    const channel: Channel = { table: "signals", signal: name };
    const row = node({
      id: `signal:${name}`,
      label: cut > 0 ? name.slice(cut + 1) : name,
      kind: "signal",
      hint: unit,
      selects: { kind: "signal", name },
      channel,
    });
    if (!groupName) {
      top.push(row);
      continue;
    }
    let group = groups.get(groupName);
    if (!group) {
      group = node({ id: `signals:${groupName}`, label: groupName, kind: "scope" });
      groups.set(groupName, group);
      top.push(group);
    }
    group.children.push(row);
  }
  return top;
}

// A scope that holds a single scope becomes one row "a/b".
function joinScopes(tree: TreeNode): TreeNode {
  let at = tree;
  while (at.kind === "scope" && at.children.length === 1 && at.children[0]!.kind === "scope") {
    const only = at.children[0]!;
    at = { ...only, label: `${at.label}/${only.label}` };
  }
  return { ...at, children: at.children.map(joinScopes) };
}

// Rows that show, in order. A filter keeps rows whose label, hint or path holds every word of it, with their parents.
export function visibleRows(tree: readonly TreeNode[], collapsed: ReadonlySet<string>, filter: string): TreeRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const rows: TreeRow[] = [];
  const matches = (one: TreeNode) => {
    const text = `${one.label} ${one.hint} ${one.selects?.name ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const keep = (one: TreeNode): TreeNode | undefined => {
    if (words.length === 0) return one;
    if (one.kind !== "section" && one.kind !== "channel" && matches(one)) return one;
    const children = one.children.map(keep).filter((child): child is TreeNode => child !== undefined);
    return children.length > 0 ? { ...one, children } : undefined;
  };
  const walk = (nodes: readonly TreeNode[], level: number) => {
    nodes.forEach((one, i) => {
      const isOpen = words.length > 0 && one.children.some((child) => child.kind !== "channel") ? true : !collapsed.has(one.id);
      const isExpanded = one.children.length > 0 ? isOpen : undefined;
      rows.push({ node: one, level, position: i + 1, siblings: nodes.length, isExpanded });
      if (isExpanded) walk(one.children, level + 1);
    });
  };
  walk(tree.map(keep).filter((one): one is TreeNode => one !== undefined), 1);
  return rows;
}
