// Series with their own time columns, written as one CSV: rows are the union of all times at which
// any has a value, empty where a series has none.

export interface CsvSeries {
  name: string;
  unit: string;
  time: ArrayLike<number>; // [s], rising
  values: ArrayLike<number>;
}

function quote(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export function toCsv(series: readonly CsvSeries[]): string {
  const header = ["time [s]", ...series.map(({ name, unit }) => quote(unit ? `${name} [${unit}]` : name))];
  const known = series.flatMap(({ time, values }) => Array.from(time).filter((_, i) => Number.isFinite(values[i]!)));
  const times = [...new Set(known)].sort((a, b) => a - b);
  const next = series.map(() => 0);
  const lines = times.map((time) => {
    const cells = series.map((one, k) => {
      while (one.time[next[k]!]! < time) next[k]! += 1;
      if (one.time[next[k]!] !== time) return "";
      const value = one.values[next[k]!]!;
      return Number.isFinite(value) ? String(value) : "";
    });
    return [String(time), ...cells].join(",");
  });
  return `${[header.join(","), ...lines].join("\n")}\n`;
}
