/** An action is a cell: it can be read before it is run, is kept in the notebook, and done again. */

import type { Cell } from '@jupyterlab/cells';
import { type INotebookTracker, type Notebook, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

import { cellsFor, loads } from './loading';

/** The notebooks whose kernel has loaded the extension since it began. */
const loaded = new WeakSet<Notebook>();

/** Remember which kernels have loaded the extension, and forget it when they begin anew. */
export function followKernels(notebooks: INotebookTracker | null): void {
  NotebookActions.executed.connect((_, { notebook, cell, success }) => {
    if (success && loads(cell.model.sharedModel.getSource())) {
      loaded.add(notebook);
    }
  });
  notebooks?.widgetAdded.connect((_, { content, sessionContext }) => {
    sessionContext.kernelChanged.connect(() => loaded.delete(content));
    sessionContext.statusChanged.connect((_context, status) => {
      if (['restarting', 'autorestarting', 'terminating', 'dead'].includes(status)) {
        loaded.delete(content);
      }
    });
  });
}

/** The notebook of Python that a cell can be put into now. */
export function notebookOf(notebooks: INotebookTracker | null): NotebookPanel | null {
  const panel = notebooks?.currentWidget;
  const model = panel && !panel.isDisposed ? panel.content.model : null;
  return panel && model && !model.readOnly && otherLanguage(notebooks) === null ? panel : null;
}

/** What the active notebook is written in, where that isn't Python: as its kernel says, or, until it has, as the file does. */
export function otherLanguage(notebooks: INotebookTracker | null): string | null {
  const model = notebooks?.currentWidget?.content.model;
  const spec = model?.getMetadata('kernelspec') as { language?: unknown } | undefined;
  const language = [model?.defaultKernelLanguage, spec?.language].find(one => typeof one === 'string' && one !== '') as string | undefined;
  return language === undefined || /^i?python3?$/i.test(language) ? null : language;
}

/** Put a line below the active cell, and run that and nothing else where it is wanted. */
export async function insert(panel: NotebookPanel, line: string, run = false): Promise<void> {
  const { content, sessionContext } = panel;
  content.deselectAll();
  const ready = run ? loaded.has(content) : hasLoad(content);
  const cells = cellsFor(line, ready).map(source => put(content, source));
  content.mode = 'command';
  if (run) {
    await sessionContext.ready; // meanwhile the user may have gone to another cell
    const left = cells.filter(cell => cell !== null && !cell.isDisposed) as Cell[];
    if (left.length === cells.length) {
      await NotebookActions.runCells(content, left, sessionContext);
    }
  }
}

/** Whether a cell loads the extension: whoever runs the notebook from its beginning needs no other. */
export function hasLoad(content: Notebook): boolean {
  return content.widgets.some(cell => cell.model.type === 'code' && loads(cell.model.sharedModel.getSource()));
}

/** An empty cell is filled, and not left behind empty. */
function put(content: Notebook, source: string): Cell | null {
  const active = content.activeCell?.model;
  if (!(active?.type === 'code' && active.sharedModel.getSource().trim() === '')) {
    NotebookActions.insertBelow(content);
  }
  if (content.activeCell?.model.type !== 'code') {
    NotebookActions.changeCellType(content, 'code');
  }
  content.activeCell?.model.sharedModel.setSource(source);
  return content.activeCell;
}
