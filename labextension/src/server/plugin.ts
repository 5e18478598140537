/** Where one works: in the project of the active notebook, or of the folder that is looked at where there is none. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';

import { Client } from './client';
import { Project } from './project';
import { Projects } from './projects';

export const IProjects = new Token<Projects>('jupyter-mlops:IProjects', 'The projects that are looked at.');

export const projects: JupyterFrontEndPlugin<Projects> = {
  id: 'jupyter-mlops:project',
  description: 'The project that the active notebook is in.',
  autoStart: true,
  provides: IProjects,
  optional: [INotebookTracker, IDefaultFileBrowser],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker | null, files: IDefaultFileBrowser | null): Projects => {
    const client = new Client(undefined, app.restored);
    const made = new Projects(at => new Project(at, client));
    const follow = (): void => {
      const path = notebooks?.currentWidget?.context.path;
      made.current = path === undefined ? made.at(files?.model.path ?? '') : made.of(path);
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
