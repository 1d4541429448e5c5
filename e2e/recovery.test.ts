/**
 * Kill -9 of every part at every stage of a sign-in and of a run: afterwards everything has a legal end or goes on,
 * within the time that is promised, and nothing is left behind, lost or there twice.
 */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { isFinal, type Run, runMoves, type SessionId, sessionMoves } from '@polydev/protocol';
import { consentPages, decide, enter, openDesktop } from './desktop-sign-in.ts';
import { killPart, type Part, strays, until, untilHealthy } from './recovery-parts.ts';
import { openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
/** After a part is back. */
const withinMs = 30_000;
/** A sign-in or run that goes on has this long to end by itself. */
const endMs = 120_000;

const runParts: readonly Part[] = ['controller', 'hostd', 'agent', 'container'];
const runStages = ['queued', 'starting', 'running', 'answering'] as const;
const signInParts: readonly Part[] = ['controller', 'hostd', 'agent', 'container', 'x-server', 'browser'];
const signInStages = ['starting', 'ready', 'signing_in', 'verifying'] as const;

/** `npm run e2e -- recovery`: at each stage. In `npm test` each part at one, so that all parts and all stages come about. */
const everyStage = process.env.POLYDEV_E2E_EVERY_STAGE === '1';

function stagesFor<S>(part: Part, parts: readonly Part[], stages: readonly S[]): readonly S[] {
  return everyStage ? stages : stages.slice(parts.indexOf(part) % stages.length).slice(0, 1);
}

suite('after a kill', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ config: { pool: { desktop: { min: 1, max: 1 }, headless: { min: 1, max: 1 } } } });
    await stage.addKey('claude_code');
  });
  after(() => stage.strike());

  for (const part of runParts)
    for (const at of stagesFor(part, runParts, runStages))
      test(`${part}, while a run is ${at}: the run ends, and the next one works`, async () => {
        const { polydev } = stage;
        const model = stage.doubles.state.behaviour.claude_code;
        model.model = at === 'running' || at === 'answering' ? 'slow' : 'ok';
        // Who waits is first in line behind one that holds the credential.
        const holder = at === 'queued' ? await start('held') : undefined;
        const run = await start(`${part} ${at}`);
        await reached(run.id, at);
        await killPart(stage, part, (holder ?? run).id);
        model.model = 'ok';
        await untilHealthy(stage, withinMs);
        const ended = await endOf(run.id);
        if (holder) await endOf(holder.id);
        // With the controller goes the gateway, and with that the answer that is on its way.
        const cutOff = part === 'controller' && (at === 'running' || at === 'answering');
        const mayFail = part === 'agent' || part === 'container' || cutOff;
        if (!mayFail || at === 'queued') assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
        else assert.ok(isFinal(runMoves, ended.state), ended.state);
        if (ended.state !== 'succeeded') assert.ok(ended.reason?.hint);
        assert.equal(
          (await stage.run({ provider: 'claude_code', prompt: 'Please say exactly pear' })).state,
          'succeeded',
        );
        await nothingIsLeft();
        assert.equal((await polydev.credentials.list()).length, 1);
      });

  for (const part of signInParts)
    for (const at of stagesFor(part, signInParts, signInStages))
      test(`${part}, while a sign-in is ${at}: it goes on or ends, and the next one works`, async () => {
        const { polydev } = stage;
        const label = `${part}-${at}`;
        const sessionId = await signInUpTo(at, label);
        await killPart(stage, part, sessionId);
        stage.doubles.state.behaviour.claude_code.model = 'ok';
        await untilHealthy(stage, withinMs);
        const fatal = part === 'agent' || part === 'container';
        const session = await polydev.sessions.get(sessionId);
        if (!fatal && !isFinal(sessionMoves, session.state)) {
          // The desktop is there as before: the picture comes, and the sign-in can be done.
          if (at !== 'verifying') {
            // As a viewer does, which connects again when the picture breaks off once more.
            await until(async () => {
              const keyboard = await stage.keyboard(sessionId);
              keyboard.close();
              return true;
            }, withinMs);
            await polydev.sessions.cancel(sessionId);
          }
        }
        const ended = await stage.ended(sessionId);
        assert.ok(isFinal(sessionMoves, ended.state));
        if (!fatal) assert.ok(['connected', 'cancelled'].includes(ended.state), JSON.stringify(ended.reason));
        await nothingIsLeft();
        const kept = (await polydev.credentials.list()).filter((credential) => credential.label === label);
        assert.equal(kept.length, ended.state === 'connected' ? 1 : 0);
      });

  async function start(word: string): Promise<Run> {
    return await stage.polydev.runs.start({
      provider: 'claude_code',
      prompt: `Please say exactly ${word} and more words`,
    });
  }

  async function reached(id: Run['id'], at: (typeof runStages)[number]): Promise<void> {
    const signal = AbortSignal.timeout(endMs);
    for await (const { event } of stage.polydev.runs.stream(id, { signal })) {
      if (event.type === 'state' && (event.state === at || isFinal(runMoves, event.state))) return;
      if (at === 'answering' && event.type === 'event' && event.event.type === 'text') return;
    }
  }

  async function endOf(id: Run['id']): Promise<Run> {
    const signal = AbortSignal.timeout(endMs);
    for await (const _ of stage.polydev.runs.stream(id, { signal }));
    return await stage.polydev.runs.get(id);
  }

  async function signInUpTo(at: (typeof signInStages)[number], label: string): Promise<SessionId> {
    const { polydev, doubles } = stage;
    if (at === 'starting') return (await polydev.sessions.start({ provider: 'claude_code', label })).sessionId;
    const desktop = await openDesktop(stage, 'claude_code', label);
    if (at === 'ready') return desktop.sessionId;
    if (at === 'verifying') doubles.state.behaviour.claude_code.model = 'slow';
    enter(desktop.keyboard, 'claude auth login');
    if (at === 'verifying') await decide(stage, desktop.keyboard, consentPages.claudePlan, 'approve');
    await stage.sessionEvent(desktop.sessionId, (event) => event.type === 'state' && event.state === at);
    return desktop.sessionId;
  }

  /** Of what was killed; what waits to be used is no leftover. */
  async function nothingIsLeft(): Promise<void> {
    await until(async () => {
      const there = await stage.polydev.sandboxes.list();
      return there.every(({ owner }) => owner === null) && (await strays(stage)).length === 0;
    }, withinMs);
  }
});
