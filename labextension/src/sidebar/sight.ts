/** Which rows of a list are drawn, and which is the active one. */

/** The row that the keys act on: it is meant by its key, and by its place only where it has gone. */
export interface Active {
  key: string | null;
  index: number;
}

/** Where the active row is now: others may have come above it. Where it has gone, the one in its place is active. */
export function activeIn<T>(items: T[], keyOf: (item: T) => string, active: Active): number {
  const found = active.key === null ? -1 : items.findIndex(item => keyOf(item) === active.key);
  return found >= 0 ? found : Math.max(0, Math.min(active.index, items.length - 1));
}

/** The rows from one to before another, and the active one: a screen reader is pointed to it, so it must be there. */
export function drawn(from: number, to: number, active: number, count: number): number[] {
  const rows = Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
  if (active >= count || (active >= from && active < to)) {
    return rows;
  }
  return active < from ? [active, ...rows] : [...rows, active];
}
