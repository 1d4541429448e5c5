import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '@polydev/protocol';
import { Secret } from '../credentials/secret.ts';
import { createVault } from '../credentials/vault.ts';
import { authSessions, runs, sandboxes } from '../store/schema.ts';
import { claudeBundle, openStage, testTimeout } from '../testing/stage.ts';

test(
  'what a controller left when it died has ended after the next start, and nothing of it is left',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const provider = 'claude_code';
    const connected = await stage.connect();
    const [sessionId, runId, queuedId, sandboxId] = [newId('session'), newId('run'), newId('run'), newId('sandbox')];
    const ofUser = { userId: stage.user.id, provider, createdAtMs: 1 } as const;
    await stage.db.insert(authSessions).values({
      ...ofUser,
      ...{ id: sessionId, label: 'default', state: 'verifying', sandboxId, expiresAtMs: 2, hardExpiresAtMs: 3 },
    });
    const ofRun = { ...ofUser, credentialId: connected.id, prompt: 'hi', deadlineMs: 1_000 };
    await stage.db.insert(runs).values([
      { ...ofRun, id: runId, state: 'running' },
      { ...ofRun, id: queuedId, state: 'queued' },
    ]);
    await stage.db
      .insert(sandboxes)
      .values({ id: sandboxId, profile: 'desktop', state: 'claimed', owner: sessionId, createdAtMs: 1 });
    const limits = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };
    const spec = { profile: 'desktop', image: 'f'.repeat(64), token: 't'.repeat(32), limits } as const;
    await stage.driver.create({ ...spec, id: sandboxId });
    const account = {};
    await createVault(stage, stage.masterKey).putUnproven({
      ...{ userId: stage.user.id, provider, label: 'default', account },
      bundle: new Secret(claudeBundle('an-unproven-refresh-token')),
    });

    await stage.recover();
    const session = await stage.services.sessions.get(stage.user, sessionId);
    assert.equal(session.state, 'failed');
    assert.equal(session.reason?.code, 'controller_restarted');
    assert.equal((await stage.sessionEvents(sessionId)).at(-1)?.type, 'destroyed');
    for (const id of [runId, queuedId]) {
      const run = await stage.services.runs.get(stage.user, id);
      assert.equal(run.state, 'failed');
      assert.equal(run.reason?.code, 'controller_restarted');
      assert.equal((await stage.runEvents(id)).length, 1);
    }
    assert.deepEqual(await stage.services.credentials.list(stage.user), [connected]);
    await stage.assertClean();
  },
);

test('a stop cancels what is under way, and waits until its sandboxes are gone', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const { session, agent } = await stage.signIn();
  stage.script.run = (_, process) =>
    new Promise((resolve) => process.signal.addEventListener('abort', () => resolve(1), { once: true }));
  agent.emitCredential(claudeBundle('second-refresh-token'));
  const ask = { provider: 'claude_code', prompt: 'hi' } as const;
  const running = await stage.services.runs.start(stage.user, ask);
  const queued = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(running.id, (event) => event.type === 'state' && event.state === 'running');
  await stage.stop();
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'cancelled');
  for (const { id } of [running, queued]) {
    assert.equal((await stage.services.runs.get(stage.user, id)).state, 'cancelled');
  }
  await stage.assertClean();
});
