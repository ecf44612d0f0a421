// The part of a run that the time bar shows: all of it, or a window of some length that follows what is looked at. And
// what stands on it: events, those that lie too close to be told apart as one mark.

import { EventSeverity, LinkState, type Event, type Links } from "../generated/geoul";
import { toNanoseconds } from "./time";

export interface Span {
  from: bigint; // [ns]
  to: bigint;
}

export class TimeWindow {
  length: bigint | undefined; // [ns]; undefined: the whole run
  private from = 0n;

  // holds  the window stays where it is, as while somebody drags along it
  span(begin: bigint, end: bigint, now: bigint, holds = false): Span {
    const { length } = this;
    if (length === undefined || end - begin <= length) return { from: begin, to: end };
    if (!holds && (now < this.from || now > this.from + length)) this.from = now - length / 2n;
    if (now >= end && !holds) this.from = end - length;
    if (this.from + length > end) this.from = end - length;
    if (this.from < begin) this.from = begin;
    return { from: this.from, to: this.from + length };
  }
}

// 0 to 1 within the span; outside of it below 0 or above 1.
export function part(time: bigint, { from, to }: Span): number {
  return to > from ? Number(time - from) / Number(to - from) : 0;
}

export interface Mark {
  time: bigint; // [ns], of the first event
  severity: EventSeverity; // the worst
  events: Event[]; // by time
}

// Marks of the span; events that are nearer to the mark's first one than `apart` (a part of the span) share it. What has
// just happened may be newer than the newest state: it stands at the end.
export function marksOf(events: readonly Event[], span: Span, isAtEnd: boolean, apart = 0.006): Mark[] {
  const out: Mark[] = [];
  for (const event of events) {
    if (event.severity === EventSeverity.INFO && event.name !== "link-live") continue;
    let time = toNanoseconds(event.timestamp);
    if (isAtEnd && time > span.to) time = span.to;
    if (time < span.from || time > span.to) continue;
    const last = out.at(-1);
    if (last && part(time, span) - part(last.time, span) < apart) {
      last.events.push(event);
      last.severity = Math.max(last.severity, event.severity);
    } else {
      out.push({ time, severity: event.severity, events: [event] });
    }
  }
  return out;
}

// Which links do not deliver, in words; empty where all do.
export function deadLinks(links: Links | undefined): { all: boolean; words: string } {
  const every = links?.links ?? [];
  const dead = every.filter((link) => link.state !== LinkState.LINK_LIVE);
  return { all: every.length > 0 && dead.length === every.length, words: dead.map((link) => (link.problem ? `${link.id}: ${link.problem}` : `${link.id} does not deliver`)).join("\n") };
}
