/** One run from the queue to its end. */

import { PolydevError, type RunEvent, type RunState } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import type { Borrow, Borrowed, Verdict } from '../credentials/borrow.ts';
import { logFailure } from '../failure-log.ts';
import { failureOf, reasonOf } from '../reason.ts';
import type { EventLog } from '../store/events.ts';
import { storableText } from '../store/storable.ts';
import { createGrowingAnswer } from './answer.ts';
import { createRecorder } from './recorder.ts';
import type { RunChange, RunRow, RunRows } from './rows.ts';
import { runTool, type SourceLine } from './tool.ts';

export interface ExecutionDeps {
  rows: RunRows;
  events: EventLog;
  borrow: Borrow;
  log: Pick<BaseLogger, 'warn' | 'error'>;
  now: () => number;
}

interface Ended extends Verdict {
  failure: PolydevError | null;
}

/** Resolves when the run has its final state, its sandbox is gone and the credential is free. Never rejects. */
export async function executeRun(deps: ExecutionDeps, run: RunRow, signal: AbortSignal): Promise<void> {
  const { rows, borrow, log, now } = deps;
  const notes = createNotes(deps, run);
  let failure: PolydevError | null;
  try {
    const { credentialId } = run;
    if (!credentialId) throw new PolydevError('no_credential', 'This run has no credential.');
    const request = { credentialId, owner: run.id, wait: true, evenExpired: false, signal };
    const onStarting = async () => void (await rows.move(run.id, 'starting', { set: { startedAtMs: now() } }));
    ({ failure } = await borrow({ ...request, onStarting }, (borrowed) => workOn(deps, run, borrowed, notes)));
  } catch (error) {
    failure = failureOf(error);
  }
  if (failure) logFailure(log, failure, { run: run.id });
  try {
    const set = await notes.finish();
    await rows.move(run.id, stateOf(failure), { set, ...(failure && { reason: reasonOf(failure) }) });
  } catch (error) {
    log.error({ err: error, run: run.id }, 'The end of a run could not be written.');
  }
}

async function workOn(deps: ExecutionDeps, run: RunRow, borrowed: Borrowed, notes: Notes): Promise<Ended> {
  const { sandbox, provider, credential, redact, stop } = borrowed;
  await deps.rows.move(run.id, 'running', { set: { sandboxId: sandbox.id } });
  const failure = await runTool({
    agent: sandbox.agent,
    provider,
    execId: run.id,
    kind: credential.kind,
    redact,
    model: run.model ?? undefined,
    prompt: run.prompt,
    deadlineMs: run.deadlineMs,
    stop,
    gone: sandbox.gone,
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
}

/** What the run says: all of it into the timeline, the answer and the rest worth a column into the row. */
function createNotes({ rows, events, log, now }: ExecutionDeps, run: RunRow): Notes {
  const recorder = createRecorder((event) => events.append(run.id, event));
  const set: RunChange = {};
  const answer = createGrowingAnswer((text) =>
    rows
      .change(run.id, { ...set, answer: storableText(text) })
      .catch((error) => log.warn({ err: error, run: run.id }, 'An answer so far was not written.')),
  );
  return {
    async add(event, source) {
      if (event.type === 'text') {
        set.firstTextAtMs ??= now();
        answer.add(event.text);
      }
      if (event.type === 'usage') set.usage = event.usage;
      await recorder.add(event, source);
    },
    async finish() {
      await recorder
        .finish()
        .catch((error) => log.error({ err: error, run: run.id }, 'The timeline of a run could not be written.'));
      return { ...set, answer: storableText(await answer.finish()) };
    },
  };
}
