/** How figures, times and sizes are written: as `display/views.py` writes them. */

import type { TranslationBundle } from '@jupyterlab/translation';

export function figure(value: unknown): string {
  if (typeof value !== 'number') {
    return typeof value === 'string' || typeof value === 'boolean' ? String(value) : '';
  }
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
  }
  const size = Math.abs(value);
  if (size >= 1e12) {
    return general(value);
  }
  if (Number.isInteger(value)) {
    return value.toLocaleString('en-US');
  }
  if (size >= 1000) {
    return value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  }
  if (size >= 0.01 && size < 10) {
    return value.toFixed(4); // the same number of digits in a column of scores
  }
  return size >= 1e-4 ? general(value) : exponent(value.toExponential(2));
}

/** `%.4g` of C: four significant digits, and no zeros after them. */
function general(value: number): string {
  const [mantissa = '', power] = value.toExponential(3).split('e');
  const places = Number(power);
  if (places >= -5 && places < 4) {
    return String(Number(value.toPrecision(4)));
  }
  return exponent(`${Number(mantissa)}e${power ?? ''}`);
}

/** Two digits in an exponent, as Python writes it: `1.2e-07`. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** A duration in seconds: `0.4 s`, `12 s`, `3 min`, `2 h 5 min`, `4 d`. */
export function span(seconds: number, trans: TranslationBundle): string {
  if (seconds < 10) {
    return trans.__('%1 s', seconds.toFixed(1));
  }
  if (seconds < 100) {
    return trans.__('%1 s', seconds.toFixed(0));
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) {
    return trans.__('%1 min', minutes);
  }
  if (minutes < 48 * 60) {
    const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
    return rest ? trans.__('%1 h %2 min', hours, rest) : trans.__('%1 h', hours);
  }
  return trans.__('%1 d', Math.floor(minutes / 1440));
}

/** How long ago a moment (seconds since the epoch) was. */
export function ago(at: number, trans: TranslationBundle, now: number = Date.now() / 1000): string {
  const seconds = now - at;
  return seconds < 5 ? trans.__('just now') : trans.__('%1 ago', span(seconds, trans));
}

/** A moment in full, the same in every place. */
export function utc(at: number): string {
  const moment = new Date(at * 1000);
  return Number.isNaN(moment.getTime()) ? '' : `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Cut a long text; the whole stands in the tooltip. */
export function short(text: string, most = 100): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
