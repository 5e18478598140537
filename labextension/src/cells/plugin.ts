/** The badge of a cell: which run it was. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { ILab, type LabOf } from '../actions/plugin';
import { RunBadge } from './badge';
import { isTracked } from './track';

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:cells',
  description: 'Shows below a cell which run it was.',
  autoStart: true,
  requires: [ILab],
  optional: [INotebookTracker, ISettingRegistry],
  activate: (_app: JupyterFrontEnd, lab: LabOf, notebooks: INotebookTracker | null, settings: ISettingRegistry | null): void => {
    const badges = new WeakMap<CodeCell, RunBadge>();
    let wanted = true;

    const mark = (cell: CodeCell, panel: NotebookPanel): void => {
      let badge = badges.get(cell);
      if (!badge) {
        badge = new RunBadge(() => lab.in(lab.projects.of(panel.context.path)), cell);
        badges.set(cell, badge);
      }
      badge.setHidden(!wanted);
    };
    const markAll = (panel: NotebookPanel): void => {
      panel.content.widgets.filter(cell => cell instanceof CodeCell).forEach(cell => mark(cell, panel));
    };

    notebooks?.widgetAdded.connect((_, panel) => {
      void panel.revealed.then(() => {
        markAll(panel);
        panel.content.model?.cells.changed.connect(() => markAll(panel));
      });
    });
    NotebookActions.executionScheduled.connect((_, { cell }) => {
      if (cell instanceof CodeCell && isTracked(cell.model)) {
        badges.get(cell)?.begin();
      }
    });
    NotebookActions.executed.connect((_, { cell, notebook }) => {
      if (cell instanceof CodeCell) {
        badges.get(cell)?.end();
        if (/%mlops|mlops\./.test(cell.model.sharedModel.getSource())) {
          const panel = notebooks?.find(one => one.content === notebook);
          (panel ? lab.projects.of(panel.context.path) : lab.projects.current).tell('all');
        }
      }
    });
    const read = (found: ISettingRegistry.ISettings): void => {
      wanted = found.get('badges').composite !== false;
      notebooks?.forEach(markAll);
    };
    void settings?.load('jupyter-mlops:commands').then(
      found => {
        read(found);
        found.changed.connect(read);
      },
      () => undefined // as by default
    );
  }
};
