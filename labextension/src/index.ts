/** The plugins, one for each thing that can be switched off. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { results } from './results/plugin';
import { sidebar } from './sidebar/plugin';
import { project } from './server/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [project, results, sidebar];
export default plugins;
