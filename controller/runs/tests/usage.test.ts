import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CredentialId, newId, type ProviderId, type RunState, type UserId } from '@polydev/protocol';
import { runs } from '../../store/schema.ts';
import { openStage, type Stage, testTimeout } from '../../testing/stage.ts';
import { createUsage } from '../usage.ts';

/** A Friday noon in Berlin. */
const nowMs = Date.parse('2026-11-20T11:00:00Z');
const at = (text: string) => Date.parse(text);

interface Past {
  userId?: UserId;
  provider?: ProviderId;
  credentialId: CredentialId | null;
  createdAtMs: number;
  state?: RunState;
  tokens?: [number, number];
}

async function addRuns(stage: Stage, past: Past[]): Promise<void> {
  await stage.db.insert(runs).values(
    past.map(({ userId = stage.user.id, provider = 'claude_code', state = 'succeeded', tokens, ...run }) => ({
      ...{ id: newId('run'), userId, provider, state, prompt: 'x', deadlineMs: 1, ...run },
      usage: tokens ? { inputTokens: tokens[0], outputTokens: tokens[1], costUsd: 0.25 } : null,
    })),
  );
}

function usageOf(stage: Stage) {
  return createUsage(stage.db, stage.services.credentials, () => nowMs);
}

test('runs and tokens are counted by account and by day of the asker’s time zone', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id: credentialId } = await stage.connect();
  await addRuns(stage, [
    { credentialId, createdAtMs: nowMs, tokens: [10, 20] },
    { credentialId, createdAtMs: nowMs - 1000, tokens: [1, 2], state: 'failed' },
    // The 20th in Berlin, the 19th in UTC.
    { credentialId, createdAtMs: at('2026-11-19T23:30:00Z'), state: 'timed_out' },
    { credentialId, createdAtMs: at('2026-11-14T00:00:00Z') },
    { credentialId, createdAtMs: at('2026-11-13T22:59:00Z') },
  ]);
  const inBerlin = await usageOf(stage).of(stage.user, credentialId, { timeZone: 'Europe/Berlin' });
  assert.deepEqual(
    inBerlin.days.map(({ day, runs: count }) => [day, count]),
    [
      ['2026-11-14', 1],
      ['2026-11-15', 0],
      ['2026-11-16', 0],
      ['2026-11-17', 0],
      ['2026-11-18', 0],
      ['2026-11-19', 0],
      ['2026-11-20', 3],
    ],
  );
  const today = { day: '2026-11-20', runs: 3, failed: 2, inputTokens: 11, outputTokens: 22, costUsd: 0.5 };
  assert.deepEqual(inBerlin.days.at(-1), today);
  const inUtc = await usageOf(stage).of(stage.user, credentialId, {});
  assert.deepEqual(
    inUtc.days.map(({ runs: count }) => count),
    [1, 0, 0, 0, 0, 1, 2],
  );
});

test('the week is seven days also where the clock was changed in it', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  const usage = createUsage(stage.db, stage.services.credentials, () => at('2026-10-26T23:30:00Z'));
  const { days } = await usage.of(stage.user, id, { timeZone: 'Europe/Berlin' });
  assert.deepEqual(
    days.map(({ day }) => day.slice(5)),
    ['10-21', '10-22', '10-23', '10-24', '10-25', '10-26', '10-27'],
  );
});

test('the list has every account that was used, also one that is gone, and nobody else’s', testTimeout, async (t) => {
  const stage = await openStage(t);
  const other = await stage.addUser('member');
  const { id: credentialId } = await stage.connect();
  const gone = newId('credential');
  await addRuns(stage, [
    { credentialId, createdAtMs: nowMs },
    { credentialId: gone, createdAtMs: nowMs, provider: 'openai_codex' },
    { credentialId: null, createdAtMs: nowMs, provider: 'google_gemini' },
    { credentialId: newId('credential'), createdAtMs: nowMs, userId: other.id },
    { credentialId: newId('credential'), createdAtMs: nowMs - 30 * 86_400_000 },
  ]);
  const found = await usageOf(stage).list(stage.user, {});
  assert.deepEqual(found.map((account) => [account.provider, account.credentialId]).sort(), [
    ['claude_code', credentialId],
    ['google_gemini', null],
    ['openai_codex', gone],
  ]);
  assert.deepEqual(await usageOf(stage).list(await stage.addUser('member'), {}), []);
});

test(
  'an account that was not used has seven empty days; a time zone that is none is refused',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { id } = await stage.connect();
    const { days, provider } = await usageOf(stage).of(stage.user, id, { timeZone: 'Asia/Kolkata' });
    assert.equal(provider, 'claude_code');
    assert.deepEqual([days.length, days.reduce((sum, day) => sum + day.runs, 0)], [7, 0]);
    await assert.rejects(usageOf(stage).list(stage.user, { timeZone: 'Mars/Olympus' }), { code: 'invalid_request' });
  },
);
