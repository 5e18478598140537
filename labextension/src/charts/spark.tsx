/** A line without axes: how something has moved, in the height of a word. */

import React from 'react';

interface Props {
  points: [number, number][];
  label: string;
  width?: number;
  height?: number;
}

export function Spark({ points, label, width = 90, height = 22 }: Props): React.JSX.Element {
  const known = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const [first] = known;
  const last = known.at(-1);
  if (!first || !last || known.length < 2) {
    return <svg className="mlops-spark" width={width} height={height} role="img" aria-label={label} />;
  }
  const most = Math.max(...known.map(([, y]) => y)) || 1;
  const span = last[0] - first[0] || 1;
  const path = known
    .map(([x, y]) => `${(((x - first[0]) / span) * (width - 2) + 1).toFixed(1)},${(height - 2 - (y / most) * (height - 4)).toFixed(1)}`)
    .join(' ');
  return (
    <svg className="mlops-spark" width={width} height={height} role="img" aria-label={label}>
      <polyline points={path} />
    </svg>
  );
}
