// Frames between the twin and this gateway: four bytes of length (little-endian), then that many bytes of JSON in
// UTF-8, an object with "type". One stream both ways, which the twin hands over as file descriptor 3: no port, no path,
// nobody else can open it. docs/notes/link_opcua.md lists the messages.
import net from "node:net";

export const MAX_FRAME_BYTES = 16 * 1024 * 1024; // the same in geoul/link/opcua/frames.h
export const PROTOCOL = 1;

// Text from outside as a word of a message: the twin takes no name, reason or problem beyond 4096 bytes for one of ours.
export function word(text) {
  const printable = String(text ?? "").slice(0, 1000).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
  return printable.replace(/[\ud800-\udbff]$/, ""); // no half of a character
}

// Splits a stream of bytes into messages; throws Error where it breaks the form.
export class FrameReader {
  #waiting = Buffer.alloc(0);

  *feed(bytes) {
    this.#waiting = this.#waiting.length ? Buffer.concat([this.#waiting, bytes]) : bytes;
    while (this.#waiting.length >= 4) {
      const length = this.#waiting.readUInt32LE(0);
      if (length === 0 || length > MAX_FRAME_BYTES) throw new Error(`a frame of ${length} bytes`);
      if (this.#waiting.length < 4 + length) return;
      const text = this.#waiting.toString("utf8", 4, 4 + length);
      this.#waiting = this.#waiting.subarray(4 + length);
      const message = JSON.parse(text);
      if (typeof message?.type !== "string") throw new Error("a message without type");
      yield message;
    }
  }
}

export function frame(text) {
  const length = Buffer.byteLength(text);
  if (length > MAX_FRAME_BYTES) throw new Error(`a message of ${length} bytes is longer than a frame may be`);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32LE(length, 0);
  bytes.write(text, 4, "utf8");
  return bytes;
}

// The stream to the twin. onMessage(message) for each; onEnd() once, when the twin is gone or talks nonsense.
export class Channel {
  #socket;

  constructor(fd, onMessage, onEnd) {
    this.#socket = new net.Socket({ fd, readable: true, writable: true });
    const reader = new FrameReader();
    this.#socket.on("data", (bytes) => {
      try {
        for (const message of reader.feed(bytes)) onMessage(message);
      } catch (error) {
        console.error(`the twin sent what is no message: ${error.message}`);
        onEnd();
      }
    });
    this.#socket.on("error", onEnd);
    this.#socket.on("close", onEnd);
    this.#socket.on("end", onEnd);
  }

  // Bytes that the twin has not taken yet.
  get backlog() {
    return this.#socket.writableLength;
  }
  send(message) {
    this.sendText(JSON.stringify(message));
  }
  sendText(text) {
    if (!this.#socket.destroyed) this.#socket.write(frame(text));
  }
}
