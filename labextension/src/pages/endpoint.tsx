/** An endpoint as it runs: traffic, who answers, drift window by window, and what has rung. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { offersOfEndpoint } from '../actions/offers';
import { Lines } from '../charts/lines';
import { Badge, Moment } from '../results/cell';
import { TableOf } from '../results/table';
import type { Cell, Tone } from '../results/view';
import type { Endpoint, Window } from '../server/types';
import { DRIFT, milliseconds, percent, STANDING } from '../sidebar/endpoints';
import { Notice } from '../sidebar/notice';
import { useAnswer } from '../sidebar/use';
import { figure, utc } from '../words/figures';
import { stateWord } from '../words/states';
import { Facts, PageHead, Section } from './parts';

const OUTCOMES: Record<Window['outcome'], Tone> = { ok: 'good', drift: 'bad', inconclusive: 'warn' };

export function EndpointPage({ lab, name }: { lab: Lab; name: string }): React.JSX.Element {
  const { project, trans } = lab;
  const { data: it, error, loading } = useAnswer<Endpoint>(project, `endpoints/${encodeURIComponent(name)}`, {}, 'endpoints alerts');
  if (!it) {
    return <Notice error={error} loading={loading} trans={trans} />;
  }
  const figures: [string, React.ReactNode][] = [
    [trans.__('answers'), `${it.model}/${it.version ?? '?'}${it.follows ? ` @${it.follows}` : ''}`],
    [trans.__('requests'), figure(it.requests)],
    [trans.__('requests/s'), it.requests_per_second === null ? '–' : figure(Math.round(it.requests_per_second * 10) / 10)],
    [trans.__('latency'), it.p50_ms === null || it.p99_ms === null ? '–' : `p50 ${milliseconds(it.p50_ms)} · p99 ${milliseconds(it.p99_ms)}`],
    [trans.__('refused or failed'), it.errors === null ? '–' : percent(it.errors)],
    [trans.__('drift'), <Badge key="drift" text={it.drift_says || stateWord(it.drift, trans)} tone={DRIFT[it.drift]} />]
  ];
  const table = (columns: string[], rows: Cell[][], empty: string): React.JSX.Element => (
    <TableOf trans={trans} table={{ type: 'table', columns, rows, empty }} />
  );
  return (
    <>
      <Notice error={error} trans={trans} />
      <PageHead lab={lab} title={it.name} badge={{ text: stateWord(it.state, trans), tone: STANDING[it.state] }} offers={offersOfEndpoint(it, trans).slice(1)}>
        {it.started !== null && <Moment at={it.started} trans={trans} />} {it.refused}
      </PageHead>
      <Section title={trans.__('Now')}>
        <Facts facts={figures} />
        {it.series.length > 1 && (
          <Lines trans={trans} zero title={trans.__('requests/s, lately')} x={trans.__('time')} xText={at => utc(at).slice(11, 19)} series={[{ name: it.name, points: it.series }]} />
        )}
      </Section>
      <Section title={trans.__('Versions that answer')}>
        {table(
          [trans.__('role'), trans.__('version'), trans.__('answered'), trans.__('refused'), trans.__('failed'), 'p50', 'p99'],
          it.arms.map(arm => [arm.role, arm.version, arm.answered, arm.refused, arm.failed, inMilliseconds(arm.p50_ms), inMilliseconds(arm.p99_ms)]),
          trans.__('Nothing was asked yet.')
        )}
      </Section>
      <Section title={trans.__('Drift, window by window')}>
        {it.windows.length > 0 && (
          <ol className="mlops-windows" aria-label={trans.__('Windows')}>
            {it.windows.map((window, index) => (
              <li key={index} className={`mlops-window mlops-${OUTCOMES[window.outcome]}`} title={`${utc(window.start)} – ${utc(window.end)}: ${figure(window.rows)}`}>
                <Badge text={stateWord(window.outcome, trans)} tone={OUTCOMES[window.outcome]} />
              </li>
            ))}
          </ol>
        )}
        {it.windows.length === 0 && <div className="mlops-line">{trans.__('Nobody has looked yet: %mlops monitor looks.')}</div>}
      </Section>
      <Section title={trans.__('Alerts')}>
        {table(
          [trans.__('rule'), trans.__('why'), trans.__('opened'), trans.__('over')],
          it.alerting.map(alert => [alert.rule, alert.why, { time: alert.opened }, alert.recovered === null ? null : { time: alert.recovered }]),
          trans.__('Nothing has rung.')
        )}
      </Section>
      <Section title={trans.__('History')}>
        {table(
          [trans.__('when'), trans.__('role'), trans.__('version'), trans.__('refused')],
          it.history.map(one => [{ time: one.time }, one.role, one.version, one.refused]),
          trans.__('Nothing yet.')
        )}
      </Section>
    </>
  );
}

function inMilliseconds(value: number | null): Cell {
  return value === null ? null : milliseconds(value);
}
