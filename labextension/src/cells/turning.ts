/** The source of a cell with and without its first line, `%%mlops run`. */

export const FIRST = /^\s*%%mlops\s+run\b[^\n]*\n?/;

/** What a cell's source becomes when it is tracked, or no longer; another cell magic stays what it is. */
export function turned(source: string): string {
  if (FIRST.test(source)) {
    return source.replace(FIRST, '');
  }
  return source.trimStart().startsWith('%%') ? source : `%%mlops run\n${source}`;
}
