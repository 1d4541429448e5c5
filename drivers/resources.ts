/**
 * What a sandbox consists of, as one list. Creating walks it forwards; normal stop, failed start and crash sweep
 * walk it backwards. Whatever is still there after that is named.
 */

import { PolydevError, type SandboxSpec } from '@polydev/protocol';

export interface Resource {
  /** For people, for example `link pdvk3v9a2m8qrst`. */
  name: string;
  acquire(spec: SandboxSpec): Promise<void>;
  /** Idempotent; works on what a crash left half-made, and on nothing at all. */
  release(): Promise<void>;
  /** What of it is still there. */
  remains(): Promise<string[]>;
}

/** Called after each step of creating, for tests that crash there. */
export type StepListener = (step: string) => void;

export async function acquireAll(
  resources: readonly Resource[],
  spec: SandboxSpec,
  options: { signal: AbortSignal; onStep: StepListener },
): Promise<void> {
  for (const resource of resources) {
    options.signal.throwIfAborted();
    await resource.acquire(spec);
    options.onStep(resource.name);
  }
}

/** Throws `internal` with each leftover named. A failed step that left nothing is no failure. */
export async function releaseAll(resources: readonly Resource[]): Promise<void> {
  const failures: unknown[] = [];
  for (const resource of resources.toReversed()) {
    try {
      await resource.release();
    } catch (error) {
      failures.push(error);
    }
  }
  const left = (await Promise.all(resources.map((resource) => resource.remains()))).flat();
  if (left.length > 0) {
    throw new PolydevError('internal', `Not everything of the sandbox would go: ${left.join(', ')}.`, {
      cause: new AggregateError(failures, failures.map(String).join('; ')),
      details: { leftovers: left.join(', ') },
    });
  }
}
