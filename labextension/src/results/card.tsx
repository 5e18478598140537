/** A card: one thing with its state, facts, tables, diffs and the next step. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { isLine } from '../words/quoting';
import { Badge, CellOf } from './cell';
import { TableOf } from './table';
import type { Card, View } from './view';

interface Shown {
  trans: TranslationBundle;
  /** Put a line into the notebook: what `next` says can be done. */
  insert?: ((line: string) => void) | undefined;
}

export function ViewOf({ view, ...shown }: { view: View } & Shown): React.JSX.Element {
  return view.type === 'card' ? <CardOf card={view} {...shown} /> : <TableOf table={view} trans={shown.trans} />;
}

export function CardOf({ card, trans, insert }: { card: Card } & Shown): React.JSX.Element {
  const next = card.next ?? '';
  const pictures = (card.pictures ?? []).map((picture, index) => (
    <img key={`p${index}`} width={picture.width} alt={picture.alt} src={`data:image/png;base64,${picture.png}`} />
  ));
  const tables = (card.tables ?? []).map((table, index) => <TableOf key={`t${index}`} table={table} trans={trans} />);
  return (
    <section className="mlops-card" aria-label={card.title}>
      <div className="mlops-title">
        {card.title} {card.badge && <Badge text={card.badge.badge} tone={card.badge.tone} />}
      </div>
      {(card.facts ?? []).length > 0 && (
        <table className="mlops-facts">
          <tbody>
            {(card.facts ?? []).map(([name, cell], index) => (
              <tr key={index}>
                <th scope="row">{name}</th>
                <td>
                  <CellOf cell={cell} trans={trans} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {card.tables_first ? [tables, pictures] : [pictures, tables]}
      {(card.diffs ?? []).map((diff, index) => (
        <DiffOf key={index} {...diff} />
      ))}
      {card.text && <pre>{card.text}</pre>}
      {next && (
        <div className="mlops-next">
          {trans.__('Next:')} <code>{next}</code>
          {insert && isLine(next) && (
            <button type="button" className="mlops-button" onClick={() => insert(next)}>
              {trans.__('Insert as cell')}
            </button>
          )}
        </div>
      )}
    </section>
  );
}

/** A change, line by line: what came and what went is said by its sign, not by colour alone. */
export function DiffOf({ title, text }: { title: string; text: string }): React.JSX.Element {
  return (
    <details className="mlops-diff" open={text.length < 4000}>
      <summary>{title}</summary>
      <pre>
        {text.split('\n').map((line, index) => (
          <span key={index} className={sign(line)}>
            {line || ' '}
          </span>
        ))}
      </pre>
    </details>
  );
}

function sign(line: string): string {
  const kinds: Record<string, string> = { '+': 'mlops-added', '-': 'mlops-removed', '@': 'mlops-place' };
  return kinds[line.charAt(0)] ?? '';
}
