/** What the views may do in JupyterLab. */

import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { MimeData, Token } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import { Menu } from '@lumino/widgets';

import { openPage } from '../pages/open';
import { IProjects } from '../server/plugin';
import type { Project } from '../server/project';
import type { Projects } from '../server/projects';
import { followKernels } from './cells';
import { Doing } from './doing';
import { type Lab, type Offer, type Place, take } from './lab';

export const ILab = new Token<LabOf>('jupyter-mlops:ILab', 'What the views may do in JupyterLab.');

/** What the views may do in each of the projects, and the commands that there are. */
export interface LabOf {
  projects: Projects;
  trans: TranslationBundle;
  doing: Doing;
  runsAtOnce: boolean;
  /** What can be done in a project, and stays in it when another becomes current. */
  in: (project: Project) => Lab;
  /** What can be done where one works. */
  here: () => Lab;
}

export const actions: JupyterFrontEndPlugin<LabOf> = {
  id: 'jupyter-mlops:actions',
  description: 'Actions: a click becomes a cell, or a command that is confirmed first.',
  autoStart: true,
  provides: ILab,
  requires: [IProjects],
  optional: [INotebookTracker, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    projects: Projects,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): LabOf => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlops');
    const show = (project: Project, place: Place): void => inside(project).open(place);
    const doing = new Doing({ projects, notebooks, trans, show, runs: () => lab.runsAtOnce });
    const inside = (project: Project): Lab => {
      const made: Lab = {
        project,
        trans,
        act: (act, now) => void doing.act(project, act, now),
        open: place => void openPage(app, made, place),
        menu: (offers, x, y) => menuOf(made, offers, x, y),
        drag: dragLine
      };
      return made;
    };
    const lab: LabOf = { projects, trans, doing, runsAtOnce: false, in: inside, here: () => inside(projects.current) };
    followKernels(notebooks);
    const read = (found: ISettingRegistry.ISettings): void => {
      lab.runsAtOnce = found.get('runCells').composite === true;
    };
    void settings?.load('jupyter-mlops:commands').then(
      found => {
        read(found);
        found.changed.connect(read);
      },
      () => undefined // as by default
    );
    return lab;
  }
};

function menuOf(lab: Lab, offers: Offer[], x: number, y: number): void {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  // A menu doesn't tell a command by what it was chosen: with Shift the cell runs at once, as with a button.
  let shift = false;
  for (const kind of ['pointerup', 'mouseup', 'click', 'keydown'] as const) {
    menu.node.addEventListener(kind, event => (shift = event.shiftKey), true);
  }
  offers.forEach((offer, index) => {
    commands.addCommand(String(index), { label: offer.label, execute: () => take(lab, offer, shift) });
    menu.addItem({ command: String(index) });
  });
  if (offers.length > 0) {
    menu.open(x, y);
  }
}

/** As cells are dragged between notebooks: what is dropped becomes one. */
function dragLine(line: string, label: string, event: PointerEvent): void {
  const mimeData = new MimeData();
  const cell = { cell_type: 'code', source: line, metadata: {}, outputs: [], execution_count: null };
  mimeData.setData('application/vnd.jupyter.cells', [cell]);
  mimeData.setData('text/plain', line);
  const dragImage = document.createElement('div');
  dragImage.className = 'mlops-dragged';
  dragImage.textContent = label.slice(0, 60);
  const drag = new Drag({ mimeData, dragImage, supportedActions: 'copy-move', proposedAction: 'copy', source: null });
  void drag.start(event.clientX, event.clientY);
}
