/** A sign-in's events as the steps that a person sees. Pure. */

import type { Reason, SequencedEvent, SessionEvent, SessionState } from '@polydev/protocol';
import { isFinal, sessionMoves } from '@polydev/protocol/states';

export const stepNames = ['machine', 'command', 'page', 'credential', 'sealed', 'proof', 'destroyed'] as const;
export type StepName = (typeof stepNames)[number];

/** `skipped`: the way led past it. */
export type StepState = 'waiting' | 'active' | 'done' | 'failed' | 'skipped';

export interface Step {
  name: StepName;
  state: StepState;
  /** Since the step before was done; null when not done, or when that says nothing. */
  tookMs: number | null;
}

/** What is there of the machine while it is made ready. */
export interface Stage {
  name: string;
  /** Since the start; null while it is awaited. */
  afterMs: number | null;
}

export interface Timeline {
  state: SessionState;
  reason: Reason | null;
  over: boolean;
  steps: Step[];
  stages: Stage[];
  /** Address of the newest page that was opened, without what may be secret. */
  page: string | null;
  /** What the tool answered to the proof. */
  proof: string | null;
  /** From the event that extended it, when there was one. */
  expiresAtMs: number | null;
  /** When it ends because nothing happens; null while something does. */
  idleExpiresAtMs: number | null;
}

type Marks = Partial<Record<StepName, number>>;

/** `closed`: no event will follow. */
export function timelineOf(
  events: readonly SequencedEvent<SessionEvent>[],
  createdAtMs: number,
  closed = false,
): Timeline {
  let state: SessionState = 'pending';
  let reason: Reason | null = null;
  let page: string | null = null;
  let proof: string | null = null;
  let expiresAtMs: number | null = null;
  let idleExpiresAtMs: number | null = null;
  let startedAtMs: number | null = null;
  let sealedTookMs: number | null = null;
  let marks: Marks = {};
  const parts: Partial<Record<string, number>> = {};

  for (const { atMs, event } of events) {
    switch (event.type) {
      case 'state':
        // Back to the page: what was found did not prove.
        if (event.state === 'signing_in' && state === 'verifying') {
          const { machine, command, page: opened } = marks;
          marks = { machine, command, page: opened };
        }
        state = event.state;
        reason = event.reason;
        if (state === 'starting') startedAtMs ??= atMs;
        if (state === 'ready') marks.machine ??= atMs;
        break;
      case 'desktop':
        if (event.up) parts[event.part] ??= atMs;
        break;
      case 'opened':
        page = event.page;
        marks.machine ??= atMs;
        marks.command ??= atMs;
        marks.page ??= atMs;
        break;
      case 'credential_found':
        marks.machine ??= atMs;
        marks.credential = atMs;
        break;
      case 'sealed':
        marks.sealed = atMs;
        sealedTookMs = event.tookMs;
        break;
      case 'proof':
        marks.proof = atMs;
        proof = event.text;
        break;
      case 'extended':
        expiresAtMs = event.expiresAtMs;
        break;
      case 'idle':
        idleExpiresAtMs = event.expiresAtMs;
        break;
      case 'active':
        idleExpiresAtMs = null;
        break;
      case 'destroyed':
        marks.destroyed = atMs;
        break;
    }
  }

  const over = isFinal(sessionMoves, state);
  return {
    state,
    reason,
    over,
    page,
    proof,
    expiresAtMs,
    idleExpiresAtMs,
    steps: stepsOf(marks, { state, over, closed, createdAtMs, sealedTookMs }),
    stages: [
      stage('Machine asked for', startedAtMs),
      stage('Screen on', parts.display),
      stage('Terminal open', parts.terminal),
      stage('Browser ready', parts.browser),
    ],
  };

  function stage(name: string, atMs: number | null | undefined): Stage {
    return { name, afterMs: atMs === undefined || atMs === null ? null : Math.max(0, atMs - createdAtMs) };
  }
}

interface Facts {
  state: SessionState;
  over: boolean;
  closed: boolean;
  createdAtMs: number;
  sealedTookMs: number | null;
}

function stepsOf(marks: Marks, { state, over, closed, createdAtMs, sealedTookMs }: Facts): Step[] {
  const connected = state === 'connected';
  let beforeMs = createdAtMs;
  let activeFound = false;
  return stepNames.map((name, index): Step => {
    const atMs = marks[name];
    if (atMs !== undefined) {
      const tookMs = name === 'sealed' && sealedTookMs !== null ? sealedTookMs : Math.max(0, atMs - beforeMs);
      beforeMs = atMs;
      // The page opens because the command was given: only one of the two took time.
      return { name, state: 'done', tookMs: name === 'page' ? null : tookMs };
    }
    // The desktop is always destroyed at the end, whatever the end is; unless there never was one.
    if (name === 'destroyed') return { name, state: !over ? 'waiting' : closed ? 'skipped' : 'active', tookMs: null };
    const later = stepNames.slice(index + 1).some((other) => other !== 'destroyed' && marks[other] !== undefined);
    if (later || connected) return { name, state: 'skipped', tookMs: null };
    if (activeFound) return { name, state: 'waiting', tookMs: null };
    activeFound = true;
    // Who cancels has not failed.
    return { name, state: !over ? 'active' : state === 'cancelled' ? 'skipped' : 'failed', tookMs: null };
  });
}

/** The step that everything waits for; the one that failed; null when all is well and over. */
export function currentStep({ steps }: Timeline): Step | null {
  return steps.find(({ state }) => state === 'failed') ?? steps.find(({ state }) => state === 'active') ?? null;
}
