import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { createBehaviour } from '../behaviour.ts';
import { askModel, deltasOf, goodCredential, ways } from './asking.ts';
import { startFastDoubles } from './fast-doubles.ts';

const timeout = 20_000;
const prompt = 'Please say exactly polydev-works, then stop.';

for (const way of ways) {
  test(`${way.name}: the answer comes in several pieces and the prompt is remembered`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    const answer = await askModel(visitor, way, goodCredential(doubles, way), prompt);
    assert.equal(answer.status, 200, answer.body);
    const pieces = deltasOf(way, answer.body);
    assert.ok(pieces.length > 1);
    assert.match(pieces.join(''), /polydev-works/);
    const [seen] = doubles.state.prompts;
    const email = way.via === 'oauth' ? doubles.state.accounts[way.provider].email : undefined;
    assert.deepEqual(
      { ...seen, atMs: 0 },
      { provider: way.provider, prompt, model: seen?.model, via: way.via, email, atMs: 0 },
    );
    assert.match(seen?.model ?? '', /test/);
  });

  test(`${way.name}: an unknown credential is refused in the provider's words`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    const answer = await askModel(visitor, way, 'made-up', prompt);
    assert.equal(answer.status, way.refusedStatus);
    assert.match(answer.body, new RegExp(way.refusedWord));
    assert.deepEqual(doubles.state.prompts, []);
  });

  test(`${way.name}: model behaviours fail as they say`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    const row = doubles.state.behaviour[way.provider];
    const credential = goodCredential(doubles, way);
    const statusOf = async (behaviour: '401' | '429' | '500') => {
      row.model = behaviour;
      return (await askModel(visitor, way, credential, prompt)).status;
    };
    assert.equal(await statusOf('401'), way.refusedStatus);
    assert.equal(await statusOf('429'), 429);
    assert.equal(await statusOf('500'), 500);
    row.model = 'garbage';
    const garbage = await askModel(visitor, way, credential, prompt);
    assert.equal(garbage.status, 200);
    assert.throws(() => deltasOf(way, garbage.body));
    row.model = 'down';
    await assert.rejects(askModel(visitor, way, credential, prompt), { code: 'ECONNRESET' });
  });

  test(`${way.name}: a prompt that asks for a failure gets it, and the next one does not`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    const ask = (asked: string) => askModel(visitor, way, goodCredential(doubles, way), asked);
    assert.equal((await ask('Please fail with 429, as if my plan were used up.')).status, 429);
    assert.equal((await ask('Fail with 500.')).status, 500);
    await assert.rejects(ask('fail with down'), { code: 'ECONNRESET' });
    assert.equal((await ask(prompt)).status, 200);
  });

  test(`${way.name}: an answer has the size that was set`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    for (const answerBytes of [1, 10_000, 1_000_000]) {
      doubles.state.behaviour[way.provider].answerBytes = answerBytes;
      const answer = await askModel(visitor, way, goodCredential(doubles, way), prompt);
      assert.equal(Buffer.byteLength(deltasOf(way, answer.body).join('')), answerBytes);
    }
  });
}

test('slow answers come piece by piece, and a reader that leaves ends them', { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const [way] = ways;
  assert.ok(way);
  doubles.state.behaviour.claude_code.model = 'slow';
  const leave = new AbortController();
  let pieces = 0;
  const startedMs = performance.now();
  const answer = askModel(visitor, way, goodCredential(doubles, way), 'Tell me a lot.', {
    signal: leave.signal,
    onText: (text) => {
      pieces += text.split('text_delta').length - 1;
      if (pieces >= 2) leave.abort();
    },
  });
  await assert.rejects(answer, { name: 'AbortError' });
  assert.ok(performance.now() - startedMs >= 1900);
  assert.equal(pieces, 2);
});

test('a body compressed with zstd is understood', { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const way = ways.find(({ name }) => name === 'Codex by account');
  assert.ok(way);
  const answer = await askModel(visitor, way, goodCredential(doubles, way), prompt, {
    headers: { 'content-encoding': 'zstd' },
    body: zstdCompressSync(JSON.stringify(way.body(prompt))),
  });
  assert.equal(answer.status, 200, answer.body);
  assert.equal(doubles.state.prompts[0]?.prompt, prompt);
});

test('Codex: a WebSocket on /responses is answered with 426', { timeout }, async (t) => {
  const { visitor } = await startFastDoubles(t);
  const answer = await visitor.ask('https://chatgpt.com/backend-api/codex/responses', {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    },
  });
  assert.equal(answer.status, 426);
});

test("Codex: a subscription's token is no API key, and the other way round", { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const [account, key] = ways.filter(({ provider }) => provider === 'openai_codex');
  assert.ok(account && key);
  assert.equal((await askModel(visitor, account, goodCredential(doubles, key), prompt)).status, 401);
  assert.equal((await askModel(visitor, key, goodCredential(doubles, account), prompt)).status, 401);
});

test('Gemini: what the tool asks on its own is answered in JSON and not remembered', { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const way = ways.find(({ name }) => name === 'Gemini by API key');
  assert.ok(way);
  const answer = await visitor.postJson(
    way.address.replace('streamGenerateContent?alt=sse', 'generateContent'),
    { ...(way.body(prompt) as object), generationConfig: { responseMimeType: 'application/json' } },
    way.header(goodCredential(doubles, way)),
  );
  const [candidate] = JSON.parse(answer.body).candidates;
  assert.equal(typeof JSON.parse(candidate.content.parts[0].text).complexity_score, 'number');
  assert.deepEqual(doubles.state.prompts, []);
});

test('answers come at the pace at which a person reads, unless told otherwise', () => {
  const table = createBehaviour({ claude_code: { deltaMs: 0 } });
  assert.equal(table.claude_code.deltaMs, 0);
  for (const { deltaMs } of [table.openai_codex, table.google_gemini]) assert.ok(deltaMs >= 20 && deltaMs <= 100);
});
