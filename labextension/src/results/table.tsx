/** A table that sorts by a click on a column. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useMemo, useState } from 'react';

import { CellOf } from './cell';
import { compare, type Table } from './view';

const MOST = 200;

interface Order {
  column: number;
  down: boolean;
}

export function TableOf({ table, trans }: { table: Table; trans: TranslationBundle }): React.JSX.Element {
  const [order, setOrder] = useState<Order | null>(null);
  const [all, setAll] = useState(false);
  const rows = useMemo(() => sorted(table.rows, order), [table, order]);
  const turn = (column: number): void => {
    setOrder(now => (now?.column !== column ? { column, down: true } : now.down ? { column, down: false } : null));
  };
  if (rows.length === 0) {
    return (
      <div className="mlops-line">
        {table.title && <b>{table.title}: </b>}
        {table.empty ?? trans.__('Nothing here yet.')}
      </div>
    );
  }
  return (
    <div className={table.sentences ? 'mlops-sentences' : 'mlops-table'}>
      {table.title && <div className="mlops-title">{table.title}</div>}
      <div className="mlops-scroll" tabIndex={0} role="region" aria-label={table.title ?? trans.__('Table')}>
        <table>
          <thead>
            <tr>
              {table.columns.map((name, index) => (
                <th key={index} scope="col" aria-sort={direction(order, index)}>
                  <button type="button" title={trans.__('Sort by %1', name)} onClick={() => turn(index)}>
                    {name} <span aria-hidden="true">{arrow(order, index)}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(all ? rows : rows.slice(0, MOST)).map((row, at) => (
              <tr key={at}>
                {row.map((cell, index) => (
                  <td key={index}>
                    <CellOf cell={cell} trans={trans} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!all && rows.length > MOST && (
        <button type="button" className="mlops-more" onClick={() => setAll(true)}>
          {trans.__('Show all %1 rows', rows.length)}
        </button>
      )}
      {table.note && <div className="mlops-note">{table.note}</div>}
    </div>
  );
}

function sorted(rows: Table['rows'], order: Order | null): Table['rows'] {
  if (!order) {
    return rows;
  }
  const { column, down } = order;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    return (missing(x) || missing(y) ? 1 : down ? -1 : 1) * compare(x, y); // what is missing stays last
  });
}

function missing(cell: Table['rows'][number][number]): boolean {
  return cell === null || cell === '' || (typeof cell === 'object' && 'number' in cell && cell.number === 'NaN');
}

function direction(order: Order | null, column: number): 'ascending' | 'descending' | 'none' {
  return order?.column !== column ? 'none' : order.down ? 'descending' : 'ascending';
}

function arrow(order: Order | null, column: number): string {
  return order?.column !== column ? '' : order.down ? '▾' : '▴';
}
