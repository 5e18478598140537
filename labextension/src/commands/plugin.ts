/** The commands of the menus, the palette, the launcher, the tool bars and the keyboard. */

import { ILabShell, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { ILab, type LabOf } from '../actions/plugin';
import { notebookOf } from '../actions/cells';
import { isTracked, track } from '../cells/track';
import type { SideBar } from '../sidebar/panel';
import { ISideBar } from '../sidebar/plugin';
import { icon, runIcon, trackIcon } from '../words/icon';
import { addRegistry } from './registry';

const CATEGORY = 'MLOps';
const SETTINGS = 'jupyter-mlops:commands';

export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:commands',
  description: 'The commands of menus, palette, launcher, tool bars and keyboard.',
  autoStart: true,
  requires: [ILab, ISideBar],
  optional: [ICommandPalette, ILauncher, INotebookTracker, ISettingRegistry, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    lab: LabOf,
    panel: SideBar,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null,
    shell: ILabShell | null
  ): void => {
    const { trans } = lab;
    const labels: Record<string, string> = {
      runs: trans.__('Show runs'),
      models: trans.__('Show models'),
      endpoints: trans.__('Show endpoints'),
      alerts: trans.__('Show alerts')
    };
    const partOf = (args: Record<string, unknown>): string => (typeof args.part === 'string' ? args.part : 'runs');

    app.commands.addCommand('jupyter-mlops:show', {
      label: args => labels[partOf(args)] ?? trans.__('MLOps'),
      caption: trans.__('Runs, models, endpoints and alerts of the project'),
      icon: args => (args.isLauncher ? icon : undefined),
      execute: args => {
        panel.choose(partOf(args));
        app.shell.activateById(panel.id);
        panel.focus();
      }
    });
    app.commands.addCommand('jupyter-mlops:status', {
      label: trans.__('Status of the project'),
      execute: () => lab.here().act({ command: 'status', parameters: {} }, true)
    });
    const canTrack = (): boolean => notebooks?.activeCell?.model.type === 'code' && notebookOf(notebooks) !== null;
    app.commands.addCommand('jupyter-mlops:track-cell', {
      label: trans.__('Track this cell as a run'),
      caption: trans.__('Begin the cell with %%mlops run: what it fits and measures is logged'),
      icon: trackIcon,
      isEnabled: canTrack,
      isVisible: canTrack,
      isToggled: () => isTracked(notebooks?.activeCell?.model),
      execute: () => track(notebooks)
    });
    app.commands.addCommand('jupyter-mlops:run-cells', {
      label: trans.__('Run the cells of actions at once'),
      caption: trans.__('Actions of the MLOps side bar also run the cells that they put in'),
      icon: runIcon,
      isToggled: () => lab.runsAtOnce,
      execute: async () => {
        lab.runsAtOnce = !lab.runsAtOnce;
        await settings?.set(SETTINGS, 'runCells', lab.runsAtOnce);
        app.commands.notifyCommandChanged('jupyter-mlops:run-cells');
      }
    });
    notebooks?.activeCellChanged.connect(() => app.commands.notifyCommandChanged('jupyter-mlops:track-cell'));

    for (const part of Object.keys(labels)) {
      palette?.addItem({ command: 'jupyter-mlops:show', args: { part }, category: CATEGORY });
    }
    for (const command of ['jupyter-mlops:status', 'jupyter-mlops:track-cell', 'jupyter-mlops:run-cells']) {
      palette?.addItem({ command, category: CATEGORY });
    }
    launcher?.add({ command: 'jupyter-mlops:show', args: { part: 'runs', isLauncher: true }, category: trans.__('Other'), rank: 50 });
    if (palette) {
      // After the window stands: it is asked over the network, and nobody waits for it.
      void app.restored.then(() => addRegistry(app, lab, palette, CATEGORY));
    }
    // Where one works decides which project is looked at: without a notebook the folder of the file browser.
    shell?.currentChanged.connect(() => app.commands.notifyCommandChanged('jupyter-mlops:track-cell'));
  }
};
