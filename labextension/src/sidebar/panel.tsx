/** The side bar: what the project is doing, for as long as somebody looks. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { Lab } from '../actions/lab';
import { icon } from '../words/icon';
import { App } from './app';

export class SideBar extends ReactWidget {
  private stop: (() => void) | null = null;
  private part = 'runs';

  constructor(private readonly lab: Lab) {
    super();
    this.id = 'jupyter-mlops:sidebar';
    this.addClass('mlops-sidebar');
    this.title.icon = icon;
    this.title.caption = lab.trans.__('MLOps: runs, models, endpoints');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', lab.trans.__('MLOps'));
    // A window in the background needs nothing new either.
    document.addEventListener('visibilitychange', this.onVisibility);
  }

  override dispose(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    this.rest();
    super.dispose();
  }

  /** Show one of the parts: `runs`, `models`, `endpoints`, `alerts`. */
  choose(part: string): void {
    this.part = part;
    this.update();
  }

  /** Bring the keyboard here: to the tab that is shown. */
  focus(): void {
    requestAnimationFrame(() => {
      const find = (what: string): HTMLElement | null => this.node.querySelector(what);
      (find('[role=tab][aria-selected=true]') ?? find('button'))?.focus();
    });
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.look();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.rest();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.look();
    }
  }

  protected override onBeforeDetach(message: Message): void {
    this.rest();
    super.onBeforeDetach(message);
  }

  protected override render(): React.JSX.Element {
    const { lab, part } = this;
    return this.stop ? <App lab={lab} part={part} choose={id => this.choose(id)} /> : <></>;
  }

  private readonly onVisibility = (): void => {
    if (document.hidden) {
      this.rest(false);
    } else if (this.isVisible) {
      this.look();
      this.lab.project.tell('all'); // what has happened meanwhile
    }
  };

  private look(): void {
    if (!this.stop) {
      this.stop = this.lab.project.watch();
      this.update();
    }
  }

  /** Nobody sees it: nothing is asked, and what was drawn goes, unless it is only the window that is hidden. */
  private rest(redraw = true): void {
    this.stop?.();
    this.stop = null;
    if (redraw && !this.isDisposed) {
      this.update();
    }
  }
}
