/** Does what a click asks for: as a cell, and where there is no notebook over REST, after it was shown what it would do. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import { Refusal } from '../server/client';
import type { Project } from '../server/project';
import type { Command, Commands, Outcome } from '../server/types';
import { hasNotebook, insert } from './cells';
import { Confirm, Form } from './dialogs';
import type { Act, Place } from './lab';
import { lineOf, open } from './lines';

interface Surroundings {
  project: Project;
  notebooks: INotebookTracker | null;
  trans: TranslationBundle;
  show: (place: Place) => void;
  /** Whether cells that are put in run at once. */
  runs: () => boolean;
}

export class Doing {
  private registry: Promise<Command[]> | null = null;

  constructor(private readonly around: Surroundings) {}

  /** The commands that there are; asked for once, and again where that failed. */
  commands(): Promise<Command[]> {
    this.registry ??= this.around.project.get<Commands>('commands').then(
      answer => answer.commands,
      (error: unknown) => {
        this.registry = null;
        throw error;
      }
    );
    return this.registry;
  }

  async act(asked: Act, now = false): Promise<void> {
    const { notebooks, trans } = this.around;
    try {
      const command = (await this.commands()).find(one => one.name === asked.command);
      const act = command ? await this.completed(asked, command) : asked;
      if (!act) {
        return;
      }
      if (hasNotebook(notebooks)) {
        await insert(notebooks, lineOf(act, command), now || this.around.runs());
      } else if (!command || command.needs_kernel) {
        await showDialog({
          title: trans.__('This needs a notebook'),
          body: trans.__('Open one: it becomes a cell there.'),
          buttons: [Dialog.okButton()]
        });
      } else {
        await this.overRest(act, command);
      }
    } catch (error) {
      this.tell(error);
    }
  }

  /** Ask for what is missing; null where the user thought better of it. */
  private async completed(act: Act, command: Command): Promise<Act | null> {
    const missing = open(act, command);
    if (missing.length === 0) {
      return act;
    }
    const wanted = command.parameters.filter(one => missing.includes(one.name));
    const answer = await showDialog({
      title: command.magic,
      body: new Form(command.summary, wanted),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: this.around.trans.__('Go on') })],
      focusNodeSelector: 'input'
    });
    return answer.button.accept ? { ...act, parameters: { ...act.parameters, ...answer.value } } : null;
  }

  private async overRest(act: Act, command: Command): Promise<void> {
    const { project, trans } = this.around;
    const path = `commands/${encodeURIComponent(act.command)}`;
    const body = Object.fromEntries(Object.entries(act.parameters).filter(([, value]) => value !== ''));
    if (command.changes) {
      const tried = await project.post<Outcome>(path, { ...body, dry_run: true });
      const answer = await showDialog({
        title: lineOf(act, command),
        body: new Confirm(tried, trans),
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Do it') })]
      });
      if (!answer.button.accept) {
        return;
      }
    }
    const working = Notification.emit(lineOf(act, command), 'in-progress', { autoClose: false });
    try {
      const done = await project.post<Outcome>(path, body);
      Notification.dismiss(working);
      if (command.changes) {
        const said = `${act.command}: ${done.ok === false ? trans.__('refused') : trans.__('done')}`;
        Notification.emit(said, done.ok === false ? 'warning' : 'success', { autoClose: 4000 });
      }
      if (!command.changes || done.ok === false) {
        const [bundle = null] = Object.values(done.mime);
        this.around.show({ kind: 'result', title: lineOf(act, command), bundle, text: done.text });
      }
    } catch (error) {
      Notification.dismiss(working);
      throw error;
    } finally {
      project.tell('all');
    }
  }

  private tell(error: unknown): void {
    const said = error instanceof Refusal && error.hint ? `${error.message} ${error.hint}` : (error as Error).message;
    Notification.emit(said.slice(0, 400), 'error', { autoClose: 8000 });
  }
}
