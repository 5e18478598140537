/** The runs of an experiment: filtered, sorted, and any number of them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect } from 'react';

import type { Lab } from '../actions/lab';
import { offersOfRuns } from '../actions/offers';
import { Badge, Moment } from '../results/cell';
import type { Tone } from '../results/view';
import type { Experiments, RunRow, Runs } from '../server/types';
import { line } from '../words/quoting';
import { stateWord } from '../words/states';
import { metricsInShort } from '../words/values';
import { Listing } from './listing';
import { usePages } from './pages';
import { useAnswer, useKept } from './use';

export const STATES: Record<RunRow['status'], Tone> = {
  FINISHED: 'good', FAILED: 'bad', KILLED: 'bad', RUNNING: 'warn', SCHEDULED: 'idle'
};
const keyOf = (run: RunRow): string => run.run_id;
const read = ({ runs, next }: Runs): { rows: RunRow[]; next: string | null } => ({ rows: runs, next });

export function RunsView({ lab }: { lab: Lab }): React.JSX.Element {
  const { project, trans } = lab;
  const [experiment, setExperiment] = useKept(project, 'runs.experiment', '');
  const [filter, setFilter] = useKept(project, 'runs.filter', '');
  const [sort, setSort] = useKept(project, 'runs.sort', 'started');
  const [descending, setDescending] = useKept(project, 'runs.descending', true);
  useEffect(() => {
    project.follow(experiment);
    return () => project.follow('');
  }, [project, experiment]);
  const query = { experiment, filter, sort, descending: String(descending) };
  const { rows, error, loading, more } = usePages(project, 'runs', query, 'runs', read, keyOf);
  return (
    <>
      <div className="mlops-tools">
        <ExperimentChoice lab={lab} value={experiment} choose={setExperiment} />
        <input
          type="search"
          className="jp-mod-styled"
          value={filter}
          placeholder={trans.__('accuracy > 0.9, failed, since 7d …')}
          aria-label={trans.__('Filter the runs')}
          onChange={event => setFilter(event.target.value)}
        />
        <div className="mlops-line">
          <select aria-label={trans.__('Sort by')} value={sort} onChange={event => setSort(event.target.value)}>
            <option value="started">{trans.__('newest')}</option>
            <option value="name">{trans.__('name')}</option>
            {metricsOf(rows, sort).map(name => (
              <option key={name} value={name}>
                {name.slice(0, 60)}
              </option>
            ))}
          </select>
          <button
            type="button"
            className="mlops-button"
            aria-pressed={!descending}
            aria-label={descending ? trans.__('Sorted down: turn') : trans.__('Sorted up: turn')}
            onClick={() => setDescending(!descending)}
          >
            {descending ? '▾' : '▴'}
          </button>
        </div>
      </div>
      <Listing
        lab={lab}
        label={trans.__('Runs')}
        rows={rows}
        error={error}
        loading={loading}
        empty={filter ? trans.__('No run is like that.') : trans.__('No run yet: a cell that begins with %%mlops run is one.')}
        keyOf={keyOf}
        height={44}
        many
        open={run => lab.open({ kind: 'run', id: run.run_id, title: run.name })}
        end={more}
        offersOf={chosen => offersOfRuns(chosen, trans)}
        drag={(run, event) => lab.drag(line('lineage', [`run:${run.run_id}`]), run.name, event)}
        draw={run => <Row run={run} metric={sort} trans={trans} />}
      />
    </>
  );
}

function Row({ run, metric, trans }: { run: RunRow; metric: string; trans: TranslationBundle }): React.JSX.Element {
  return (
    <>
      <div className="mlops-row">
        <span className="mlops-name" title={run.name}>
          {run.parent && <span aria-hidden="true">↳ </span>}
          {run.name}
        </span>
        {run.status !== 'FINISHED' && <Badge text={stateWord(run.status, trans)} tone={STATES[run.status]} />}
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">{metricsInShort(run.metrics, metric)}</span>
        <Moment at={run.started} trans={trans} />
      </div>
    </>
  );
}

function ExperimentChoice({ lab, value, choose }: { lab: Lab; value: string; choose: (id: string) => void }): React.JSX.Element {
  const { data } = useAnswer<Experiments>(lab.project, 'experiments', { limit: 200 }, '');
  const known = data?.experiments ?? [];
  const current = known.find(one => one.current)?.id ?? '';
  return (
    <select aria-label={lab.trans.__('Experiment')} value={value || current} onChange={event => choose(event.target.value)}>
      {known.length === 0 && <option value="">{lab.trans.__('experiment')}</option>}
      {known.map(one => (
        <option key={one.id} value={one.id}>
          {one.name.slice(0, 80)}
        </option>
      ))}
    </select>
  );
}

/** What can be sorted by: the metrics of the rows in sight, and the one that is sorted by now. */
function metricsOf(rows: RunRow[], now: string): string[] {
  const names = new Set(rows.slice(0, 200).flatMap(run => Object.keys(run.metrics)));
  if (now !== 'started' && now !== 'name') {
    names.add(now);
  }
  return [...names].sort().slice(0, 100);
}
