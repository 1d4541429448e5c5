import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExecError, run, runUntilReply } from '../exec.ts';

const timeout = 60_000;

async function failureOf(promise: Promise<unknown>): Promise<ExecError> {
  const error = await promise.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ExecError, String(error));
  return error;
}

test('arguments arrive as they are, and no shell reads them', { timeout }, async () => {
  const { stdout } = await run(['printf', '%s|', '$HOME', '; ls', "it's"]);
  assert.equal(stdout, "$HOME|; ls|it's|");
});

test('input arrives on stdin', { timeout }, async () => {
  assert.equal((await run(['cat'], { input: 'hello' })).stdout, 'hello');
});

test('nothing of our environment reaches a child', { timeout }, async (t) => {
  process.env.POLYDEV_TEST_SECRET = 'secret';
  t.after(() => delete process.env.POLYDEV_TEST_SECRET);
  assert.deepEqual((await run(['env'])).stdout.match(/^\w+/gm)?.sort(), ['LC_ALL', 'PATH']);
});

test('a failure says the status and the end of stderr, and has the fields of a result', { timeout }, async () => {
  const error = await failureOf(run(['ls', '/nowhere']));
  assert.equal(error.code, 2);
  assert.match(error.message, /ls ended with status 2.*No such file/s);
  assert.deepEqual([error.timedOut, error.cancelled, error.endedBy], [false, false, null]);
  assert.equal((await run(['ls', '/nowhere'], { allow: [2] })).code, 2);
});

test('a program that is not there is told from one that fails', { timeout }, async () => {
  const error = await failureOf(run(['polydev-no-such-program']));
  assert.equal(error.code, null);
  assert.match(error.message, /could not be started/);
});

test('past its deadline a program is terminated, and killed when it does not mind', { timeout }, async () => {
  const polite = await failureOf(run(['sleep', '60'], { deadlineMs: 50 }));
  assert.deepEqual([polite.timedOut, polite.endedBy], [true, 'SIGTERM']);
  const script = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";
  const stubbornly = (deadlineMs: number) =>
    failureOf(run([process.execPath, '--eval', script], { deadlineMs, graceMs: 100 }));
  let deadlineMs = 500;
  let stubborn = await stubbornly(deadlineMs);
  // One that had not come up yet does mind.
  while (!stubborn.stdout.includes('up') && deadlineMs < 16_000) {
    deadlineMs *= 2;
    stubborn = await stubbornly(deadlineMs);
  }
  assert.deepEqual([stubborn.timedOut, stubborn.endedBy], [true, 'SIGKILL']);
});

test('an abort ends a program and says that it was one', { timeout }, async () => {
  const signal = AbortSignal.timeout(50);
  const error = await failureOf(run(['sleep', '60'], { signal }));
  assert.deepEqual([error.cancelled, error.timedOut], [true, false]);
});

test('only the newest part of a flood of output is kept', { timeout }, async () => {
  const { stdout } = await run(['sh', '-c', 'head -c 5000000 /dev/zero | tr "\\0" x; printf end']);
  assert.equal(stdout.length, 64 * 1024);
  assert.ok(stdout.endsWith('xend'));
});

test('a program that stays is left alone once it has replied', { timeout }, async () => {
  const reply = await runUntilReply(['sh', '-c', 'echo "$1 from $PWD" >&"$REPLY_FD"; sleep 0.2', 'sh', 'hello'], {
    variable: 'REPLY_FD',
    deadlineMs: 30_000,
    cwd: '/usr/lib',
  });
  assert.equal(reply, 'hello from /usr/lib');
});

test('one that ends without a reply fails with what it said', { timeout }, async () => {
  const reply = runUntilReply(['sh', '-c', 'echo broken >&2; exit 3'], {
    variable: 'REPLY_FD',
    deadlineMs: 30_000,
    cwd: '/',
  });
  assert.match((await failureOf(reply)).message, /broken/);
});
