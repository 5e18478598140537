/** Every command of `%mlops` in the palette, from the registry of the server's half: none of them is listed here. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';

import type { LabOf } from '../actions/plugin';

export async function addRegistry(app: JupyterFrontEnd, lab: LabOf, palette: ICommandPalette, category: string): Promise<void> {
  const known = await lab.doing.commands().catch(() => []); // the side bar says when the server is away
  for (const command of known) {
    const id = `jupyter-mlops:do-${command.key.replaceAll(' ', '-')}`;
    if (app.commands.hasCommand(id)) {
      continue; // the window was asked twice
    }
    app.commands.addCommand(id, {
      label: `${command.magic}: ${command.summary}`,
      caption: command.usage,
      execute: () => lab.here().act({ command: command.key, parameters: {} })
    });
    palette.addItem({ command: id, category });
  }
}
