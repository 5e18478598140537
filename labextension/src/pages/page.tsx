/** A page in the main area, which is live while it is seen. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { Lab, Place } from '../actions/lab';
import { ViewOf } from '../results/card';
import { ComparePage } from './compare';
import { EndpointPage } from './endpoint';
import { ModelPage } from './model';
import { RunPage } from './run';

export class Page extends ReactWidget {
  private stop: (() => void) | null = null;

  constructor(
    private readonly lab: Lab,
    private readonly place: Place
  ) {
    super();
    this.addClass('mlops-page');
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', lab.trans.__('MLOps page'));
  }

  override dispose(): void {
    this.stop?.();
    this.stop = null;
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.look();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.look();
    }
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.stop?.();
    this.stop = null;
    this.update();
  }

  protected override render(): React.JSX.Element {
    return this.stop ? <PageOf lab={this.lab} place={this.place} /> : <></>;
  }

  private look(): void {
    this.stop ??= this.lab.project.watch();
    this.update();
  }
}

function PageOf({ lab, place }: { lab: Lab; place: Place }): React.JSX.Element {
  switch (place.kind) {
    case 'run':
      return <RunPage lab={lab} id={place.id} />;
    case 'compare':
      return <ComparePage lab={lab} runs={place.runs} />;
    case 'model':
      return <ModelPage lab={lab} name={place.name} />;
    case 'endpoint':
      return <EndpointPage lab={lab} name={place.name} />;
    case 'result':
      return place.bundle ? <ViewOf view={place.bundle.view} trans={lab.trans} /> : <pre>{place.text}</pre>;
  }
}
