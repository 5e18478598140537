/** The two questions that an action may ask: what is still missing, and whether it is meant. */

import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { ViewOf } from '../results/card';
import type { Outcome, Parameter } from '../server/types';
import type { Act } from './lab';

/** What would be done, from where to where: as the command itself draws it when it is only tried. */
export class Confirm extends ReactWidget {
  constructor(
    private readonly tried: Outcome,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('mlops-result');
    this.addClass('mlops-confirm');
  }

  protected override render(): React.JSX.Element {
    const [bundle] = Object.values(this.tried.mime);
    return bundle ? <ViewOf view={bundle.view} trans={this.trans} /> : <pre>{this.tried.text}</pre>;
  }
}

/** A field for each parameter that is missing, with the help of the command itself. */
export class Form extends ReactWidget implements Dialog.IBodyWidget<Act['parameters']> {
  constructor(
    private readonly summary: string,
    private readonly wanted: Parameter[]
  ) {
    super();
    this.addClass('mlops-form');
  }

  getValue(): Act['parameters'] {
    const given: Act['parameters'] = {};
    for (const { name, type, many } of this.wanted) {
      const input = this.node.querySelector<HTMLInputElement>(`input[name="${name}"]`);
      const value = input?.value.trim() ?? '';
      if (type === 'boolean') {
        given[name] = input?.checked ?? false;
      } else if (many && value !== '') {
        given[name] = value.split(/[\s,]+/).filter(Boolean);
      } else if (value !== '') {
        given[name] = ['integer', 'number'].includes(type) && Number.isFinite(Number(value)) ? Number(value) : value;
      }
    }
    return given;
  }

  protected override render(): React.JSX.Element {
    return (
      <>
        <p>{this.summary}</p>
        {this.wanted.map(({ name, help, type }) => (
          <label key={name}>
            <b>{name}</b> <span className="mlops-small">{help}</span>
            <input name={name} type={type === 'boolean' ? 'checkbox' : 'text'} className="jp-mod-styled" />
          </label>
        ))}
      </>
    );
  }
}
