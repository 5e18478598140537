/**
 * Panels that were there before the page was loaded anew.
 *
 * The kernel goes on replacing them, and JupyterLab no longer knows whose display is which: it learns that when a display
 * is made, and nothing of it is saved. A panel says in its own data which display it is, so that it is found again.
 */

import type { INotebookTracker, Notebook } from '@jupyterlab/notebook';
import { KernelMessage } from '@jupyterlab/services';
import { CodeCell } from '@jupyterlab/cells';
import { JSONExt } from '@lumino/coreutils';

import { bundleIn, TYPES } from './view';

type Content = KernelMessage.IUpdateDisplayDataMsg['content'];

export function followPanels(notebooks: INotebookTracker | null): void {
  notebooks?.widgetAdded.connect((_, { content, sessionContext }) => {
    sessionContext.iopubMessage.connect((_context, message) => {
      if (KernelMessage.isUpdateDisplayDataMsg(message)) {
        redraw(content, message.content);
      }
    });
  });
}

function redraw(notebook: Notebook, { data, metadata, transient }: Content): void {
  const { display_id: display } = transient;
  const type = TYPES.find(one => one in data);
  if (!display || !type) {
    return;
  }
  for (const { model } of notebook.widgets.filter(cell => cell instanceof CodeCell)) {
    const { outputs } = model;
    for (let index = 0; index < outputs.length; index += 1) {
      const shown = outputs.get(index).data;
      // Where JupyterLab still knows the display, it has drawn this already.
      if (bundleIn(shown)?.subject?.display === display && !JSONExt.deepEqual(shown[type] ?? null, data[type] ?? null)) {
        outputs.set(index, { output_type: 'display_data', data, metadata });
      }
    }
  }
}
