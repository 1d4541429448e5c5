/** From a record to a sandbox whose agent listens: every step of it, and why it failed where it did. */

import { limits, PolydevError, type SandboxSpec } from '@polydev/protocol';
import type { Journal, SandboxRecord } from './journal.ts';
import type { Kind } from './kind.ts';
import { acquireAll, type Resource, type StepListener } from './resources.ts';

export interface Booting {
  kind: Kind;
  journal: Journal;
  record: SandboxRecord;
  resources: readonly Resource[];
  spec: SandboxSpec;
  /** Aborts when the sandbox is to be destroyed before it is ready. */
  cancelled: AbortSignal;
  onStep: StepListener;
}

/** The journal first; then each resource; then waiting, which ends at once when the sandbox dies. */
export async function boot({ kind, journal, record, resources, spec, cancelled, onStep }: Booting): Promise<void> {
  await journal.write(record);
  onStep('journal');
  await acquireAll(resources, spec, { signal: cancelled, onStep });
  cancelled.throwIfAborted();
  await kind.start(record);
  onStep('start');
  await readyOrDead(kind, record, cancelled);
  cancelled.throwIfAborted();
  onStep('ready');
}

async function readyOrDead(kind: Kind, record: SandboxRecord, cancelled: AbortSignal): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([cancelled, over.signal, AbortSignal.timeout(limits.sandboxBootMs)]);
  const death = Promise.withResolvers<never>();
  const unwatch = kind.watch(record, () =>
    death.reject(new Error('its first process ended before its agent listened')),
  );
  try {
    await Promise.race([kind.ready(record, signal), death.promise]);
  } finally {
    unwatch();
    over.abort();
  }
}

/** With the end of the console in the cause: the message is for anyone, the cause for the log. */
export function failedToStart(reason: unknown, consoleTail: string, leftovers: unknown): PolydevError {
  if (reason instanceof PolydevError && !leftovers) return reason;
  const why = reason instanceof Error && reason.name === 'TimeoutError' ? 'its agent did not listen in time' : reason;
  const text = why instanceof Error ? why.message : String(why);
  const tail = consoleTail.trim();
  const cause = new Error(`${text}\n${tail ? `The end of its console:\n${tail}` : 'Its console stayed empty.'}`, {
    cause: leftovers === undefined ? reason : new AggregateError([reason, leftovers]),
  });
  return new PolydevError('sandbox_failed', 'The sandbox did not start.', {
    cause,
    ...(tail && { details: { console: tail } }),
  });
}
