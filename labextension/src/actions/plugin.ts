/** What the views may do in JupyterLab. */

import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { MimeData, Token } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import { Menu } from '@lumino/widgets';

import { openPage } from '../pages/open';
import { IProject } from '../server/plugin';
import type { Project } from '../server/project';
import { Doing } from './doing';
import { type Lab, type Offer, take } from './lab';

export const ILab = new Token<LabOf>('jupyter-mlops:ILab', 'What the views may do in JupyterLab.');

/** What the views know, and the commands that there are. */
export interface LabOf extends Lab {
  doing: Doing;
  runsAtOnce: boolean;
}

export const actions: JupyterFrontEndPlugin<LabOf> = {
  id: 'jupyter-mlops:actions',
  description: 'Actions: a click becomes a cell, or a command that is confirmed first.',
  autoStart: true,
  provides: ILab,
  requires: [IProject],
  optional: [INotebookTracker, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    project: Project,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): LabOf => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlops');
    const doing = new Doing({ project, notebooks, trans, show: place => lab.open(place), runs: () => lab.runsAtOnce });
    const lab: LabOf = {
      project,
      trans,
      doing,
      runsAtOnce: false,
      act: (act, now) => void doing.act(act, now),
      open: place => openPage(app, lab, place),
      menu: (offers, x, y) => menuOf(lab, offers, x, y),
      drag: (line, label, event) => dragLine(line, label, event)
    };
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
  offers.forEach((offer, index) => {
    commands.addCommand(String(index), { label: offer.label, execute: () => take(lab, offer) });
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
