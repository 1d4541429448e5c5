/**
 * One kill at one stage of a run, of a sign-in or of a sandbox: afterwards it has a legal end or goes on, the next one
 * works, nothing is left behind, and no credential is lost or there twice.
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AuthSession,
  type CredentialId,
  isFinal,
  mayMove,
  type Profile,
  type Run,
  runMoves,
  type Sandbox,
  type SessionId,
  sessionMoves,
} from '@polydev/protocol';
import { consentPages, decide, enter, isTerminal, openDesktop, signIn } from './desktop-sign-in.ts';
import { type Deadline, killPart, type Part, type RecoveryStage, strays, until, untilBack } from './recovery-parts.ts';
import { assertRefused, type Stage } from './stage.ts';

/** After a part is back: all that then has to hold, or to happen once more. */
const withinMs = 30_000;
/** Between two looks at something that lasts a moment. */
const catchMs = 15;
/** While a server is away. */
const askAgainMs = 1_000;
/** Life of an access token that Claude Code renews before it uses it. */
const renewedFromMs = 60_000;
/** To come to where the kill is to be. */
const reachMs = 120_000;

/** `cold`: starting, with a sandbox that is being made for it; `starting`: perhaps with one that waited. */
export const runStages = ['queued', 'cold', 'starting', 'running', 'answering'] as const;
export const signInStages = ['cold', 'starting', 'ready', 'signing_in', 'captured', 'verifying'] as const;
/** `waiting`: paused; `idle`: up, and not paused yet; `ending`: a desktop that is stopping, where `stopping` is a run's. */
export const sandboxStages = ['creating', 'booting', 'idle', 'waiting', 'stopping', 'ending'] as const;

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
  return (at !== 'stopping' && at !== 'ending') || !fatal.includes(part);
}

/** Signs in to Claude Code, which from then on renews its token at each run. */
export async function connectRenewing(stage: Stage): Promise<CredentialId> {
  stage.doubles.state.behaviour.claude_code.accessTtlMs = renewedFromMs;
  const command = 'claude auth login';
  const ended = await signIn(stage, { provider: 'claude_code', command, page: consentPages.claudePlan });
  assert.ok(ended.credentialId, JSON.stringify(ended.reason));
  return ended.credentialId;
}

export async function killDuringRun(stage: RecoveryStage, part: Part, at: RunStage): Promise<void> {
  const model = stage.doubles.state.behaviour.claude_code;
  const accounts = await accountsOf(stage);
  model.model = at === 'running' || at === 'answering' ? 'slow' : 'ok';
  // Who waits is first in line behind one that holds the credential.
  const holder = at === 'queued' ? await startRun(stage, 'held') : undefined;
  if (at === 'cold') await loseWaiting(stage, 'headless');
  const words = `${part} ${at}`;
  const run = await startRun(stage, words);
  if (at === 'cold') await killPart(stage, part, await comesUp(stage, 'headless'));
  else {
    await runReaches(stage, run.id, at);
    await killPart(stage, part, (holder ?? run).id);
  }
  model.model = 'ok';
  const by = await untilBack(stage, withinMs);
  const ended = await endOf(stage, run.id, by);
  if (holder) await endOf(stage, holder.id, by);
  await nothingIsLeft(stage, by);
  // With the controller goes the gateway, and with that the answer that is on its way.
  const cutOff = part === 'controller' && (at === 'running' || at === 'answering');
  const mayFail = fatal.includes(part) || cutOff || hadNoRoom(part, ended);
  if (!mayFail || at === 'queued') assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
  else assert.ok(isFinal(runMoves, ended.state), ended.state);
  if (ended.state !== 'succeeded') assert.ok(ended.reason?.hint);
  const asked = stage.doubles.state.prompts.filter(({ prompt }) => prompt.includes(`exactly ${words} and`));
  if (ended.state === 'succeeded') assert.equal(asked.length, 1, 'the model was asked once');
  await nextRunWorks(stage);
  assert.deepEqual(await accountsOf(stage), accounts);
}

export async function killDuringSignIn(stage: RecoveryStage, part: Part, at: SignInStage): Promise<void> {
  const { polydev } = stage;
  const label = `${part}-${at}`;
  const sessionId = await signInUpTo(stage, at, label);
  await killPart(stage, part, at === 'cold' ? await comesUp(stage, 'desktop') : sessionId);
  stage.doubles.state.behaviour.claude_code.model = 'ok';
  const by = await untilBack(stage, withinMs);
  // An agent that is killed before its sandbox is anybody's comes up again.
  const mayLive = !fatal.includes(part) || at === 'cold';
  if (at === 'cold') await readyOrOver(stage, sessionId, by);
  const session = await polydev.sessions.get(sessionId);
  const proving = at === 'captured' || at === 'verifying';
  if (mayLive && !proving && !isFinal(sessionMoves, session.state)) {
    // The desktop is there as before: the picture comes, and the sign-in can be done.
    // As a viewer does, which connects again when the picture breaks off once more.
    await until(async () => {
      const keyboard = await stage.keyboard(sessionId);
      keyboard.close();
      return true;
    }, by.leftMs());
    await polydev.sessions.cancel(sessionId);
  }
  const ended = await stage.ended(sessionId, by.signal);
  assert.ok(isFinal(sessionMoves, ended.state));
  const asWished = ['connected', 'cancelled'].includes(ended.state);
  assert.ok(asWished || fatal.includes(part) || hadNoRoom(part, ended), JSON.stringify(ended.reason));
  if (!asWished) assert.ok(ended.reason?.message && ended.reason.hint, JSON.stringify(ended));
  const states: AuthSession['state'][] = [];
  for await (const { event } of polydev.sessions.events(sessionId))
    if (event.type === 'state') states.push(event.state);
  assertLegal(sessionMoves, states, ended.state);
  await nothingIsLeft(stage, by);
  const kept = (await polydev.credentials.list()).filter((credential) => credential.label === label);
  assert.equal(kept.length, ended.state === 'connected' ? 1 : 0);
  for (const { id } of kept) {
    await nextRunWorks(stage, id);
    await polydev.credentials.remove(id);
  }
  await nextRunWorks(stage);
}

/** More at once than there is room for, so that the last one waits for its turn; the others leave afterwards. */
export async function killWhileSignInWaits(stage: RecoveryStage, part: Part): Promise<void> {
  const { polydev } = stage;
  const last = `${part}-pending`;
  const others = Array.from({ length: sandboxesAtMost }, (_, n) => `${part}-${n}`);
  // From a controller that is killed, who asked hears nothing any more.
  const ask = (label: string) => polydev.sessions.start({ provider: 'claude_code', label }).catch(() => null);
  const find = async (wanted: string) => (await polydev.sessions.list()).find(({ label }) => label === wanted);
  const leave = async (label: string, by: Deadline) => {
    const session = await find(label);
    if (session && !isFinal(sessionMoves, session.state)) await polydev.sessions.cancel(session.id);
    return session && (await stage.ended(session.id, by.signal));
  };

  const asking = others.map(ask);
  await until(async () => (await Promise.all(others.map(find))).every((session) => session !== undefined), withinMs);
  asking.push(ask(last));
  await until(async () => (await find(last))?.state === 'pending', withinMs);
  await killPart(stage, part, last);
  const by = await untilBack(stage, withinMs);
  await Promise.all(others.map((label) => leave(label, by)));
  await Promise.all(asking);
  const waited = await find(last);
  assert.ok(waited);
  await readyOrOver(stage, waited.id, by);
  const ended = await leave(last, by);
  if (ended?.state !== 'cancelled') assert.equal(ended?.reason?.code, 'capacity', JSON.stringify(ended));
  await nothingIsLeft(stage, by);
  await nextSignInIsReady(stage, `${part}-next`);
}

async function readyOrOver(stage: RecoveryStage, id: SessionId, { signal }: Deadline): Promise<void> {
  const isThat = (state: AuthSession['state']) => state === 'ready' || isFinal(sessionMoves, state);
  await stage.sessionEvent(id, (event) => event.type === 'state' && isThat(event.state), signal);
}

export async function killDuringSandbox(stage: RecoveryStage, part: Part, at: SandboxStage): Promise<void> {
  const accounts = await accountsOf(stage);
  // A headless one is up and paused in the same moment.
  const isDesktop = ofDesktop.includes(part) || at === 'idle' || at === 'ending';
  const profile = isDesktop ? 'desktop' : 'headless';
  const waiting = await waitsFor(stage, profile);
  if (at === 'waiting') await killPart(stage, part, waiting);
  else if (at === 'stopping' || at === 'ending') await killPart(stage, part, await ends(stage, at, `${part}-${at}`));
  else await killPart(stage, part, await replacement(stage, waiting, profile, at));
  const by = await untilBack(stage, withinMs);
  await nothingIsLeft(stage, by);
  await nextRunWorks(stage);
  if (isDesktop) await nextSignInIsReady(stage, `${part}-${at}-next`);
  const again = await waitsFor(stage, profile, withinMs);
  assert.ok(await isThere(stage, again));
  assert.deepEqual(await accountsOf(stage), accounts);
}

/** The id of one that is just so far; those that are missed between two looks are lost again. */
async function replacement(
  stage: RecoveryStage,
  waiting: Sandbox['id'],
  profile: Profile,
  at: SandboxStage,
): Promise<Sandbox['id']> {
  const lastMs = performance.now() + reachMs;
  let lost = waiting;
  await killPart(stage, 'container', lost);
  while (performance.now() < lastMs) {
    const next = (await stage.polydev.sandboxes.list()).find(
      (sandbox) => sandbox.profile === profile && !sandbox.owner && sandbox.id !== lost,
    );
    if (next?.state === at) return next.id;
    if (next && isWaiting(next)) {
      lost = next.id;
      await killPart(stage, 'container', lost);
    } else await sleep(catchMs);
  }
  throw new Error(`No sandbox was ever seen ${at}.`);
}

/** The id of a sandbox that is just stopping: of a run, or of a sign-in. */
async function ends(stage: RecoveryStage, at: 'stopping' | 'ending', name: string): Promise<Sandbox['id']> {
  const { polydev } = stage;
  let owner: string;
  if (at === 'stopping') {
    const run = await startRun(stage, name);
    await runReaches(stage, run.id, 'running');
    owner = run.id;
  } else owner = await signInUpTo(stage, 'starting', name);
  const id = await find(stage, withinMs, (one) => one.owner === owner);
  if (at === 'ending') await polydev.sessions.cancel(owner as SessionId);
  for await (const { event } of polydev.sandboxes.events(id)) if (event.state === 'stopping') break;
  return id;
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
      assert.equal((await assertRefused(ask(), 'unavailable')).status, 503);
      asked += 1;
    }
    await sleep(askAgainMs);
  }
  await database.start();
  const by = await untilBack(stage, withinMs);
  const ended = await endOf(stage, run.id, by);
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
  assert.match(ended.answer, /patience and more words/);
  assert.ok((await polydev.runs.list()).every(({ prompt }) => !prompt.includes('exactly no ')));
  assert.ok((await polydev.sessions.list()).every(({ label }) => label !== signInRequest.label));
  assert.equal((await polydev.sessions.get(sessionId)).state, 'ready');
  await until(() => stage.looks(sessionId, isTerminal).then(() => true), by.leftMs());
  await polydev.sessions.cancel(sessionId);
  await nothingIsLeft(stage, by);
  await nextRunWorks(stage);
  assert.deepEqual(await accountsOf(stage), accounts);
}

/** It could not have a sandbox made on a full disk. */
function hadNoRoom(part: Part, { reason }: Pick<Run | AuthSession, 'reason'>): boolean {
  return part === 'disk' && reason?.code === 'disk_full';
}

async function isThere({ polydev }: RecoveryStage, sandbox: string): Promise<boolean> {
  return (await polydev.sandboxes.list()).some(({ id }) => id === sandbox);
}

/** Neither lost nor doubled, and each as good as it was. */
async function accountsOf({ polydev }: RecoveryStage) {
  const accounts = (await polydev.credentials.list()).map(({ id, label, status }) => ({ id, label, status }));
  return accounts.toSorted((a, b) => a.id.localeCompare(b.id));
}

async function nextRunWorks(stage: RecoveryStage, credentialId = stage.credentialId): Promise<void> {
  const run = await stage.run({ provider: 'claude_code', credentialId, prompt: 'Please say exactly pear' });
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
    credentialId: stage.credentialId,
    prompt: `Please say exactly ${word} and more words`,
  });
}

async function runReaches(stage: RecoveryStage, id: Run['id'], at: Exclude<RunStage, 'cold'>): Promise<void> {
  const signal = AbortSignal.timeout(reachMs);
  for await (const { event } of stage.polydev.runs.stream(id, { signal })) {
    if (event.type === 'state' && event.state === at) return;
    if (at === 'answering' && event.type === 'event' && event.event.type === 'text') return;
  }
  assert.fail(`The run was never ${at}.`);
}

async function endOf(stage: RecoveryStage, id: Run['id'], { signal }: Deadline): Promise<Run> {
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
  if (at === 'cold') return await startCold(stage, label);
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

/** When no desktop waits. */
async function startCold(stage: RecoveryStage, label: string): Promise<SessionId> {
  await loseWaiting(stage, 'desktop');
  return (await stage.polydev.sessions.start({ provider: 'claude_code', label })).sessionId;
}

/** The one that waits is no more when this resolves, and the next is not there yet. */
async function loseWaiting(stage: RecoveryStage, profile: Profile): Promise<void> {
  const waiting = await waitsFor(stage, profile);
  await killPart(stage, 'container', waiting);
  await until(async () => !(await isThere(stage, waiting)), withinMs);
}

/** The id of one that waits to be used. */
async function waitsFor(stage: RecoveryStage, profile: Profile, inMs = reachMs): Promise<Sandbox['id']> {
  return await find(stage, inMs, (sandbox) => isWaiting(sandbox) && sandbox.profile === profile);
}

/** The id of one that is being made: for whoever waits for one, or to wait itself, which is then given to who waits. */
async function comesUp(stage: RecoveryStage, wanted: Profile): Promise<Sandbox['id']> {
  return await find(stage, reachMs, (sandbox) => isComingUp(sandbox) && sandbox.profile === wanted);
}

const isWaiting = ({ owner, state }: Sandbox) => !owner && state === 'hibernated';
const isComingUp = ({ state }: Sandbox) => ['planned', 'creating', 'booting', 'idle'].includes(state);

async function find(stage: RecoveryStage, inMs: number, fits: (sandbox: Sandbox) => boolean): Promise<Sandbox['id']> {
  let found: Sandbox | undefined;
  await until(async () => {
    found = (await stage.polydev.sandboxes.list()).find(fits);
    return found !== undefined;
  }, inMs);
  if (!found) throw new Error('There is no such sandbox.');
  return found.id;
}

/** Of what was killed; what waits to be used, or comes up to do so, is no leftover, but of each kind there is one at most. */
async function nothingIsLeft(stage: RecoveryStage, by: Deadline): Promise<void> {
  await until(async () => {
    const there = await stage.polydev.sandboxes.list();
    const isOne = new Set(there.map(({ profile }) => profile)).size === there.length;
    const isFree = there.every((sandbox) => !sandbox.owner && (isWaiting(sandbox) || isComingUp(sandbox)));
    return isOne && isFree && (await strays(stage)).length === 0;
  }, by.leftMs());
}
