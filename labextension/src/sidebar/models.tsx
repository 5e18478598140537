/** Registered models, and the versions of one: aliases, what the gate says, and where they come from. */

import React, { useState } from 'react';

import type { Lab } from '../actions/lab';
import { offersOfModel, offersOfVersion } from '../actions/offers';
import { Badge, Moment } from '../results/cell';
import type { Tone } from '../results/view';
import type { Model, ModelRow, Models, Verdict, VersionRow } from '../server/types';
import { metricsInShort } from '../words/values';
import { List } from './list';
import { Notice } from './notice';
import { Offers } from './offers';
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
  const [selected, setSelected] = useState<string[]>([]);
  const { rows, error, loading, more } = usePages(project, 'models', { search }, 'models', read, keyOf);
  const [chosen] = rows.filter(model => selected.includes(model.name));
  const offers = chosen ? offersOfModel(chosen.name, trans) : [];
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
      <Notice error={error} loading={loading && rows.length === 0} trans={trans} />
      {rows.length === 0 && !loading && !error && (
        <div className="mlops-empty">{search ? trans.__('No model is called so.') : trans.__('No model yet: register the model of a run.')}</div>
      )}
      <Offers lab={lab} offers={offers} label={trans.__('Actions for models')} />
      <List
        items={rows}
        keyOf={keyOf}
        height={44}
        label={trans.__('Models')}
        selected={selected}
        select={setSelected}
        open={model => open(model.name)}
        end={more}
        menu={(x, y) => lab.menu(offers, x, y)}
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
              <Moment at={model.updated} />
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
  const [selected, setSelected] = useState<string[]>([]);
  const { data, error, loading } = useAnswer<Model>(project, `models/${encodeURIComponent(name)}`, {}, 'models endpoints');
  const rows = data?.versions ?? [];
  const [chosen] = rows.filter(row => selected.includes(String(row.version)));
  const offers = chosen ? offersOfVersion(name, chosen, trans) : offersOfModel(name, trans);
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
      <Notice error={error} loading={loading && !data} trans={trans} />
      <Offers lab={lab} offers={offers} label={trans.__('Actions for versions')} />
      <List
        items={rows}
        keyOf={row => String(row.version)}
        height={64}
        label={trans.__('Versions of %1', name.slice(0, 60))}
        selected={selected}
        select={setSelected}
        open={() => lab.open({ kind: 'model', name })}
        menu={(x, y) => lab.menu(offers, x, y)}
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
          <Badge text={row.gate === 'none' ? trans.__('no gate') : row.gate} tone={VERDICTS[row.gate]} />
        </span>
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">{metricsInShort(row.metrics, null)}</span>
        <Moment at={row.created} />
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
