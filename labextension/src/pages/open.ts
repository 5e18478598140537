/** Pages in the main area; in Notebook 7, which has room for one document, beside it. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { Widget } from '@lumino/widgets';

import type { Lab, Place } from '../actions/lab';
import { icon } from '../words/icon';
import { short } from '../words/figures';
import { Page } from './page';

const pages = new Map<string, Widget>();
let results = 0;
const PATIENCE = 1_000; // milliseconds

/** Open a page, which stays in the project of this `lab` whatever becomes active; one that is open already comes to the front. */
export async function openPage(app: JupyterFrontEnd, lab: Lab, place: Place): Promise<void> {
  // Nobody waits long for a server that hangs; that it is away the page itself says.
  const late = new Promise<string>(resolve => setTimeout(() => resolve(lab.project.at), PATIENCE));
  const root = await Promise.race([lab.project.root().catch(() => lab.project.at), late]);
  const id = idOf(root, place);
  let widget = pages.get(id);
  if (!widget || widget.isDisposed) {
    widget = new MainAreaWidget({ content: new Page(lab, place) });
    widget.id = id;
    const title = titleOf(lab, place);
    widget.title.label = short(title, 30);
    widget.title.caption = title;
    widget.title.icon = icon;
    widget.title.closable = true;
    widget.disposed.connect(() => pages.delete(id));
    pages.set(id, widget);
  }
  const isLab = app.name === 'JupyterLab';
  if (!widget.isAttached) {
    app.shell.add(widget, isLab ? 'main' : 'right');
  }
  app.shell.activateById(id);
}

function idOf(root: string, place: Place): string {
  const what = {
    run: () => (place as Place & { kind: 'run' }).id,
    compare: () => (place as Place & { kind: 'compare' }).runs.join('+'),
    model: () => (place as Place & { kind: 'model' }).name,
    endpoint: () => (place as Place & { kind: 'endpoint' }).name,
    result: () => String((results += 1))
  }[place.kind]();
  return `jupyter-mlops:${root}:${place.kind}:${what}`;
}

function titleOf({ trans }: Lab, place: Place): string {
  switch (place.kind) {
    case 'compare':
      return trans._n('%1 run', '%1 runs', place.runs.length);
    case 'model':
      return place.name;
    case 'endpoint':
      return `${place.name} ⇐`;
    default:
      return place.title;
  }
}
