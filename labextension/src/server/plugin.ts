/** The project of the active notebook, or of the folder that is looked at where there is none. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';

import { Project } from './project';

export const IProject = new Token<Project>('jupyter-mlops:IProject', 'The project that is looked at.');

export const project: JupyterFrontEndPlugin<Project> = {
  id: 'jupyter-mlops:project',
  description: 'The project that the active notebook is in.',
  autoStart: true,
  provides: IProject,
  optional: [INotebookTracker, IDefaultFileBrowser],
  activate: (_app: JupyterFrontEnd, notebooks: INotebookTracker | null, files: IDefaultFileBrowser | null): Project => {
    const made = new Project();
    const follow = (): void => {
      made.at = notebooks?.currentWidget?.context.path ?? files?.model.path ?? '';
    };
    notebooks?.currentChanged.connect((_, panel) => {
      panel?.context.pathChanged.connect(follow); // it was renamed, or moved
      follow();
    });
    files?.model.pathChanged.connect(follow);
    follow();
    return made;
  }
};
