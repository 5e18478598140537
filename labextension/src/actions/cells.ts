/** An action is a cell: it can be read before it is run, is kept in the notebook, and done again. */

import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

const LOAD = '%load_ext jupyter_mlops';

/** Whether there is a notebook of Python that a cell can be put into. */
export function hasNotebook(notebooks: INotebookTracker | null): boolean {
  const panel = notebooks?.currentWidget;
  const model = panel && !panel.isDisposed ? panel.content.model : null;
  return model !== null && !model.readOnly && /^(i?python3?)?$/i.test(model.defaultKernelLanguage);
}

/** Put a line below the active cell, and run it where that is wanted; false where there is no notebook. */
export async function insert(notebooks: INotebookTracker | null, line: string, run = false): Promise<boolean> {
  const panel = notebooks?.currentWidget;
  if (!panel || !hasNotebook(notebooks)) {
    return false;
  }
  const { content } = panel;
  const active = content.activeCell?.model;
  // An empty cell is filled, and not left behind empty.
  if (!(active?.type === 'code' && active.sharedModel.getSource().trim() === '')) {
    NotebookActions.insertBelow(content);
  }
  if (content.activeCell?.model.type !== 'code') {
    NotebookActions.changeCellType(content, 'code');
  }
  content.activeCell?.model.sharedModel.setSource(loads(panel) ? line : `${LOAD}\n${line}`);
  content.mode = 'command';
  if (run) {
    await panel.sessionContext.ready;
    await NotebookActions.run(content, panel.sessionContext);
  }
  return true;
}

/** Whether a cell of the notebook loads the extension: else the line brings that along. */
function loads(panel: NotebookPanel): boolean {
  return panel.content.widgets.some(cell => /load_ext\s+jupyter_mlops/.test(cell.model.sharedModel.getSource()));
}
