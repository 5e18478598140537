/** A mark below a cell's input: its run, how that stands, and its first metric. A click opens the run. */

import type { CodeCell } from '@jupyterlab/cells';
import { type PanelLayout, Widget } from '@lumino/widgets';

import type { Lab } from '../actions/lab';
import { bundleIn } from '../results/view';
import { Refusal } from '../server/client';
import type { RunRow } from '../server/types';
import { short } from '../words/figures';
import { stateWord } from '../words/states';
import { metricsInShort } from '../words/values';

const MARKS: Record<RunRow['status'], string> = { FINISHED: '✓', FAILED: '✗', KILLED: '✗', RUNNING: '…', SCHEDULED: '…' };

export class RunBadge {
  private readonly widget = new Widget({ node: document.createElement('div') });
  private readonly button = document.createElement('button');
  private shown = '';
  private name = '';
  private wanted = true;
  private asked = false;
  private seen = false;
  private ran = false;
  private readonly sight = new IntersectionObserver(changes => {
    this.seen = changes.at(-1)?.isIntersecting ?? false;
    this.see();
  });

  constructor(
    /** What can be done in the project of its notebook, which may be moved. */
    private readonly lab: () => Lab,
    private readonly cell: CodeCell
  ) {
    this.widget.addClass('mlops-cell');
    this.button.type = 'button';
    this.button.className = 'mlops-cell-badge';
    this.button.onclick = () => this.open();
    this.widget.node.appendChild(this.button);
    this.widget.hide();
    cell.model.outputs.changed.connect(() => this.look());
    this.sight.observe(cell.node);
    cell.disposed.connect(() => this.sight.disconnect());
    this.look();
  }

  setHidden(hidden: boolean): void {
    this.wanted = !hidden;
    this.widget.setHidden(hidden || !this.button.textContent);
  }

  begin(): void {
    this.shown = '';
    this.ran = true;
    this.say(this.lab().trans.__('run: running…'));
  }

  /** The cell has run; where no run came of it, nothing is said. */
  end(): void {
    if (!this.shown) {
      this.say('');
    }
    this.ran = true;
    this.look();
    this.see();
  }

  /** Find the run in what the cell has shown; it is kept in the notebook, and shows without a kernel. */
  private look(): void {
    const { outputs } = this.cell.model;
    for (let index = 0; index < outputs.length; index += 1) {
      const bundle = bundleIn(outputs.get(index).data);
      const id = bundle?.subject?.run_id;
      if (bundle?.result === 'RunCard' && typeof id === 'string') {
        if (id !== this.shown) {
          this.shown = id;
          this.asked = false;
          this.name = '';
          this.say(`run:${id.slice(0, 8)}`);
          this.see();
        }
        return;
      }
    }
  }

  /** A notebook may have hundreds of runs: how one stands is asked when its cell has run, or comes into sight. */
  private see(): void {
    if (this.shown && !this.asked && (this.ran || this.seen)) {
      this.asked = true;
      void this.ask(this.shown);
    }
  }

  private async ask(id: string): Promise<void> {
    const { project, trans } = this.lab();
    try {
      const run = await project.get<RunRow>(`runs/${encodeURIComponent(id)}`, { brief: 'true' });
      if (this.shown === id) {
        this.name = run.name;
        const metrics = metricsInShort(run.metrics, null, 1);
        this.say([`${MARKS[run.status]} ${short(run.name, 40)}`, run.status === 'FINISHED' ? '' : stateWord(run.status, trans), metrics].filter(Boolean).join(' · '));
      }
    } catch (error) {
      if (this.shown === id && error instanceof Refusal && error.status === 404) {
        this.say(trans.__('run:%1 is not there any more', id.slice(0, 8)));
      } else {
        this.asked = false; // when it is seen again
      }
    }
  }

  private say(text: string): void {
    this.button.textContent = text;
    this.button.title = text && this.lab().trans.__('Open the run');
    if (text && !this.widget.parent) {
      void this.cell.ready.then(() => this.place()); // a cell out of sight has no parts yet
    }
    this.widget.setHidden(!this.wanted || !text);
  }

  /** Below the input and above the outputs. */
  private place(): void {
    const layout = this.cell.layout as PanelLayout | null;
    const input = layout?.widgets.findIndex(part => part.hasClass('jp-Cell-inputWrapper')) ?? -1;
    if (!this.widget.parent && !this.cell.isDisposed) {
      layout?.insertWidget(input + 1, this.widget);
    }
  }

  private open(): void {
    if (this.shown) {
      this.lab().open({ kind: 'run', id: this.shown, title: this.name || `run:${this.shown.slice(0, 8)}` });
    }
  }
}
