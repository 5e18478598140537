/** A registered model: its versions over time, what its gate asks, and what each has shown. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { offersOfModel, offersOfVersion } from '../actions/offers';
import { Lines } from '../charts/lines';
import { Badge, Moment } from '../results/cell';
import type { Model, VersionRow } from '../server/types';
import { lineageInShort, VERDICTS } from '../sidebar/models';
import { Notice } from '../sidebar/notice';
import { Offers } from '../sidebar/offers';
import { useAnswer } from '../sidebar/use';
import { figure } from '../words/figures';
import { stateWord } from '../words/states';
import { metricsInShort } from '../words/values';
import { Facts, PageHead, Section } from './parts';

const MOST = 6;

export function ModelPage({ lab, name }: { lab: Lab; name: string }): React.JSX.Element {
  const { project, trans } = lab;
  const { data: model, error, loading } = useAnswer<Model>(project, `models/${encodeURIComponent(name)}`, {}, 'models endpoints');
  if (!model) {
    return <Notice error={error} loading={loading} trans={trans} />;
  }
  const aliases = Object.entries(model.aliases).map(([alias, version]) => `@${alias} ${version}`);
  return (
    <>
      <Notice error={error} trans={trans} />
      <PageHead lab={lab} title={model.name} offers={[...offersOfModel(name, trans).slice(1), { label: trans.__('In MLflow'), href: model.url }]}>
        {aliases.join(' · ')} {model.description}
      </PageHead>
      {Object.keys(model.gate).length > 0 && (
        <Section title={trans.__('What the gate asks')}>
          <Facts facts={Object.entries(model.gate)} />
        </Section>
      )}
      <Section title={trans.__('Metrics of the versions')}>
        <div className="mlops-charts">
          {metricsOf(model.versions).map(metric => (
            <Lines trans={trans} key={metric} title={metric} x={trans.__('version')} series={[{ name: metric, points: pointsOf(model.versions, metric) }]} />
          ))}
        </div>
      </Section>
      <Section title={trans.__('Versions')}>
        {model.versions.map(row => (
          <article key={row.version} className="mlops-version" aria-label={trans.__('Version %1', row.version)}>
            <div className="mlops-row">
              <b>
                v{row.version} {row.aliases.map(alias => <span key={alias} className="mlops-alias">@{alias}</span>)}
              </b>
              <span>
                <Badge text={row.gate === 'none' ? trans.__('no gate') : trans.__('gate: %1', stateWord(row.gate, trans))} tone={VERDICTS[row.gate]} />{' '}
                {row.signed && <Badge text={trans.__('signed')} tone="good" />} <Moment at={row.created} trans={trans} />
              </span>
            </div>
            <div className="mlops-small">
              {metricsInShort(row.metrics, null, MOST)}
              {row.reasons && <div>{row.reasons}</div>}
              <div>
                {lineageInShort(row)} {row.endpoints.length > 0 && `⇒ ${row.endpoints.join(', ')}`}
              </div>
            </div>
            <Offers lab={lab} offers={offersOfVersion(name, row, trans)} label={trans.__('Actions for version %1', row.version)} />
          </article>
        ))}
        {model.more > 0 && <div className="mlops-note">{trans.__('%1 older versions are not shown.', figure(model.more))}</div>}
      </Section>
    </>
  );
}

function metricsOf(versions: VersionRow[]): string[] {
  const counted = new Map<string, number>();
  for (const name of versions.flatMap(row => Object.keys(row.metrics))) {
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  return [...counted].filter(([, count]) => count > 1).sort((a, b) => b[1] - a[1]).slice(0, MOST).map(([name]) => name);
}

function pointsOf(versions: VersionRow[], metric: string): [number, number][] {
  return versions
    .filter(row => metric in row.metrics)
    .map((row): [number, number] => [row.version, Number(row.metrics[metric])])
    .reverse();
}
