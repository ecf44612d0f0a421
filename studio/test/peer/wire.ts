// The server's side of the Foxglove WebSocket protocol v1, written from the specification's tables for tests.

export function messageFrame(subscriptionId: number, time: bigint, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt8(1, 0);
  head.writeUInt32LE(subscriptionId, 1);
  head.writeBigUInt64LE(time, 5);
  return Buffer.concat([head, payload]);
}

export function timeFrame(time: bigint): Buffer {
  const frame = Buffer.alloc(9);
  frame.writeUInt8(2, 0);
  frame.writeBigUInt64LE(time, 1);
  return frame;
}

export function serviceResponseFrame(serviceId: number, callId: number, encoding: string, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt8(3, 0);
  head.writeUInt32LE(serviceId, 1);
  head.writeUInt32LE(callId, 5);
  head.writeUInt32LE(encoding.length, 9);
  return Buffer.concat([head, Buffer.from(encoding), payload]);
}

export function serviceFailureFrame(serviceId: number, callId: number, message: string): string {
  return JSON.stringify({ op: "serviceCallFailure", serviceId, callId, message });
}

export interface ServiceRequest {
  serviceId: number;
  callId: number;
  encoding: string;
  payload: Uint8Array;
}

export function readServiceRequest(frame: Buffer): ServiceRequest {
  if (frame.readUInt8(0) !== 2) throw new Error(`opcode ${frame.readUInt8(0)} is not a service request`);
  const length = frame.readUInt32LE(9);
  return {
    serviceId: frame.readUInt32LE(1),
    callId: frame.readUInt32LE(5),
    encoding: frame.subarray(13, 13 + length).toString(),
    payload: frame.subarray(13 + length),
  };
}
