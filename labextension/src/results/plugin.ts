/** Results of commands, drawn in the notebook. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { insert, notebookOf } from '../actions/cells';
import { followPanels } from './following';
import { rendererFactory } from './renderer';

export const results: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:results',
  description: 'Draws the results of commands: tables that sort, and next steps that can be put into a cell.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    registry: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    followPanels(notebooks);
    const trans = (translator ?? nullTranslator).load('jupyter_mlops');
    registry.addFactory(
      rendererFactory(trans, line => {
        const panel = notebookOf(notebooks);
        if (panel) {
          void insert(panel, line);
        }
      }),
      10
    );
  }
};
