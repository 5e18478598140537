/** Where one is: the experiment, its server, and whether it answers. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Badge } from '../results/cell';
import { safeLink } from '../results/view';
import type { Project } from '../server/project';
import type { Status } from '../server/types';
import { useAnswer, usePresence } from './use';

export function Head({ project, trans }: { project: Project; trans: TranslationBundle }): React.JSX.Element {
  const { data, error } = useAnswer<Status>(project, 'status', {}, 'status');
  const there = usePresence(project);
  const href = safeLink(data?.url ?? null);
  return (
    <header className="mlops-head">
      <div className="mlops-head-title" title={data?.root}>
        {data?.experiment ?? trans.__('MLOps')}
      </div>
      <div role="status" aria-live="polite">
        {!there && <Badge text={trans.__('Jupyter server away')} tone="bad" />}
        {there && error && <Badge text={error.message} tone="bad" />}
        {there && !error && data && (
          <Badge text={data.is_up ? trans.__('ready') : trans.__('server away')} tone={data.is_up ? 'good' : 'bad'} />
        )}
        {href && (
          <a href={href} target="_blank" rel="noopener noreferrer">
            MLflow
          </a>
        )}
      </div>
    </header>
  );
}
