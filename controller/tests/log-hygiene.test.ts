import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { createLog } from '../log.ts';
import { runs, users } from '../store/schema.ts';
import { openTestStore, type TestStore } from '../store/testing.ts';

const timeout = 60_000;
const planted = 'planted-prompt-of-a-person';

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => assert.fail('It did not fail.'),
    (error: unknown) => error,
  );
}

/** Logged in every way there is; each line holds the same error. */
function logged(error: unknown): { line: string; err: Record<string, unknown> } {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  log.error({ err: error });
  log.error(error);
  log.error(error, 'Something failed.');
  log.child({ request: 1 }).error({ err: error });
  log.error({ err: error }, 'Something failed.');
  assert.equal(lines.length, 5);
  return { line: lines.join(''), err: JSON.parse(lines.at(-1) ?? '').err };
}

/** A run of nobody: the database refuses it. */
const insertRun = ({ db }: TestStore, prompt: string) =>
  db.insert(runs).values({
    id: 'run_a',
    userId: 'usr_nobody',
    provider: 'claude_code',
    state: 'queued',
    prompt,
    deadlineMs: 1,
    createdAtMs: 1,
  });

test('a failed query is logged with its text, without its values', { timeout }, async (t) => {
  const store = await openTestStore(t);
  const error = await failureOf(insertRun(store, planted));
  assert.match(String(error), new RegExp(planted), 'the error itself holds them');
  const { line, err } = logged(error);
  assert.doesNotMatch(line, new RegExp(planted));
  assert.doesNotMatch(line, /usr_nobody/);
  assert.match(String(err.message), /^Failed query: insert into "runs"/);
  assert.match(String(err.message), /23503/);
  assert.match(String(err.stack), /\n\s+at /);
});

test('so it is when the failed query is a cause, or one of several errors', { timeout }, async (t) => {
  const store = await openTestStore(t);
  const query = await failureOf(insertRun(store, planted));
  const wrapped = new PolydevError('internal', 'A run was not stored.', { cause: query, details: { run: 'run_a' } });
  for (const error of [
    wrapped,
    new Error('outer', { cause: wrapped }),
    new AggregateError([wrapped, query], 'several'),
    new Error('deep', { cause: new AggregateError([query]) }),
  ]) {
    const { line } = logged(error);
    assert.doesNotMatch(line, new RegExp(planted));
    assert.match(line, /Failed query|several|deep/);
  }
  const { err } = logged(wrapped);
  assert.equal(err.code, 'internal');
  assert.deepEqual(err.details, { run: 'run_a' });
  assert.match(String(wrapped.cause), new RegExp(planted), 'who throws it still has it');
});

test('what the database itself says of a value is not logged', { timeout }, async (t) => {
  const store = await openTestStore(t);
  const user = { id: 'usr_a', name: planted, role: 'owner', passwordHash: planted, createdAtMs: 0 } as const;
  await store.db.insert(users).values(user);
  const { line, err } = logged(await failureOf(store.db.insert(users).values({ ...user, id: 'usr_b' })));
  assert.doesNotMatch(line, new RegExp(planted));
  assert.match(String(err.message), /The database refused it \(23505\)/);
});

test('other errors are logged as they are', { timeout }, () => {
  const { err } = logged(new Error('outer', { cause: new Error('inner') }));
  assert.equal(err.message, 'outer: inner');
  assert.match(String(err.stack), /caused by: Error: inner/);
});
