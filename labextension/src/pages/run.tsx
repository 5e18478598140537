/** A run: what came out, what went in, and what it was made with. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { offersOfRuns } from '../actions/offers';
import { Lines } from '../charts/lines';
import { Badge, Moment } from '../results/cell';
import { TableOf } from '../results/table';
import { safeLink } from '../results/view';
import type { Run } from '../server/types';
import { VERDICTS } from '../sidebar/models';
import { Notice } from '../sidebar/notice';
import { STATES } from '../sidebar/runs';
import { useAnswer } from '../sidebar/use';
import { figure, span } from '../words/figures';
import { stateWord } from '../words/states';
import { number } from '../words/values';
import { Facts, PageHead, Section } from './parts';

export function RunPage({ lab, id }: { lab: Lab; id: string }): React.JSX.Element {
  const { project, trans } = lab;
  const { data: run, error, loading } = useAnswer<Run>(project, `runs/${encodeURIComponent(id)}`, {}, 'runs');
  if (!run) {
    return <Notice error={error} loading={loading} trans={trans} />;
  }
  const href = safeLink(run.url);
  const offers = [...offersOfRuns([run], trans).slice(1), ...(href ? [{ label: trans.__('In MLflow'), href }] : [])];
  const curves = Object.entries(run.history).filter(([, { points }]) => points.length > 1);
  return (
    <>
      <Notice error={error} trans={trans} />
      <PageHead lab={lab} title={run.name} badge={{ text: stateWord(run.status, trans), tone: STATES[run.status] }} offers={offers}>
        {run.experiment.name} · <Moment at={run.started} trans={trans} />
        {run.ended !== null && ` · ${span(run.ended - run.started, trans)}`} · {run.user}
        {run.notebook && ` · ${run.notebook}`} · <code>{`run:${run.run_id.slice(0, 8)}`}</code>
      </PageHead>
      <Section title={trans.__('Metrics')}>
        <TableOf
          trans={trans}
          table={{
            type: 'table',
            columns: [trans.__('metric'), trans.__('value')],
            rows: Object.entries(run.metrics).map(([name, value]) => [name, number(value)]),
            empty: trans.__('No metric was logged.')
          }}
        />
        <div className="mlops-charts">
          {curves.map(([name, { points, total }]) => (
            <Lines
              trans={trans}
              key={name}
              title={total > points.length ? trans.__('%1 (%2 of %3 values)', name, points.length, figure(total)) : name}
              x={trans.__('step')}
              series={[{ name, points: points.map(([step, , value]) => [step, Number(value)]) }]}
            />
          ))}
        </div>
      </Section>
      <Section title={trans.__('Parameters')}>
        <Facts facts={Object.entries(run.params)} />
      </Section>
      <Section title={trans.__('Data')}>
        <TableOf
          trans={trans}
          table={{
            type: 'table',
            columns: [trans.__('name'), trans.__('role'), trans.__('rows'), trans.__('columns'), trans.__('digest')],
            rows: run.data.map(set => [set.name, set.role, set.rows ?? null, set.columns ?? null, { code: set.digest }]),
            empty: trans.__('No data was logged.')
          }}
        />
      </Section>
      {(run.models.length > 0 || Object.keys(run.reports).length > 0) && (
        <Section title={trans.__('Versions and reports')}>
          <Facts
            facts={[
              ...run.models.map((ref): [string, React.ReactNode] => [
                trans.__('version'),
                <button key={ref} type="button" className="mlops-button" onClick={() => lab.open({ kind: 'model', name: ref.slice(0, ref.lastIndexOf('/')) })}>
                  {ref}
                </button>
              ]),
              ...Object.entries(run.reports).map(([what, verdict]): [string, React.ReactNode] => [
                what,
                <Badge key={what} text={stateWord(verdict, trans)} tone={VERDICTS[verdict]} />
              ])
            ]}
          />
        </Section>
      )}
      {run.code.source !== null && (
        <Section title={run.code.commit ? trans.__('Code, at commit %1', run.code.commit.slice(0, 10)) : trans.__('Code')}>
          <pre className="mlops-code">{run.code.source}</pre>
        </Section>
      )}
      <Section title={trans.__('Environment')} open={false}>
        <Facts facts={Object.entries(run.environment)} />
      </Section>
      <Section title={trans.__('Tags')} open={false}>
        <Facts facts={Object.entries(run.tags)} />
      </Section>
    </>
  );
}
