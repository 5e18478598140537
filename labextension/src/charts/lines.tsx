/** Lines over steps or time, with axes that can be read. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { figure, short } from '../words/figures';
import { pieces, scale } from './scale';

export interface Series {
  name: string;
  points: [number, number][];
}

interface Props {
  trans: TranslationBundle;
  series: Series[];
  title: string;
  x: string;
  width?: number;
  height?: number;
  xText?: (value: number) => string;
  /** The axis begins at nothing: for what is counted. */
  zero?: boolean;
}

const LEFT = 56;
const BELOW = 34;

export function Lines({ trans, series, title, x, width = 380, height = 180, xText = figure, zero }: Props): React.JSX.Element {
  const all = series.flatMap(one => one.points);
  const across = scale(all.map(point => point[0]), LEFT, width - 8);
  const up = scale([...all.map(point => point[1]), ...(zero ? [0] : [])], height - BELOW, 10);
  const missing = all.filter(point => !Number.isFinite(point[1])).length;
  const last = series.map(one => `${one.name} ${figure(one.points.at(-1)?.[1])}`).join(', ');
  return (
    <figure className="mlops-chart">
      <figcaption title={title}>{short(title, 60)}</figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`${short(title)}: ${short(last, 200)}`}>
        {up.ticks.map(tick => (
          <g key={tick}>
            <line className="mlops-grid" x1={LEFT} x2={width - 8} y1={up(tick)} y2={up(tick)} />
            <text x={LEFT - 6} y={up(tick) + 4} textAnchor="end">
              {figure(tick)}
            </text>
          </g>
        ))}
        {across.ticks.map(tick => (
          <text key={tick} x={across(tick)} y={height - BELOW + 16} textAnchor="middle">
            {xText(tick)}
          </text>
        ))}
        <text x={(LEFT + width) / 2} y={height - 3} textAnchor="middle" className="mlops-axis">
          {x}
        </text>
        {series.map((one, index) =>
          pieces(one.points).map((piece, part) =>
            piece.length === 1 ? (
              <circle key={`${index}-${part}`} className={`mlops-dot mlops-colour${index % 6}`} r={3} cx={across(piece[0]?.[0] ?? 0)} cy={up(piece[0]?.[1] ?? 0)} />
            ) : (
              <polyline
                key={`${index}-${part}`}
                className={`mlops-line-of mlops-colour${index % 6}`}
                points={piece.map(([a, b]) => `${across(a).toFixed(1)},${up(b).toFixed(1)}`).join(' ')}
              />
            )
          )
        )}
      </svg>
      {missing > 0 && <div className="mlops-small">{trans._n('%1 value is NaN or infinite: left out of the line', '%1 values are NaN or infinite: left out of the line', missing)}</div>}
    </figure>
  );
}
