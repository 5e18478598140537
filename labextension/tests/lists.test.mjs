import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changes, lineOf, open, titleOf } from '../lib/actions/lines.js';
import { cellsFor, loads } from '../lib/actions/loading.js';
import { offersOfRuns, offersOfVersion } from '../lib/actions/offers.js';
import { turned } from '../lib/cells/turning.js';
import { pieces, round, scale } from '../lib/charts/scale.js';
import { known } from '../lib/results/known.js';
import { join } from '../lib/sidebar/joining.js';
import { activeIn, drawn } from '../lib/sidebar/sight.js';

const trans = { __: text => text, _n: text => text };
const promote = {
  name: 'promote', key: 'promote', magic: '%mlops promote', cell: false,
  parameters: [
    { name: 'model', positional: true, required: true },
    { name: 'to', positional: false, required: false },
    { name: 'dry_run', positional: false, required: false }
  ]
};

test('an action is the line that one would type', () => {
  const act = { command: 'promote', parameters: { to: 'champion', model: 'my model/3', dry_run: true } };
  assert.equal(lineOf(act, promote), "%mlops promote 'my model/3' --to champion --dry-run");
  assert.equal(lineOf({ command: 'run', parameters: {} }, { ...promote, name: 'run', cell: true }), '%%mlops run\n');
  assert.equal(lineOf({ command: 'run notebooks', parameters: {} }, { ...promote, name: 'run' }), '%mlops run', 'typed by its name, found by its key');
});

test('a model that is called as a flag is stays that model', () => {
  const act = { command: 'promote', parameters: { model: '--model=churn/3', to: 'champion' } };
  assert.equal(lineOf(act, promote), '%mlops promote --model=--model=churn/3 --to champion');
  const odd = { command: 'promote', parameters: { model: 'a\nb/3' } };
  assert.throws(() => lineOf(odd, promote));
  assert.equal(titleOf(odd, promote), '%mlops promote', 'over REST it is named as it is');
});

test('a cell has the extension loaded before it is needed', () => {
  assert.ok(loads('import x\n  %load_ext jupyter_mlops'));
  assert.ok(loads('%reload_ext jupyter_mlops'));
  assert.ok(!loads('# %load_ext jupyter_mlops'));
  assert.ok(!loads('%load_ext jupyter_mlops_other'));
  assert.deepEqual(cellsFor('%mlops runs', true), ['%mlops runs']);
  assert.deepEqual(cellsFor('%mlops runs', false), ['%load_ext jupyter_mlops\n%mlops runs']);
  assert.deepEqual(cellsFor('%%mlops check\n', false), ['%load_ext jupyter_mlops', '%%mlops check\n'], 'a cell magic is the first of its cell');
});

test('the row that was active stays it when another comes above', () => {
  const keyOf = row => row;
  assert.equal(activeIn([...'nab'], keyOf, { key: 'a', index: 0 }), 1);
  assert.equal(activeIn([...'nb'], keyOf, { key: 'x', index: 5 }), 1, 'it has gone: the last');
  assert.equal(activeIn([], keyOf, { key: 'x', index: 5 }), 0);
  assert.deepEqual(drawn(10, 13, 2, 100), [2, 10, 11, 12]);
  assert.deepEqual(drawn(10, 13, 50, 100), [10, 11, 12, 50]);
  assert.deepEqual(drawn(0, 3, 1, 3), [0, 1, 2]);
  assert.deepEqual(drawn(0, 0, 0, 0), []);
});

test('only what has the form of a result is drawn as one', () => {
  const table = { type: 'table', columns: ['a'], rows: [[1], [{ number: 'NaN' }]] };
  const card = { type: 'card', title: 'a', badge: null, facts: [['a', 1]], tables: [table], next: '' };
  for (const view of [table, card]) {
    assert.ok(known({ version: 1, view }));
    assert.equal(known({ version: 2, view }), null, 'a later version');
    assert.equal(known({ view }), null);
  }
  const bad = [null, 3, { ...table, rows: [1] }, { ...table, columns: [{}] }, { ...card, title: {} }, { ...card, tables: {} }, { ...card, tables: [1] },
    { ...card, facts: [1] }, { ...card, next: {} }, { ...card, diffs: [{}] }, { ...card, pictures: [1] }];
  for (const view of bad) {
    assert.equal(known({ version: 1, view }), null, JSON.stringify(view));
  }
});

test('what only lists is not asked about', () => {
  const alerts = { changes: true, changes_with: 'silence' };
  assert.equal(changes({ parameters: {} }, alerts), false);
  assert.equal(changes({ parameters: { silence: '' } }, alerts), false);
  assert.equal(changes({ parameters: { silence: 'drift' } }, alerts), true);
  assert.equal(changes({ parameters: {} }, { changes: true, changes_with: null }), true);
  assert.equal(changes({ parameters: {} }, { changes: false, changes_with: null }), false);
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
