/** What the views know of JupyterLab: a project to ask, pages to open, and actions to do. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Bundle } from '../results/view';
import type { Project } from '../server/project';

/** A command, by its key in the registry, with its parameters, by their names in Python. */
export interface Act {
  command: string;
  parameters: Record<string, string | number | boolean | string[]>;
}

/** A page in the main area. */
export type Place =
  | { kind: 'run'; id: string; title: string }
  | { kind: 'compare'; runs: string[] }
  | { kind: 'model'; name: string }
  | { kind: 'endpoint'; name: string }
  | { kind: 'result'; title: string; bundle: Bundle | null; text: string };

/** Something that can be done with what is selected: an action, a page, or an address of the web. */
export interface Offer {
  label: string;
  act?: Act;
  place?: Place;
  href?: string;
}

export interface Lab {
  project: Project;
  trans: TranslationBundle;
  /** Do it: as a cell (`now` runs it too), or over REST where there is no notebook. */
  act: (act: Act, now?: boolean) => void;
  open: (place: Place) => void;
  /** Show the offers as a menu at a place of the window. */
  menu: (offers: Offer[], x: number, y: number) => void;
  /** Let a line be dragged into a notebook, where it becomes a cell. */
  drag: (line: string, label: string, event: PointerEvent) => void;
}

export function take(lab: Lab, offer: Offer, now = false): void {
  if (offer.act) {
    lab.act(offer.act, now);
  } else if (offer.place) {
    lab.open(offer.place);
  } else if (offer.href) {
    window.open(offer.href, '_blank', 'noopener,noreferrer');
  }
}
