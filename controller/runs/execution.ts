/** One run from the queue to its end. */

import { type CredentialId, PolydevError, type RunEvent, type RunState } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import type { Borrow, Borrowed, Verdict } from '../credentials/borrow.ts';
import { logFailure } from '../failure-log.ts';
import { failureOf, reasonOf } from '../reason.ts';
import { handOver } from '../recovery/hand-over.ts';
import type { SandboxHandle } from '../sandboxes/sandboxes.ts';
import type { EventLog } from '../store/events.ts';
import { stillOurs } from '../store/mover.ts';
import { storableText } from '../store/storable.ts';
import { createGrowingAnswer } from './answer.ts';
import { createRecorder, type Recorded, recordedOf } from './recorder.ts';
import type { RunChange, RunHead, RunRows } from './rows.ts';
import { runTool, type SourceLine } from './tool.ts';

export interface ExecutionDeps {
  rows: RunRows;
  events: EventLog;
  borrow: Borrow;
  /** That nothing runs with it any more stands in the table now. */
  credentialFree(id: CredentialId): Promise<void>;
  log: Pick<BaseLogger, 'warn' | 'error'>;
  now: () => number;
}

interface Ended extends Verdict {
  failure: PolydevError | null;
}

export interface Control {
  /** Ends the run; its reason becomes the failure. */
  stop: AbortSignal;
  /** Aborts when the run is to be left as it is, for the controller that starts next. */
  leave: AbortSignal;
  /** From now on its tool runs. */
  onRunning(): void;
  /** The sandbox in which it runs since before this controller started. */
  adopted: SandboxHandle | null;
}

/**
 * Resolves when the run has its final state, its sandbox is gone and the credential is free; or when it was left to the
 * next controller, or another works on it. Never rejects.
 */
export async function executeRun(deps: ExecutionDeps, run: RunHead, control: Control): Promise<void> {
  const { rows, events, borrow, now } = deps;
  const { stop, leave, adopted, onRunning } = control;
  let notes: Notes | undefined;
  let isOver = false;
  const onOver = async (failure: PolydevError | null) => {
    isOver = true;
    await writeEnd(deps, run, failure, notes);
  };
  try {
    const { credentialId } = run;
    if (!credentialId) throw new PolydevError('no_credential', 'This run has no credential.');
    const request = { credentialId, owner: run.id, wait: true, evenExpired: adopted !== null, signal: stop };
    const onStarting = async () => {
      if (run.state !== 'queued') return;
      stillOurs(await rows.move(run.id, 'starting', { ours: true, set: { startedAtMs: now() } }));
    };
    // Nothing is waited for before: an adopted one stands first in the line before its credential.
    await borrow({ ...request, onStarting, onOver, leave, adopted }, async (borrowed) => {
      const timeline = adopted ? await events.read(run.id, 0) : [];
      notes = createNotes(deps, run, recordedOf(timeline.map(({ event }) => event)));
      return await workOn(deps, run, borrowed, { notes, leave, onRunning });
    });
  } catch (error) {
    if (error === handOver) return await notes?.stop();
    if (!isOver) await onOver(failureOf(error));
  }
}

/** Before anybody else has its credential: who asks in the table whether this still uses it must find that it does not. */
async function writeEnd(
  { rows, log, credentialFree }: ExecutionDeps,
  run: RunHead,
  failure: PolydevError | null,
  notes: Notes | undefined,
): Promise<void> {
  if (failure) logFailure(log, failure, { run: run.id });
  try {
    const set = await notes?.finish();
    const end = { ...(set && { set }), ...(failure && { reason: reasonOf(failure) }) };
    const ended = await rows.move(run.id, stateOf(failure), { ...end, ours: true });
    // Who deleted it meanwhile did not see what was still being written here.
    if (!ended && !(await rows.find(run.id))) await rows.remove(run.id);
    if (run.credentialId) await credentialFree(run.credentialId);
  } catch (error) {
    log.error({ err: error, run: run.id }, 'The end of a run could not be written.');
  }
}

async function workOn(
  deps: ExecutionDeps,
  run: RunHead,
  borrowed: Borrowed,
  { notes, leave, onRunning }: Pick<Control, 'leave' | 'onRunning'> & { notes: Notes },
): Promise<Ended> {
  const { sandbox, provider, credential, redact, stop } = borrowed;
  leave.throwIfAborted();
  const { prompt } = stillOurs(
    run.state === 'running'
      ? await deps.rows.find(run.id)
      : await deps.rows.move(run.id, 'running', { ours: true, set: { sandboxId: sandbox.id } }),
  );
  onRunning();
  const failure = await runTool({
    agent: sandbox.agent,
    provider,
    execId: run.id,
    kind: credential.kind,
    redact,
    model: run.model ?? undefined,
    prompt,
    deadlineMs: run.deadlineMs,
    stop,
    gone: AbortSignal.any([sandbox.gone, leave]),
    refusal: sandbox.refusal,
    onEvent: notes.add,
  });
  if (failure === null) return { failure, works: true };
  return failure.code === 'provider_auth' ? { failure, works: false } : { failure };
}

function stateOf(failure: PolydevError | null): RunState {
  if (failure === null) return 'succeeded';
  if (failure.code === 'run_cancelled') return 'cancelled';
  return failure.code === 'run_timeout' ? 'timed_out' : 'failed';
}

interface Notes {
  add(event: RunEvent, source?: SourceLine): Promise<void>;
  /** What belongs into the row at the end. */
  finish(): Promise<RunChange>;
  /** Resolves when nothing is being written any more. Never rejects. */
  stop(): Promise<void>;
}

/** What the run says: all of it into the timeline, the answer and the rest worth a column into the row. */
function createNotes({ rows, events, log, now }: ExecutionDeps, run: RunHead, recorded: Recorded): Notes {
  const recorder = createRecorder((event) => events.append(run.id, event), recorded);
  const set: RunChange = {};
  const written = () =>
    recorder
      .finish()
      .catch((error) => log.error({ err: error, run: run.id }, 'The timeline of a run could not be written.'));
  const answer = createGrowingAnswer((text) =>
    rows
      .change(run.id, { ...set, answer: storableText(text) })
      .catch((error) => log.warn({ err: error, run: run.id }, 'An answer so far was not written.')),
  );
  return {
    async add(event, source) {
      if (event.type === 'text') {
        set.firstTextAtMs ??= run.firstTextAtMs ?? now();
        answer.add(event.text);
      }
      if (event.type === 'usage') set.usage = event.usage;
      await recorder.add(event, source);
    },
    async finish() {
      await written();
      return { ...set, answer: storableText(await answer.finish()) };
    },
    async stop() {
      await written();
      await answer.finish();
    },
  };
}
