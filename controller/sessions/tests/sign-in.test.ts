import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionEvent } from '@polydev/protocol';
import { claudeBundle, openStage, testTimeout } from '../../testing/stage.ts';
import { gate, limited, refused, toolFails, toolSays } from '../../testing/tool.ts';

function statesOf(events: SessionEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'state' ? [event.state] : []));
}

test('a sign-in goes from Connect to connected, and its desktop is destroyed', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session, agent } = await stage.signIn();
  assert.equal(session.state, 'pending');
  assert.equal(agent.claim?.capture, true);
  assert.equal(agent.claim?.provider, 'claude_code');
  agent.emitDesktop('display', true);
  agent.emitDesktop('terminal', true);
  agent.emitOpened('https://claude.com/cai/oauth/authorize');
  agent.emitCredential(claudeBundle('first-refresh-token'));
  const events = await stage.sessionEvents(session.id);

  assert.deepEqual(statesOf(events), [
    ...['pending', 'starting', 'ready', 'signing_in', 'captured', 'verifying', 'connected'],
  ]);
  const others = events.filter(({ type }) => type !== 'state');
  assert.deepEqual(
    others.map(({ type }) => type),
    ['desktop', 'desktop', 'opened', 'credential_found', 'sealed', 'proof', 'destroyed'],
  );
  assert.deepEqual(
    events.find((event) => event.type === 'proof'),
    { type: 'proof', text: 'pong' },
  );

  const [credential, ...more] = await stage.services.credentials.list(stage.user);
  assert.deepEqual(more, []);
  assert.equal(credential?.status, 'active');
  assert.equal(credential?.label, 'default');
  assert.deepEqual(credential?.account, { email: 'person@example.com', plan: 'max' });
  const ended = await stage.services.sessions.get(stage.user, session.id);
  assert.equal(ended.state, 'connected');
  assert.equal(ended.credentialId, credential?.id);
  assert.ok(ended.endedAtMs);
  await stage.assertClean();
});

test('a sign-in without a page opened, such as by a pasted code, connects as well', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('pasted-refresh-token'));
  const states = statesOf(await stage.sessionEvents(session.id));
  assert.deepEqual(states, ['pending', 'starting', 'ready', 'captured', 'verifying', 'connected']);
  await stage.assertClean();
});

test('without verification what was captured counts at once', testTimeout, async (t) => {
  const stage = await openStage(t, { verify: 'off' });
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('first-refresh-token'));
  assert.deepEqual(statesOf(await stage.sessionEvents(session.id)).slice(-2), ['captured', 'connected']);
  assert.deepEqual(agent.executions, []);
  await stage.assertClean();
});

test('the captured credential is in the vault while its proof still runs, unseen', testTimeout, async (t) => {
  const stage = await openStage(t);
  const proof = gate();
  stage.script.run = async (...all) => {
    await proof.wait;
    return await toolSays('pong')(...all);
  };
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'verifying');
  assert.deepEqual(await stage.services.credentials.list(stage.user), []);
  const rows = await stage.db.query.credentials.findMany();
  assert.deepEqual(
    rows.map(({ status }) => status),
    ['unproven'],
  );
  proof.open();
  await stage.sessionEvents(session.id);
  await stage.assertClean();
});

test('what the proof made of the credential is what is kept', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = (request, process, agent) => {
    agent.hold({ status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true });
    return toolSays('pong')(request, process, agent);
  };
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.sessionEvents(session.id);

  const [credential] = await stage.services.credentials.list(stage.user);
  assert.ok(credential);
  assert.match(await stage.opened(credential.id), /rotated-refresh-token/);
});

test('a sign-in whose proof reaches nobody says that, and not that the account is wrong', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = toolFails('unknown', 'API Error: Unable to connect to API (ECONNREFUSED)');
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('a-good-refresh-token'));
  await stage.sessionEvents(session.id);
  const { state, reason } = await stage.services.sessions.get(stage.user, session.id);
  assert.equal(state, 'failed');
  assert.equal(reason?.code, 'provider_unreachable');
  assert.match(reason.hint, /network/);
  await stage.assertClean();
});

test('an account at its limit is connected: it was recognised', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = toolFails('rate_limit', 'API Error: 429 This request would exceed the rate limit');
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('a-good-refresh-token'));
  await stage.sessionEvents(session.id);
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'connected');
});

test('a refused sign-in fails with one sentence of the tool and without its secrets', testTimeout, async (t) => {
  const stage = await openStage(t);
  const token = 'refresh-token-that-nobody-may-see';
  stage.script.run = toolFails('authentication_failed', `The token ${token} is no good`);
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle(token));
  const events = await stage.sessionEvents(session.id);
  const { state, reason } = await stage.services.sessions.get(stage.user, session.id);
  assert.equal(state, 'failed');
  assert.equal(reason?.code, 'proof_failed');
  assert.match(reason?.message ?? '', /no good/);
  assert.equal(events.at(-1)?.type, 'destroyed');
  assert.doesNotMatch(JSON.stringify(events) + JSON.stringify(reason) + stage.logged(), new RegExp(token));
  assert.deepEqual(await stage.db.query.credentials.findMany(), []);
  await stage.assertClean();
});

test('who signs in again while the first proof fails is not turned away', testTimeout, async (t) => {
  const stage = await openStage(t);
  let proofs = 0;
  stage.script.run = async (request, process, agent) => {
    proofs += 1;
    if (proofs > 1) return await toolSays('pong')(request, process, agent);
    agent.emitCredential(claudeBundle('second-refresh-token'));
    await stage.untilSession(session.id, (event, seen) => event.type === 'sealed' && seen === 2);
    return await refused(request, process, agent);
  };
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('first-refresh-token'));
  const states = statesOf(await stage.sessionEvents(session.id));
  assert.deepEqual(states.slice(3), ['captured', 'verifying', 'signing_in', 'captured', 'verifying', 'connected']);
  assert.equal((await stage.services.credentials.list(stage.user)).length, 1);
  await stage.assertClean();
});

test('an account at its limit is connected: it was recognised', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = limited;
  const { session, agent } = await stage.signIn();
  agent.emitCredential(claudeBundle('first-refresh-token'));
  const events = await stage.sessionEvents(session.id);
  assert.equal(statesOf(events).at(-1), 'connected');
  const proof = events.find((event) => event.type === 'proof');
  assert.match(proof?.text ?? '', /usage limit/);
});

test('signing in again replaces the credential only after its proof, under the same id', testTimeout, async (t) => {
  const stage = await openStage(t);
  const first = await stage.signIn();
  first.agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.sessionEvents(first.session.id);
  const [before] = await stage.services.credentials.list(stage.user);

  stage.script.run = refused;
  const second = await stage.signIn();
  second.agent.emitCredential(claudeBundle('second-refresh-token', 'other@example.com'));
  await stage.sessionEvents(second.session.id);
  assert.deepEqual(await stage.services.credentials.list(stage.user), [before]);

  stage.script.run = toolSays('pong');
  const third = await stage.signIn();
  third.agent.emitCredential(claudeBundle('third-refresh-token', 'other@example.com'));
  await stage.sessionEvents(third.session.id);
  const [after, ...more] = await stage.services.credentials.list(stage.user);
  assert.deepEqual(more, []);
  assert.equal(after?.id, before?.id);
  assert.equal(after?.version, (before?.version ?? 0) + 1);
  assert.equal(after?.account.email, 'other@example.com');
  await stage.assertClean();
});

test('another label is another credential', testTimeout, async (t) => {
  const stage = await openStage(t);
  for (const label of ['work', 'home']) {
    const { session, agent } = await stage.signIn({ label });
    agent.emitCredential(claudeBundle(`refresh-token-of-${label}`));
    await stage.sessionEvents(session.id);
  }
  const labels = (await stage.services.credentials.list(stage.user)).map(({ label }) => label);
  assert.deepEqual(labels.sort(), ['home', 'work']);
});

test('two sign-ins that prove themselves at once leave one credential', testTimeout, async (t) => {
  const stage = await openStage(t);
  const proof = gate();
  stage.script.run = async (...all) => {
    await proof.wait;
    return await toolSays('pong')(...all);
  };
  const desktops = [await stage.signIn(), await stage.signIn()];
  for (const [index, { session, agent }] of desktops.entries()) {
    agent.emitCredential(claudeBundle(`refresh-token-number-${index}`));
    await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'verifying');
  }
  proof.open();
  const ends = await Promise.all(desktops.map(({ session }) => stage.sessionEvents(session.id)));
  for (const events of ends) assert.equal(statesOf(events).at(-1), 'connected');
  const [credential, ...more] = await stage.services.credentials.list(stage.user);
  assert.deepEqual(more, []);
  assert.ok((credential?.version ?? 0) >= 2);
  await stage.assertClean();
});

test('what is no credential of the tool ends the sign-in', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session, agent } = await stage.signIn();
  agent.emitCredential({ kind: 'files', provider: 'claude_code', files: [{ path: '.bashrc', content: 'evil' }] });
  await stage.sessionEvents(session.id);
  const { state, reason } = await stage.services.sessions.get(stage.user, session.id);
  assert.equal(state, 'failed');
  assert.equal(reason?.code, 'agent_talks_nonsense');
  await stage.assertClean();
});
