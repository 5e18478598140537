/** A notebook may come from anywhere: only what has the form of a result is drawn as one. */

import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Bundle } from './view';

type Data = ReadonlyPartialJSONObject;
/** The version of the bundles that this package writes. */
const VERSION = 1;

export function known(data: Data | undefined): Bundle | null {
  const view = data?.version === VERSION ? (data.view as Data | undefined) : undefined;
  return view && (isCard(view) || isTable(view)) ? (data as unknown as Bundle) : null;
}

function isCard(view: Data): boolean {
  return (
    view.type === 'card' &&
    typeof view.title === 'string' &&
    ['text', 'next'].every(name => typeof (view[name] ?? '') === 'string') &&
    listOf(view.tables, isTable) &&
    listOf(view.facts, fact => Array.isArray(fact) && typeof fact[0] === 'string') &&
    listOf(view.pictures, isObject) &&
    listOf(view.diffs, diff => isObject(diff) && typeof diff.title === 'string' && typeof diff.text === 'string')
  );
}

function isTable(view: unknown): boolean {
  return (
    isObject(view) &&
    view.type === 'table' &&
    listOf(view.columns ?? 0, name => typeof name === 'string') &&
    listOf(view.rows ?? 0, row => Array.isArray(row))
  );
}

/** A part that is not there is none that is wrong. */
function listOf(value: unknown, fits: (one: unknown) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(fits));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
