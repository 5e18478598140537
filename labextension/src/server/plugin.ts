/** The project of the active notebook, for all the others. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';

import { Project } from './project';

export const IProject = new Token<Project>('jupyter-mlops:IProject', 'The project that the active notebook is in.');

export const project: JupyterFrontEndPlugin<Project> = {
  id: 'jupyter-mlops:project',
  description: 'The project that the active notebook is in.',
  autoStart: true,
  provides: IProject,
  optional: [INotebookTracker],
  activate: (_app: JupyterFrontEnd, notebooks: INotebookTracker | null): Project => {
    const made = new Project();
    const follow = (): void => {
      made.at = notebooks?.currentWidget?.context.path ?? made.at;
    };
    notebooks?.currentChanged.connect(follow);
    follow();
    return made;
  }
};
