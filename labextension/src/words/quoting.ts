/** A line of `%mlops`, with names as they may be: with spaces, quotes and all. */

/** What would end the line, or be read otherwise than it looks: control characters, and the line ends of Unicode. */
const ENDS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Quote a word for the line of a magic, as `shlex.quote` does: what cannot stand in a line is an error, never another name. */
export function word(text: string): string {
  if (ENDS.test(text)) {
    throw new Error(`${JSON.stringify(text.slice(0, 60))} has control characters, and can't stand in a line: use Python, where it is a string.`);
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
    throw new Error(`${JSON.stringify(dashed.slice(0, 60))} begins with '-', and would be read as a flag: use Python, where it is a string.`);
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
