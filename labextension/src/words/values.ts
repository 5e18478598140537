/** Metrics as they come in JSON, where NaN and the infinities are words. */

import type { Figure } from '../server/types';
import { figure, short } from './figures';

export function number(value: Figure | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/** `accuracy 0.9731`: the metric that is asked for, or else the first few. */
export function metricsInShort(metrics: Record<string, Figure>, wanted: string | null, most = 2): string {
  const names = Object.keys(metrics);
  const first = wanted && wanted in metrics ? [wanted, ...names.filter(name => name !== wanted)] : names;
  return first
    .slice(0, most)
    .map(name => `${short(name, 24)} ${figure(number(metrics[name]))}`)
    .join(' · ');
}
