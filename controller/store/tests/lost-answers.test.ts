import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { newId, type RunStreamEvent } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import { createMasterKey } from '@polydev/vault/master-key';
import { Secret } from '../../credentials/secret.ts';
import { createVault } from '../../credentials/vault.ts';
import { createRunRows } from '../../runs/rows.ts';
import { createSandboxRows } from '../../sandboxes/rows.ts';
import { createSessionMachine } from '../../sessions/machine.ts';
import { claudeBundle } from '../../testing/stage.ts';
import { openDatabase } from '../database.ts';
import { createEventLog } from '../events.ts';
import { createMemoryEphemeral } from '../memory-ephemeral.ts';
import { users } from '../schema.ts';
import { createTestDatabase, createTestWatch, testDatabaseUrl } from '../testing.ts';
import { startLossyProxy } from './lossy-proxy.ts';

const options = { skip: testDatabaseUrl ? false : 'POLYDEV_TEST_DATABASE_URL names no PostgreSQL', timeout: 60_000 };
const provider = providerOf('claude_code').id;

async function open(t: TestContext) {
  let close = async () => {};
  t.after(() => close());
  const proxy = await startLossyProxy(t, await createTestDatabase(t));
  const { watch, until } = createTestWatch();
  const store = await openDatabase({ url: proxy.url, watch });
  close = store.close;
  const events = createEventLog(store, createMemoryEphemeral());
  const userId = newId('user');
  await store.db.insert(users).values({ id: userId, name: 'Ada', role: 'owner', passwordHash: '-', createdAtMs: 0 });
  return { proxy, store, events, userId, until };
}

const text = (value: string): RunStreamEvent => ({ type: 'event', event: { type: 'text', text: value } });

test('an event whose answer got lost is there once, also among others like it', options, async (t) => {
  const { proxy, events } = await open(t);
  const run = newId('run');
  const first = events.append(run, text('a'));
  proxy.loseAnswer('INSERT 0 1');
  const rows = await Promise.all([first, events.append(run, text('a')), events.append(run, text('b'))]);
  assert.equal(proxy.lost(), 1);
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    [1, 2, 3],
  );
  assert.deepEqual(
    (await events.read(run, 0)).map(({ event }) => event),
    [text('a'), text('a'), text('b')],
  );
});

test('a server that falls silent is found out, and what waited for it is done once', options, async (t) => {
  const { proxy, store, events, until } = await open(t);
  const run = newId('run');
  await events.append(run, text('a'));
  proxy.fallSilent();
  const appended = events.append(run, text('b'));
  const asked = store.patience.unlessAway(new Promise(() => {}), { writes: false });
  void store.patience.look();
  await assert.rejects(asked, { code: 'unavailable' });
  proxy.speakAgain();
  await appended;
  await until(2);
  assert.deepEqual(
    (await events.read(run, 0)).map(({ event }) => event),
    [text('a'), text('b')],
  );
});

test('a transaction whose connection breaks as it begins gives it back, however often', options, async (t) => {
  const { proxy, store } = await open(t);
  const begin = () => store.db.transaction((tx) => tx.select().from(users));
  // The pool has ten.
  for (let times = 1; times <= 11; times += 1) {
    proxy.loseAnswer('BEGIN');
    await assert.rejects(begin());
    assert.equal(proxy.lost(), times);
  }
  assert.equal((await begin()).length, 1);
});

test('a move whose answer got lost is made once, and told once', options, async (t) => {
  const { proxy, store, events, userId } = await open(t);
  const machine = createSessionMachine(store, events, newId('controller'));
  const times = { createdAtMs: 1, expiresAtMs: 2, hardExpiresAtMs: 3 };
  const { id } = await machine.insert({ id: newId('session'), userId, provider, label: 'default', ...times });
  proxy.loseAnswer('UPDATE 1');
  assert.equal((await machine.move(id, 'starting'))?.state, 'starting');
  proxy.loseAnswer('COMMIT');
  const also = async () => ({ credentialId: null });
  assert.equal((await machine.move(id, 'cancelled', { also }))?.state, 'cancelled');
  assert.equal(proxy.lost(), 2);
  assert.equal(await machine.move(id, 'cancelled'), null);
  assert.deepEqual(
    (await events.read(id, 0)).map(({ event }) => event.type === 'state' && event.state),
    ['pending', 'starting', 'cancelled'],
  );
});

test('so is that of a run', options, async (t) => {
  const { proxy, store, events, userId } = await open(t);
  const rows = createRunRows(store, events, newId('controller'));
  const wish = { credentialId: null, prompt: 'Say pong', model: null, deadlineMs: 1000 };
  const { id } = await rows.insert({ id: newId('run'), userId, provider, ...wish });
  proxy.loseAnswer('UPDATE 1');
  assert.equal((await rows.move(id, 'starting'))?.state, 'starting');
  proxy.loseAnswer('UPDATE 1');
  assert.equal((await rows.move(id, 'failed'))?.state, 'failed');
  assert.equal(proxy.lost(), 2);
  assert.deepEqual(
    (await events.read(id, 0)).map(({ event }) => event.type === 'state' && event.state),
    ['queued', 'starting', 'failed'],
  );
});

test('a run that was made without its answer is not there for who was told that it was not', options, async (t) => {
  const { proxy, store, events, userId } = await open(t);
  const rows = createRunRows(store, events, newId('controller'));
  const wish = { credentialId: null, prompt: 'Say pong', model: null, deadlineMs: 1000 };
  const id = newId('run');
  proxy.loseAnswer('INSERT 0 1');
  await assert.rejects(rows.insert({ id, userId, provider, ...wish }));
  assert.equal(proxy.lost(), 1);
  while (await rows.find(id));
  while ((await events.read(id, 0)).length > 0);
});

test('a credential whose writing got lost has the next version, not the one after it', options, async (t) => {
  const { proxy, store, userId } = await open(t);
  const vault = createVault(store, createMasterKey());
  const contentOf = (token: string) => ({ bundle: new Secret(claudeBundle(token)), account: {} });
  proxy.loseAnswer('INSERT 0 1');
  const unproven = await vault.putUnproven({ userId, provider, label: 'default', ...contentOf('first-refresh-token') });
  proxy.loseAnswer('UPDATE 1');
  const next = await vault.replaceIfVersion(unproven.id, unproven.version, contentOf('second-refresh-token'));
  assert.equal(proxy.lost(), 2);
  assert.equal(next.version, unproven.version + 1);
  const { stored, bundle } = await vault.open(unproven.id);
  assert.equal(stored.version, next.version);
  assert.match(JSON.stringify(bundle.reveal()), /second-refresh-token/);
});

test('a sandbox whose row was written without an answer has one row', options, async (t) => {
  const { proxy, store, events } = await open(t);
  const rows = createSandboxRows(store, events, { controller: newId('controller'), host: 'here' });
  const nobody = { owner: null, userId: null, provider: null, keys: null };
  const sandbox = { id: newId('sandbox'), profile: 'headless', ...nobody } as const;
  proxy.loseAnswer('INSERT 0 1');
  await rows.insert(sandbox);
  assert.equal(proxy.lost(), 1);
  assert.deepEqual(
    (await rows.present()).map(({ id, state }) => ({ id, state })),
    [{ id: sandbox.id, state: 'planned' }],
  );
  await rows.move(sandbox.id, 'creating');
  assert.deepEqual(
    (await events.read(sandbox.id, 0)).map(({ seq, event }) => [seq, event.type === 'state' && event.state]),
    [
      [1, 'planned'],
      [2, 'creating'],
    ],
  );
});
