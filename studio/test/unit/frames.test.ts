import { describe, expect, it } from "vitest";
import { decodeServerFrame, encodeServiceRequest, FrameError } from "../../src/protocol/frames";
import { messageFrame, readServiceRequest, serviceResponseFrame, timeFrame } from "../peer/wire";

const bytes = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;

describe("binary frames", () => {
  it("decode message data by the specification's table", () => {
    const raw = new Uint8Array([1, 0x04, 0x03, 0x02, 0x01, 8, 7, 6, 5, 4, 3, 2, 1, 0xaa, 0xbb]);
    const frame = decodeServerFrame(raw.buffer);
    expect(frame).toEqual({ kind: "message", subscriptionId: 0x01020304, time: 0x0102030405060708n, payload: new Uint8Array([0xaa, 0xbb]) });
  });

  it("decode what another implementation of the tables encodes", () => {
    expect(decodeServerFrame(bytes(timeFrame(2n ** 63n + 5n)))).toEqual({ kind: "time", time: 2n ** 63n + 5n });
    const message = decodeServerFrame(bytes(messageFrame(0xffffffff, 12n, new Uint8Array(0))));
    expect(message).toMatchObject({ kind: "message", subscriptionId: 0xffffffff, time: 12n });
    const response = decodeServerFrame(bytes(serviceResponseFrame(3, 9, "protobuf", new Uint8Array([1, 2]))));
    expect(response).toEqual({ kind: "serviceResponse", serviceId: 3, callId: 9, encoding: "protobuf", payload: new Uint8Array([1, 2]) });
  });

  it("encode a service request that another implementation reads", () => {
    const frame = encodeServiceRequest(70_000, 4_000_000_000, "protobuf", new Uint8Array([5, 6, 7]));
    const read = readServiceRequest(Buffer.from(frame));
    expect({ ...read, payload: [...read.payload] }).toEqual({ serviceId: 70_000, callId: 4_000_000_000, encoding: "protobuf", payload: [5, 6, 7] });
  });

  it("report frames cut short at every length instead of reading past the end", () => {
    for (const whole of [messageFrame(1, 2n, new Uint8Array(0)), timeFrame(1n), serviceResponseFrame(1, 2, "protobuf", new Uint8Array(0))]) {
      for (let length = 0; length < whole.length; ++length) {
        expect(() => decodeServerFrame(bytes(whole.subarray(0, length)))).toThrow(FrameError);
      }
    }
  });

  it("name an opcode they do not know", () => {
    expect(decodeServerFrame(new Uint8Array([99, 1]).buffer)).toEqual({ kind: "unknown", opcode: 99 });
  });
});
