// JSON messages of a Foxglove WebSocket server, checked field by field: what comes over the wire is never trusted.

export interface Channel {
  id: number;
  topic: string;
  encoding: string;
  schemaName: string;
}

export interface Service {
  id: number;
  name: string;
  type: string;
}

export type ServerText =
  | { op: "serverInfo"; name: string; capabilities: string[]; sessionId: string | undefined; user: string | undefined; role: string | undefined }
  | { op: "status"; level: number; message: string }
  | { op: "advertise"; channels: Channel[] }
  | { op: "unadvertise"; channelIds: number[] }
  | { op: "advertiseServices"; services: Service[] }
  | { op: "unadvertiseServices"; serviceIds: number[] }
  | { op: "serviceCallFailure"; serviceId: number; callId: number; message: string }
  | { op: "other"; name: string };

export class TextError extends Error {}

type Fields = Record<string, unknown>;

function asFields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TextError(`${what} is not an object`);
  return value as Fields;
}

function asNumber(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TextError(`field '${key}' is not a number`);
  return value;
}

function asString(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== "string") throw new TextError(`field '${key}' is not a string`);
  return value;
}

function asList(fields: Fields, key: string): unknown[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new TextError(`field '${key}' is not a list`);
  return value;
}

function asNumbers(fields: Fields, key: string): number[] {
  return asList(fields, key).filter((value): value is number => typeof value === "number");
}

// Parses one text message. Throws TextError with the field at fault; operations the studio does not use become "other".
export function parseServerText(text: string): ServerText {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new TextError("not JSON");
  }
  const fields = asFields(json, "message");
  const op = asString(fields, "op");
  switch (op) {
    case "serverInfo":
      return {
        op,
        name: typeof fields.name === "string" ? fields.name : "",
        capabilities: Array.isArray(fields.capabilities) ? fields.capabilities.map(String) : [],
        sessionId: typeof fields.sessionId === "string" ? fields.sessionId : undefined,
        ...identityOf(fields.metadata),
      };
    case "status":
      return { op, level: asNumber(fields, "level"), message: asString(fields, "message") };
    case "advertise":
      return { op, channels: asList(fields, "channels").map(parseChannel) };
    case "unadvertise":
      return { op, channelIds: asNumbers(fields, "channelIds") };
    case "advertiseServices":
      return { op, services: asList(fields, "services").map(parseService) };
    case "unadvertiseServices":
      return { op, serviceIds: asNumbers(fields, "serviceIds") };
    case "serviceCallFailure":
      return {
        op,
        serviceId: asNumber(fields, "serviceId"),
        callId: asNumber(fields, "callId"),
        message: asString(fields, "message"),
      };
    default:
      return { op: "other", name: op };
  }
}

// Who the server takes this client for: Geoul says so in its metadata.
function identityOf(value: unknown): { user: string | undefined; role: string | undefined } {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Fields;
  return { user: typeof fields.user === "string" ? fields.user : undefined, role: typeof fields.role === "string" ? fields.role : undefined };
}

function parseChannel(value: unknown): Channel {
  const fields = asFields(value, "channel");
  return {
    id: asNumber(fields, "id"),
    topic: asString(fields, "topic"),
    encoding: asString(fields, "encoding"),
    schemaName: asString(fields, "schemaName"),
  };
}

function parseService(value: unknown): Service {
  const fields = asFields(value, "service");
  return { id: asNumber(fields, "id"), name: asString(fields, "name"), type: asString(fields, "type") };
}
