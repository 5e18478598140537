import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lineOf, open } from '../lib/actions/lines.js';
import { offersOfRuns, offersOfVersion } from '../lib/actions/offers.js';
import { turned } from '../lib/cells/track.js';
import { pieces, round, scale } from '../lib/charts/scale.js';
import { join } from '../lib/sidebar/joining.js';

const trans = { __: text => text, _n: text => text };
const promote = {
  name: 'promote', magic: '%mlops promote', cell: false,
  parameters: [
    { name: 'model', positional: true, required: true },
    { name: 'to', positional: false, required: false },
    { name: 'dry_run', positional: false, required: false }
  ]
};

test('an action is the line that one would type', () => {
  const act = { command: 'promote', parameters: { to: 'champion', model: 'my model/3', dry_run: true } };
  assert.equal(lineOf(act, promote), "%mlops promote 'my model/3' --to champion --dry-run");
  assert.equal(lineOf({ command: 'run', parameters: {} }, { ...promote, cell: true }), '%%mlops run\n');
});

test('what is missing is asked for', () => {
  assert.deepEqual(open({ command: 'promote', parameters: {} }, promote), ['model']);
  assert.deepEqual(open({ command: 'promote', parameters: { model: 'a/1', to: '' } }, promote), ['to']);
  assert.deepEqual(open({ command: 'promote', parameters: { model: 'a/1' } }, promote), []);
});

test('what is offered fits what is selected', () => {
  const run = { run_id: 'ab', name: 'base' };
  assert.deepEqual(offersOfRuns([], trans), []);
  assert.equal(offersOfRuns([run], trans)[0].place.kind, 'run');
  assert.deepEqual(offersOfRuns([run, { ...run, run_id: 'cd' }], trans)[1].act.parameters.refs, ['run:ab', 'run:cd']);
  const version = { version: 3, lineage: { run: null, data: [] } };
  assert.deepEqual(offersOfVersion('a/b', version, trans)[0].act.parameters, { model: 'a/b/3' });
});

test('a first page and what was loaded below it come together', () => {
  const keyOf = row => row;
  const page = (rows, next = null) => ({ rows: [...rows], next });
  assert.deepEqual(join(page('nab', '3'), page('abcd', '4'), keyOf), page('nabcd', '4'), 'a new run pushes the others down');
  assert.deepEqual(join(page('ac', '2'), page('abcd', '4'), keyOf), page('acd', '4'), 'b was deleted');
  assert.deepEqual(join(page('xy', '2'), page('abcd', '4'), keyOf), page('xy', '2'), 'nothing is as it was');
});

test('a cell becomes a run, and no longer one', () => {
  assert.equal(turned('fit()'), '%%mlops run\nfit()');
  assert.equal(turned('%%mlops run scaled --data X\nfit()'), 'fit()');
  assert.equal(turned('%%bash\nls'), '%%bash\nls');
});

test('axes have round figures, and lines stop where a value is missing', () => {
  assert.deepEqual(round(0, 1, 4), [0, 0.5, 1]);
  assert.deepEqual(round(0, 47, 4), [0, 20, 40]);
  assert.deepEqual(round(1, 3, 4, true), [1, 2, 3]);
  assert.equal(scale([], 0, 10)(0.5), 5);
  assert.equal(scale([3, 3], 0, 10)(3), 5);
  assert.ok(Number.isFinite(scale([Number.NaN, 1, Infinity], 0, 10)(1)));
  assert.deepEqual(pieces([[0, 1], [1, Number.NaN], [2, 2], [3, 3]]), [[[0, 1]], [[2, 2], [3, 3]]]);
});
