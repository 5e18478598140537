/** Where one is: the experiment, its server, and whether it answers. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { Badge } from '../results/cell';
import { safeLink, type Tone } from '../results/view';
import type { Outcome, Status } from '../server/types';
import { Notice } from './notice';
import { type Loaded, usePresence } from './use';

const TONES: Record<Status['tracking']['state'], Tone> = { up: 'good', slow: 'warn', stopped: 'idle', down: 'bad' };

export function Head({ lab, status }: { lab: Lab; status: Loaded<Status> }): React.JSX.Element {
  const { project, trans } = lab;
  const { data, error } = status;
  const there = usePresence(project);
  const tracking = data?.tracking;
  const href = tracking?.state === 'up' ? safeLink(tracking.uri) : null;
  const start = (): void => {
    void project.post<Outcome>('commands/init', {}).finally(() => project.tell('all'));
  };
  return (
    <header className="mlops-head">
      <div className="mlops-row">
        <h2 className="mlops-name" title={data?.root ?? ''}>
          {data?.experiment ?? data?.project ?? trans.__('MLOps')}
        </h2>
        <button type="button" className="mlops-button" aria-label={trans.__('Ask again')} title={trans.__('Ask again')} onClick={() => project.tell('all')}>
          ↻
        </button>
      </div>
      <div role="status" aria-live="polite" className="mlops-row mlops-small">
        {!there && <Badge text={trans.__('Jupyter server away: tried again by itself')} tone="bad" />}
        {there && tracking && data.initialised && <Badge text={tracking.says} tone={TONES[tracking.state]} />}
        {there && tracking?.state === 'stopped' && data?.initialised && (
          <button type="button" className="mlops-button" onClick={start}>
            {trans.__('Start')}
          </button>
        )}
        {href && (
          <a href={href} target="_blank" rel="noopener noreferrer">
            {'MLflow'}
          </a>
        )}
      </div>
      {there && tracking?.hint && (
        <div className="mlops-small">
          <code>{tracking.hint}</code>
        </div>
      )}
      {there && data?.problem && <div className="mlops-notice" role="alert">{data.problem.message} {data.problem.hint && <code>{data.problem.hint}</code>}</div>}
      {there && <Notice error={error} trans={trans} />}
    </header>
  );
}
