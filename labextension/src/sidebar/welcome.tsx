/** A folder without a project: what there will be, and one button. */

import React, { useState } from 'react';

import type { Lab } from '../actions/lab';
import type { Outcome } from '../server/types';
import { Notice } from './notice';

export function Welcome({ lab }: { lab: Lab }): React.JSX.Element {
  const { project, trans } = lab;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const begin = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await project.post<Outcome>('commands/init', {});
      project.tell('all');
    } catch (failed) {
      setError(failed as Error);
    }
    setBusy(false);
  };
  return (
    <div className="mlops-welcome">
      <p>{trans.__('This folder has no project yet. Begin one: settings in mlops.toml, and an MLflow server of its own, on this machine.')}</p>
      <button type="button" className="jp-mod-styled jp-mod-accept" disabled={busy} onClick={() => void begin()}>
        {busy ? trans.__('Beginning…') : trans.__('Begin a project here')}
      </button>
      <Notice error={error} trans={trans} />
      <p className="mlops-small">
        {trans.__('The same in a cell:')} <code>{'%mlops init'}</code>
      </p>
    </div>
  );
}
