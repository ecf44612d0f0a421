// Where messages wait between the socket and the next drawn frame. Bounded: a slow page loses old messages, never memory.

export class Mailbox {
  private items: Uint8Array[] = [];
  private lost = 0;

  // capacity 1 keeps the newest only.
  constructor(private readonly capacity: number) {}

  put(payload: Uint8Array): void {
    if (this.items.length >= this.capacity) {
      this.items.shift();
      this.lost += 1;
    }
    this.items.push(payload);
  }

  // All waiting messages, oldest first, and how many were lost since the last call.
  take(): { items: Uint8Array[]; lost: number } {
    const taken = { items: this.items, lost: this.lost };
    this.items = [];
    this.lost = 0;
    return taken;
  }

  get isEmpty(): boolean {
    return this.items.length === 0;
  }
}
