import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema, EventSeverity, LinkSchema, LinksSchema, LinkState } from "../../src/generated/geoul";
import { fromNanoseconds } from "../../src/twin/time";
import { deadLinks, marksOf, part, TimeWindow } from "../../src/twin/time_window";

const S = 1_000_000_000n;

describe("the window of the time bar", () => {
  it("is the whole run, unless that is longer than asked for", () => {
    const window = new TimeWindow();
    expect(window.span(0n, 100n * S, 3n * S)).toEqual({ from: 0n, to: 100n * S });
    window.length = 1000n * S;
    expect(window.span(0n, 100n * S, 3n * S)).toEqual({ from: 0n, to: 100n * S });
  });

  it("follows the newest, and stays where the past is looked at", () => {
    const window = new TimeWindow();
    window.length = 10n * S;
    expect(window.span(0n, 100n * S, 100n * S)).toEqual({ from: 90n * S, to: 100n * S });
    expect(window.span(0n, 101n * S, 101n * S)).toEqual({ from: 91n * S, to: 101n * S });
    expect(window.span(0n, 102n * S, 95n * S)).toEqual({ from: 91n * S, to: 101n * S });
    expect(window.span(0n, 103n * S, 50n * S)).toEqual({ from: 45n * S, to: 55n * S });
    expect(window.span(0n, 104n * S, 54n * S)).toEqual({ from: 45n * S, to: 55n * S });
    expect(window.span(0n, 104n * S, 2n * S)).toEqual({ from: 0n, to: 10n * S });
    expect(window.span(5n * S, 104n * S, 5n * S)).toEqual({ from: 5n * S, to: 15n * S });
  });

  it("does not move under somebody's hand", () => {
    const window = new TimeWindow();
    window.length = 10n * S;
    window.span(0n, 100n * S, 50n * S);
    expect(window.span(0n, 100n * S, 90n * S, true)).toEqual({ from: 45n * S, to: 55n * S });
    expect(window.span(0n, 100n * S, 100n * S, true)).toEqual({ from: 45n * S, to: 55n * S });
  });
});

const event = (seconds: number, severity: EventSeverity, name = "link-lost") => create(EventSchema, { timestamp: fromNanoseconds(BigInt(Math.round(seconds * 1e9))), severity, source: "link/plc", name, text: `at ${seconds}` });

describe("marks", () => {
  const span = { from: 0n, to: 1000n * S };

  it("stand where their events were, those that touch as one of the worst", () => {
    const marks = marksOf([event(100, EventSeverity.WARNING), event(103, EventSeverity.FAULT), event(200, EventSeverity.WARNING), event(1001, EventSeverity.FAULT)], span, false);
    expect(marks.map((mark) => [part(mark.time, span), mark.severity, mark.events.length])).toEqual([
      [0.1, EventSeverity.FAULT, 2],
      [0.2, EventSeverity.WARNING, 1],
    ]);
  });

  it("shows at the end what is newer than the newest state", () => {
    expect(marksOf([event(1001, EventSeverity.FAULT)], span, true).map((mark) => part(mark.time, span))).toEqual([1]);
  });

  it("leaves out what is of no account, but that a link came", () => {
    expect(marksOf([event(1, EventSeverity.INFO, "signed-in"), event(500, EventSeverity.INFO, "link-live")], span, false).length).toBe(1);
  });

  it("draws few marks of many events", () => {
    const many = Array.from({ length: 1000 }, (_, i) => event(i, EventSeverity.WARNING));
    expect(marksOf(many, span, false).length).toBeLessThan(170);
  });
});

describe("dead links", () => {
  const links = (...states: LinkState[]) => create(LinksSchema, { links: states.map((state, i) => create(LinkSchema, { id: `l${i}`, state, problem: state === LinkState.LINK_WAITING ? "no answer" : "" })) });

  it("are named with what is wrong", () => {
    expect(deadLinks(undefined)).toEqual({ all: false, words: "" });
    expect(deadLinks(links(LinkState.LINK_LIVE))).toEqual({ all: false, words: "" });
    expect(deadLinks(links(LinkState.LINK_LIVE, LinkState.LINK_WAITING))).toEqual({ all: false, words: "l1: no answer" });
    expect(deadLinks(links(LinkState.LINK_STOPPED, LinkState.LINK_WAITING))).toEqual({ all: true, words: "l0 does not deliver\nl1: no answer" });
  });
});
