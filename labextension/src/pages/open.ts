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

export function openPage(app: JupyterFrontEnd, lab: Lab, place: Place): void {
  const id = idOf(place);
  let widget = pages.get(id);
  if (!widget || widget.isDisposed) {
    widget = new MainAreaWidget({ content: new Page(lab, place) });
    widget.id = id;
    widget.title.label = short(titleOf(place), 30);
    widget.title.caption = titleOf(place);
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

function idOf(place: Place): string {
  const what = {
    run: () => (place as Place & { kind: 'run' }).id,
    compare: () => (place as Place & { kind: 'compare' }).runs.join('+'),
    model: () => (place as Place & { kind: 'model' }).name,
    endpoint: () => (place as Place & { kind: 'endpoint' }).name,
    result: () => String((results += 1))
  }[place.kind]();
  return `jupyter-mlops:${place.kind}:${what}`;
}

function titleOf(place: Place): string {
  switch (place.kind) {
    case 'compare':
      return `${place.runs.length} runs`;
    case 'model':
      return place.name;
    case 'endpoint':
      return `${place.name} ⇐`;
    default:
      return place.title;
  }
}
