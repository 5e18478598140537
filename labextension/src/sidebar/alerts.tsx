/** What has rung, what still rings, and why. */

import React from 'react';

import type { Lab } from '../actions/lab';
import { offersOfAlert } from '../actions/offers';
import { Badge, Moment } from '../results/cell';
import type { AlertRow, Alerts } from '../server/types';
import { Listing } from './listing';
import { useAnswer } from './use';

export function AlertsView({ lab }: { lab: Lab }): React.JSX.Element {
  const { project, trans } = lab;
  const { data, error, loading } = useAnswer<Alerts>(project, 'alerts', {}, 'alerts');
  return (
    <Listing
      lab={lab}
      label={trans.__('Alerts')}
      rows={data?.alerts ?? []}
      error={error}
      loading={loading}
      empty={trans.__('Nothing has rung.')}
      keyOf={row => row.id}
      height={64}
      open={row => lab.open({ kind: 'endpoint', name: row.endpoint })}
      offersOf={([chosen]) => (chosen ? offersOfAlert(chosen, trans) : [])}
      draw={row => <RowOf row={row} lab={lab} />}
    />
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
        <Moment at={row.opened} trans={trans} />
      </div>
    </>
  );
}
