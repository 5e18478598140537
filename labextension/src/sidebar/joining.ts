/** A new first page, and the pages that were loaded below the old one. */

export interface PageOf<T> {
  rows: T[];
  next: string | null;
}

/**
 * Bring them together: rows that a new one has pushed down stay, those that are gone go.
 *
 * What stood between rows of the new page and is no longer in it was deleted. Where nothing is the same, the old pages go.
 */
export function join<T>(first: PageOf<T>, loaded: PageOf<T>, keyOf: (row: T) => string): PageOf<T> {
  const fresh = new Set(first.rows.map(keyOf));
  const last = loaded.rows.reduce((found, row, index) => (fresh.has(keyOf(row)) ? index : found), -1);
  return last < 0 ? first : { rows: [...first.rows, ...loaded.rows.slice(last + 1)], next: loaded.next };
}
