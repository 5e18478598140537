/** A line of `%mlops`, with names as they may be: with spaces, quotes and all. */

/** What would end the line, or be read otherwise than it looks: control characters, and the line ends of Unicode. */
const ENDS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** A name that a line can't hold: it has control characters, or begins as a flag does. */
export class Unwritable extends Error {
  /** As much of the name as can be shown. */
  readonly shown: string;

  constructor(
    readonly why: 'control' | 'dash',
    name: string
  ) {
    super(`${why}: ${JSON.stringify(name.slice(0, 60))}`);
    this.shown = JSON.stringify(name.slice(0, 60)).slice(1, -1);
  }
}

/** Quote a word for the line of a magic, as `shlex.quote` does: what cannot stand in a line is an error, never another name. */
export function word(text: string): string {
  if (ENDS.test(text)) {
    throw new Unwritable('control', text);
  }
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

export type Value = string | number | boolean | null | undefined | string[];

/**
 * Write a command as a line: positional words first, then options; `true` is a bare flag.
 *
 * A value that begins with `-` would be read as a flag of its own: it is tied to its flag, as `--name=-x`.
 */
export function line(command: string, words: string[], options: Record<string, Value> = {}): string {
  const dashed = words.find(isDashed);
  if (dashed !== undefined) {
    throw new Unwritable('dash', dashed);
  }
  const parts = ['%mlops', command, ...words.map(word)];
  for (const [name, value] of Object.entries(options)) {
    const flag = `--${name.replaceAll('_', '-')}`;
    const tied = (text: string): string[] => (isDashed(text) ? [word(`${flag}=${text}`)] : [flag, word(text)]);
    if (value === true) {
      parts.push(flag);
    } else if (Array.isArray(value)) {
      parts.push(...value.flatMap(tied));
    } else if (value !== undefined && value !== null && value !== false) {
      parts.push(...tied(String(value)));
    }
  }
  return parts.join(' ');
}

export function isDashed(text: string): boolean {
  return text.startsWith('-');
}

/** Whether a text is one line that can stand in a cell, and not a sentence about one. */
export function isLine(text: string): boolean {
  return /^%mlops\b[^,]*$/.test(text) && !ENDS.test(text);
}
