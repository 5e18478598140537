/** Where one is: the experiment, its server, and whether it answers. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Badge } from '../results/cell';
import { safeLink, type Tone } from '../results/view';
import type { Project } from '../server/project';
import type { Status } from '../server/types';
import { useAnswer, usePresence } from './use';

const TONES: Record<Status['tracking']['state'], Tone> = { up: 'good', slow: 'warn', stopped: 'idle', down: 'bad' };

export function Head({ project, trans }: { project: Project; trans: TranslationBundle }): React.JSX.Element {
  const { data, error } = useAnswer<Status>(project, 'status', {}, 'status');
  const there = usePresence(project);
  const tracking = data?.tracking;
  const href = safeLink(tracking?.uri ?? null);
  return (
    <header className="mlops-head">
      <div className="mlops-head-title" title={data?.root ?? ''}>
        {data?.experiment ?? trans.__('MLOps')}
      </div>
      <div role="status" aria-live="polite">
        {!there && <Badge text={trans.__('Jupyter server away')} tone="bad" />}
        {there && error && <Badge text={error.message} tone="bad" />}
        {there && !error && tracking && data.initialised && <Badge text={data.problem?.message ?? tracking.says} tone={TONES[tracking.state]} />}
        {href && (
          <a href={href} target="_blank" rel="noopener noreferrer">
            MLflow
          </a>
        )}
      </div>
    </header>
  );
}
