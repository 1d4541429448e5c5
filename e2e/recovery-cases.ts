/**
 * One kill at one stage of a run, of a sign-in or of a sandbox: afterwards it has a legal end or goes on, the next one
 * works, nothing is left behind, and no credential is lost or there twice.
 */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AuthSession,
  isFinal,
  type Run,
  runMoves,
  type Sandbox,
  type SessionId,
  sessionMoves,
} from '@polydev/protocol';
import { isTerminal, openDesktop } from './desktop-sign-in.ts';
import {
  aimAt,
  type Deadline,
  deadline,
  killPart,
  type Part,
  type RecoveryStage,
  until,
  untilBack,
} from './recovery-parts.ts';
import {
  accountsOf,
  assertLegal,
  comesUp,
  endOf,
  find,
  isThere,
  type Killed,
  killSignInAt,
  loseWaiting,
  nextRunWorks,
  nextSignInIsReady,
  nothingIsLeft,
  type RunStage,
  reachMs,
  readyOrOver,
  runReaches,
  type SandboxStage,
  type SignInStage,
  startRun,
  stateAt,
  waitsFor,
  withinMs,
} from './recovery-steps.ts';
import { assertRefused } from './stage.ts';

/** What a kill does not end has its own time: a proof or a run of a slow tool, on a busy host. */
const goesOnMs = 120_000;
/** While a server is away. */
const askAgainMs = 1_000;
const hitsWithin = 8;
/** Two that wait to be used, and two more. */
export const sandboxesAtMost = 4;

/** With these goes the sandbox, and what it was for. */
const fatal: readonly Part[] = ['agent', 'container'];

const ofDesktop: readonly Part[] = ['x-server', 'browser'];

/** Where there is something to kill: before a desktop is up it has no windows, and of one that is destroyed nothing is left. */
export function hasPart(part: Part, at: SandboxStage): boolean {
  if (ofDesktop.includes(part)) return at === 'idle' || at === 'waiting';
  return (at !== 'stopping' && at !== 'ending') || !fatal.includes(part);
}

/** In what state each stage is: the kill must have come then. */
const stateOfRun = {
  queued: 'queued',
  cold: 'starting',
  starting: 'starting',
  running: 'running',
  answering: 'running',
};
const stateOfSandbox = { waiting: 'hibernated', ending: 'stopping' } as const;

/**
 * Again with another one where the kill came too late, as some states last a moment: all that must hold after a kill is
 * looked at each time.
 */
export async function untilHit(once: (attempt: number) => Promise<boolean>): Promise<void> {
  for (let attempt = 1; attempt <= hitsWithin; attempt += 1) if (await once(attempt)) return;
  assert.fail(`Of ${hitsWithin} kills none came in time.`);
}

/** Answers whether the kill came at that stage; so do the others. */
export async function killDuringRun(stage: RecoveryStage, part: Part, at: RunStage, attempt: number): Promise<boolean> {
  const model = stage.doubles.state.behaviour.claude_code;
  const accounts = await accountsOf(stage);
  model.model = at === 'running' || at === 'answering' ? 'slow' : 'ok';
  // Who waits is first in line behind one that holds the credential.
  const holder = at === 'queued' ? await startRun(stage, 'held') : undefined;
  if (at === 'cold') await loseWaiting(stage, 'headless');
  const words = `${part} ${at} ${attempt}`;
  const run = await startRun(stage, words);
  if (at !== 'cold') await runReaches(stage, run.id, at);
  const killed = at === 'cold' ? await comesUp(stage, 'headless') : (holder ?? run).id;
  const atMs = await killPart(stage, part, killed);
  model.model = 'ok';
  // With the controller goes the gateway, and with that the answer that is on its way.
  const cutOff = part === 'controller' && (at === 'running' || at === 'answering');
  // Who waits for the credential of another has no sandbox yet that could die.
  const mustEnd = (fatal.includes(part) || cutOff) && at !== 'queued';
  const by = await untilBack(stage, withinMs);
  const ended = await endOf(stage, run.id, mustEnd ? by : deadline(goesOnMs));
  if (holder) await endOf(stage, holder.id, fatal.includes(part) ? by : deadline(goesOnMs));
  await nothingIsLeft(stage, mustEnd ? by : deadline(withinMs));
  const mayFail = hadNoRoom(part, ended) || mustEnd;
  if (!mayFail) assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
  else assert.ok(isFinal(runMoves, ended.state), ended.state);
  if (ended.state !== 'succeeded') assert.ok(ended.reason?.hint);
  const asked = stage.doubles.state.prompts.filter(({ prompt }) => prompt.includes(`exactly ${words} and`));
  if (ended.state === 'succeeded') assert.equal(asked.length, 1, 'the model was asked once');
  await nextRunWorks(stage);
  assert.deepEqual(await accountsOf(stage), accounts);
  return (await stateAt(stage.polydev.runs.stream(run.id), atMs)) === stateOfRun[at];
}

export async function killDuringSignIn(
  stage: RecoveryStage,
  part: Part,
  at: SignInStage,
  attempt: number,
): Promise<boolean> {
  const { polydev } = stage;
  const label = `${part}-${at}-${attempt}`;
  const { id: sessionId, atMs } = await killSignInAt(stage, part, at, label);
  stage.doubles.state.behaviour.claude_code.model = 'ok';
  const by = await untilBack(stage, withinMs);
  // A sandbox that dies before it is anybody's has another in its place.
  const isEarly = at === 'cold' || at === 'starting';
  const mayLive = !fatal.includes(part) || isEarly;
  if (isEarly) await readyOrOver(stage, sessionId, by);
  const isOver = async () => isFinal(sessionMoves, (await polydev.sessions.get(sessionId)).state);
  const proving = at === 'captured' || at === 'verifying';
  if (mayLive && !proving && !(await isOver())) {
    // The desktop is there as before: the picture comes, and the sign-in can be done.
    // As a viewer does, which connects again when the picture breaks off once more.
    await until(async () => {
      if (fatal.includes(part) && (await isOver())) return true;
      const keyboard = await stage.keyboard(sessionId);
      keyboard.close();
      return true;
    }, by.leftMs());
    const wasUp = at === 'ready' || at === 'signing_in';
    if (part === 'browser') await stage.comesUp(sessionId, 'browser', wasUp ? 2 : 1);
    if (part === 'x-server') await stage.comesUp(sessionId, 'terminal', wasUp ? 2 : 1);
    await polydev.sessions.cancel(sessionId);
  }
  const goesOn = mayLive && proving;
  const ended = await stage.ended(sessionId, (goesOn ? deadline(goesOnMs) : by).signal);
  assert.ok(isFinal(sessionMoves, ended.state));
  const asWished = ['connected', 'cancelled'].includes(ended.state);
  assert.ok(asWished || fatal.includes(part) || hadNoRoom(part, ended), JSON.stringify(ended.reason));
  if (!asWished) assert.ok(ended.reason?.message && ended.reason.hint, JSON.stringify(ended));
  const states: AuthSession['state'][] = [];
  for await (const { event } of polydev.sessions.events(sessionId))
    if (event.type === 'state') states.push(event.state);
  assertLegal(sessionMoves, states, ended.state);
  await nothingIsLeft(stage, goesOn ? deadline(withinMs) : by);
  const kept = (await polydev.credentials.list()).filter((credential) => credential.label === label);
  assert.equal(kept.length, ended.state === 'connected' ? 1 : 0);
  for (const { id } of kept) {
    await nextRunWorks(stage, id);
    await polydev.credentials.remove(id);
  }
  await nextRunWorks(stage);
  return (await stateAt(polydev.sessions.events(sessionId), atMs)) === (at === 'cold' ? 'starting' : at);
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

export async function killDuringSandbox(
  stage: RecoveryStage,
  part: Part,
  at: SandboxStage,
  attempt: number,
): Promise<boolean> {
  const accounts = await accountsOf(stage);
  // A headless one is up and paused in the same moment.
  const isDesktop = ofDesktop.includes(part) || at === 'idle' || at === 'ending';
  const profile = isDesktop ? 'desktop' : 'headless';
  const waiting = await waitsFor(stage, profile);
  let killed: Killed<Sandbox['id']>;
  if (at === 'waiting') killed = { id: waiting, atMs: await killPart(stage, part, waiting) };
  else if (at === 'stopping' || at === 'ending') killed = await killEnding(stage, part, at, `${part}-${at}-${attempt}`);
  else killed = await killComingUp(stage, part, at, waiting);
  const by = await untilBack(stage, withinMs);
  await nothingIsLeft(stage, by);
  await nextRunWorks(stage);
  if (isDesktop) await nextSignInIsReady(stage, `${part}-${at}-next`);
  const again = await waitsFor(stage, profile, withinMs);
  assert.ok(await isThere(stage, again));
  assert.deepEqual(await accountsOf(stage), accounts);
  const meant: Sandbox['state'] = at === 'waiting' || at === 'ending' ? stateOfSandbox[at] : at;
  const { state } = await stage.polydev.sandboxes.get(killed.id);
  return (await stateAt(stage.polydev.sandboxes.events(killed.id), killed.atMs, state)) === meant;
}

/** The one that is made when the one that waits is lost. */
async function killComingUp(
  stage: RecoveryStage,
  part: Part,
  at: 'creating' | 'booting' | 'idle',
  waiting: Sandbox['id'],
): Promise<Killed<Sandbox['id']>> {
  const { profile } = await stage.polydev.sandboxes.get(waiting);
  await killPart(stage, 'container', waiting);
  const id = await find(stage, reachMs, (next) => next.profile === profile && !next.owner && next.id !== waiting);
  const reached = async () => {
    for await (const { event } of stage.polydev.sandboxes.events(id)) if (event.state === at) return;
  };
  // The agent is there before it answers, and being up lasts a moment; a desktop has its windows later.
  const shoot = ofDesktop.includes(part) ? null : await aimAt(stage, part, id);
  await reached();
  if (!shoot) return { id, atMs: await killPart(stage, part, id) };
  const { atMs, back } = shoot();
  await back;
  return { id, atMs };
}

/** One that is just stopping: of a run, or of a sign-in. */
async function killEnding(
  stage: RecoveryStage,
  part: Part,
  at: 'stopping' | 'ending',
  name: string,
): Promise<Killed<Sandbox['id']>> {
  const { polydev } = stage;
  let owner: string;
  if (at === 'stopping') {
    const run = await startRun(stage, name);
    await runReaches(stage, run.id, 'running');
    owner = run.id;
  } else owner = (await polydev.sessions.start({ provider: 'claude_code', label: name })).sessionId;
  const id = await find(stage, withinMs, (one) => one.owner === owner);
  const shoot = await aimAt(stage, part, id);
  // Answered when all is over, or not at all.
  if (at === 'ending') polydev.sessions.cancel(owner as SessionId).catch(() => {});
  for await (const { event } of polydev.sandboxes.events(id)) if (event.state === 'stopping') break;
  const { atMs, back } = shoot();
  await back;
  return { id, atMs };
}

/** The database is away for long: who asks is told to come back, and what is under way waits for it. */
export async function loseDatabase(stage: RecoveryStage, awayMs: number): Promise<void> {
  const { polydev, doubles } = stage;
  const database = stage.servers?.database;
  if (!database) throw new Error('The stage has no database of its own.');
  const accounts = await accountsOf(stage);
  const { sessionId } = await openDesktop(stage, 'claude_code', 'waits');
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
