/** Runs beside one another: only what differs, unless all is asked for. */

import React, { useEffect, useState } from 'react';

import type { Lab } from '../actions/lab';
import { type Axis, Parallel } from '../charts/parallel';
import { DiffOf } from '../results/card';
import { TableOf } from '../results/table';
import type { Cell } from '../results/view';
import type { Project } from '../server/project';
import type { Comparison, Figure, RunRow } from '../server/types';
import { Notice } from '../sidebar/notice';
import { type Loaded, useAnswer } from '../sidebar/use';
import { number } from '../words/values';
import { PageHead, Section } from './parts';

/** A comparison is work: it is asked for no more often than this, and while a run of it goes on. */
const QUIET = 15_000;

export function ComparePage({ lab, runs }: { lab: Lab; runs: string[] }): React.JSX.Element {
  const { project, trans } = lab;
  const [all, setAll] = useState(false);
  const { data, error, loading } = useComparison(project, runs);
  if (!data) {
    return <Notice error={error} loading={loading} trans={trans} />;
  }
  const table = (rows: Cell[][], what: string): React.JSX.Element => (
    <TableOf
      trans={trans}
      table={{ type: 'table', columns: [what, ...data.runs], rows: all ? rows : rows.filter(differs), empty: trans.__('Nothing differs.') }}
    />
  );
  const metrics = Object.entries(data.metrics).map(([name, values]): Cell[] => [name, ...values.map(cellOf)]);
  const params = Object.entries(data.params).map(([name, values]): Cell[] => [name, ...values]);
  const axes = axesOf(data);
  const refs = runs.map(run => `run:${run}`);
  return (
    <>
      <PageHead
        lab={lab}
        title={trans.__('Compare %1 runs', data.runs.length)}
        offers={[{ label: trans.__('As a cell'), act: { command: 'compare', parameters: { refs } } }]}
      >
        <label>
          <input type="checkbox" checked={all} onChange={event => setAll(event.target.checked)} /> {trans.__('Also what is the same')}
        </label>
      </PageHead>
      {axes.length > 1 && (
        <Section title={trans.__('Parallel coordinates')}>
          <Parallel axes={axes} runs={data.runs} label={trans.__('Parameters and metrics of the runs')} />
          <ul className="mlops-legend">
            {data.runs.map((name, index) => (
              <li key={index} className={`mlops-colour${index % 6}`}>
                <span aria-hidden="true">●</span> <span className="mlops-name">{name}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section title={trans.__('Metrics')}>{table(metrics, trans.__('metric'))}</Section>
      <Section title={trans.__('Parameters')}>{table(params, trans.__('parameter'))}</Section>
      <Section title={trans.__('Data')}>{table(data.data, trans.__('data'))}</Section>
      <Section title={trans.__('Environment')}>{table(data.packages, trans.__('package'))}</Section>
      {data.code.length > 0 && (
        <Section title={trans.__('Code')}>
          {data.code.map((diff, index) => (
            <DiffOf key={index} {...diff} />
          ))}
        </Section>
      )}
    </>
  );
}

/** Runs that are over don't change: only while one of them goes on is it compared anew, and once more at its end. */
function useComparison(project: Project, runs: string[]): Loaded<Comparison> {
  const [live, setLive] = useState<boolean | null>(null); // null: not known yet
  const found = useAnswer<Comparison>(project, 'compare', { run: runs }, live === false ? '' : 'runs', undefined, QUIET);
  const { data, again } = found;
  const asked = runs.join(',');
  useEffect(() => {
    if (!data || live === false) {
      return undefined;
    }
    const ending = new AbortController();
    const each = asked.split(',').map(run => project.get<RunRow>(`runs/${encodeURIComponent(run)}`, { brief: 'true' }, ending.signal));
    Promise.all(each).then(
      rows => {
        const goesOn = rows.some(({ status }) => status === 'RUNNING' || status === 'SCHEDULED');
        if (live && !goesOn) {
          again();
        }
        setLive(goesOn);
      },
      () => undefined // it stays as it was
    );
    return () => ending.abort();
  }, [project, data, live, asked, again]);
  return found;
}

function cellOf(value: Figure | null): Cell {
  return typeof value === 'string' ? { number: value } : value;
}

function differs(row: Cell[]): boolean {
  const [, first, ...rest] = row.map(cell => JSON.stringify(cell));
  return rest.some(one => one !== first);
}

/** Parameters first, then metrics, where the runs differ; words that are numbers are placed as numbers. */
function axesOf(data: Comparison): Axis[] {
  const params = Object.entries(data.params).map(([name, values]): Axis => {
    const isNumeric = values.every(value => value === null || (value.trim() !== '' && Number.isFinite(Number(value))));
    return { name, values: isNumeric ? values.map(value => (value === null ? null : Number(value))) : values };
  });
  const metrics = Object.entries(data.metrics).map(([name, values]): Axis => ({ name, values: values.map(number) }));
  return [...params.slice(0, 8), ...metrics.slice(0, 6)].filter(({ values }) => new Set(values).size > 1);
}
