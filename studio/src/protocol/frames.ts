// Binary frames of the Foxglove WebSocket protocol v1 (specification, chapter "Binary messages").
// All integers are little-endian; times are nanoseconds since the epoch of the server's clock.

const MESSAGE_DATA = 1;
const TIME = 2;
const SERVICE_CALL_RESPONSE = 3;
const SERVICE_CALL_REQUEST = 2;

export type ServerFrame =
  | { kind: "message"; subscriptionId: number; time: bigint; payload: Uint8Array }
  | { kind: "time"; time: bigint }
  | { kind: "serviceResponse"; serviceId: number; callId: number; encoding: string; payload: Uint8Array }
  | { kind: "unknown"; opcode: number };

export class FrameError extends Error {}

// Decodes one frame from the server. Payloads are views into the buffer, not copies.
// Throws FrameError where the frame is shorter than its opcode demands.
export function decodeServerFrame(buffer: ArrayBuffer): ServerFrame {
  const view = new DataView(buffer);
  if (view.byteLength < 1) throw new FrameError("empty binary frame");
  const opcode = view.getUint8(0);
  const need = (bytes: number, what: string) => {
    if (view.byteLength < bytes) throw new FrameError(`${what} of ${view.byteLength} bytes, at least ${bytes} expected`);
  };
  switch (opcode) {
    case MESSAGE_DATA:
      need(13, "message data frame");
      return {
        kind: "message",
        subscriptionId: view.getUint32(1, true),
        time: view.getBigUint64(5, true),
        payload: new Uint8Array(buffer, 13),
      };
    case TIME:
      need(9, "time frame");
      return { kind: "time", time: view.getBigUint64(1, true) };
    case SERVICE_CALL_RESPONSE: {
      need(13, "service response frame");
      const length = view.getUint32(9, true);
      need(13 + length, "service response frame");
      return {
        kind: "serviceResponse",
        serviceId: view.getUint32(1, true),
        callId: view.getUint32(5, true),
        encoding: new TextDecoder().decode(new Uint8Array(buffer, 13, length)),
        payload: new Uint8Array(buffer, 13 + length),
      };
    }
    default:
      return { kind: "unknown", opcode };
  }
}

// Encodes a service call request.
export function encodeServiceRequest(
  serviceId: number,
  callId: number,
  encoding: string,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(encoding);
  const frame = new Uint8Array(13 + name.length + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, SERVICE_CALL_REQUEST);
  view.setUint32(1, serviceId, true);
  view.setUint32(5, callId, true);
  view.setUint32(9, name.length, true);
  frame.set(name, 13);
  frame.set(payload, 13 + name.length);
  return frame;
}
