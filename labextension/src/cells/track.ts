/** A cell that begins with `%%mlops run` is a run: one button makes it one, and no longer one. */

import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookTracker } from '@jupyterlab/notebook';

const FIRST = /^\s*%%mlops\s+run\b[^\n]*\n?/;

export function isTracked(cell: ICellModel | undefined): boolean {
  return cell?.type === 'code' && FIRST.test(cell.sharedModel.getSource());
}

/** What a cell's source becomes when it is tracked, or no longer; another cell magic stays what it is. */
export function turned(source: string): string {
  if (FIRST.test(source)) {
    return source.replace(FIRST, '');
  }
  return source.trimStart().startsWith('%%') ? source : `%%mlops run\n${source}`;
}

export function track(notebooks: INotebookTracker | null): void {
  const cell = notebooks?.activeCell;
  if (cell?.model.type === 'code') {
    cell.model.sharedModel.setSource(turned(cell.model.sharedModel.getSource()));
  }
}
