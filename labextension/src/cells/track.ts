/** A cell that begins with `%%mlops run` is a run: one button makes it one, and no longer one. */

import type { ICellModel } from '@jupyterlab/cells';
import { type INotebookTracker, NotebookActions } from '@jupyterlab/notebook';

import { hasLoad } from '../actions/cells';
import { LOAD } from '../actions/loading';
import { FIRST, turned } from './turning';

export function isTracked(cell: ICellModel | undefined): boolean {
  return cell?.type === 'code' && FIRST.test(cell.sharedModel.getSource());
}

/** Make the active cell a run, or no longer; what it needs is loaded by a cell above it. */
export function track(notebooks: INotebookTracker | null): void {
  const cell = notebooks?.activeCell;
  const content = notebooks?.currentWidget?.content;
  if (cell?.model.type !== 'code' || !content) {
    return;
  }
  cell.model.sharedModel.setSource(turned(cell.model.sharedModel.getSource()));
  if (isTracked(cell.model) && !hasLoad(content)) {
    NotebookActions.insertAbove(content);
    content.activeCell?.model.sharedModel.setSource(LOAD);
    content.activeCellIndex += 1; // back to the cell that is tracked
  }
}
