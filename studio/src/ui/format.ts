// Numbers, units and times in words. Numbers are in SI units as they come; nothing is rescaled.

const MINUS = "\u2212";

function withoutTrailingZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

// At most `digits` significant digits; e-notation from 1e6 and below 1e-4; NaN is a dash.
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size < 1e-4 || size >= 1e6) {
    const [mantissa, power] = size.toExponential(digits - 1).split("e") as [string, string];
    return `${sign}${withoutTrailingZeros(mantissa)}e${power.replace("-", MINUS).replace("+", "")}`;
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return sign + withoutTrailingZeros(size.toFixed(decimals));
}

// A number that changes while one reads it: a fixed number of decimals, so that it does not jump.
export function formatFixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

const UNIT_SIGNS: Record<string, string> = {
  "N.m": "N·m",
  "kg m2": "kg·m²",
  "m/s2": "m/s²",
  "N.m.s/rad": "N·m·s/rad",
  "N.s/m": "N·s/m",
  "1": "",
};

export function formatUnit(unit: string): string {
  return UNIT_SIGNS[unit] ?? unit;
}

export function formatQuantity(value: number, unit: string, digits = 4): string {
  const sign = formatUnit(unit);
  return Number.isNaN(value) || sign === "" ? formatNumber(value, digits) : `${formatNumber(value, digits)}\u00a0${sign}`;
}

// A duration: "3.20 s" below a minute, then "2:03.20", then "1:02:03.2".
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? MINUS : "";
  const hundredths = Math.round(Math.abs(seconds) * 100);
  const whole = Math.floor(hundredths / 100);
  const rest = String(hundredths % 100).padStart(2, "0");
  const s = whole % 60;
  const m = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  if (hours > 0) return `${sign}${hours}:${String(m).padStart(2, "0")}:${String(s).padStart(2, "0")}.${rest}`;
  return `${sign}${m}:${String(s).padStart(2, "0")}.${rest}`;
}

// A date with time where seconds look like one (after 1990), else a duration from zero.
export function formatInstant(seconds: number): string {
  if (seconds < 631_152_000) return formatDuration(seconds);
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace(/\.?\d*Z$/, " UTC");
}

// Large counts with thin spaces: 12 345.
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

// Last part of a path: /cell/ur3e/wrist -> wrist.
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}
