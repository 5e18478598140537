/** From figures to places in a picture. */

export interface Scale {
  (value: number): number;
  ticks: number[];
}

/** A linear scale over the values, with a few round ticks. */
export function scale(values: number[], from: number, to: number, count = 4): Scale {
  const known = values.filter(Number.isFinite);
  let least = known.length ? Math.min(...known) : 0;
  let most = known.length ? Math.max(...known) : 1;
  if (least === most) {
    const room = Math.abs(least) * 0.1; // one value stands in the middle, and none at the bottom
    [least, most] = least === 0 ? [0, 1] : [least - room, most + room];
  }
  const place = (value: number): number => from + ((value - least) / (most - least)) * (to - from);
  return Object.assign(place, { ticks: round(least, most, count, known.length > 1 && known.every(Number.isInteger)) });
}

/** Round figures between two: steps of 1, 2 or 5 times a power of ten; whole ones of what is counted. */
export function round(least: number, most: number, count: number, whole = false): number[] {
  const rough = whole ? Math.max(1, (most - least) / count) : (most - least) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(one => one >= rough) ?? rough;
  const ticks: number[] = [];
  for (let at = Math.ceil(least / step); at * step <= most + step * 1e-9 && ticks.length < 20; at += 1) {
    ticks.push(Number((at * step).toPrecision(12)));
  }
  return ticks;
}

/** Cut where a value is missing or infinite: a line doesn't go through what isn't there. */
export function pieces(points: [number, number][]): [number, number][][] {
  const found: [number, number][][] = [];
  let open = false;
  for (const point of points) {
    if (!Number.isFinite(point[1])) {
      open = false;
    } else if (open) {
      found.at(-1)?.push(point);
    } else {
      found.push([point]);
      open = true;
    }
  }
  return found;
}
