/**
 * One kill at one stage of a run, of a sign-in or of a sandbox: afterwards it has a legal end or goes on, the next one
 * works, nothing is left behind, and no credential is lost or there twice.
 */

import assert from 'node:assert/strict';
import {
  type AuthSession,
  isFinal,
  mayMove,
  type Run,
  runMoves,
  type Sandbox,
  type SessionId,
  sessionMoves,
} from '@polydev/protocol';
import { consentPages, decide, enter, isTerminal, openDesktop } from './desktop-sign-in.ts';
import { killPart, type Part, type RecoveryStage, strays, until, untilHealthy } from './recovery-parts.ts';
import { assertRefused } from './stage.ts';

/** After a part is back. */
const withinMs = 30_000;
/** While a server is away. */
const askAgainMs = 1_000;
/** To come to where the kill is to be. */
const reachMs = 120_000;

export const runStages = ['queued', 'starting', 'running', 'answering'] as const;
export const signInStages = ['starting', 'ready', 'signing_in', 'captured', 'verifying'] as const;
/** `waiting`: paused; `idle`: up, and not paused yet. */
export const sandboxStages = ['creating', 'idle', 'waiting', 'stopping'] as const;

/** Two that wait to be used, and two more. */
export const sandboxesAtMost = 4;

export type RunStage = (typeof runStages)[number];
export type SignInStage = (typeof signInStages)[number];
export type SandboxStage = (typeof sandboxStages)[number];

/** With these goes the sandbox, and what it was for. */
const fatal: readonly Part[] = ['agent', 'container'];

const ofDesktop: readonly Part[] = ['x-server', 'browser'];

/** Where there is something to kill: before a desktop is up it has no windows, and of one that is destroyed nothing is left. */
export function hasPart(part: Part, at: SandboxStage): boolean {
  if (ofDesktop.includes(part)) return at === 'idle' || at === 'waiting';
  return at !== 'stopping' || !fatal.includes(part);
}

export async function killDuringRun(stage: RecoveryStage, part: Part, at: RunStage): Promise<void> {
  const model = stage.doubles.state.behaviour.claude_code;
  const accounts = await accountsOf(stage);
  model.model = at === 'running' || at === 'answering' ? 'slow' : 'ok';
  // Who waits is first in line behind one that holds the credential.
  const holder = at === 'queued' ? await startRun(stage, 'held') : undefined;
  const run = await startRun(stage, `${part} ${at}`);
  await runReaches(stage, run.id, at);
  await killPart(stage, part, (holder ?? run).id);
  model.model = 'ok';
  await untilHealthy(stage, withinMs);
  const ended = await endOf(stage, run.id);
  if (holder) await endOf(stage, holder.id);
  // With the controller goes the gateway, and with that the answer that is on its way.
  const cutOff = part === 'controller' && (at === 'running' || at === 'answering');
  const mayFail = fatal.includes(part) || cutOff;
  if (!mayFail || at === 'queued') assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
  else assert.ok(isFinal(runMoves, ended.state), ended.state);
  if (ended.state !== 'succeeded') assert.ok(ended.reason?.hint);
  await nextRunWorks(stage);
  await nothingIsLeft(stage);
  assert.deepEqual(await accountsOf(stage), accounts);
}

export async function killDuringSignIn(stage: RecoveryStage, part: Part, at: SignInStage): Promise<void> {
  const { polydev } = stage;
  const label = `${part}-${at}`;
  const sessionId = await signInUpTo(stage, at, label);
  await killPart(stage, part, sessionId);
  stage.doubles.state.behaviour.claude_code.model = 'ok';
  await untilHealthy(stage, withinMs);
  const session = await polydev.sessions.get(sessionId);
  const proving = at === 'captured' || at === 'verifying';
  if (!fatal.includes(part) && !proving && !isFinal(sessionMoves, session.state)) {
    // The desktop is there as before: the picture comes, and the sign-in can be done.
    // As a viewer does, which connects again when the picture breaks off once more.
    await until(async () => {
      const keyboard = await stage.keyboard(sessionId);
      keyboard.close();
      return true;
    }, withinMs);
    await polydev.sessions.cancel(sessionId);
  }
  const ended = await stage.ended(sessionId);
  assert.ok(isFinal(sessionMoves, ended.state));
  const asWished = ['connected', 'cancelled'].includes(ended.state);
  assert.ok(asWished || fatal.includes(part), JSON.stringify(ended.reason));
  if (!asWished) assert.ok(ended.reason?.message && ended.reason.hint, JSON.stringify(ended));
  const states: AuthSession['state'][] = [];
  for await (const { event } of polydev.sessions.events(sessionId))
    if (event.type === 'state') states.push(event.state);
  assertLegal(sessionMoves, states, ended.state);
  await nothingIsLeft(stage);
  const kept = (await polydev.credentials.list()).filter((credential) => credential.label === label);
  assert.equal(kept.length, ended.state === 'connected' ? 1 : 0);
}

/** More at once than there is room for, so that the last one waits for its turn; the others leave afterwards. */
export async function killWhileSignInWaits(stage: RecoveryStage, part: Part): Promise<void> {
  const { polydev } = stage;
  const last = `${part}-pending`;
  const others = Array.from({ length: sandboxesAtMost }, (_, n) => `${part}-${n}`);
  // From a controller that is killed, who asked hears nothing any more.
  const ask = (label: string) => polydev.sessions.start({ provider: 'claude_code', label }).catch(() => null);
  const find = async (wanted: string) => (await polydev.sessions.list()).find(({ label }) => label === wanted);
  const leave = async (label: string) => {
    const session = await find(label);
    if (session && !isFinal(sessionMoves, session.state)) await polydev.sessions.cancel(session.id);
    return session && (await stage.ended(session.id));
  };

  const asking = others.map(ask);
  await until(async () => (await Promise.all(others.map(find))).every((session) => session !== undefined), withinMs);
  asking.push(ask(last));
  await until(async () => (await find(last))?.state === 'pending', withinMs);
  await killPart(stage, part, last);
  await untilHealthy(stage, withinMs);
  await Promise.all(others.map(leave));
  await Promise.all(asking);
  const waited = await find(last);
  assert.ok(waited);
  await stage.sessionEvent(
    waited.id,
    (event) => event.type === 'state' && (event.state === 'ready' || isFinal(sessionMoves, event.state)),
  );
  const ended = await leave(last);
  if (ended?.state !== 'cancelled') assert.equal(ended?.reason?.code, 'capacity', JSON.stringify(ended));
  await nextSignInIsReady(stage, `${part}-next`);
  await nothingIsLeft(stage);
}

export async function killDuringSandbox(stage: RecoveryStage, part: Part, at: SandboxStage): Promise<void> {
  const { polydev } = stage;
  const accounts = await accountsOf(stage);
  // A headless one is up and paused in the same moment.
  const profile = ofDesktop.includes(part) || at === 'idle' ? 'desktop' : 'headless';
  const waiting = await sandboxIs(stage, profile, ['hibernated']);
  if (at === 'waiting') await killPart(stage, part, waiting);
  else if (at === 'stopping') {
    const run = await startRun(stage, part);
    await runReaches(stage, run.id, 'running');
    const sandbox = (await polydev.sandboxes.list()).find(({ owner }) => owner === run.id);
    if (!sandbox) throw new Error('The run has no sandbox.');
    for await (const { event } of polydev.sandboxes.events(sandbox.id)) if (event.state === 'stopping') break;
    await killPart(stage, part, sandbox.id);
  } else {
    await killPart(stage, 'container', waiting); // which another replaces
    const states = at === 'idle' ? (['idle'] as const) : (['creating', 'booting'] as const);
    await killPart(stage, part, await sandboxIs(stage, profile, states));
  }
  await untilHealthy(stage, withinMs);
  await nextRunWorks(stage);
  if (profile === 'desktop') await nextSignInIsReady(stage, `${part}-${at}`);
  await nothingIsLeft(stage);
  const again = await sandboxIs(stage, profile, ['hibernated']);
  assert.ok(await isThere(stage, again));
  assert.deepEqual(await accountsOf(stage), accounts);
}

/** The database is away for long: who asks is told to come back, and what is under way waits for it. */
export async function loseDatabase(stage: RecoveryStage, awayMs: number): Promise<void> {
  const { polydev, doubles } = stage;
  const database = stage.servers?.database;
  if (!database) throw new Error('The stage has no database of its own.');
  const accounts = await accountsOf(stage);
  const sessionId = await signInUpTo(stage, 'ready', 'waits');
  doubles.state.behaviour.claude_code.model = 'slow';
  const run = await startRun(stage, 'patience');
  await runReaches(stage, run.id, 'answering');
  doubles.state.behaviour.claude_code.model = 'ok';
  await database.end('SIGKILL');
  const backAtMs = performance.now() + awayMs;
  const signInRequest = { provider: 'claude_code', label: 'refused' } as const;
  let asked = 0;
  while (asked === 0 || performance.now() < backAtMs) {
    for (const ask of [
      () => polydev.runs.list(),
      () => startRun(stage, 'no'),
      () => polydev.sessions.start(signInRequest),
    ]) {
      await assertRefused(ask(), 'unavailable');
      asked += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  }
  await database.start();
  await untilHealthy(stage, withinMs);
  const ended = await endOf(stage, run.id);
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
  assert.match(ended.answer, /patience and more words/);
  assert.ok((await polydev.runs.list()).every(({ prompt }) => !prompt.includes('exactly no ')));
  assert.ok((await polydev.sessions.list()).every(({ label }) => label !== signInRequest.label));
  assert.equal((await polydev.sessions.get(sessionId)).state, 'ready');
  await until(() => stage.looks(sessionId, isTerminal).then(() => true), withinMs);
  await polydev.sessions.cancel(sessionId);
  await nextRunWorks(stage);
  await nothingIsLeft(stage);
  assert.deepEqual(await accountsOf(stage), accounts);
}

async function isThere({ polydev }: RecoveryStage, sandbox: string): Promise<boolean> {
  return (await polydev.sandboxes.list()).some(({ id }) => id === sandbox);
}

/** Neither lost nor doubled, and each as good as it was. */
async function accountsOf({ polydev }: RecoveryStage) {
  const accounts = (await polydev.credentials.list()).map(({ id, label, status }) => ({ id, label, status }));
  return accounts.toSorted((a, b) => a.id.localeCompare(b.id));
}

async function nextRunWorks(stage: RecoveryStage): Promise<void> {
  const run = await stage.run({ provider: 'claude_code', prompt: 'Please say exactly pear' });
  assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
}

async function nextSignInIsReady(stage: RecoveryStage, label: string): Promise<void> {
  const { sessionId } = await stage.polydev.sessions.start({ provider: 'claude_code', label });
  // As a viewer does, which connects again when the picture breaks off.
  await until(() => stage.looks(sessionId, isTerminal).then(() => true), withinMs);
  await stage.polydev.sessions.cancel(sessionId);
}

async function startRun(stage: RecoveryStage, word: string): Promise<Run> {
  return await stage.polydev.runs.start({
    provider: 'claude_code',
    prompt: `Please say exactly ${word} and more words`,
  });
}

async function runReaches(stage: RecoveryStage, id: Run['id'], at: RunStage): Promise<void> {
  const signal = AbortSignal.timeout(reachMs);
  for await (const { event } of stage.polydev.runs.stream(id, { signal })) {
    if (event.type === 'state' && event.state === at) return;
    if (at === 'answering' && event.type === 'event' && event.event.type === 'text') return;
  }
  assert.fail(`The run was never ${at}.`);
}

async function endOf(stage: RecoveryStage, id: Run['id']): Promise<Run> {
  const signal = AbortSignal.timeout(withinMs);
  const states: Run['state'][] = [];
  for await (const { event } of stage.polydev.runs.stream(id, { signal }))
    if (event.type === 'state') states.push(event.state);
  assert.deepEqual(states, [...new Set(states)], 'it was done once');
  const run = await stage.polydev.runs.get(id);
  assertLegal(runMoves, states, run.state);
  return run;
}

/** The timeline leaves out no move, and ends where the thing itself did. */
function assertLegal<S extends string>(moves: Readonly<Record<S, readonly S[]>>, states: S[], end: S): void {
  for (const [n, to] of states.slice(1).entries()) assert.ok(mayMove(moves, states[n] as S, to), states.join(', '));
  assert.equal(states.at(-1), end);
}

async function signInUpTo(stage: RecoveryStage, at: SignInStage, label: string): Promise<SessionId> {
  const { polydev, doubles } = stage;
  if (at === 'starting') return (await polydev.sessions.start({ provider: 'claude_code', label })).sessionId;
  const desktop = await openDesktop(stage, 'claude_code', label);
  if (at === 'ready') return desktop.sessionId;
  const proving = at === 'captured' || at === 'verifying';
  if (proving) doubles.state.behaviour.claude_code.model = 'slow';
  enter(desktop.keyboard, 'claude auth login');
  if (proving) await decide(stage, desktop.keyboard, consentPages.claudePlan, 'approve');
  await stage.sessionEvent(desktop.sessionId, (event) => event.type === 'state' && event.state === at);
  return desktop.sessionId;
}

/** The id of one that nobody has, in one of these states. */
async function sandboxIs(
  stage: RecoveryStage,
  wanted: Sandbox['profile'],
  states: readonly Sandbox['state'][],
): Promise<Sandbox['id']> {
  let found: Sandbox | undefined;
  await until(async () => {
    const all = await stage.polydev.sandboxes.list();
    found = all.find(({ profile, owner, state }) => profile === wanted && !owner && states.includes(state));
    return found !== undefined;
  }, withinMs);
  if (!found) throw new Error('There is no such sandbox.');
  return found.id;
}

/** Of what was killed; what waits to be used is no leftover. */
async function nothingIsLeft(stage: RecoveryStage): Promise<void> {
  await until(async () => {
    const there = await stage.polydev.sandboxes.list();
    return there.every(({ owner }) => owner === null) && (await strays(stage)).length === 0;
  }, withinMs);
}
