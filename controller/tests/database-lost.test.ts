import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isFinal, limits, type RunStreamEvent, runMoves, type SessionEvent } from '@polydev/protocol';
import { skipTestServers, startTestPostgres } from '@polydev/setup/test-servers';
import { createApiTokens } from '../auth/api-tokens.ts';
import { openDatabase } from '../store/database.ts';
import { createEventLog } from '../store/events.ts';
import { createMemoryEphemeral } from '../store/memory-ephemeral.ts';
import { createTestWatch } from '../store/testing.ts';
import { claudeBundle, openStage } from '../testing/stage.ts';
import { gate, hangs, sayDone, sayText, type ToolRun } from '../testing/tool.ts';
import { createTestApp, host } from './test-app.ts';

const options = { skip: skipTestServers, timeout: 120_000 };
const ask = { provider: 'claude_code', prompt: 'Count' } as const;
const ends = ['SIGKILL', 'SIGINT', 'SIGTERM'] as const;

/** Says the second half when it may. */
const inTwo =
  (more: ReturnType<typeof gate>): ToolRun =>
  async (_, process) => {
    sayText(process, 'one');
    await more.wait;
    sayText(process, ' two');
    sayDone(process);
    return 0;
  };

async function openOnPostgres(t: TestContext) {
  const postgres = await startTestPostgres();
  let close = async () => {};
  const { watch, told, until } = createTestWatch();
  const database = await openDatabase({ url: postgres.url, watch });
  close = database.close;
  const ephemeral = createMemoryEphemeral();
  const store = { ...database, ephemeral, events: createEventLog(database, ephemeral) };
  const stage = await openStage(t, { store });
  // After the stage's own hook: hooks run in this order.
  t.after(async () => {
    await close();
    await postgres.remove();
  });
  return {
    ...{ postgres, store, stage, told },
    /** Resolves when the controller knows it. */
    async leave(how: (typeof ends)[number]) {
      const before = told.length;
      const ended = postgres.end(how);
      // A server that waits for its clients is noticed by the next look.
      if (how === 'SIGTERM') void store.patience.look();
      await Promise.all([ended, until(before + 1)]);
    },
    async comeBack() {
      const before = told.length;
      await postgres.start();
      await until(before + 1);
    },
  };
}

function statesOf(events: (SessionEvent | RunStreamEvent)[]): string[] {
  return events.flatMap((event) => (event.type === 'state' ? [event.state] : []));
}

for (const how of ends) {
  test(`a sign-in outlasts a database that goes by ${how}, and is told without a gap`, options, async (t) => {
    const { stage, leave, comeBack, told } = await openOnPostgres(t);
    const { session, agent } = await stage.signIn();
    const timeline = stage.sessionEvents(session.id);
    agent.emitDesktop('terminal', true);
    await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');
    await leave(how);
    agent.emitOpened('https://claude.com/cai/oauth/authorize');
    agent.emitCredential(claudeBundle('first-refresh-token'));
    await comeBack();
    const events = await timeline;
    assert.deepEqual(statesOf(events), [
      ...['pending', 'starting', 'ready', 'signing_in', 'captured', 'verifying', 'connected'],
    ]);
    assert.deepEqual(
      events.filter(({ type }) => type !== 'state').map(({ type }) => type),
      ['desktop', 'opened', 'credential_found', 'sealed', 'proof', 'destroyed'],
    );
    const [credential, ...more] = await stage.services.credentials.list(stage.user);
    assert.ok(credential);
    assert.deepEqual(more, []);
    assert.match(await stage.opened(credential.id), /first-refresh-token/);
    assert.deepEqual(told, ['lost', 'back']);
    await stage.assertClean();
  });

  test(`a run outlasts it too: ${how}, every word once and the renewed credential kept`, options, async (t) => {
    const { stage, leave, comeBack } = await openOnPostgres(t);
    const credential = await stage.connect();
    const more = gate();
    const words = Array.from({ length: 50 }, (_, index) => ` ${index}`);
    stage.script.run = async (_, process, agent) => {
      sayText(process, 'one');
      await more.wait;
      for (const word of words) sayText(process, word);
      agent.hold({ status: 'valid', bundle: claudeBundle('second-refresh-token'), changed: true });
      sayDone(process);
      return 0;
    };
    const run = await stage.services.runs.start(stage.user, ask);
    const timeline = stage.runEvents(run.id);
    await stage.untilRun(run.id, (event) => event.type === 'event');
    await leave(how);
    more.open();
    await comeBack();
    const events = await timeline;
    assert.deepEqual(statesOf(events), ['queued', 'starting', 'running', 'succeeded']);
    const said = events.map((event) => (event.type === 'event' && event.event.type === 'text' ? event.event.text : ''));
    assert.equal(said.join(''), `one${words.join('')}`);
    assert.equal((await stage.services.runs.get(stage.user, run.id)).answer, `one${words.join('')}`);
    assert.match(await stage.opened(credential.id), /second-refresh-token/);
    await stage.assertClean();
  });
}

test('events that are written while the server is killed are there once, in their order', options, async (t) => {
  const { stage, store, postgres } = await openOnPostgres(t);
  await stage.connect();
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(run.id);
  const before = (await store.events.read(run.id, 0)).length;
  const numbers = Array.from({ length: 400 }, (_, index) => String(index));
  const events = numbers.map((text) => ({ type: 'event', event: { type: 'text', text } }) as const);
  const appending = Promise.all(events.map((event) => store.events.append(run.id, event)));
  for (let times = 0; times < 3; times += 1) {
    await postgres.end('SIGKILL');
    await postgres.start();
  }
  await appending;
  assert.deepEqual(
    (await store.events.read(run.id, before)).map(({ seq, event }) => [seq, event]),
    events.map((event, index) => [before + index + 1, event]),
  );
});

test(
  'a controller that stops while the database is away does not wait for it, and leaves no sandbox',
  options,
  async (t) => {
    const { stage, store, leave } = await openOnPostgres(t);
    await stage.connect();
    stage.script.run = hangs;
    await stage.signIn();
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(run.id, (event) => event.type === 'event');
    assert.equal((await stage.driver.list()).length, 2);
    await leave('SIGKILL');
    store.patience.end();
    await stage.stop();
    assert.deepEqual(await stage.driver.list(), []);
  },
);

test('a controller that hands over while the database is away leaves what runs as it is', options, async (t) => {
  const { stage, store, leave } = await openOnPostgres(t);
  await stage.connect();
  const more = gate();
  stage.script.run = inTwo(more);
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, (event) => event.type === 'event');
  await leave('SIGKILL');
  stage.leave();
  store.patience.end();
  more.open();
  // What it says now cannot be written.
  for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
  await stage.handOver();
  assert.equal((await stage.driver.list()).length, 1);
});

test(
  'a sign-in is left as it is, too, when the database goes while runs have their last moment',
  options,
  async (t) => {
    const { stage, store, leave } = await openOnPostgres(t);
    await stage.connect();
    stage.script.run = hangs;
    const { session, agent } = await stage.signIn();
    await stage.services.sessions.display(session.id, new AbortController().signal);
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(run.id, (event) => event.type === 'state' && event.state === 'running');
    const drained = stage.drain();
    await leave('SIGKILL');
    agent.emitCredential(claudeBundle('first-refresh-token'));
    store.patience.end();
    for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
    stage.clock.jump(limits.drainMs);
    await drained;
    assert.equal((await stage.driver.list()).length, 2);
  },
);

test(
  'requests are told at once that the database is away, streams go on, and all is well afterwards',
  options,
  async (t) => {
    const { stage, store, leave, comeBack } = await openOnPostgres(t);
    await stage.connect();
    const more = gate();
    stage.script.run = inTwo(more);
    const hanging = Promise.withResolvers<never>();
    const asked = Promise.withResolvers<void>();
    const credentials = {
      ...stage.services.credentials,
      list: () => {
        asked.resolve();
        return hanging.promise;
      },
    };
    const made = await createTestApp(t, {
      store,
      services: { ...stage.services, credentials },
      deps: { pingDatabase: async () => store.patience.check() },
    });
    const user = stage.user;
    const { secret } = await createApiTokens(store.db).create(user, { name: 'test', scopes: ['admin'] });
    const authorization = `Bearer ${secret}`;
    const base = `http://127.0.0.1:${await made.listen()}`;
    const get = (path: string) => fetch(base + path, { headers: { authorization, host } });

    const run = await stage.services.runs.start(user, ask);
    const stream = await get(`/api/runs/${run.id}/events`);
    const said = new Response(stream.body).text();
    await stage.untilRun(run.id, (event) => event.type === 'event');
    const inFlight = get('/api/credentials');
    await asked.promise;
    await leave('SIGKILL');

    for (const answer of [
      await inFlight,
      await get('/api/runs'),
      await get('/api/auth/health'),
      await get('/health'),
    ]) {
      assert.equal(answer.status, 503);
      assert.equal((await answer.json()).error.code, 'unavailable');
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    }
    more.open();
    await comeBack();
    assert.equal((await get('/health')).status, 200);
    const [found] = (await (await get('/api/runs')).json()).items;
    assert.equal(found.id, run.id);
    const events = (await said)
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice('data: '.length)).event as RunStreamEvent);
    assert.ok(events.some((event) => event.type === 'state' && isFinal(runMoves, event.state)));
    assert.equal((await stage.services.runs.get(user, run.id)).answer, 'one two');
  },
);
