/** Draws the results of commands where they stand in a notebook; all that it shows is text. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import React from 'react';

import { ViewOf } from './card';
import { type Bundle, TYPES } from './view';

export class ResultWidget extends ReactWidget implements IRenderMime.IRenderer {
  private bundle: Bundle | null = null;

  constructor(
    private readonly type: string,
    private readonly trans: TranslationBundle,
    private readonly insert: (line: string) => void
  ) {
    super();
    this.addClass('mlops-result');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.bundle = known(model.data[this.type] as ReadonlyPartialJSONObject | undefined);
    this.update();
    return this.renderPromise ?? Promise.resolve();
  }

  protected override render(): React.JSX.Element {
    if (!this.bundle) {
      // A later version of the package has written it, or it was edited by hand.
      return <div className="mlops-line">{this.trans.__('This result was written by another version of jupyter-mlops.')}</div>;
    }
    return <ViewOf view={this.bundle.view} trans={this.trans} insert={this.insert} />;
  }
}

/** A notebook may come from anywhere: only what has the form of a result is drawn as one. */
function known(data: ReadonlyPartialJSONObject | undefined): Bundle | null {
  const view = data?.view as ReadonlyPartialJSONObject | undefined;
  const isCard = view?.type === 'card' && typeof view.title === 'string';
  const isTable = view?.type === 'table' && Array.isArray(view.columns) && Array.isArray(view.rows);
  return isCard || isTable ? (data as unknown as Bundle) : null;
}

export function rendererFactory(trans: TranslationBundle, insert: (line: string) => void): IRenderMime.IRendererFactory {
  return {
    safe: true, // text only, so an untrusted notebook shows it too
    mimeTypes: TYPES,
    defaultRank: 10,
    createRenderer: options => new ResultWidget(options.mimeType, trans, insert)
  };
}
