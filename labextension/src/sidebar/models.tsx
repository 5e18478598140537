/** Registered models, and the versions of one: aliases, what the gate says, and where they come from. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { offersOfModel, offersOfVersion } from '../actions/offers';
import { Badge, Moment } from '../results/cell';
import type { Tone } from '../results/view';
import type { Model, ModelRow, Models, Verdict, VersionRow } from '../server/types';
import { stateWord } from '../words/states';
import { metricsInShort } from '../words/values';
import { Listing } from './listing';
import { usePages } from './pages';
import { useAnswer, useKept } from './use';

export const VERDICTS: Record<Verdict, Tone> = { pass: 'good', fail: 'bad', inconclusive: 'warn', none: 'idle' };
const keyOf = (model: ModelRow): string => model.name;
const read = ({ models, next }: Models): { rows: ModelRow[]; next: string | null } => ({ rows: models, next });

export function ModelsView({ lab }: { lab: Lab }): React.JSX.Element {
  const [name, setName] = useKept<string | null>(lab.project, 'models.name', null);
  return name === null ? <Names lab={lab} open={setName} /> : <Versions lab={lab} name={name} back={() => setName(null)} />;
}

function Names({ lab, open }: { lab: Lab; open: (name: string) => void }): React.JSX.Element {
  const { project, trans } = lab;
  const [search, setSearch] = useKept(project, 'models.search', '');
  const { rows, error, loading, more } = usePages(project, 'models', { search }, 'models', read, keyOf);
  return (
    <>
      <div className="mlops-tools">
        <input
          type="search"
          className="jp-mod-styled"
          value={search}
          placeholder={trans.__('part of a name')}
          aria-label={trans.__('Search the models')}
          onChange={event => setSearch(event.target.value)}
        />
      </div>
      <Listing
        lab={lab}
        label={trans.__('Models')}
        rows={rows}
        error={error}
        loading={loading}
        empty={search ? trans.__('No model is called so.') : trans.__('No model yet: register the model of a run.')}
        keyOf={keyOf}
        height={44}
        open={model => open(model.name)}
        end={more}
        offersOf={([chosen]) => (chosen ? offersOfModel(chosen.name, trans) : [])}
        draw={model => (
          <>
            <div className="mlops-row">
              <span className="mlops-name" title={model.name}>
                {model.name}
              </span>
              <span
                className="mlops-into"
                aria-hidden="true"
                title={trans.__('Versions')}
                onClick={event => {
                  event.stopPropagation(); // by keys it is Enter
                  open(model.name);
                }}
              >
                ›
              </span>
            </div>
            <div className="mlops-row mlops-small">
              <span className="mlops-name">{aliasesInShort(model)}</span>
              <Moment at={model.updated} trans={trans} />
            </div>
          </>
        )}
      />
    </>
  );
}

function aliasesInShort(model: ModelRow): string {
  const aliases = Object.entries(model.aliases).map(([alias, version]) => `@${alias} ${version}`);
  return [model.latest === null ? '' : `v${model.latest}`, ...aliases].filter(Boolean).join(' · ');
}

function Versions({ lab, name, back }: { lab: Lab; name: string; back: () => void }): React.JSX.Element {
  const { project, trans } = lab;
  const { data, error, loading } = useAnswer<Model>(project, `models/${encodeURIComponent(name)}`, {}, 'models endpoints');
  return (
    <>
      <div className="mlops-tools mlops-row">
        <button type="button" className="mlops-button" onClick={back} autoFocus>
          ‹ {trans.__('Models')}
        </button>
        <b className="mlops-name" title={name}>
          {name}
        </b>
      </div>
      <Listing
        lab={lab}
        label={trans.__('Versions of %1', name.slice(0, 60))}
        rows={data?.versions ?? []}
        error={error}
        loading={loading}
        empty={trans.__('This model has no version yet.')}
        keyOf={row => String(row.version)}
        height={64}
        open={() => lab.open({ kind: 'model', name })}
        offersOf={([chosen]) => (chosen ? offersOfVersion(name, chosen, trans) : offersOfModel(name, trans))}
        draw={row => <VersionOf row={row} lab={lab} />}
      />
    </>
  );
}

function VersionOf({ row, lab }: { row: VersionRow; lab: Lab }): React.JSX.Element {
  const { trans } = lab;
  return (
    <>
      <div className="mlops-row">
        <span className="mlops-name">
          <b>v{row.version}</b> {row.aliases.map(alias => <span key={alias} className="mlops-alias">@{alias}</span>)}
        </span>
        <span title={row.reasons}>
          <Badge text={row.gate === 'none' ? trans.__('no gate') : stateWord(row.gate, trans)} tone={VERDICTS[row.gate]} />
        </span>
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">{metricsInShort(row.metrics, null)}</span>
        <Moment at={row.created} trans={trans} />
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">{lineageInShort(row)}</span>
        {row.endpoints.length > 0 && <span className="mlops-name">⇒ {row.endpoints.join(', ')}</span>}
      </div>
    </>
  );
}

export function lineageInShort(row: VersionRow): string {
  const data = row.lineage.data.map(set => set.name).join(', ');
  return [data, row.lineage.run?.name].filter(Boolean).join(' → ');
}
