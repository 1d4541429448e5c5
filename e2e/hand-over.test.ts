/** SIGTERM and a new start, as for an upgrade: no sign-in and no run is lost, and the person sees the same desktop. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createPolydev } from '@polydev/sdk';
import { createWebSocketStream, WebSocket } from 'ws';
import { findLeftovers } from './leftovers.ts';
import { setUpOwner } from './owner.ts';
import { startAgain } from './product.ts';
import { waitForPicture } from './rfb-picture.ts';
import { openWorld } from './world.ts';

const isRoot = process.getuid?.() === 0;
const endMs = 120_000;
const stopsWithinMs = 10_000;

test('a restart loses no sign-in and no run', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, async (t) => {
  const { product, doubles } = await openWorld({ config: { pool: {} } });
  t.after(() => doubles.close());
  t.after(() => product.remove());
  const token = await setUpOwner(product);
  const before = createPolydev({ baseUrl: product.url, token });
  const [apiKey = ''] = doubles.state.apiKeys.claude_code;
  await before.credentials.addApiKey({ provider: 'claude_code', apiKey });
  const [geminiKey = ''] = doubles.state.apiKeys.google_gemini;
  await before.credentials.addApiKey({ provider: 'google_gemini', apiKey: geminiKey });

  const { sessionId } = await before.sessions.start({ provider: 'openai_codex' });
  for await (const { event } of before.sessions.events(sessionId)) {
    if (event.type === 'state' && event.state === 'ready') break;
  }
  const { sandboxId } = await before.sessions.get(sessionId);
  // One that ends within the time that a stop gives it, and one that waits for its credential.
  doubles.state.behaviour.claude_code.deltaMs = 100;
  const words = 'one two three four five six';
  const run = await before.runs.start({ provider: 'claude_code', prompt: `Please say exactly ${words}` });
  const next = await before.runs.start({ provider: 'claude_code', prompt: 'Please say exactly quince' });
  // One whose answer is on its way for longer than that.
  doubles.state.behaviour.google_gemini.model = 'slow';
  const long = await before.runs.start({ provider: 'google_gemini', prompt: 'Please say exactly sloe and more words' });
  const { url, protocols } = await before.sessions.display(sessionId);
  const viewer = new WebSocket(url, protocols, { perMessageDeflate: false });
  const told = new Promise<number>((resolve) => viewer.once('close', resolve));
  await once(viewer, 'open');
  for (const { id } of [long, run])
    for await (const { event } of before.runs.stream(id)) if (event.type === 'event') break;

  const startedMs = performance.now();
  assert.equal(await product.stop('SIGTERM'), 0);
  assert.ok(performance.now() - startedMs < stopsWithinMs);
  assert.equal(await told, 1001); // Going away: a viewer connects again by itself.
  assert.notDeepEqual(await findLeftovers(product.paths), []);

  const again = await startAgain(product.scratch);
  t.after(() => again.stop());
  const after = createPolydev({ baseUrl: again.url, token });
  const session = await after.sessions.get(sessionId);
  assert.deepEqual([session.state, session.sandboxId], ['ready', sandboxId]);
  const display = await after.sessions.display(sessionId);
  const socket = new WebSocket(display.url, display.protocols, { perMessageDeflate: false });
  await waitForPicture(createWebSocketStream(socket), ({ width }) => width > 0);

  // On a busy host its tool may end after the stop, with its answer whole.
  for await (const _ of after.runs.stream(run.id, { signal: AbortSignal.timeout(endMs) }));
  const ended = await after.runs.get(run.id);
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
  assert.match(ended.answer, /one two .* six/s);
  for await (const _ of after.runs.stream(next.id, { signal: AbortSignal.timeout(endMs) }));
  const handedOver = await after.runs.get(next.id);
  assert.equal(handedOver.state, 'succeeded', JSON.stringify(handedOver.reason));
  assert.match(handedOver.answer, /quince/);
  for (const word of [words, 'quince'])
    assert.equal(doubles.state.prompts.filter(({ prompt }) => prompt.includes(word)).length, 1, word);

  // Its connection went through the controller that stopped: the tool may have tried again, or not.
  doubles.state.behaviour.google_gemini.model = 'ok';
  for await (const _ of after.runs.stream(long.id, { signal: AbortSignal.timeout(endMs) }));
  const cut = await after.runs.get(long.id);
  if (cut.state !== 'succeeded') assert.equal(cut.reason?.code, 'provider_unreachable', JSON.stringify(cut.reason));
  const fresh = await after.runs.start({ provider: 'google_gemini', prompt: 'Please say exactly damson' });
  for await (const _ of after.runs.stream(fresh.id, { signal: AbortSignal.timeout(endMs) }));
  assert.match((await after.runs.get(fresh.id)).answer, /damson/);

  // Ctrl C is the end of all.
  assert.equal(await again.stop(), 0);
  assert.deepEqual(await findLeftovers(product.paths), []);
});
