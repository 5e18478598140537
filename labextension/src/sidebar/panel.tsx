/** The side bar: what the project is doing, for as long as somebody looks. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { LabOf } from '../actions/plugin';
import { icon } from '../words/icon';
import { App } from './app';

export class SideBar extends ReactWidget {
  private stop: (() => void) | null = null;
  private part = 'runs';

  constructor(private readonly lab: LabOf) {
    super();
    this.id = 'jupyter-mlops:sidebar';
    this.addClass('mlops-sidebar');
    this.title.icon = icon;
    this.title.caption = lab.trans.__('MLOps: runs, models, endpoints');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', lab.trans.__('MLOps'));
    // Of another project nothing that is shown holds.
    lab.projects.changed.connect(() => {
      if (this.stop) {
        this.rest();
        this.look();
      }
    });
  }

  override dispose(): void {
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
    const { part } = this;
    const lab = this.lab.here();
    return this.stop ? <App key={lab.project.at} lab={lab} part={part} choose={id => this.choose(id)} /> : <></>;
  }

  private look(): void {
    if (!this.stop) {
      this.stop = this.lab.projects.current.watch();
      this.update();
    }
  }

  /** Nobody sees it: nothing is asked, and what was drawn goes. */
  private rest(): void {
    this.stop?.();
    this.stop = null;
    if (!this.isDisposed) {
      this.update();
    }
  }
}
