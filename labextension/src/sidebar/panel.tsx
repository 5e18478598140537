/** The side bar: what the project is doing. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { Project } from '../server/project';
import { icon } from '../words/icon';
import { Head } from './head';

export class SideBar extends ReactWidget {
  private stop: (() => void) | null = null;

  constructor(
    private readonly project: Project,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = 'jupyter-mlops:sidebar';
    this.addClass('mlops-sidebar');
    this.title.icon = icon;
    this.title.caption = trans.__('MLOps: runs, models, endpoints');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MLOps'));
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.stop ??= this.project.watch();
    this.update();
  }

  /** Nobody sees it: nothing is asked. */
  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.stop?.();
    this.stop = null;
    this.update();
  }

  protected override onBeforeDetach(message: Message): void {
    this.stop?.();
    this.stop = null;
    super.onBeforeDetach(message);
  }

  protected override render(): React.JSX.Element {
    return this.isVisible ? <Head project={this.project} trans={this.trans} /> : <></>;
  }
}
