/** A list with what belongs to it: what is wrong or missing, and what can be done with what is selected. */

import React, { useState } from 'react';

import type { Lab, Offer } from '../actions/lab';
import { Refusal } from '../server/client';
import { List } from './list';
import { Notice } from './notice';
import { Offers } from './offers';

interface Props<T> {
  lab: Lab;
  label: string;
  rows: T[];
  error: Error | null;
  /** Something was asked, and is not answered yet: what is shown meanwhile is an older answer, or none. */
  loading: boolean;
  /** Said where there is no row. */
  empty: string;
  keyOf: (row: T) => string;
  height: number;
  draw: (row: T) => React.JSX.Element;
  open: (row: T) => void;
  offersOf: (chosen: T[]) => Offer[];
  many?: boolean;
  /** The last rows are in sight. */
  end?: () => void;
  drag?: (row: T, event: PointerEvent) => void;
}

export function Listing<T>({ lab, label, rows, error, loading, empty, offersOf, ...list }: Props<T>): React.JSX.Element {
  const { trans } = lab;
  const [selected, select] = useState<string[]>([]);
  const offers = offersOf(rows.filter(row => selected.includes(list.keyOf(row))));
  const isEmpty = rows.length === 0;
  return (
    <>
      <Notice error={error instanceof Refusal && error.isOfAll ? null : error} loading={loading && isEmpty && !error} trans={trans} />
      {isEmpty && !loading && !error && <div className="mlops-empty">{empty}</div>}
      {loading && !isEmpty && (
        <div className="mlops-small mlops-wait" role="status">
          {trans.__('Waiting for the MLflow server: to sort or to search many takes it seconds.')}
        </div>
      )}
      <Offers lab={lab} offers={offers} label={trans.__('Actions: %1', label)} />
      <List {...list} items={rows} label={label} busy={loading} selected={selected} select={select} menu={(x, y) => lab.menu(offers, x, y)} />
    </>
  );
}
