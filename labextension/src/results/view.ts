/** The nouns of a picture, as `display/views.py` has them: what a result's bundle carries. */

export type Tone = 'good' | 'bad' | 'warn' | 'idle';
export type Cell =
  | string
  | number
  | boolean
  | null
  | { badge: string; tone: Tone }
  | { link: string; href: string | null }
  | { code: string }
  | { time: number; exact?: boolean }
  | { number: string };

export interface Table {
  type: 'table';
  columns: string[];
  rows: Cell[][];
  title?: string;
  empty?: string;
  note?: string;
  sentences?: boolean;
}

export interface Card {
  type: 'card';
  title: string;
  badge?: { badge: string; tone: Tone } | null;
  facts?: [string, Cell][];
  tables?: Table[];
  pictures?: { alt: string; png: string; width?: number }[];
  diffs?: { title: string; text: string }[];
  text?: string;
  next?: string;
  tables_first?: boolean;
}

export type View = Table | Card;

/** What a result is about: the side bar's actions and the badge of a cell start from it. */
export interface Subject {
  run_id?: string;
  model?: string;
  version?: number;
  endpoint?: string;
  /** Of a panel: the display that its kernel replaces. */
  display?: string;
}

export interface Bundle {
  version: number;
  result: string;
  view: View;
  subject?: Subject;
}

export const TYPES = ['card', 'table'].map(kind => `application/vnd.jupyter-mlops.${kind}.v1+json`);

/** What of ours an output carries. */
export function bundleIn(data: { readonly [type: string]: unknown }): Bundle | undefined {
  return TYPES.map(type => data[type] as Bundle | undefined).find(Boolean);
}

/** What a cell says, for sorting and for those who read it as text. */
export function plain(cell: Cell): string | number | boolean | null {
  if (cell === null || typeof cell !== 'object') {
    return cell;
  }
  if ('badge' in cell) {
    return cell.badge;
  }
  if ('link' in cell) {
    return cell.link;
  }
  if ('code' in cell) {
    return cell.code;
  }
  return 'time' in cell ? cell.time : Number(cell.number);
}

/** Put two cells in order: numbers by size and before words, what is missing last. */
export function compare(a: Cell, b: Cell): number {
  const [x, y] = [plain(a), plain(b)];
  const [rank, other] = [rankOf(x), rankOf(y)];
  if (rank !== other) {
    return rank - other;
  }
  if (typeof x === 'number' && typeof y === 'number') {
    return x - y;
  }
  return String(x).localeCompare(String(y), undefined, { numeric: true });
}

function rankOf(value: string | number | boolean | null): number {
  if (value === null || value === '' || Number.isNaN(value)) {
    return 2;
  }
  return typeof value === 'number' ? 0 : 1;
}

/** Only web addresses become links: `javascript:` and `data:` are text. */
export function safeLink(href: string | null): string | null {
  return href && /^https?:\/\//i.test(href) ? href : null;
}
