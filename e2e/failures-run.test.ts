/** Every way a run fails at its provider: the right end, a reason in one sentence, a way on, and the next run works. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type CredentialId, type ErrorCode, type ProviderId, providerIds, type Run } from '@polydev/protocol';
import { memoryOf, pidOf } from './processes.ts';
import { assertReason, assertRefused, openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
const MiB = 1024 * 1024;
/** In which a tool may try again and again; after it, Polydev ends the run. */
const patienceMs = 300_000;
/** Slowly said, it lasts longer than any run here may. */
const manyWords = Array.from({ length: 90 }, (_, index) => `word${index}`).join(' ');

suite('a run fails at its provider', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ config: { signIn: { verify: 'off' } } });
  });
  after(() => stage.strike());
  let keys = 0;

  /** With a credential for this test alone, to each tool at once. */
  function toEach(title: string, work: (provider: ProviderId, ask: Ask) => Promise<void>): void {
    keys += 1;
    const label = `key ${keys}`;
    test(title, async () => {
      await Promise.all(
        providerIds.map(async (provider) => {
          const { id: credentialId } = await stage.addKey(provider, label);
          const status = async () =>
            (await stage.polydev.credentials.list()).find(({ id }) => id === credentialId)?.status;
          const ask = (prompt: string, deadlineMs = patienceMs) =>
            stage.run({ provider, credentialId, prompt, deadlineMs });
          await work(provider, Object.assign(ask, { credentialId, status }));
        }),
      );
    });
  }

  // Much of this is tools that try again, so it goes on side by side.
  suite('which refuses', { concurrency: 3 }, () => {
    toEach('500: the run ends when the tool gives up, at the latest at its deadline', async (provider, ask) => {
      // Gemini by itself tries for a minute and a half.
      const isPatient = provider === 'google_gemini';
      const run = await ask('Please fail with 500', isPatient ? 10_000 : patienceMs);
      assert.equal(run.state, isPatient ? 'timed_out' : 'failed', provider);
      assertReason(run, isPatient ? 'run_timeout' : 'provider_failed');
      assert.equal(await ask.status(), 'active');
    });

    toEach('every connection dropped: provider_unreachable, and the credential stays', async (provider, ask) => {
      const run = await ask('Please fail with down');
      assert.equal(run.state, 'failed', provider);
      assertReason(run, 'provider_unreachable');
      assert.equal(await ask.status(), 'active');
    });

    toEach('slow: the deadline ends the run, and the answer so far is kept', async (provider, ask) => {
      const run = await ask(`Please answer slowly. Say exactly ${manyWords}`, 45_000);
      assert.equal(run.state, 'timed_out');
      assertReason(run, 'run_timeout');
      assert.ok(manyWords.startsWith(run.answer.trim()) && run.answer.length < manyWords.length, run.answer);
      // Codex says nothing before it is done.
      if (provider !== 'openai_codex') assert.notEqual(run.answer, '');
    });

    const refusals = [
      { model: '429', code: 'provider_limit' },
      { model: 'garbage', code: 'provider_failed' },
    ] as const satisfies readonly { model: string; code: ErrorCode }[];
    for (const { model, code } of refusals) {
      toEach(`${model}: ${code}, and the credential stays`, async (provider, ask) => {
        const run = await ask(`Please fail with ${model}`);
        assert.equal(run.state, 'failed', provider);
        assertReason(run, code);
        assert.equal(await ask.status(), 'active');
      });
    }

    toEach('401: the credential has expired, no run tries it, a test brings it back', async (_provider, ask) => {
      assertReason(await ask('Please fail with 401'), 'provider_auth');
      assert.equal(await ask.status(), 'expired');
      await assertRefusedOrFailed(() => ask('Please say exactly quince'), 'credential_expired');
      assert.equal((await stage.polydev.credentials.test(ask.credentialId)).status, 'active');
      assert.equal((await ask('Please say exactly quince')).answer.trim(), 'quince');
    });
  });

  test('a slow run is stopped by its owner long before its end', async () => {
    const { id: credentialId } = await stage.addKey('claude_code', 'stopped');
    const { id } = await stage.polydev.runs.start({
      provider: 'claude_code',
      credentialId,
      prompt: `Please answer slowly. Say exactly ${manyWords}`,
    });
    for await (const { event } of stage.polydev.runs.stream(id))
      if (event.type === 'event' && event.event.type === 'text') break;
    const startedMs = performance.now();
    await stage.polydev.runs.cancel(id);
    for await (const _ of stage.polydev.runs.stream(id));
    const run = await stage.polydev.runs.get(id);
    assert.equal(run.state, 'cancelled');
    assertReason(run, 'run_cancelled');
    // Its answer would have taken longer by far.
    assert.ok(performance.now() - startedMs < 60_000);
  });

  const megabyte = 'pear '.repeat(200_000);
  toEach('a prompt of one megabyte arrives whole', async (provider, ask) => {
    const run = await ask(megabyte);
    assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
    const isIt = (seen: { provider: ProviderId; prompt: string }) =>
      seen.provider === provider && seen.prompt.trim() === megabyte.trim();
    assert.ok(stage.doubles.state.prompts.some(isIt));
  });

  test('a prompt larger than the tool takes fails with the words of the tool', async () => {
    const { id: credentialId } = await stage.addKey('openai_codex', 'larger');
    const run = await stage.run({ provider: 'openai_codex', credentialId, prompt: 'pear '.repeat(220_000) });
    assert.equal(run.state, 'failed');
    assertReason(run, 'provider_failed', /exceeds the maximum length/);
  });

  test('an answer of 50 MB arrives whole, and the controller stays small', async () => {
    const answerBytes = 50 * MiB;
    Object.assign(stage.doubles.state.behaviour.claude_code, { deltaMs: 0, answerBytes });
    let mostMiB = 0;
    const usedMiB = memoryOf(pidOf(stage.product.paths, 'controller'));
    const watch = setInterval(() => {
      mostMiB = Math.max(mostMiB, usedMiB());
    }, 200);
    const { id: credentialId } = await stage.addKey('claude_code', 'much');
    const run = await stage
      .run({ provider: 'claude_code', credentialId, prompt: 'Please say much', deadlineMs: 15 * 60_000 })
      .finally(() => clearInterval(watch));
    assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
    assert.equal(run.answer.length, answerBytes);
    assert.ok(usedMiB() > 0, 'it is the one of the beginning');
    assert.ok(mostMiB < 1536, `${Math.round(mostMiB)} MiB`);
  });
});

type Ask = ((prompt: string, deadlineMs?: number) => Promise<Run>) & {
  credentialId: CredentialId;
  status(): Promise<string | undefined>;
};

/** Refused at the door, or right after it. */
async function assertRefusedOrFailed(start: () => Promise<{ reason: unknown }>, code: ErrorCode): Promise<void> {
  const outcome = await start().catch((error: unknown) => error);
  if (outcome instanceof Error) await assertRefused(Promise.reject(outcome), code);
  else assertReason(outcome as Parameters<typeof assertReason>[0], code);
}
