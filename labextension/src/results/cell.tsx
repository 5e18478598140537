/** One cell of a table, or one fact of a card. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { ago, figure, utc } from '../words/figures';
import { type Cell, safeLink, type Tone } from './view';

const MARKS: Record<Tone, string> = { good: '✓', bad: '✗', warn: '!', idle: '' };

/** A state in a word; the colour never stands alone. */
export function Badge({ text, tone }: { text: string; tone: Tone }): React.JSX.Element {
  const mark = MARKS[tone];
  return (
    <span className={`mlops-badge mlops-${tone}`}>
      {mark && <b aria-hidden="true">{mark}</b>} {text}
    </span>
  );
}

export function CellOf({ cell, trans }: { cell: Cell; trans: TranslationBundle }): React.JSX.Element {
  if (cell === null || typeof cell !== 'object') {
    return <>{figure(cell)}</>;
  }
  if ('badge' in cell) {
    return <Badge text={cell.badge} tone={cell.tone} />;
  }
  if ('code' in cell) {
    return <code>{cell.code}</code>;
  }
  if ('link' in cell) {
    const href = safeLink(cell.href);
    return href ? (
      <a href={href} target="_blank" rel="noopener noreferrer">
        {cell.link}
      </a>
    ) : (
      <>{cell.link}</>
    );
  }
  if ('time' in cell) {
    return <Moment at={cell.time} exact={cell.exact} trans={trans} />;
  }
  return <>{figure(Number(cell.number))}</>;
}

/** How long ago, with the moment itself in the tooltip. */
export function Moment({ at, exact, trans }: { at: number; exact?: boolean | undefined; trans: TranslationBundle }): React.JSX.Element {
  const full = utc(at);
  return <time title={full}>{exact ? full : ago(at, trans)}</time>;
}
