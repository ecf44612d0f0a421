// Samples over time: one time column and n value columns of doubles, in rising time, with a fixed upper size.
// The newest `capacity` rows are kept. Columns are contiguous, so a window of them is a view without a copy.

export interface TableWindow {
  time: Float64Array; // [s]
  columns: Float64Array[]; // one a name that was asked for
}

export class SampleTable {
  readonly names: readonly string[];
  readonly capacity: number;
  private readonly index: Map<string, number>;
  private readonly time: Float64Array;
  private readonly columns: Float64Array[];
  private first = 0;
  private end = 0;
  private step = NaN; // [s] between the last two samples

  constructor(names: readonly string[], capacity: number) {
    this.names = names;
    this.capacity = capacity;
    this.index = new Map(names.map((name, column) => [name, column]));
    this.time = new Float64Array(2 * capacity);
    this.columns = names.map(() => new Float64Array(2 * capacity));
  }

  get length(): number {
    return this.end - this.first;
  }

  has(name: string): boolean {
    return this.index.has(name);
  }

  lastTime(): number {
    return this.length > 0 ? this.time[this.end - 1]! : NaN;
  }

  // Appends a row. A time at or before the last one means that the twin went back: later rows are forgotten. A leap
  // ahead (half a second, and eight steps of what went before) leaves a row of NaN, so that no line is drawn across it.
  push(time: number, values: ArrayLike<number>): void {
    while (this.length > 0 && this.time[this.end - 1]! >= time) this.end -= 1;
    const step = time - this.lastTime();
    if (step > Math.max(0.5, 8 * this.step)) this.append(time - step / 2, []);
    else this.step = step;
    this.append(time, values);
  }

  private append(time: number, values: ArrayLike<number>): void {
    if (this.end === this.time.length) this.compact();
    this.time[this.end] = time;
    for (let c = 0; c < this.columns.length; ++c) this.columns[c]![this.end] = values[c] ?? NaN;
    this.end += 1;
    if (this.length > this.capacity) this.first += 1;
  }

  clear(): void {
    this.first = this.end = 0;
  }

  // Views of the rows with time in [from, to]. Valid until the next push. Unknown names give a column of NaN.
  window(names: readonly string[], from = -Infinity, to = Infinity): TableWindow {
    const begin = this.lowerBound(from);
    let end = this.lowerBound(to);
    while (end < this.end && this.time[end]! <= to) end += 1;
    const columns = names.map((name) => {
      const column = this.index.get(name);
      return column === undefined ? new Float64Array(end - begin).fill(NaN) : this.columns[column]!.subarray(begin, end);
    });
    return { time: this.time.subarray(begin, end), columns };
  }

  private lowerBound(time: number): number {
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compact(): void {
    this.time.copyWithin(0, this.first, this.end);
    for (const column of this.columns) column.copyWithin(0, this.first, this.end);
    this.end -= this.first;
    this.first = 0;
  }
}

// Rows a table may keep so that its columns stay within a memory budget of 32 MiB, at most 20,000.
export function rowsWithinBudget(columns: number): number {
  return Math.max(64, Math.min(20_000, Math.floor((32 * 1024 * 1024) / (16 * (columns + 1)))));
}
