/** The side bar, where it stands in the window. */

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IProject } from '../server/plugin';
import type { Project } from '../server/project';
import { SideBar } from './panel';

export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:sidebar',
  description: 'A side bar with runs, models, endpoints and alerts.',
  autoStart: true,
  requires: [IProject],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    project: Project,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const panel = new SideBar(project, (translator ?? nullTranslator).load('jupyter_mlops'));
    app.shell.add(panel, 'left', { rank: 900 });
    restorer?.add(panel, panel.id);
  }
};
