import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListChange, Run, SequencedEvent, User } from '@polydev/protocol';
import { claudeBundle, openStage, testTimeout } from '../testing/stage.ts';
import type { Desktop } from '../testing/tool.ts';
import { createTestApp } from './test-app.ts';

/** What is said, one after the other. */
function listen(changes: AsyncIterable<SequencedEvent<ListChange>>) {
  const iterator = changes[Symbol.asyncIterator]();
  return async () => {
    const { value } = await iterator.next();
    return value?.event.list as ListChange['list'] | undefined;
  };
}

test('who looks at lists hears of each that changes, of their own alone, from wherever', testTimeout, async (t) => {
  const stage = await openStage(t);
  const other = await stage.openOther();
  const stranger = await stage.addUser('member');
  const over = new AbortController();
  const follow = async (user: User) => {
    const next = listen(await other.services.changes.follow(user, 0, over.signal));
    assert.equal(await next(), 'all');
    return next;
  };
  const strange = (await follow(stranger))();
  /** What was done before may be heard of late, so others may come first. */
  const hears = async (list: string, work: () => Promise<unknown>) => {
    const next = await follow(stage.user);
    await work();
    while ((await next()) !== list);
  };
  const { credentials, runs } = stage.services;

  const { id } = await stage.connect();
  await hears('credentials', () => credentials.rename(stage.user, id, 'work'));
  const started = Promise.withResolvers<Run>();
  const start = async () => started.resolve(await runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' }));
  await hears('runs', start);
  const run = await started.promise;
  await stage.runEvents(run.id);
  await hears('runs', () => runs.remove(stage.user, run.id));
  const opened = Promise.withResolvers<Desktop>();
  await hears('sessions', async () => opened.resolve(await stage.openDesktop()));
  const { session, agent } = await opened.promise;

  const next = await follow(stage.user);
  agent.emitCredential(claudeBundle('token'));
  await stage.sessionEvents(session.id);
  const heard = new Set<unknown>();
  while (!heard.has('sessions') || !heard.has('credentials')) heard.add(await next());
  await hears('credentials', () => credentials.remove(stage.user, id));

  over.abort();
  assert.equal(await strange, undefined);
});

test('of many changes of one list within a moment one is told', testTimeout, async (t) => {
  const stage = await openStage(t);
  const over = new AbortController();
  const next = listen(await stage.services.changes.follow(stage.user, 0, over.signal));
  assert.equal(await next(), 'all');
  const { id } = await stage.connect();
  for (let n = 0; n < 100; n += 1) await stage.services.credentials.rename(stage.user, id, `label ${n}`);
  await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
  const told: unknown[] = [];
  do told.push(await next());
  while (told.at(-1) !== 'runs');
  assert.ok(told.length < 20, told.join());
});

test('over HTTP each connection begins with all, numbered on from the last one', testTimeout, async (t) => {
  const { listen: open, bearer } = await createTestApp(t, {
    services: {
      changes: {
        follow: async (_user, after) =>
          (async function* () {
            yield { seq: after + 1, atMs: 0, event: { list: 'all' } as const };
          })(),
      },
    },
  });
  const url = `http://127.0.0.1:${await open()}/api/changes`;
  const authorization = await bearer('read');
  assert.equal((await fetch(url)).status, 401);
  for (const [last, seq] of [
    [undefined, 1],
    ['7', 8],
  ] as const) {
    const headers = { authorization, ...(last && { 'last-event-id': last }) };
    assert.match(await (await fetch(url, { headers })).text(), new RegExp(`id: ${seq}\\ndata: .*"all"`));
  }
});
