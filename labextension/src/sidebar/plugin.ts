/** The side bar, where it stands in the window. */

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Token } from '@lumino/coreutils';

import { ILab, type LabOf } from '../actions/plugin';
import { SideBar } from './panel';

export const ISideBar = new Token<SideBar>('jupyter-mlops:ISideBar', 'The side bar.');

export const sidebar: JupyterFrontEndPlugin<SideBar> = {
  id: 'jupyter-mlops:sidebar',
  description: 'A side bar with runs, models, endpoints and alerts.',
  autoStart: true,
  provides: ISideBar,
  requires: [ILab],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, lab: LabOf, restorer: ILayoutRestorer | null): SideBar => {
    const panel = new SideBar(lab);
    app.shell.add(panel, 'left', { rank: 900, type: 'MLOps' });
    restorer?.add(panel, panel.id);
    return panel;
  }
};
