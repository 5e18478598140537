/** Parallel coordinates: a line for each run, an axis for each parameter and metric in which they differ. */

import React from 'react';

import { figure, short } from '../words/figures';
import { scale, type Scale } from './scale';

export interface Axis {
  name: string;
  values: (number | string | null)[];
}

const TOP = 26;

export function Parallel({ axes, runs, label }: { axes: Axis[]; runs: string[]; label: string }): React.JSX.Element {
  const height = 260;
  const gap = 130;
  const width = Math.max(1, axes.length - 1) * gap + 120;
  const places = axes.map(axis => place(axis, height - 16));
  const lines = runs.map((_, run) =>
    axes
      .map((axis, index) => {
        const value = axis.values[run] ?? null;
        const at = value === null ? Number.NaN : (places[index]?.at(value) ?? Number.NaN);
        return Number.isFinite(at) ? `${60 + index * gap},${at.toFixed(1)}` : null;
      })
      .filter((point): point is string => point !== null)
      .join(' ')
  );
  return (
    <div className="mlops-scroll" tabIndex={0} role="region" aria-label={label}>
      <svg className="mlops-parallel" width={width} height={height} role="img" aria-label={label}>
        {lines.map((points, run) => (
          <polyline key={run} points={points} className={`mlops-line-of mlops-colour${run % 6}`}>
            <title>{runs[run]}</title>
          </polyline>
        ))}
        {axes.map((axis, index) => (
          <g key={axis.name}>
            <line className="mlops-axis-line" x1={60 + index * gap} x2={60 + index * gap} y1={TOP} y2={height - 16} />
            <text x={60 + index * gap} y={14} textAnchor="middle" className="mlops-axis">
              <title>{axis.name}</title>
              {short(axis.name, 18)}
            </text>
            {places[index]?.ticks.map(([text, at]) => (
              <text key={text} x={60 + index * gap + 5} y={at + 4}>
                {short(text, 12)}
              </text>
            ))}
          </g>
        ))}
      </svg>
    </div>
  );
}

interface Placed {
  at: (value: number | string) => number;
  ticks: [string, number][];
}

/** Numbers by their size, words one below another. */
function place({ values }: Axis, bottom: number): Placed {
  const known = values.filter(value => value !== null);
  if (known.every(value => typeof value === 'number')) {
    const up: Scale = scale(known, bottom, TOP);
    return { at: value => up(Number(value)), ticks: up.ticks.map(tick => [figure(tick), up(tick)]) };
  }
  const words = [...new Set(known.map(String))].sort();
  const step = (bottom - TOP) / Math.max(1, words.length - 1);
  const at = (value: number | string): number => bottom - words.indexOf(String(value)) * step;
  return { at, ticks: words.slice(0, 30).map(one => [one, at(one)]) };
}
