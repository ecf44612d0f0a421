// Waiting time before the next try to connect: doubles from 0.5 s to 10 s, with a fifth of it random so that many
// pages do not all knock at once.
//   attempt  1 for the first try after a loss
//   random   in [0, 1)
// Returns milliseconds.
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(10_000, 500 * 2 ** Math.max(0, attempt - 1));
  return Math.round(full * (0.8 + 0.2 * random));
}
