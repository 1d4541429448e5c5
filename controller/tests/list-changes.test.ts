import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListChange, SequencedEvent, User } from '@polydev/protocol';
import { claudeBundle, openStage, testTimeout } from '../testing/stage.ts';
import { createTestApp } from './test-app.ts';

/** What is said, one after the other. */
function listen(changes: AsyncIterable<SequencedEvent<ListChange>>) {
  const iterator = changes[Symbol.asyncIterator]();
  return async () => {
    const { value } = await iterator.next();
    return value?.event.list as ListChange['list'] | undefined;
  };
}

test(
  'who looks at lists hears of each that changes, of their own alone, from wherever it is changed',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const other = await stage.openOther();
    const stranger = await stage.addUser('member');
    const over = new AbortController();
    const follow = async (user: User) => listen(await other.services.changes.follow(user, 0, over.signal));
    const [mine, theirs] = [await follow(stage.user), await follow(stranger)];
    assert.deepEqual([await mine(), await theirs()], ['all', 'all']);
    /** The next that is not of another kind. */
    const until = async (list: ListChange['list']) => {
      for (let heard = await mine(); heard !== list; heard = await mine()) assert.notEqual(heard, undefined);
    };

    const { id } = await stage.connect();
    await stage.services.credentials.rename(stage.user, id, 'work');
    await until('credentials');
    const run = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
    await until('runs');
    await stage.runEvents(run.id);
    await stage.services.runs.remove(stage.user, run.id);
    await until('runs');
    const { session, agent } = await stage.openDesktop();
    await until('sessions');
    agent.emitCredential(claudeBundle('token'));
    await stage.sessionEvents(session.id);
    await until('sessions');
    await stage.services.credentials.remove(stage.user, id);
    await until('credentials');

    over.abort();
    assert.equal(await theirs(), undefined);
  },
);

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
