/** Every way a run fails at its provider: the right end, a reason in one sentence, a way on, and the next run works. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type ErrorCode, type ProviderId, providerIds } from '@polydev/protocol';
import { controllerMiB } from './sandbox-processes.ts';
import { assertReason, assertRefused, openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
const MiB = 1024 * 1024;
/** In which a tool may try again and again; after it, Polydev ends the run. */
const patienceMs = 45_000;

suite('a run fails at its provider', { skip: !isRoot && 'needs root', timeout: 10 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
    await Promise.all(providerIds.map((provider) => stage.addKey(provider)));
  });
  after(async () => {
    await stage.close();
    stage.product.remove();
  });
  beforeEach(() => {
    for (const behaviour of Object.values(stage.doubles.state.behaviour)) {
      Object.assign(behaviour, { model: 'ok', token: 'ok', deltaMs: 0 });
      delete behaviour.answerBytes;
    }
  });

  const ask = (provider: ProviderId, deadlineMs = patienceMs, prompt = 'Please say exactly quince') =>
    stage.run({ provider, prompt, deadlineMs });

  async function statusOf(provider: ProviderId): Promise<string | undefined> {
    return (await stage.polydev.credentials.list()).find((credential) => credential.provider === provider)?.status;
  }

  test('a wrong API key is refused at once, with the words of the tool, and is not kept', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        const wrong = { provider, apiKey: 'sk-wrong-wrong-wrong-wrong', label: 'wrong' };
        const error = await assertRefused(stage.polydev.credentials.addApiKey(wrong), 'api_key_refused');
        assert.match(error.message, /key/i);
      }),
    );
    const labels = (await stage.polydev.credentials.list()).map(({ label }) => label);
    assert.deepEqual(labels, ['default', 'default', 'default']);
  });

  const refusals = [
    { model: '429', code: 'provider_limit' },
    { model: 'garbage', code: 'provider_failed' },
  ] as const satisfies readonly { model: string; code: ErrorCode }[];
  for (const { model, code } of refusals) {
    test(`the provider answers ${model}: ${code}, and the credential stays`, async () => {
      await Promise.all(
        providerIds.map(async (provider) => {
          stage.doubles.state.behaviour[provider].model = model;
          const run = await ask(provider);
          assert.equal(run.state, 'failed', provider);
          assertReason(run, code);
          assert.equal(await statusOf(provider), 'active');
        }),
      );
    });
  }

  test('the provider answers 500: the run ends when the tool gives up, at the latest at its deadline', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        stage.doubles.state.behaviour[provider].model = '500';
        // Gemini by itself tries for a minute and a half.
        const isPatient = provider === 'google_gemini';
        const run = await ask(provider, isPatient ? 10_000 : patienceMs);
        assert.equal(run.state, isPatient ? 'timed_out' : 'failed', provider);
        assertReason(run, isPatient ? 'run_timeout' : 'provider_failed');
        assert.equal(await statusOf(provider), 'active');
      }),
    );
  });

  test('the provider drops every connection: provider_unreachable, and the credential stays', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        stage.doubles.state.behaviour[provider].model = 'down';
        const run = await ask(provider);
        assert.equal(run.state, 'failed', provider);
        assertReason(run, 'provider_unreachable');
        assert.equal(await statusOf(provider), 'active');
      }),
    );
  });

  test('the provider answers 401: the credential has expired, no run tries it, a test brings it back', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        stage.doubles.state.behaviour[provider].model = '401';
        assertReason(await ask(provider), 'provider_auth');
        assert.equal(await statusOf(provider), 'expired');
        stage.doubles.state.behaviour[provider].model = 'ok';
        await assertRefusedOrFailed(() => ask(provider), 'credential_expired');
        const [own] = (await stage.polydev.credentials.list()).filter((credential) => credential.provider === provider);
        assert.equal(own && (await stage.polydev.credentials.test(own.id)).status, 'active');
        assert.equal((await ask(provider)).state, 'succeeded');
      }),
    );
  });

  test('the provider is slow: the deadline ends the run, and the answer so far is kept', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        stage.doubles.state.behaviour[provider].model = 'slow';
        const run = await ask(provider, 8_000, 'Tell me something');
        assert.equal(run.state, 'timed_out');
        assertReason(run, 'run_timeout');
        // Codex says nothing before it is done.
        if (provider !== 'openai_codex') assert.match(run.answer, /^I am/);
      }),
    );
  });

  test('a slow run is stopped by its owner within seconds', async () => {
    stage.doubles.state.behaviour.claude_code.model = 'slow';
    const { id } = await stage.polydev.runs.start({ provider: 'claude_code', prompt: 'Tell me something' });
    for await (const { event } of stage.polydev.runs.stream(id))
      if (event.type === 'event' && event.event.type === 'text') break;
    const startedMs = performance.now();
    await stage.polydev.runs.cancel(id);
    for await (const _ of stage.polydev.runs.stream(id));
    const run = await stage.polydev.runs.get(id);
    assert.equal(run.state, 'cancelled');
    assertReason(run, 'run_cancelled');
    assert.ok(performance.now() - startedMs < 10_000);
  });

  test('a prompt of one megabyte arrives whole', async () => {
    const prompt = 'pear '.repeat(200_000);
    await Promise.all(
      providerIds.map(async (provider) => {
        const run = await ask(provider, 60_000, prompt);
        assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
      }),
    );
    const received = stage.doubles.state.prompts.filter((seen) => seen.prompt.trim() === prompt.trim());
    assert.deepEqual(new Set(received.map(({ provider }) => provider)), new Set(providerIds));
  });

  test('a prompt larger than the tool takes fails with the words of the tool', async () => {
    const run = await ask('openai_codex', 60_000, 'pear '.repeat(220_000));
    assert.equal(run.state, 'failed');
    assertReason(run, 'provider_failed', /exceeds the maximum length/);
  });

  test('an answer of 50 MB arrives whole, and the controller stays small', async () => {
    const { answerBytes } = Object.assign(stage.doubles.state.behaviour.claude_code, { answerBytes: 50 * MiB });
    let mostMiB = 0;
    const watch = setInterval(() => {
      mostMiB = Math.max(mostMiB, controllerMiB(stage.product.paths));
    }, 200);
    const run = await ask('claude_code', 120_000).finally(() => clearInterval(watch));
    assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
    assert.equal(run.answer.length, answerBytes);
    assert.ok(mostMiB < 1536, `${Math.round(mostMiB)} MiB`);
  });
});

/** Refused at the door, or right after it. */
async function assertRefusedOrFailed(start: () => Promise<{ reason: unknown }>, code: ErrorCode): Promise<void> {
  const outcome = await start().catch((error: unknown) => error);
  if (outcome instanceof Error) await assertRefused(Promise.reject(outcome), code);
  else assertReason(outcome as Parameters<typeof assertReason>[0], code);
}
