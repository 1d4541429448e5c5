/** What the cases of recovery are put together from: how far a thing is brought before the kill, what must hold after it. */

import assert from 'node:assert/strict';
import {
  type AuthSession,
  type CredentialId,
  isFinal,
  mayMove,
  type Profile,
  type Run,
  runMoves,
  type Sandbox,
  type SessionEvent,
  type SessionId,
  sessionMoves,
} from '@polydev/protocol';
import { consentPages, decide, enter, isTerminal, openDesktop, signIn } from './desktop-sign-in.ts';
import { aimAt, type Deadline, killPart, type Part, type RecoveryStage, strays, until } from './recovery-parts.ts';
import type { Stage } from './stage.ts';

/** After a part is back: all that then has to hold, or to happen once more. Longer where other scenarios go on beside it. */
export const withinMs = process.env.POLYDEV_E2E_EVERY_STAGE === '1' ? 30_000 : 90_000;
/** Life of an access token that Claude Code renews before it uses it. */
const renewedFromMs = 60_000;
/** To come to where the kill is to be. */
export const reachMs = 120_000;

/** `cold`: starting, with a sandbox that is being made for it; `starting`: perhaps with one that waited. */
export const runStages = ['queued', 'cold', 'starting', 'running', 'answering'] as const;
export const signInStages = ['cold', 'starting', 'ready', 'signing_in', 'captured', 'verifying'] as const;
/** `waiting`: paused; `idle`: up, and not paused yet; `ending`: a desktop that is stopping, where `stopping` is a run's. */
export const sandboxStages = ['creating', 'booting', 'idle', 'waiting', 'stopping', 'ending'] as const;

export type RunStage = (typeof runStages)[number];
export type SignInStage = (typeof signInStages)[number];
export type SandboxStage = (typeof sandboxStages)[number];

/** Signs in to Claude Code, which from then on renews its token at each run. */
export async function connectRenewing(stage: Stage): Promise<CredentialId> {
  stage.doubles.state.behaviour.claude_code.accessTtlMs = renewedFromMs;
  const command = 'claude auth login';
  const ended = await signIn(stage, { provider: 'claude_code', command, page: consentPages.claudePlan });
  assert.ok(ended.credentialId, JSON.stringify(ended.reason));
  return ended.credentialId;
}

export async function readyOrOver(stage: RecoveryStage, id: SessionId, { signal }: Deadline): Promise<void> {
  const isThat = (state: AuthSession['state']) => state === 'ready' || isFinal(sessionMoves, state);
  await stage.sessionEvent(id, (event) => event.type === 'state' && isThat(event.state), signal);
}

export async function isThere({ polydev }: RecoveryStage, sandbox: string): Promise<boolean> {
  return (await polydev.sandboxes.list()).some(({ id }) => id === sandbox);
}

/** Neither lost nor doubled, and each as good as it was. */
export async function accountsOf({ polydev }: RecoveryStage) {
  const accounts = (await polydev.credentials.list()).map(({ id, label, status }) => ({ id, label, status }));
  return accounts.toSorted((a, b) => a.id.localeCompare(b.id));
}

export async function nextRunWorks(stage: RecoveryStage, credentialId = stage.credentialId): Promise<void> {
  const run = await stage.run({ provider: 'claude_code', credentialId, prompt: 'Please say exactly pear' });
  assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
}

export async function nextSignInIsReady(stage: RecoveryStage, label: string): Promise<void> {
  const { sessionId } = await stage.polydev.sessions.start({ provider: 'claude_code', label });
  // As a viewer does, which connects again when the picture breaks off.
  await until(() => stage.looks(sessionId, isTerminal).then(() => true), withinMs);
  await stage.comesUp(sessionId, 'browser');
  await stage.polydev.sessions.cancel(sessionId);
}

export async function startRun(stage: RecoveryStage, word: string): Promise<Run> {
  return await stage.polydev.runs.start({
    provider: 'claude_code',
    credentialId: stage.credentialId,
    prompt: `Please say exactly ${word} and more words`,
  });
}

export async function runReaches(stage: RecoveryStage, id: Run['id'], at: Exclude<RunStage, 'cold'>): Promise<void> {
  const signal = AbortSignal.timeout(reachMs);
  for await (const { event } of stage.polydev.runs.stream(id, { signal })) {
    if (event.type === 'state' && event.state === at) return;
    if (at === 'answering' && event.type === 'event' && event.event.type === 'text') return;
  }
  assert.fail(`The run was never ${at}.`);
}

export async function endOf(stage: RecoveryStage, id: Run['id'], { signal }: Deadline): Promise<Run> {
  const states: Run['state'][] = [];
  for await (const { event } of stage.polydev.runs.stream(id, { signal }))
    if (event.type === 'state') states.push(event.state);
  assert.deepEqual(states, [...new Set(states)], 'it was done once');
  const run = await stage.polydev.runs.get(id);
  assertLegal(runMoves, states, run.state);
  return run;
}

/** The timeline leaves out no move, and ends where the thing itself did. */
export function assertLegal<S extends string>(moves: Readonly<Record<S, readonly S[]>>, states: S[], end: S): void {
  for (const [n, to] of states.slice(1).entries()) assert.ok(mayMove(moves, states[n] as S, to), states.join(', '));
  assert.equal(states.at(-1), end);
}

/** What was killed, and when, in ms of the epoch. */
export interface Killed<Id> {
  id: Id;
  atMs: number;
}

export async function killSignInAt(
  stage: RecoveryStage,
  part: Part,
  at: SignInStage,
  label: string,
): Promise<Killed<SessionId>> {
  const { polydev, doubles } = stage;
  if (at === 'cold') {
    const id = await startCold(stage, label);
    return { id, atMs: await killPart(stage, part, await comesUp(stage, 'desktop')) };
  }
  const isState = (event: SessionEvent, state: AuthSession['state']) => event.type === 'state' && event.state === state;
  if (at === 'starting') {
    // The one that waits is given to whoever asks, and is theirs a moment later.
    const shoot = await aimAt(stage, part, await waitsFor(stage, 'desktop'));
    const { sessionId: id } = await polydev.sessions.start({ provider: 'claude_code', label });
    await stage.sessionEvent(id, (event) => isState(event, at));
    const { atMs, back } = shoot();
    await back;
    return { id, atMs };
  }
  const { sessionId: id, keyboard } = await openDesktop(stage, 'claude_code', label);
  if (at === 'ready') return { id, atMs: await killPart(stage, part, id) };
  if (at === 'signing_in') {
    enter(keyboard, 'claude auth login');
    await stage.sessionEvent(id, (event) => isState(event, at));
    return { id, atMs: await killPart(stage, part, id) };
  }
  doubles.state.behaviour.claude_code.model = 'slow';
  enter(keyboard, 'claude auth login');
  const shoot = await aimAt(stage, part, id);
  let shot: ReturnType<typeof shoot> | undefined;
  const near = stage.sessionEvent(id, (event) => {
    // The credential is sealed a moment before the sign-in is captured, which it is for a few milliseconds.
    const isNear = at === 'captured' ? event.type === 'sealed' : isState(event, at);
    if (isNear) shot = shoot();
    return isNear;
  });
  await Promise.all([near, decide(stage, keyboard, consentPages.claudePlan, 'approve')]);
  assert.ok(shot);
  const { atMs, back } = shot;
  await back;
  return { id, atMs };
}

/** The last state in the timeline before that moment. Where the timeline has not ended, `current` is its last so far. */
export async function stateAt<S>(
  timeline: AsyncIterable<{ atMs: number; event: { type: string; state?: S } }>,
  killedAtMs: number,
  current?: S,
): Promise<S | undefined> {
  let last: S | undefined;
  for await (const { atMs, event } of timeline) {
    if (atMs > killedAtMs) break;
    if (event.type === 'state') last = event.state;
    if (current !== undefined && last === current) break;
  }
  return last;
}

/** When no desktop waits. */
export async function startCold(stage: RecoveryStage, label: string): Promise<SessionId> {
  await loseWaiting(stage, 'desktop');
  return (await stage.polydev.sessions.start({ provider: 'claude_code', label })).sessionId;
}

/** The one that waits is no more when this resolves, and the next is not there yet. */
export async function loseWaiting(stage: RecoveryStage, profile: Profile): Promise<void> {
  const waiting = await waitsFor(stage, profile);
  await killPart(stage, 'container', waiting);
  await until(async () => !(await isThere(stage, waiting)), withinMs);
}

/** The id of one that waits to be used. */
export async function waitsFor(stage: RecoveryStage, profile: Profile, inMs = reachMs): Promise<Sandbox['id']> {
  return await find(stage, inMs, (sandbox) => isWaiting(sandbox) && sandbox.profile === profile);
}

/** The id of one that is being made: for whoever waits for one, or to wait itself, which is then given to who waits. */
export async function comesUp(stage: RecoveryStage, wanted: Profile): Promise<Sandbox['id']> {
  return await find(stage, reachMs, (sandbox) => isComingUp(sandbox) && sandbox.profile === wanted);
}

export const isWaiting = ({ owner, state }: Sandbox) => !owner && state === 'hibernated';
export const isComingUp = ({ state }: Sandbox) => ['planned', 'creating', 'booting', 'idle'].includes(state);

export async function find(
  stage: RecoveryStage,
  inMs: number,
  fits: (sandbox: Sandbox) => boolean,
): Promise<Sandbox['id']> {
  let found: Sandbox | undefined;
  await until(async () => {
    found = (await stage.polydev.sandboxes.list()).find(fits);
    return found !== undefined;
  }, inMs);
  if (!found) throw new Error('There is no such sandbox.');
  return found.id;
}

/** All but one of each profile that waits to be used, or comes up to do so. */
function extraOf(there: readonly Sandbox[]): Sandbox[] {
  const kept = new Set<Profile>();
  return there.filter((sandbox) => {
    const isReserve = !sandbox.owner && (isWaiting(sandbox) || isComingUp(sandbox)) && !kept.has(sandbox.profile);
    if (isReserve) kept.add(sandbox.profile);
    return !isReserve;
  });
}

/** Of what was killed. */
export async function nothingIsLeft(stage: RecoveryStage, by: Deadline): Promise<void> {
  let left: string[] = [];
  try {
    await until(async () => {
      const extra = extraOf(await stage.polydev.sandboxes.list());
      left = extra.map(({ id, profile, state, owner }) => `sandbox ${id}: ${profile}, ${state}, of ${owner}`);
      left.push(...(await strays(stage)));
      return left.length === 0;
    }, by.leftMs());
  } catch (error) {
    assert.deepEqual(left, []);
    throw error;
  }
}
