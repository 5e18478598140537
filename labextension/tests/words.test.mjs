import assert from 'node:assert/strict';
import { test } from 'node:test';

import { saidIn } from '../lib/server/events.js';
import { ago, figure, span, utc } from '../lib/words/figures.js';
import { Refusal } from '../lib/server/client.js';
import { told } from '../lib/words/errors.js';
import { isLine, line, Unwritable, word } from '../lib/words/quoting.js';
import { stateWord } from '../lib/words/states.js';
import { compare, safeLink } from '../lib/results/view.js';

test('figures are written as Python writes them', () => {
  const said = [0.9731, 12000, 1.2e-7, 1234.56, 0.00123, 3.14159, 123.456, NaN, Infinity, -Infinity, 0, 1e13, true, null, 'x'].map(figure);
  assert.deepEqual(said, ['0.9731', '12,000', '1.20e-07', '1,234.6', '0.00123', '3.1416', '123.5', 'NaN', '∞', '-∞', '0', '1e+13', 'true', '', 'x']);
});

/** A language in which every text is marked: what is not in it was written past the translation. */
const marked = { __: (text, ...words) => `«${words.reduce((said, word, at) => said.replace(`%${at + 1}`, word), text)}»` };
const trans = { __: (...words) => marked.__(...words).slice(1, -1) };

test('times', () => {
  assert.deepEqual([0.44, 12.2, 180, 7200, 7500, 400000].map(one => span(one, trans)), ['0.4 s', '12 s', '3 min', '2 h', '2 h 5 min', '4 d']);
  assert.equal(ago(1000, trans, 1002), 'just now');
  assert.equal(ago(1000, trans, 1180), '3 min ago');
  assert.equal(ago(1000, marked, 1180), '««3 min» ago»');
  assert.equal(utc(0), '1970-01-01 00:00:00 UTC');
  assert.equal(utc(1e300), '');
});

test('a name is one word of a line, whatever is in it', () => {
  assert.equal(word('churn@champion'), 'churn@champion');
  assert.equal(word("it's"), `'it'"'"'s'`);
  assert.equal(word(''), "''");
  assert.equal(line('promote', ['my model/3'], { alias: 'champion', dry_run: true, force: false, reason: 'so it is', param: ['a=1', 'b=2'] }),
    "%mlops promote 'my model/3' --alias champion --dry-run --reason 'so it is' --param a=1 --param b=2");
});

test('a name that a line would read otherwise is no other name', () => {
  for (const end of ['\n', '\r', '\0', '\t', '\x1b', '\x7f', '\x85', '\x9f', '\u2028', '\u2029']) {
    assert.throws(() => word(`a${end}!rm b`), Unwritable, JSON.stringify(end));
    assert.equal(isLine(`%mlops runs${end}!cmd`), false, JSON.stringify(end));
  }
  assert.ok(isLine("%mlops promote 'é ü'/3"));
  assert.ok(!isLine('%mlops promote a/3, and then look'));
  assert.throws(() => line('compare', ['run:a', '--json']), Unwritable);
  assert.equal(line('deploy', [], { name: '--model=x', param: ['-a'], note: "-it's" }), `%mlops deploy --name=--model=x --param=-a '--note=-it'"'"'s'`);
});

test('errors and states are told in the words of the user', () => {
  assert.deepEqual(told(new Refusal('', 0, 'away', ''), trans), { message: 'The Jupyter server does not answer.', hint: 'It is tried again by itself.' });
  assert.match(told(new Refusal('', 403, 'unauthorised', ''), trans).hint, /reload the page with its token/);
  assert.equal(told(new Refusal('502 Bad Gateway', 502, 'unsaid', ''), trans).message, 'The server answered 502 Bad Gateway.');
  assert.deepEqual(told(new Refusal('There is no run x.', 404, 'NotFound', '%mlops runs'), marked), { message: 'There is no run x.', hint: '%mlops runs' });
  assert.equal(told(new Unwritable('dash', '--x'), trans).message, '"--x" begins with "-", and would be read as a flag.');
  assert.match(told(new Unwritable('control', 'a\nb'), marked).message, /^«"a\\nb" has control/);
  assert.equal(told(new TypeError('odd'), trans).message, 'odd');
  const known = ['FINISHED', 'not answering', 'unknown', 'new one', 'constructor'].map(state => stateWord(state, marked));
  assert.deepEqual(known, ['«finished»', '«not answering»', '«unknown»', 'new one', 'constructor']);
});

test('cells are put in order: numbers by size, words after them, what is missing last', () => {
  const cells = [null, 'b', 3, { number: 'NaN' }, { badge: 'a', tone: 'good' }, { time: 1 }, 10];
  assert.deepEqual(cells.sort(compare).slice(0, 5), [{ time: 1 }, 3, 10, { badge: 'a', tone: 'good' }, 'b']);
});

test('only web addresses are links', () => {
  assert.equal(safeLink('https://x.org'), 'https://x.org');
  for (const href of ['javascript:alert(1)', 'data:text/html,x', ' javascript:1', null, '']) {
    assert.equal(safeLink(href), null);
  }
});

test('an event that is no event is passed over', () => {
  assert.equal(saidIn(' {"kind": "runs"}')?.kind, 'runs');
  for (const bad of ['', '{', 'null', '3', '{"kind": 3}']) {
    assert.equal(saidIn(bad), null);
  }
});
