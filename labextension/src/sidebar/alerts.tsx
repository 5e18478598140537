/** What has rung, what still rings, and why. */

import React, { useState } from 'react';

import type { Lab } from '../actions/lab';
import { offersOfAlert } from '../actions/offers';
import { Badge, Moment } from '../results/cell';
import type { AlertRow, Alerts } from '../server/types';
import { List } from './list';
import { Notice } from './notice';
import { Offers } from './offers';
import { useAnswer } from './use';

export function AlertsView({ lab }: { lab: Lab }): React.JSX.Element {
  const { project, trans } = lab;
  const [selected, setSelected] = useState<string[]>([]);
  const { data, error, loading } = useAnswer<Alerts>(project, 'alerts', {}, 'alerts');
  const rows = data?.alerts ?? [];
  const [chosen] = rows.filter(row => selected.includes(row.id));
  const offers = chosen ? offersOfAlert(chosen, trans) : [];
  return (
    <>
      <Notice error={error} loading={loading && !data} trans={trans} />
      {data && rows.length === 0 && <div className="mlops-empty">{trans.__('Nothing has rung.')}</div>}
      <Offers lab={lab} offers={offers} label={trans.__('Actions for alerts')} />
      <List
        items={rows}
        keyOf={row => row.id}
        height={64}
        label={trans.__('Alerts')}
        selected={selected}
        select={setSelected}
        open={row => lab.open({ kind: 'endpoint', name: row.endpoint })}
        menu={(x, y) => lab.menu(offers, x, y)}
        draw={row => <RowOf row={row} lab={lab} />}
      />
    </>
  );
}

function RowOf({ row, lab: { trans } }: { row: AlertRow; lab: Lab }): React.JSX.Element {
  const over = row.recovered !== null;
  return (
    <>
      <div className="mlops-row">
        <span className="mlops-name" title={row.rule}>
          {row.endpoint}: {row.rule}
        </span>
        <Badge text={over ? trans.__('over') : row.silenced ? trans.__('silenced') : trans.__('rings')} tone={over || row.silenced ? 'idle' : 'bad'} />
      </div>
      <div className="mlops-small mlops-name" title={row.why}>
        {row.why}
      </div>
      <div className="mlops-row mlops-small">
        <span className="mlops-name">{row.model}{row.version === null ? '' : `/${row.version}`}</span>
        <Moment at={row.opened} />
      </div>
    </>
  );
}
