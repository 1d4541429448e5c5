import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExecEvent, type ExecRequest, limits } from '@polydev/protocol';
import { ownExec, type ScratchAgent, startScratchAgent } from './scratch-agent.ts';

async function claimed(t: TestContext): Promise<ScratchAgent> {
  const agent = await startScratchAgent(t, { profile: 'headless' });
  await agent.claim();
  return agent;
}

async function start(agent: ScratchAgent, argv: string[], changes: Partial<ExecRequest> = {}): Promise<Response> {
  const request: ExecRequest = { id: 'x', argv, env: {}, files: [], stdin: '', deadlineMs: 60_000, ...changes };
  return agent.call('POST', '/exec', { ...request, id: ownExec(request.id) });
}

const streamOf = (agent: ScratchAgent, id = 'x', after = 0) =>
  agent.stream(ExecEvent, `/exec/${ownExec(id)}/events?after=${after}`);

const remove = (agent: ScratchAgent, id: string) => agent.call('DELETE', `/exec/${ownExec(id)}`);

async function all(agent: ScratchAgent, id = 'x', after = 0): Promise<ExecEvent[]> {
  const events: ExecEvent[] = [];
  for await (const event of streamOf(agent, id, after)) events.push(event);
  return events;
}

async function run(agent: ScratchAgent, argv: string[], changes: Partial<ExecRequest> = {}): Promise<ExecEvent[]> {
  assert.equal((await start(agent, argv, changes)).status, 202);
  return all(agent, changes.id);
}

/** Without numbers and times. */
const plain = (events: ExecEvent[]) =>
  events.map((event) => {
    if (event.type === 'exit') return `exit ${event.code} ${event.reason}`;
    return event.type === 'dropped' ? `dropped from ${event.from}` : `${event.type} ${event.line}`;
  });

function isGone(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return / [ZX] /.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    return true;
  }
}

/** Its files are closed a moment before it counts as ended. */
async function gone(pid: number): Promise<void> {
  while (!isGone(pid)) await sleep(10);
}

suite('a process', { timeout: 180_000 }, () => {
  test('gets the environment of the image, then its own, works beside the home files, and reads its stdin', async (t) => {
    const agent = await claimed(t);
    const script = 'echo "$FROM_IMAGE|$OWN|$HOME|$USER|$POLYDEV_EXEC"; pwd; cat; printf last >&2';
    const events = await run(agent, ['sh', '-c', script], { env: { OWN: 'own' }, stdin: 'a\n\nb' });
    assert.deepEqual(plain(events.filter((event) => event.type !== 'stderr')), [
      `stdout yes|own|${agent.home}|${userInfo().username}|${ownExec('x')}`,
      `stdout ${agent.home}/work`,
      'stdout a',
      'stdout ',
      'stdout b',
      'exit 0 ended',
    ]);
    assert.deepEqual(plain(events.filter((event) => event.type === 'stderr')), ['stderr last']);
    assert.deepEqual(
      events.map(({ n }) => n),
      events.map((_, index) => index + 1),
    );
  });

  test('finds its files written, for its owner only, and none outside the home folder', async (t) => {
    const agent = await claimed(t);
    const files = [{ path: '.tool/settings.json', content: '{}' }];
    assert.deepEqual(plain(await run(agent, ['cat', '../.tool/settings.json'], { files })), [
      'stdout {}',
      'exit 0 ended',
    ]);
    assert.equal(statSync(join(agent.home, '.tool/settings.json')).mode & 0o777, 0o600);
    for (const path of ['../escaped', '/tmp/escaped', 'a/../../escaped', 'a\0b'])
      assert.equal((await start(agent, ['true'], { id: 'y', files: [{ path, content: '' }] })).status, 400, path);
  });

  test('ends once, and says how', async (t) => {
    const agent = await claimed(t);
    assert.deepEqual(plain(await run(agent, ['sh', '-c', 'exit 7'], { id: 'a' })), ['exit 7 ended']);
    assert.deepEqual(plain(await run(agent, ['sh', '-c', 'kill -9 $$'], { id: 'b' })), ['exit null ended']);
    const lost = await run(agent, ['no-such-program'], { id: 'c' });
    assert.deepEqual(plain(lost.slice(-1)), ['exit null not_started']);
    assert.equal((await start(agent, ['true'], { id: 'c' })).status, 409);
    assert.equal((await remove(agent, 'c')).status, 204);
    assert.equal((await agent.call('GET', `/exec/${ownExec('a')}/events`)).status, 404, 'an old one is forgotten');
  });

  test('is read again from any number on after its stream broke', async (t) => {
    const agent = await claimed(t);
    await start(agent, ['sh', '-c', 'for i in 1 2 3 4 5; do echo $i; done; read gate', 'x']);
    for await (const event of streamOf(agent)) if (event.n === 3) break;
    assert.deepEqual(plain(await all(agent, 'x', 3)), ['stdout 4', 'stdout 5', 'exit 1 ended']);
    assert.deepEqual(plain(await all(agent, 'x', 5)), ['exit 1 ended']);
    assert.deepEqual(plain(await all(agent, 'x', 6)), []);
  });

  test('is asked to end at its deadline, and with it all of its group', async (t) => {
    const agent = await claimed(t);
    const script = 'trap "echo asked; exit 3" TERM; sleep 600 & echo $!; wait';
    const until = (deadlineMs: number) => run(agent, ['sh', '-c', script], { id: `within_${deadlineMs}`, deadlineMs });
    let deadlineMs = 200;
    let events = await until(deadlineMs);
    // One that had not come so far cannot answer.
    while (events.length < 3 && deadlineMs < 20_000) {
      deadlineMs *= 4;
      events = await until(deadlineMs);
    }
    assert.deepEqual(plain(events.slice(1)), ['stdout asked', 'exit 3 deadline']);
    assert.equal(events[0]?.type, 'stdout');
    await gone(Number(events[0]?.type === 'stdout' && events[0].line));
  });

  test('that ignores a cancel is killed after the grace, with children in sessions of their own', async (t) => {
    const agent = await claimed(t);
    const script = 'trap "" TERM; echo $$; setsid sh -c "echo \\$\\$; exec sleep 600" & sleep 600; sleep 600';
    await start(agent, ['sh', '-c', script]);
    const pids: number[] = [];
    let cancelledAtMs = 0;
    for await (const event of streamOf(agent)) {
      if (event.type === 'stdout') pids.push(Number(event.line));
      if (event.type === 'stdout' && pids.length === 2) {
        cancelledAtMs = Date.now();
        assert.equal((await remove(agent, 'x')).status, 204);
      }
      if (event.type === 'exit') assert.deepEqual([event.code, event.reason], [null, 'cancelled']);
    }
    assert.ok(Date.now() - cancelledAtMs >= limits.runKillGraceMs - 50);
    assert.equal(pids.length, 2);
    await Promise.all(pids.map(gone));
  });

  test('that ends leaves no child behind that would hold its output open', async (t) => {
    const agent = await claimed(t);
    const tookMs: number[] = [];
    // The quickest of a few, on a busy machine: without a kill each takes as long as the grace.
    for (let round = 0; round < 5 && !tookMs.some((ms) => ms < limits.runKillGraceMs); round += 1) {
      const startedMs = performance.now();
      const events = await run(agent, ['sh', '-c', 'setsid sleep 600 & echo $!'], { id: `round_${round}` });
      tookMs.push(performance.now() - startedMs);
      assert.deepEqual(plain(events.slice(1)), ['exit 0 ended']);
      assert.equal(events[0]?.type, 'stdout');
      await gone(Number(events[0]?.type === 'stdout' && events[0].line));
    }
    assert.ok(Math.min(...tookMs) < limits.runKillGraceMs, tookMs.join());
  });

  test('that says a line too long, or too long as JSON, loses that line only', async (t) => {
    const agent = await claimed(t);
    const line = `head -c ${limits.runLineBytes + 1} /dev/zero | tr "\\0" a; echo`;
    const controls = `head -c ${limits.runLineBytes} /dev/zero; echo`;
    const events = plain(await run(agent, ['sh', '-c', `echo before; ${line}; ${controls}; echo after`]));
    const dropped = 'dropped from stdout';
    assert.deepEqual(events, ['stdout before', dropped, dropped, 'stdout after', 'exit 0 ended']);
  });

  test('that says too much is stopped, and what it said until then is bounded', async (t) => {
    const agent = await claimed(t);
    await start(agent, [
      'sh',
      '-c',
      'head -c 1000000 /dev/zero | tr "\\0" a >big; echo >>big; while cat big; do :; done',
    ]);
    let bytes = 0;
    let last: ExecEvent | undefined;
    for await (const event of streamOf(agent)) {
      last = event;
      if (event.type === 'stdout') bytes += event.line.length;
    }
    assert.ok(last?.type === 'exit' && last.reason === 'output_limit');
    assert.ok(bytes > limits.runOutputBytes * 0.9 && bytes < limits.runOutputBytes + limits.runLineBytes);
  });

  test('beyond the fourth at a time is refused until one ends', async (t) => {
    const agent = await claimed(t);
    for (const id of ['a', 'b', 'c', 'd']) assert.equal((await start(agent, ['sleep', '600'], { id })).status, 202);
    assert.equal((await start(agent, ['true'], { id: 'e' })).status, 503);
    await remove(agent, 'a');
    await all(agent, 'a');
    assert.equal((await start(agent, ['true'], { id: 'e' })).status, 202);
  });
});
