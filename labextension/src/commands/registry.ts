/** Every command of `%mlops` in the palette, from the registry of the server's half: none of them is listed here. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';

import type { LabOf } from '../actions/plugin';

export async function addRegistry(app: JupyterFrontEnd, lab: LabOf, palette: ICommandPalette, category: string): Promise<void> {
  const known = await lab.doing.commands().catch(() => []); // the side bar says when the server is away
  for (const command of known) {
    const id = `jupyter-mlops:do-${command.name.replaceAll(' ', '-')}`;
    if (app.commands.hasCommand(id)) {
      continue; // a shell has another command of that name
    }
    app.commands.addCommand(id, {
      label: `${command.magic}: ${command.summary}`,
      caption: command.usage,
      execute: () => lab.act({ command: command.name, parameters: {} })
    });
    palette.addItem({ command: id, category });
  }
}
