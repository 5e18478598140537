/** The plugins, one for each thing that can be switched off. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { results } from './results/plugin';
import { sidebar } from './sidebar/plugin';
import { actions } from './actions/plugin';
import { cells } from './cells/plugin';
import { commands } from './commands/plugin';
import { statusBar } from './commands/statusbar';
import { projects } from './server/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [projects, actions, results, sidebar, commands, statusBar, cells];
export default plugins;
