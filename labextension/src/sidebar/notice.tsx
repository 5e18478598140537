/** What is wrong, and the line that mends it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { told } from '../words/errors';

interface Props {
  error: Error | null;
  loading?: boolean;
  trans: TranslationBundle;
}

export function Notice({ error, loading, trans }: Props): React.JSX.Element | null {
  if (error) {
    const { message, hint } = told(error, trans);
    return (
      <div className="mlops-notice" role="alert">
        {message} {hint && <code>{hint}</code>}
      </div>
    );
  }
  return loading ? (
    <div className="mlops-empty" role="status">
      {trans.__('Loading…')}
    </div>
  ) : null;
}
