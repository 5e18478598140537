/** A line of `%mlops`, with names as they may be: with spaces, quotes and all. */

/** Quote a word for the line of a magic, as `shlex.quote` does. A line has no room for control characters. */
export function word(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f]/g, ' ');
  return /^[\w@%+=:,./-]+$/.test(line) ? line : `'${line.replaceAll("'", `'"'"'`)}'`;
}

export type Value = string | number | boolean | null | undefined | string[];

/** Write a command as a line: positional words first, then options; `true` is a bare flag. */
export function line(command: string, words: string[], options: Record<string, Value> = {}): string {
  const parts = ['%mlops', command, ...words.map(word)];
  for (const [name, value] of Object.entries(options)) {
    const flag = `--${name.replaceAll('_', '-')}`;
    if (value === true) {
      parts.push(flag);
    } else if (Array.isArray(value)) {
      parts.push(...value.flatMap(one => [flag, word(one)]));
    } else if (value !== undefined && value !== null && value !== false) {
      parts.push(flag, word(String(value)));
    }
  }
  return parts.join(' ');
}
