import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, PolydevError } from '@polydev/protocol';
import { createAgentClient } from '../client.ts';
import { type Answer, startScriptedAgent, token } from './scripted-agent.ts';

const timeout = 10_000;
const live = new AbortController().signal;
const nonsense = { code: 'agent_talks_nonsense' };
const unreachable = { code: 'agent_unreachable' };

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function opened(n: number) {
  return { n, atMs: 1, type: 'opened', page: `https://example.com/${n}` };
}

/** For streams: each reconnection asks for the health first. */
function claimedElse(answer: Answer): Answer {
  return (request, response, body) => {
    if (request.url === '/health') response.end(JSON.stringify(health(true)));
    else answer(request, response, body);
  };
}

function health(claimed: boolean) {
  return { version: '1', profile: 'headless', claimed, desktop: [] };
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of source) found.push(item);
  return found;
}

test('every request carries the token, and answers come back as the schema says', { timeout }, async (t) => {
  const seen: unknown[] = [];
  const agent = await startScriptedAgent(t, (request, response, body) => {
    assert.equal(request.headers.authorization, `Bearer ${token}`);
    if (body) seen.push(JSON.parse(body));
    if (request.url === '/health') {
      response.end(JSON.stringify({ version: '1', profile: 'headless', claimed: false, desktop: [] }));
    } else if (request.url === '/claim') {
      response.end(JSON.stringify({ agentPublicKey: 'k'.repeat(43) }));
    } else if (request.url === '/credential/collect') {
      response.end(JSON.stringify({ status: 'absent', changed: false }));
    } else {
      response.writeHead(204).end();
    }
  });
  assert.equal((await agent.client.health()).profile, 'headless');
  const preparation = { egress: { host: '100.127.255.1', port: 3128 } };
  await agent.client.prepare(preparation);
  const claim = {
    provider: 'claude_code',
    controllerPublicKey: 'c'.repeat(43),
    capture: false,
  } as const;
  assert.equal((await agent.client.claim(claim)).agentPublicKey, 'k'.repeat(43));
  assert.deepEqual(await agent.client.collect(), { status: 'absent', changed: false });
  await agent.client.cancelExec('run_1');
  await agent.client.stopExecs();
  assert.deepEqual(seen, [preparation, claim]);
  assert.deepEqual(agent.asked, [
    ...['GET /health', 'POST /prepare', 'POST /claim', 'POST /credential/collect'],
    ...['DELETE /exec/run_1', 'DELETE /exec'],
  ]);
});

test('an answer that is not in the schema is nonsense, and its words are not repeated', { timeout }, async (t) => {
  const answers = ['{"version":1}', 'not json with a hunter2 secret', ''];
  for (const text of answers) {
    const agent = await startScriptedAgent(t, (_, response) => response.end(text));
    const error = await agent.client.health().catch((caught: unknown) => caught);
    assert.ok(error instanceof PolydevError);
    assert.equal(error.code, 'agent_talks_nonsense');
    assert.doesNotMatch(JSON.stringify([error.message, error.details, String(error.cause)]), /hunter2/);
  }
});

test('a journal is as long as it may be, and no longer', { timeout }, async (t) => {
  const saying = (length: number) =>
    startScriptedAgent(t, (_, response) => response.end(JSON.stringify({ text: 'x'.repeat(length) })));
  const agent = await saying(limits.journalTailBytes);
  assert.equal((await agent.client.journal()).length, limits.journalTailBytes);
  assert.deepEqual(agent.asked, ['GET /journal']);
  await assert.rejects((await saying(limits.journalTailBytes + 1)).client.journal(), nonsense);
});

test('an answer without end is cut off', { timeout }, async (t) => {
  const agent = await startScriptedAgent(t, (_, response) => {
    const pour = () => {
      while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
    };
    response.on('drain', pour);
    pour();
  });
  await assert.rejects(agent.client.health(), nonsense);
});

test('a refusal is nonsense; silence and a closed port are unreachable', { timeout }, async (t) => {
  const refusing = await startScriptedAgent(t, (_, response) => response.writeHead(409).end('{}'));
  await assert.rejects(refusing.client.health(), nonsense);
  const silent = await startScriptedAgent(t, () => {}, { requestMs: 300 });
  await assert.rejects(silent.client.health(), unreachable);
  await assert.rejects(all(silent.client.events(0, live)), unreachable);
  const closed = createAgentClient({ endpoint: { host: '127.0.0.1', port: 1 }, token });
  await assert.rejects(closed.health(), unreachable);
});

test('a dropped connection resumes after what was seen, each event once', { timeout }, async (t) => {
  const answer: Answer = (request, response) => {
    const after = Number(new URL(request.url ?? '', 'http://agent').searchParams.get('after'));
    // Two events, then half of the third, then the connection breaks.
    response.write(line(opened(after + 1)) + line(opened(after + 2)) + line(opened(after + 3)).slice(0, 9));
    setImmediate(() => response.destroy());
  };
  const agent = await startScriptedAgent(t, claimedElse(answer));
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const event of agent.client.events(0, stop.signal)) {
    seen.push(event.n);
    if (event.n === 7) stop.abort();
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(agent.asked.at(-1), 'GET /events?after=6');
});

test('a stream of output ends after the exit, and an early end is made good', { timeout }, async (t) => {
  const answer: Answer = (request, response) => {
    const after = Number(new URL(request.url ?? '', 'http://agent').searchParams.get('after'));
    if (after === 0) response.end(line({ n: 1, atMs: 1, type: 'stdout', line: 'a' }));
    else response.write(line({ n: 2, atMs: 1, type: 'exit', code: 0, reason: 'ended' }));
  };
  const agent = await startScriptedAgent(t, claimedElse(answer));
  const events = await all(agent.client.execEvents('run_1', 0, live));
  assert.deepEqual(
    events.map((event) => event.type),
    ['stdout', 'exit'],
  );
  const streams = agent.asked.filter((request) => request !== 'GET /health');
  assert.deepEqual(streams, ['GET /exec/run_1/events?after=0', 'GET /exec/run_1/events?after=1']);
});

test('an agent that keeps dropping us without a word counts as unreachable', { timeout }, async (t) => {
  const answer: Answer = (_, response) => response.end();
  const agent = await startScriptedAgent(t, claimedElse(answer));
  await assert.rejects(all(agent.client.events(0, live)), unreachable);
  assert.equal(agent.asked.filter((request) => request !== 'GET /health').length, 4);
});

test('an agent that started again, which knows of no claim, is not taken for the old one', { timeout }, async (t) => {
  const agent = await startScriptedAgent(t, (request, response) => {
    if (request.url === '/health') response.end(JSON.stringify(health(false)));
    else response.end(line(opened(1)));
  });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of agent.client.events(0, live)) seen.push(event.n);
  })();
  await assert.rejects(reading, { code: 'sandbox_failed' });
  assert.deepEqual(seen, [1]);
});

test('a gap, a repetition, a wrong event and a line too long are nonsense', { timeout }, async (t) => {
  const bad = [
    line(opened(1)) + line(opened(3)),
    line(opened(1)) + line(opened(1)),
    line({ n: 1, atMs: 1, type: 'made_up' }),
    `"${'x'.repeat(5 * limits.credentialBytes)}`,
  ];
  for (const text of bad) {
    const agent = await startScriptedAgent(t, (_, response) => response.end(text));
    await assert.rejects(all(agent.client.events(0, live)), nonsense);
  }
});

test('a stream ends at once when nobody wants it any more', { timeout }, async (t) => {
  const stop = new AbortController();
  const agent = await startScriptedAgent(t, (_, response) => {
    response.write(line(opened(1)));
  });
  for await (const event of agent.client.events(0, stop.signal)) {
    assert.equal(event.n, 1);
    setImmediate(() => stop.abort());
  }
  await all(agent.client.events(0, AbortSignal.abort()));
});

test('lines keep their order and their letters however the bytes are cut', { timeout }, async (t) => {
  const text =
    line({ n: 1, atMs: 1, type: 'stdout', line: 'grüß 🐧' }) +
    line({ n: 2, atMs: 1, type: 'exit', code: 0, reason: 'ended' });
  const bytes = Buffer.from(text);
  const agent = await startScriptedAgent(t, (_, response) => {
    for (const byte of bytes) response.write(Buffer.from([byte]));
    response.end();
  });
  const [first] = await all(agent.client.execEvents('run_1', 0, live));
  assert.deepEqual(first, { n: 1, atMs: 1, type: 'stdout', line: 'grüß 🐧' });
});

test('a refusal of an agent that has forgotten its claim says that it broke down', { timeout }, async (t) => {
  const agent = await startScriptedAgent(t, (request, response) => {
    if (request.url === '/health')
      response.end(JSON.stringify({ version: '1', profile: 'headless', claimed: false, desktop: [] }));
    else response.writeHead(503).end('{"error":{"code":"unavailable"}}');
  });
  const exec = { id: 'run_1', argv: ['true'], env: {}, files: [], stdin: '', deadlineMs: 1000 };
  await assert.rejects(agent.client.exec(exec), { code: 'sandbox_failed' });
  await assert.rejects(agent.client.collect(), { code: 'sandbox_failed' });
});
