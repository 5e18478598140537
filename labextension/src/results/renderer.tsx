/** Draws the results of commands where they stand in a notebook; all that it shows is text. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import React from 'react';

import { ViewOf } from './card';
import { known } from './known';
import { type Bundle, TYPES } from './view';

export class ResultWidget extends ReactWidget implements IRenderMime.IRenderer {
  private bundle: Bundle | null = null;
  private drawn = 0;

  constructor(
    private readonly type: string,
    private readonly trans: TranslationBundle,
    private readonly insert: (line: string) => void
  ) {
    super();
    this.addClass('mlops-result');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.drawn += 1;
    this.bundle = known(model.data[this.type] as ReadonlyPartialJSONObject | undefined);
    this.update();
    return this.renderPromise ?? Promise.resolve();
  }

  protected override render(): React.JSX.Element {
    // A later version of the package has written it, or it was edited by hand.
    const other = <div className="mlops-line">{this.trans.__('This result was written by another version of jupyter-mlops.')}</div>;
    if (!this.bundle) {
      return other;
    }
    return (
      <Boundary key={this.drawn} instead={other}>
        <ViewOf view={this.bundle.view} trans={this.trans} insert={this.insert} />
      </Boundary>
    );
  }
}

/** What `known` lets through and still has parts of another form: it is said, and nothing beside it breaks. */
class Boundary extends React.Component<{ instead: React.JSX.Element; children: React.ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): React.ReactNode {
    return this.state.failed ? this.props.instead : this.props.children;
  }
}

export function rendererFactory(trans: TranslationBundle, insert: (line: string) => void): IRenderMime.IRendererFactory {
  return {
    safe: true, // text only, so an untrusted notebook shows it too
    mimeTypes: TYPES,
    defaultRank: 10,
    createRenderer: options => new ResultWidget(options.mimeType, trans, insert)
  };
}
