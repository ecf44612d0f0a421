// Times of the protocol: a Timestamp is seconds and nanoseconds; inside the page a time is a double in seconds
// (better than 0.3 microseconds until the year 2100), or a bigint of nanoseconds where it is sent back.

import { create } from "@bufbuild/protobuf";
import { TimestampSchema, type Timestamp } from "@bufbuild/protobuf/wkt";

const BILLION = 1_000_000_000n;

export function toSeconds(time: Timestamp | undefined): number {
  return time ? Number(time.seconds) + time.nanos * 1e-9 : 0;
}

export function toNanoseconds(time: Timestamp | undefined): bigint {
  return time ? time.seconds * BILLION + BigInt(time.nanos) : 0n;
}

export function fromNanoseconds(nanoseconds: bigint): Timestamp {
  let seconds = nanoseconds / BILLION;
  let rest = nanoseconds % BILLION;
  if (rest < 0n) {
    seconds -= 1n;
    rest += BILLION;
  }
  return create(TimestampSchema, { seconds, nanos: Number(rest) });
}
