import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolydevError, type RunState, type RunStreamEvent } from '@polydev/protocol';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { gate, hangs, limited, refused, say, sayDone, sayText, toolFails, toolSays } from '../../testing/tool.ts';

const ask = { provider: 'claude_code', prompt: 'Say hello' } as const;
const never = new AbortController().signal;
const is = (state: RunState) => (event: RunStreamEvent) => event.type === 'state' && event.state === state;

function statesOf(events: RunStreamEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'state' ? [event.state] : []));
}

function textOf(events: RunStreamEvent[]): string {
  return events
    .map((event) => (event.type === 'event' && event.event.type === 'text' ? event.event.text : ''))
    .join('');
}

test('a run answers: streamed, kept, and its sandbox destroyed', testTimeout, async (t) => {
  const stage = await openStage(t);
  const credential = await stage.connect();
  stage.script.run = (request, process, agent) => {
    assert.equal(request.stdin, ask.prompt);
    assert.ok(!JSON.stringify(request).includes('first-refresh-token'), 'the credential is not in the request');
    assert.equal(agent.restored?.kind, 'files');
    assert.match(JSON.stringify(agent.restored), /first-refresh-token/);
    assert.deepEqual(request.argv.slice(-2), ['--model', 'a-model']);
    return toolSays('Hel', 'lo', ' there')(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, { ...ask, model: 'a-model' });
  assert.equal(run.state, 'queued');
  const events = await stage.runEvents(run.id);
  assert.deepEqual(statesOf(events), ['queued', 'starting', 'running', 'succeeded']);
  assert.equal(textOf(events), 'Hello there');
  const ended = await stage.services.runs.get(stage.user, run.id);
  assert.equal(ended.answer, 'Hello there');
  assert.equal(ended.credentialId, credential.id);
  assert.deepEqual(ended.usage, { inputTokens: 3, outputTokens: 5, costUsd: 0.01 });
  assert.equal(ended.reason, null);
  const { createdAtMs, startedAtMs, firstTextAtMs, endedAtMs } = ended;
  assert.ok(startedAtMs && firstTextAtMs && endedAtMs);
  assert.ok(createdAtMs <= startedAtMs && startedAtMs <= firstTextAtMs && firstTextAtMs <= endedAtMs);
  const [used] = await stage.services.credentials.list(stage.user);
  assert.ok(used?.lastUsedAtMs);
  assert.equal(used.version, credential.version);
  await stage.assertClean();
});

test(
  'the first text goes out while the tool still talks, and a reader who comes back misses nothing',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    const more = gate();
    stage.script.run = async (_, process) => {
      sayText(process, 'one');
      await more.wait;
      for (let count = 0; count < 500; count += 1) sayText(process, ` ${count}`);
      sayDone(process);
      return 0;
    };
    const run = await stage.services.runs.start(stage.user, ask);
    let last = 0;
    let text = '';
    for await (const { seq, event } of await stage.services.runs.events(stage.user, run.id, 0, never)) {
      assert.equal(seq, last + 1);
      last = seq;
      text += textOf([event]);
      if (text !== '') break;
    }
    assert.equal(text, 'one');
    more.open();
    const rest: RunStreamEvent[] = [];
    for await (const { seq, event } of await stage.services.runs.events(stage.user, run.id, last, never)) {
      assert.equal(seq, last + 1);
      last = seq;
      rest.push(event);
    }
    const { answer } = await stage.services.runs.get(stage.user, run.id);
    assert.equal(text + textOf(rest), answer);
    assert.match(answer, /^one 0 1 .* 499$/);
    assert.ok(last < 100, `500 pieces became ${last} events`);
    const again = await stage.services.runs.events(stage.user, run.id, last, never);
    for await (const event of again) assert.fail(`nothing follows, but ${JSON.stringify(event)}`);
  },
);

test('an event has the line that it came from beside it', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const run = await stage.services.runs.start(stage.user, ask);
  const events = await stage.runEvents(run.id);
  const started = events.find((event) => event.type === 'event' && event.event.type === 'started');
  assert.deepEqual(started, {
    type: 'event',
    event: { type: 'started', model: 'a-model', conversation: 'c1' },
    raw: { type: 'system', subtype: 'init', session_id: 'c1', model: 'a-model' },
  });
});

test('characters that the database does not take do not break a run', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.run = toolSays('a\0b', '\ud800c');
  const run = await stage.services.runs.start(stage.user, ask);
  const events = await stage.runEvents(run.id);
  assert.equal(statesOf(events).at(-1), 'succeeded');
  const { answer } = await stage.services.runs.get(stage.user, run.id);
  assert.equal(answer, 'a\ufffdb\ufffdc');
  await assert.rejects(stage.services.runs.start(stage.user, { ...ask, prompt: 'a\0b' }), { code: 'invalid_request' });
});

const failures = [
  { name: 'a refused credential', tool: refused, code: 'provider_auth', status: 'expired' },
  { name: 'a limit', tool: limited, code: 'provider_limit', status: 'active' },
  {
    name: 'a broken provider',
    tool: toolFails('server_error', 'Overloaded'),
    code: 'provider_failed',
    status: 'active',
  },
  { name: 'a tool that says nothing', tool: () => 0, code: 'provider_failed', status: 'active' },
  {
    name: 'a tool that crashes',
    tool: () => {
      throw new Error('segmentation fault');
    },
    code: 'provider_failed',
    status: 'active',
  },
] as const;

for (const { name, tool, code, status } of failures) {
  test(`${name} fails the run with ${code}, and the credential is ${status}`, testTimeout, async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    stage.script.run = tool;
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.runEvents(run.id);
    const { state, reason } = await stage.services.runs.get(stage.user, run.id);
    assert.equal(state, 'failed');
    assert.equal(reason?.code, code);
    assert.ok(reason.message && reason.hint);
    const [credential] = await stage.services.credentials.list(stage.user);
    assert.equal(credential?.status, status);
    if (status === 'expired') {
      await assert.rejects(stage.services.runs.start(stage.user, ask), { code: 'credential_expired' });
    }
    await stage.assertClean();
  });
}

test('why nobody was reached says the gateway, if it refused to go there', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.run = (request, process, agent) => {
    const [grant] = stage.granted.values();
    grant?.onRefused(new PolydevError('egress_refused', 'Port 444 of a.example is not open to sandboxes.'));
    return toolFails('unknown', 'connect ECONNREFUSED 127.0.0.1:3128')(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(run.id);
  const { reason } = await stage.services.runs.get(stage.user, run.id);
  assert.equal(reason?.code, 'egress_refused');
  assert.match(reason.message, /^Port 444 of a\.example/);
  stage.script.run = toolFails('unknown', 'connect ECONNREFUSED 127.0.0.1:3128');
  const other = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(other.id);
  assert.equal((await stage.services.runs.get(stage.user, other.id)).reason?.code, 'provider_unreachable');
});

test('a run that is cancelled stops its tool and keeps what was said', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.run = hangs;
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, (event) => event.type === 'event');
  const cancelled = await stage.services.runs.cancel(stage.user, run.id);
  assert.equal(cancelled.state, 'cancelled');
  assert.equal(cancelled.reason?.code, 'run_cancelled');
  assert.equal(cancelled.answer, 'thinking');
  await stage.assertClean();
  assert.equal((await stage.services.runs.cancel(stage.user, run.id)).state, 'cancelled');
});

test('a run that is cancelled while its sandbox boots leaves nothing', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const boot = gate();
  stage.script.boot = () => boot.wait;
  stage.script.run = hangs;
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, is('starting'));
  const cancelling = stage.services.runs.cancel(stage.user, run.id);
  boot.open();
  assert.equal((await cancelling).state, 'cancelled');
  await stage.assertClean();
});

test('a run that takes longer than it may is timed out', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.run = hangs;
  const run = await stage.services.runs.start(stage.user, { ...ask, deadlineMs: 1_000 });
  await stage.runEvents(run.id);
  const { state, reason } = await stage.services.runs.get(stage.user, run.id);
  assert.equal(state, 'timed_out');
  assert.equal(reason?.code, 'run_timeout');
  await stage.assertClean();
});

for (const moment of ['starting', 'running'] as const) {
  test(`a sandbox that dies while ${moment} fails the run`, testTimeout, async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    if (moment === 'starting') {
      stage.script.boot = () => {
        throw new Error('no kernel');
      };
    } else stage.script.run = hangs;
    const run = await stage.services.runs.start(stage.user, ask);
    if (moment === 'running') {
      await stage.untilRun(run.id, (event) => event.type === 'event');
      const [sandbox] = await stage.driver.list();
      assert.ok(sandbox);
      await stage.driver.kill(sandbox.id);
    }
    await stage.runEvents(run.id);
    const { state, reason } = await stage.services.runs.get(stage.user, run.id);
    assert.equal(state, 'failed');
    assert.equal(reason?.code, 'sandbox_failed');
    const [credential] = await stage.services.credentials.list(stage.user);
    assert.equal(credential?.status, 'active');
    await stage.assertClean();
  });
}

test('a sandbox that dies before the tool starts is replaced, and the run does not notice', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const given: string[] = [];
  stage.granted.set = (source, grant) => {
    given.push(grant.sandboxId);
    if (given.length < 3) void stage.driver.kill(grant.sandboxId);
    return Map.prototype.set.call(stage.granted, source, grant);
  };
  const run = await stage.services.runs.start(stage.user, ask);
  const states = statesOf(await stage.runEvents(run.id));
  assert.deepEqual(states, ['queued', 'starting', 'running', 'succeeded']);
  assert.equal(new Set(given).size, 3);
  await assert.rejects(stage.services.sandboxes.logs(stage.user, run.id), { code: 'not_found' });
  await stage.assertClean();
});

test('where each sandbox dies at once the run ends after a few, with a reason', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const given: string[] = [];
  stage.granted.set = (source, grant) => {
    given.push(grant.sandboxId);
    void stage.driver.kill(grant.sandboxId);
    return Map.prototype.set.call(stage.granted, source, grant);
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(run.id);
  const { state, reason } = await stage.services.runs.get(stage.user, run.id);
  assert.equal(state, 'failed');
  assert.equal(new Set(given).size, 3);
  assert.match(reason?.code ?? '', /^(agent_unreachable|sandbox_failed)$/);
  await stage.assertClean();
});

test('what the tool repeats of the credential is kept nowhere', testTimeout, async (t) => {
  const stage = await openStage(t);
  const secret = 'refresh-token-that-nobody-may-see';
  await stage.connect(secret);
  stage.script.run = (_, process) => {
    sayText(process, `It is ${secret}.`);
    process.stderr(`debug: ${secret}`);
    say(process, { type: 'system', subtype: 'init', session_id: secret });
    return 1;
  };
  const run = await stage.services.runs.start(stage.user, ask);
  const events = await stage.runEvents(run.id);
  const row = await stage.services.runs.get(stage.user, run.id);
  assert.equal(row.answer, 'It is [secret].');
  const said = JSON.stringify([events, row, await stage.db.query.runs.findMany(), stage.logged()]);
  assert.doesNotMatch(said, new RegExp(secret));
});

test('which account a run uses is plain, or asked for', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { runs, credentials } = stage.services;
  await assert.rejects(runs.start(stage.user, ask), { code: 'no_credential' });
  const work = await stage.connect('token-of-work-account', 'work');
  assert.equal((await runs.start(stage.user, ask)).credentialId, work.id);
  const home = await stage.connect('token-of-home-account', 'home');
  await assert.rejects(runs.start(stage.user, ask), { code: 'invalid_request' });
  assert.equal((await runs.start(stage.user, { ...ask, credentialId: home.id })).credentialId, home.id);
  const usual = await stage.connect('token-of-usual-account', 'default');
  assert.equal((await runs.start(stage.user, ask)).credentialId, usual.id);
  const codex = { ...ask, provider: 'openai_codex', credentialId: home.id } as const;
  await assert.rejects(runs.start(stage.user, codex), { code: 'not_found' });
  const owner = await stage.addUser('owner');
  await assert.rejects(runs.start(owner, { ...ask, credentialId: home.id }), { code: 'not_found' });
  await credentials.remove(stage.user, work.id);
  for (const { id } of await runs.list(stage.user, { limit: 10 })) await stage.runEvents(id);
});

test('runs are listed newest first, page by page, and forgotten with their events', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { runs } = stage.services;
  await stage.connect();
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const { id } = await runs.start(stage.user, ask);
    await stage.runEvents(id);
    ids.unshift(id);
  }
  const first = await runs.list(stage.user, { limit: 2 });
  const before = first.at(-1)?.id;
  assert.ok(before);
  const second = await runs.list(stage.user, { limit: 2, before });
  assert.deepEqual(
    [...first, ...second].map(({ id }) => id),
    ids,
  );

  const member = await stage.addUser('member');
  await assert.rejects(runs.get(member, before), { code: 'not_found' });
  await assert.rejects(runs.remove(member, before), { code: 'not_found' });
  await runs.remove(stage.user, before);
  await assert.rejects(runs.get(stage.user, before), { code: 'not_found' });
  assert.deepEqual(await stage.events.read(before, 0), []);
});

test('a run that is forgotten while it runs is cancelled first', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.run = hangs;
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, is('running'));
  await stage.services.runs.remove(stage.user, run.id);
  assert.deepEqual(await stage.services.runs.list(stage.user, { limit: 10 }), []);
  await stage.assertClean();
});
