import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';

import { ServerConnection } from '@jupyterlab/services';

import { oneByOne } from '../lib/server/asking.js';
import { Client, Refusal } from '../lib/server/client.js';
import { Events } from '../lib/server/events.js';
import { Project } from '../lib/server/project.js';
import { Projects } from '../lib/server/projects.js';

/** A client whose server answers this. */
const answering = answer => new Client(ServerConnection.makeSettings({ baseUrl: 'http://localhost/', fetch: async request => answer(request) }));
const json = (status, said) => new Response(JSON.stringify(said), { status });
const never = request =>
  new Response(
    new ReadableStream({
      start(stream) {
        stream.enqueue(new TextEncoder().encode('data: {"kind": "hello"}\n\n'));
        request.signal.addEventListener('abort', () => stream.error(request.signal.reason), { once: true });
      }
    })
  );

test('a slow answer is shown although changes come faster', async () => {
  let [asked, answered] = [0, 0];
  const { again, end } = oneByOne(async () => {
    asked += 1;
    await wait(30);
    answered += 1;
  });
  for (let times = 0; times < 8; times += 1) {
    again();
    await wait(5);
  }
  await wait(100);
  assert.equal(asked, answered);
  assert.ok(asked >= 2 && asked <= 3, `the first, and one for what came meanwhile: ${asked}`);
  end();
  again();
  assert.ok(asked <= 3);
});

test('what is work rests between two questions', async () => {
  let asked = 0;
  const { again, end } = oneByOne(() => ((asked += 1), Promise.resolve()), 300);
  again();
  await wait(5);
  again();
  await wait(20);
  assert.equal(asked, 1);
  await wait(600);
  assert.equal(asked, 2);
  end();
});

test('an expired token is told as one', async () => {
  for (const [status, said] of [[401, {}], [403, {}], [403, { code: 'Unauthorised', message: 'Forbidden' }]]) {
    const refused = await answering(() => json(status, said)).get('status').catch(error => error);
    assert.equal(refused.code, 'unauthorised', `${status} ${said.code}`);
  }
  const other = await answering(() => json(403, { code: 'Forbidden', message: 'You may not write here.' })).get('status').catch(error => error);
  assert.equal(other.message, 'You may not write here.');
  assert.ok(other instanceof Refusal && !other.away);
});

test('who is refused is not told that the server is away', async () => {
  const told = [];
  let asked = 0;
  const client = answering(() => ((asked += 1), json(403, { code: 'Unauthorised' })));
  const events = new Events(client, said => told.push(said.kind), there => told.push(there));
  events.open('');
  await wait(60);
  events.close();
  assert.deepEqual(told, [true, 'all']);
  assert.equal(asked, 1);
});

test('a connection that has died is noticed', async () => {
  const told = [];
  const events = new Events(answering(never), said => told.push(said.kind), there => told.push(there), 40);
  events.open('');
  await wait(20);
  assert.deepEqual(told, [true, 'hello']);
  await wait(60);
  events.close();
  assert.deepEqual(told, [true, 'hello', false]);
});

/** A window that can be hidden. */
function sight() {
  const then = [];
  return { now: false, hidden() { return this.now; }, turned: heard => then.push(heard), turn(now) { this.now = now; then.forEach(heard => heard()); } };
}

test('a hidden window keeps no connection and asks nothing', async () => {
  const window = sight();
  let [opened, closed] = [0, 0];
  const client = answering(request => {
    opened += 1;
    request.signal.addEventListener('abort', () => (closed += 1));
    return never(request);
  });
  const project = new Project('', client, window);
  const changes = [];
  project.changed.connect((_, what) => changes.push([...what]));
  const stop = project.watch();
  await wait(10);
  window.turn(true);
  project.tell('runs');
  await wait(450);
  assert.deepEqual([opened, closed, changes], [1, 1, []]);
  window.turn(false);
  await wait(450);
  assert.equal(opened, 2);
  assert.deepEqual(changes, [['runs', 'all']]);
  window.turn(true);
  stop();
  window.turn(false);
  await wait(10);
  assert.equal(opened, 2, 'nobody looks');
  project.dispose();
});

test('what was refused is asked anew when the MLflow server answers again', async () => {
  const states = ['up', 'down', 'up', 'up'];
  const client = answering(() => json(200, { root: '', tracking: { state: states.shift() } }));
  const project = new Project('', client, sight());
  const changes = [];
  project.changed.connect((_, what) => changes.push(...what));
  for (const expected of [[], [], ['all'], ['all']]) {
    await project.get('status');
    await wait(450);
    assert.deepEqual(changes, expected);
  }
  project.dispose();
});

test('the runs of the experiment that is looked at are told of', async () => {
  const asked = [];
  const client = answering(request => (asked.push(new URL(request.url).searchParams.get('experiment')), never(request)));
  const project = new Project('', client, sight());
  project.follow('7');
  const stop = project.watch();
  await wait(10);
  project.follow('7');
  project.follow('');
  await wait(10);
  stop();
  project.follow('8');
  await wait(10);
  assert.deepEqual(asked, ['7', null]);
  project.dispose();
});

test('what stays open keeps its project', async () => {
  const asked = [];
  const client = answering(request => {
    const at = new URL(request.url).searchParams.get('at') ?? '';
    asked.push(at);
    return json(200, { root: at.startsWith('b') ? '/b' : '/a', tracking: { state: 'up' } });
  });
  const projects = new Projects(at => new Project(at, client, sight()));
  const first = (projects.current = projects.of('a/train.ipynb'));
  assert.equal(first, projects.of('a/other.ipynb'));
  projects.current = projects.of('b/train.ipynb');
  await first.get('models/churn');
  await first.post('commands/promote', {});
  assert.deepEqual(asked, ['a', 'a'], 'though another is current');
  assert.equal(await projects.same(first, 'a/x.ipynb'), true);
  assert.equal(await projects.same(first, 'a/deep/x.ipynb'), true);
  assert.equal(await projects.same(first, 'b/x.ipynb'), false);
  first.kept.set('runs.filter', 'failed');
  assert.equal(projects.current.kept.size, 0, 'what is kept of one is not of another');
});
