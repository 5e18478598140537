/** Does what a click asks for: as a cell, and where there is no notebook over REST, after it was shown what it would do. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Project } from '../server/project';
import type { Projects } from '../server/projects';
import type { Command, Commands, Outcome } from '../server/types';
import { told } from '../words/errors';
import { insert, notebookOf, otherLanguage } from './cells';
import { Confirm, Form } from './dialogs';
import type { Act, Place } from './lab';
import { changes, lineOf, open, titleOf } from './lines';

interface Surroundings {
  projects: Projects;
  notebooks: INotebookTracker | null;
  trans: TranslationBundle;
  show: (project: Project, place: Place) => void;
  /** Whether cells that are put in run at once. */
  runs: () => boolean;
}

export class Doing {
  private registry: Promise<Command[]> | null = null;

  constructor(private readonly around: Surroundings) {}

  /** The commands that there are; asked for once, and again where that failed. */
  commands(): Promise<Command[]> {
    this.registry ??= this.around.projects.current.get<Commands>('commands').then(
      answer => answer.commands,
      (error: unknown) => {
        this.registry = null;
        throw error;
      }
    );
    return this.registry;
  }

  /** Do it in this project, in the notebook that was active at the click. */
  async act(project: Project, asked: Act, now = false): Promise<void> {
    const { notebooks, projects, trans } = this.around;
    const panel = notebookOf(notebooks);
    try {
      const command = (await this.commands()).find(one => one.key === asked.command);
      const act = command ? await this.completed(asked, command) : asked;
      if (!act) {
        return;
      }
      if (panel && (await projects.same(project, panel.context.path))) {
        if (!panel.isDisposed) {
          await insert(panel, lineOf(act, command), now || this.around.runs());
        }
      } else if (!command || command.needs_kernel) {
        const other = otherLanguage(notebooks);
        await showDialog({
          title: trans.__('This needs a notebook of Python'),
          body: other === null ? trans.__('Open one: it becomes a cell there.') : trans.__('The notebook that is open is one of %1. Open one of Python: it becomes a cell there.', other),
          buttons: [Dialog.okButton()]
        });
      } else {
        await this.overRest(project, act, command);
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

  private async overRest(project: Project, act: Act, command: Command): Promise<void> {
    const { trans } = this.around;
    const path = `commands/${encodeURIComponent(act.command)}`;
    const title = titleOf(act, command);
    const body = Object.fromEntries(Object.entries(act.parameters).filter(([, value]) => value !== ''));
    const isChange = changes(act, command);
    if (isChange) {
      const tried = await project.post<Outcome>(path, { ...body, dry_run: true });
      const answer = await showDialog({
        title,
        body: new Confirm(tried, trans),
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Do it') })]
      });
      if (!answer.button.accept) {
        return;
      }
    }
    const working = Notification.emit(title, 'in-progress', { autoClose: false });
    try {
      // What only lists does no more than that: `alerts` would also send what still waits.
      const lists = !isChange && command.parameters.some(one => one.name === 'dry_run');
      const done = await project.post<Outcome>(path, lists ? { ...body, dry_run: true } : body);
      Notification.dismiss(working);
      if (isChange) {
        const said = `${act.command}: ${done.ok === false ? trans.__('refused') : trans.__('done')}`;
        Notification.emit(said, done.ok === false ? 'warning' : 'success', { autoClose: 4000 });
      }
      if (!isChange || done.ok === false) {
        const [bundle = null] = Object.values(done.mime);
        this.around.show(project, { kind: 'result', title, bundle, text: done.text });
      }
    } catch (error) {
      Notification.dismiss(working);
      throw error;
    } finally {
      project.tell('all');
    }
  }

  private tell(error: unknown): void {
    const { message, hint } = told(error, this.around.trans);
    Notification.emit(`${message} ${hint}`.trim().slice(0, 400), 'error', { autoClose: 8000 });
  }
}
