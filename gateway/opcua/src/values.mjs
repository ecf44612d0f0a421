// OPC UA values as the twin knows them, and back. Kinds on the wire: 0 double, 1 integer, 2 boolean, 3 text, 4 none (the
// order of ValueType in geoul/link/signal.h). Integers above 2^53 keep every digit: they are written into the JSON text
// as they are, and come as decimal text.
import { DataType, Variant, VariantArrayType } from "node-opcua-client";

const MAX_TEXT = 65_536; // characters; longer ones are documents, not signals
export const KIND = { double: 0, integer: 1, boolean: 2, text: 3, none: 4 };

const INTEGER_RANGES = {
  [DataType.SByte]: [-128n, 127n],
  [DataType.Byte]: [0n, 255n],
  [DataType.Int16]: [-32768n, 32767n],
  [DataType.UInt16]: [0n, 65535n],
  [DataType.Int32]: [-2147483648n, 2147483647n],
  [DataType.UInt32]: [0n, 4294967295n],
  [DataType.Int64]: [-(1n << 63n), (1n << 63n) - 1n],
  [DataType.UInt64]: [0n, (1n << 64n) - 1n],
};

export function kindOf(dataType) {
  if (dataType in INTEGER_RANGES) return KIND.integer;
  if (dataType === DataType.Boolean) return KIND.boolean;
  return dataType === DataType.Double || dataType === DataType.Float ? KIND.double : KIND.text;
}

export function isSignalType(dataType) {
  return dataType in INTEGER_RANGES || [DataType.Boolean, DataType.Float, DataType.Double, DataType.String,
    DataType.LocalizedText, DataType.DateTime, DataType.Guid, DataType.NodeId, DataType.StatusCode].includes(dataType);
}

function integer64(value, signed) {
  const high = BigInt(value[0] >>> 0), low = BigInt(value[1] >>> 0);
  const all = (high << 32n) | low;
  return signed ? BigInt.asIntN(64, all) : all;
}

export function doubleText(value) {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? '"nan"' : value > 0 ? '"inf"' : '"-inf"';
}

// [kind, JSON text of the value]; kind none for what is no signal. `element`: of an array; a plant that knows index ranges
// sends that one alone, others send all.
export function encodeVariant(variant, element) {
  if (!variant || variant.value === null || variant.value === undefined) return [KIND.none, "null"];
  let value = variant.value;
  if (variant.arrayType !== VariantArrayType.Scalar) {
    if (variant.arrayType !== VariantArrayType.Array || element === undefined) return [KIND.none, "null"];
    value = value.length === 1 ? value[0] : value[element];
    if (value === undefined) return [KIND.none, "null"];
  }
  switch (variant.dataType) {
    case DataType.Boolean: return [KIND.boolean, value ? "true" : "false"];
    case DataType.Double:
    case DataType.Float: return [KIND.double, doubleText(value)];
    case DataType.SByte: case DataType.Byte: case DataType.Int16: case DataType.UInt16:
    case DataType.Int32: case DataType.UInt32: return [KIND.integer, String(value)];
    case DataType.Int64: return [KIND.integer, String(integer64(value, true))];
    case DataType.UInt64: {
      const whole = integer64(value, false);
      return whole < 1n << 63n ? [KIND.integer, String(whole)] : [KIND.double, String(Number(whole))];
    }
    case DataType.String: case DataType.Guid: return text(String(value));
    case DataType.LocalizedText: return text(value.text ?? "");
    case DataType.DateTime: return [KIND.text, JSON.stringify(value.toISOString())];
    case DataType.NodeId: return text(value.toString());
    case DataType.StatusCode: return text(value.name);
    default: return [KIND.none, "null"];
  }
}

function text(value) {
  return value.length > MAX_TEXT ? [KIND.none, "null"] : [KIND.text, JSON.stringify(value)];
}

// Kind and value of a message of the twin as a Variant of the type that the plant wants. Throws Error, one line.
export function decodeVariant(kind, value, dataType) {
  const name = DataType[dataType] ?? "an unknown type";
  const refuse = (why) => { throw new Error(`the plant wants ${name}: ${why}`); };
  if (dataType in INTEGER_RANGES) {
    let whole;
    if (kind === KIND.integer) whole = BigInt(value);
    else if (kind === KIND.double && Number.isInteger(number(value))) whole = BigInt(number(value));
    else refuse(`${value} is no whole number`);
    const [low, high] = INTEGER_RANGES[dataType];
    if (whole < low || whole > high) refuse(`${whole} is outside ${low}..${high}`);
    const wide = dataType === DataType.Int64 || dataType === DataType.UInt64;
    const bits = BigInt.asUintN(64, whole);
    return new Variant({ dataType, arrayType: VariantArrayType.Scalar,
      value: wide ? [Number(bits >> 32n), Number(bits & 0xffffffffn)] : Number(whole) });
  }
  switch (dataType) {
    case DataType.Boolean:
      if (kind !== KIND.boolean) refuse("write true or false");
      return new Variant({ dataType, value });
    case DataType.Double: case DataType.Float:
      if (kind !== KIND.double && kind !== KIND.integer) refuse("write a number");
      return new Variant({ dataType, value: number(value) });
    case DataType.String:
      if (kind !== KIND.text) refuse("write text");
      return new Variant({ dataType, value });
    case DataType.LocalizedText:
      if (kind !== KIND.text) refuse("write text");
      return new Variant({ dataType, value: { text: value } });
    default: return refuse("no signal can be written as that");
  }
}

function number(value) {
  return typeof value === "number" ? value : value === "nan" ? NaN : value === "inf" ? Infinity
    : value === "-inf" ? -Infinity : Number(value);
}

// Nanoseconds since 1970 as decimal text; "null" where the plant gave no time. OPC UA counts 100 ns from 1601; the
// library holds whole milliseconds and the rest in picoseconds.
export function timeText(date, picoseconds) {
  if (!date) return "null";
  const milliseconds = date.getTime();
  if (!(milliseconds > 0)) return "null"; // 1601: "no time" (OPC UA part 6, 5.2.2.5)
  const rest = Math.floor((picoseconds || 0) / 1000) % 1_000_000;
  return `${milliseconds}${String(rest).padStart(6, "0")}`;
}

// Severity bits of a status code (OPC UA part 4, StatusCode): 0 good, 1 uncertain, 2 bad: Quality of the twin.
export function quality(statusCode) {
  return Math.min(statusCode.value >>> 30, 2);
}

// Whether the server's queue ran over before this value: info type DataValue (0x400) with the overflow bit (0x80).
export function overflowed(statusCode) {
  return (statusCode.value & 0x480) === 0x480;
}
