/** Whether a notebook has what its lines need: the extension, loaded by a cell. */

export const LOAD = '%load_ext jupyter_mlops';

/** Whether a cell loads it; one that is commented out does not. */
export function loads(source: string): boolean {
  return /^[ \t]*%(re)?load_ext[ \t]+jupyter_mlops\b/m.test(source);
}

/** The cells that an action becomes: a line brings the load along, while a cell magic has to be the first of its cell. */
export function cellsFor(line: string, loaded: boolean): string[] {
  if (loaded) {
    return [line];
  }
  return line.startsWith('%%') ? [LOAD, line] : [`${LOAD}\n${line}`];
}
