import { describe, expect, it } from "vitest";
import { parseServerText, TextError } from "../../src/protocol/server_text";

describe("text messages", () => {
  it("keep the fields of a channel that the studio uses", () => {
    const text = JSON.stringify({ op: "advertise", channels: [{ id: 1, topic: "/tf", encoding: "protobuf", schemaName: "foxglove.FrameTransforms", schema: "AA" }] });
    const expected = { id: 1, topic: "/tf", encoding: "protobuf", schemaName: "foxglove.FrameTransforms" };
    expect(parseServerText(text)).toEqual({ op: "advertise", channels: [expected] });
  });

  it("accept server info without its optional fields", () => {
    expect(parseServerText('{"op":"serverInfo"}')).toEqual({ op: "serverInfo", name: "", capabilities: [], sessionId: undefined });
  });

  it("pass over operations that the studio does not use", () => {
    expect(parseServerText('{"op":"connectionGraphUpdate","x":1}')).toEqual({ op: "other", name: "connectionGraphUpdate" });
  });

  it.each([
    ["", "not JSON"],
    ["[1]", "message is not an object"],
    ["null", "message is not an object"],
    ["{}", "field 'op' is not a string"],
    ['{"op":"advertise"}', "field 'channels' is not a list"],
    ['{"op":"advertise","channels":[{"id":"1"}]}', "field 'id' is not a number"],
    ['{"op":"status","level":1e999,"message":""}', "field 'level' is not a number"],
  ])("refuse %s with the field at fault", (text, words) => {
    expect(() => parseServerText(text)).toThrow(TextError);
    expect(() => parseServerText(text)).toThrow(words);
  });
});
