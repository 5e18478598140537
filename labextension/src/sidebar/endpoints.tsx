/** The endpoints of the project: who answers, how fast, how well, and whether what is asked has drifted. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { offersOfEndpoint } from '../actions/offers';
import { Spark } from '../charts/spark';
import { Badge } from '../results/cell';
import type { Tone } from '../results/view';
import type { Said } from '../server/events';
import type { EndpointRow, Endpoints } from '../server/types';
import { figure } from '../words/figures';
import { stateWord } from '../words/states';
import { Listing } from './listing';
import { useAnswer } from './use';

export const STANDING: Record<EndpointRow['state'], Tone> = {
  serving: 'good', starting: 'warn', 'not answering': 'bad', failed: 'bad', stopped: 'idle'
};
export const DRIFT: Record<EndpointRow['drift'], Tone> = { ok: 'good', drift: 'bad', unknown: 'idle' };

/** The news bring the rows along: figures move without asking. */
const toldOf = (news: Said): Endpoints | null => (news.kind === 'endpoints' && Array.isArray(news.endpoints) ? (news as unknown as Endpoints) : null);

export function EndpointsView({ lab }: { lab: Lab }): React.JSX.Element {
  const { project, trans } = lab;
  const { data, error, loading } = useAnswer<Endpoints>(project, 'endpoints', {}, '', toldOf);
  return (
    <Listing
      lab={lab}
      label={trans.__('Endpoints')}
      rows={data?.endpoints ?? []}
      error={error}
      loading={loading}
      empty={trans.__('No endpoint yet: deploy a version of a model.')}
      keyOf={row => row.name}
      height={86}
      open={row => lab.open({ kind: 'endpoint', name: row.name })}
      offersOf={([chosen]) => (chosen ? offersOfEndpoint(chosen, trans) : [])}
      draw={row => <RowOf row={row} lab={lab} />}
    />
  );
}

function RowOf({ row, lab }: { row: EndpointRow; lab: Lab }): React.JSX.Element {
  const { trans } = lab;
  const rate = row.requests_per_second;
  return (
    <>
      <div className="mlops-row">
        <span className="mlops-name" title={row.name}>
          {row.name}
        </span>
        <Badge text={stateWord(row.state, trans)} tone={STANDING[row.state]} />
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">
          {row.model}/{row.version ?? '?'} {row.follows && `@${row.follows}`}
        </span>
        <span title={row.drift_says}>
          <Badge text={driftWord(row, lab)} tone={DRIFT[row.drift]} />
        </span>
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">
          {rate === null ? trans.__('no figures') : trans.__('%1/s', figure(Math.round(rate * 10) / 10))}
          {row.p50_ms !== null && ` · p50 ${milliseconds(row.p50_ms)}`}
          {row.p99_ms !== null && ` · p99 ${milliseconds(row.p99_ms)}`}
        </span>
        <Spark width={56} points={row.series} label={trans.__('Requests per second, lately')} />
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name" title={row.errors === null ? '' : trans.__('%1 of %2 refused or failed', percent(row.errors), figure(row.requests))}>
          {[row.errors === null ? '' : trans.__('errors %1', percent(row.errors)), beside(row, lab)].filter(Boolean).join(' · ')}
        </span>
        {row.alerts > 0 && <Badge text={trans._n('%1 alert', '%1 alerts', row.alerts)} tone="bad" />}
      </div>
      {row.refused && <div className="mlops-small mlops-name">{row.refused}</div>}
    </>
  );
}

function driftWord(row: EndpointRow, { trans }: Lab): string {
  return { ok: trans.__('no drift'), drift: trans.__('drift'), unknown: trans.__('drift: not looked') }[row.drift];
}

function beside(row: EndpointRow, { trans }: Lab): string {
  const words = [row.canary === null ? '' : trans.__('canary %1', row.canary), row.shadow === null ? '' : trans.__('shadow %1', row.shadow)];
  return words.filter(Boolean).join(' ');
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
}
