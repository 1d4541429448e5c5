import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { limits, newId, type RunState, type SessionState } from '@polydev/protocol';
import { createRunRows } from '../runs/rows.ts';
import { createSessionMachine } from '../sessions/machine.ts';
import { authSessions, runs, users } from '../store/schema.ts';
import { openTestStore } from '../store/testing.ts';

const timeout = { timeout: 60_000 };

async function open(t: TestContext) {
  const store = await openTestStore(t);
  const userId = newId('user');
  await store.db.insert(users).values({ id: userId, name: 'Ada', role: 'owner', passwordHash: '-', createdAtMs: 0 });
  return { ...store, userId };
}

test('sign-ins are listed by provider, state and page, the newest first', timeout, async (t) => {
  const { userId, ...store } = await open(t);
  const machine = createSessionMachine(store, store.events, newId('controller'));
  const states: SessionState[] = ['failed', 'connected', 'ready', 'pending', 'expired'];
  const rows = states.map((state, index) => ({
    ...{ id: newId('session'), userId, state, label: 'default', expiresAtMs: 9, hardExpiresAtMs: 9 },
    provider: index % 2 ? ('openai_codex' as const) : ('claude_code' as const),
    // Two in the same millisecond.
    createdAtMs: Math.floor(index / 2),
  }));
  await store.db.insert(authSessions).values(rows);
  const newestFirst = rows.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
  const ids = async (query: Parameters<typeof machine.list>[1]) =>
    (await machine.list(userId, query)).map(({ id }) => id);
  const expected = (fits: (row: (typeof rows)[number]) => boolean) => newestFirst.filter(fits).map(({ id }) => id);

  assert.deepEqual(
    await ids({}),
    expected(() => true),
  );
  assert.deepEqual(
    await ids({ provider: 'openai_codex' }),
    expected(({ provider }) => provider === 'openai_codex'),
  );
  assert.deepEqual(
    await ids({ state: 'active' }),
    expected(({ state }) => ['ready', 'pending'].includes(state)),
  );
  assert.deepEqual(
    await ids({ state: 'failed' }),
    expected(({ state }) => state === 'failed'),
  );
  const paged = [];
  for (let page = await ids({ limit: 2 }); page.length > 0; page = await ids({ limit: 2, before: page.at(-1) }))
    paged.push(...page);
  assert.deepEqual(
    paged,
    expected(() => true),
  );
  assert.deepEqual(await machine.list(newId('user'), {}), []);
});

test('of each run a list has the beginning of prompt and answer, and finds what comes after it', timeout, async (t) => {
  const { userId, ...store } = await open(t);
  const rows = createRunRows(store, store.events, newId('controller'));
  const [prompt, answer] = [`${'é'.repeat(limits.listedTextChars)} p`, `${'ö'.repeat(limits.listedTextChars)} needle`];
  const ofUser = { userId, provider: 'claude_code', deadlineMs: 1, createdAtMs: 1 } as const;
  const run = { ...ofUser, id: newId('run'), prompt, answer };
  await store.db.insert(runs).values({ ...run, state: 'succeeded' });
  const [listed] = await rows.list(userId, { search: 'needle' });
  assert.equal(listed?.prompt, prompt.slice(0, -2));
  assert.equal(listed.answer, answer.slice(0, limits.listedTextChars));
  assert.equal((await rows.find(run.id))?.answer, answer);
});

test('runs are listed by provider, account, state and words', timeout, async (t) => {
  const { userId, ...store } = await open(t);
  const rows = createRunRows(store, store.events, newId('controller'));
  const credentialId = newId('credential');
  const made: [RunState, string, typeof credentialId | null][] = [
    ['succeeded', 'Explain 100% of it', credentialId],
    ['failed', 'explain a_b', null],
    ['running', 'Explain axb', credentialId],
  ];
  await store.db.insert(runs).values(
    made.map(([state, prompt, credential], index) => ({
      ...{ id: newId('run'), userId, state, prompt, credentialId: credential, deadlineMs: 1, createdAtMs: index },
      ...(index === 0 && { answer: 'A haiku', model: 'tiny-9' }),
      provider: index === 1 ? ('openai_codex' as const) : ('claude_code' as const),
    })),
  );
  const prompts = async (query: Parameters<typeof rows.list>[1]) =>
    (await rows.list(userId, query)).map(({ prompt }) => prompt);
  const [first, second, third] = made.map(([, prompt]) => prompt);
  assert.deepEqual(await prompts({}), [third, second, first]);
  assert.deepEqual(await prompts({ credentialId }), [third, first]);
  assert.deepEqual(await prompts({ provider: 'openai_codex' }), [second]);
  assert.deepEqual(await prompts({ state: 'active' }), [third]);
  assert.deepEqual(await prompts({ state: 'failed' }), [second]);
  assert.deepEqual(await prompts({ search: 'EXPLAIN' }), [third, second, first]);
  assert.deepEqual(await prompts({ search: 'a_b' }), [second]);
  assert.deepEqual(await prompts({ search: '0%' }), [first]);
  assert.deepEqual(await prompts({ search: ' codex  EXPLAIN ' }), [second]);
  assert.deepEqual(await prompts({ search: 'haiku explain TINY' }), [first]);
  assert.deepEqual(await prompts({ search: 'haiku codex' }), []);
  assert.deepEqual(await prompts({ search: '\\' }), []);
  assert.deepEqual(await prompts({ search: '\0' }), []);
  assert.deepEqual(await prompts({ search: 'explain', state: 'succeeded', limit: 1 }), [first]);
});
