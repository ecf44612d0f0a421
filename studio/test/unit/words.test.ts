import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { JointKind, ModelSchema } from "../../src/generated/geoul";
import { buildTree, visibleRows } from "../../src/panels/tree_model";
import { toCsv } from "../../src/ui/csv";
import { formatCount, formatDuration, formatFixed, formatInstant, formatNumber, formatQuantity } from "../../src/ui/format";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [28, "28"],
    [-9.82, "−9.82"],
    [0.00052, "0.00052"],
    [1020.24, "1020"],
    [1.1e-16, "1.1e−16"],
    [2.5e7, "2.5e7"],
    [0.3 - 0.1, "0.2"],
    [NaN, "–"],
    [Infinity, "∞"],
    [-Infinity, "−∞"],
  ])("%d reads %s", (value, text) => expect(formatNumber(value)).toBe(text));

  it("carry their unit, and none where there is no number", () => {
    expect(formatQuantity(1.5, "N.m")).toBe("1.5\u00a0N·m");
    expect(formatQuantity(NaN, "N.m")).toBe("–");
    expect(formatQuantity(0.2, "1")).toBe("0.2");
  });

  it("with fixed decimals never read minus zero", () => {
    expect(formatFixed(-0.0001, 2)).toBe("0.00");
    expect(formatFixed(-1.005, 1)).toBe("−1.0");
  });

  it("group counts", () => expect(formatCount(1234567)).toBe("1\u202f234\u202f567"));
});

describe("times", () => {
  it.each([[0, "0:00.00"], [3.2, "0:03.20"], [59.999, "1:00.00"], [123.456, "2:03.46"], [3723.5, "1:02:03.50"], [-1.5, "−0:01.50"]])(
    "%d s reads %s",
    (seconds, text) => expect(formatDuration(seconds)).toBe(text),
  );

  it("become a date where they look like one", () => {
    expect(formatInstant(1_700_000_000)).toBe("2023-11-14 22:13:20 UTC");
    expect(formatInstant(12.5)).toBe("0:12.50");
  });
});

describe("CSV", () => {
  it("joins series of different times, leaves gaps empty and quotes names", () => {
    const csv = toCsv([
      { name: "a, b", unit: "m", time: [0, 1], values: [1.5, NaN] },
      { name: "c", unit: "", time: [0.5, 0.75, 1], values: [7, NaN, 8] },
    ]);
    expect(csv).toBe('time [s],"a, b [m]",c\n0,1.5,\n0.5,,7\n1,,8\n');
  });
});

const model = create(ModelSchema, {
  name: "cell",
  bodies: [
    { name: "/World/lab/arm/base", label: "base" },
    { name: "/World/lab/arm/link", label: "link", rigidGroup: 1 },
    { name: "/World/lab/arm/link/tool", label: "tool", rigidGroup: 1 },
  ],
  joints: [
    { name: "/World/lab/arm/elbow", label: "elbow", kind: JointKind.REVOLUTE },
    { name: "/World/lab/arm/weld", label: "weld", kind: JointKind.FIXED },
  ],
});
const signals = [{ name: "torque/elbow", unit: "N.m" }, { name: "power", unit: "W" }];
const tree = buildTree({ model, dofs: () => 1, signals });
const labels = (filter: string, collapsed: string[] = []) => visibleRows(tree, new Set(collapsed), filter).map((row) => `${row.level} ${row.node.label}`);

describe("tree", () => {
  it("follows the paths, leaves out scopes that hold nothing else, and keeps bodies within bodies", () => {
    expect(labels("")).toEqual([
      "1 cell", "2 base", "2 link", "3 tool", "2 elbow", "3 position", "3 velocity", "3 effort", "2 weld",
      "1 Signals", "2 torque", "3 elbow", "2 power",
    ]);
  });

  it("hides what is under a collapsed row", () => {
    const collapsed = visibleRows(tree, new Set(), "").filter((row) => ["link", "elbow", "Signals"].includes(row.node.label)).map((row) => row.node.id);
    expect(labels("", collapsed)).toEqual(["1 cell", "2 base", "2 link", "2 elbow", "2 weld", "1 Signals"]);
  });

  it("filters by every word, with parents kept and collapsed rows opened", () => {
    expect(labels("tool", ["path:/World/lab/arm/link"])).toEqual(["1 cell", "2 link", "3 tool"]);
    expect(labels("fixed")).toEqual(["1 cell", "2 weld"]);
    expect(labels("elbow n.m")).toEqual(["1 Signals", "2 torque", "3 elbow"]);
    expect(labels("nothing like it")).toEqual([]);
  });

  it("tells its shape to assistive technology", () => {
    const row = visibleRows(tree, new Set(), "").find((one) => one.node.label === "weld")!;
    expect([row.level, row.position, row.siblings, row.isExpanded]).toEqual([2, 4, 4, undefined]);
  });
});
