/**
 * Takes sandboxes away for good. What does not go at once, because the host service is away or because something of it
 * is in use, is tried again until it does; nobody has to wait for that.
 */

import type { Driver } from '@polydev/drivers/contract';
import type { SandboxId } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import type { Clock } from '../clock.ts';
import { reasonOf } from '../reason.ts';
import { isAway } from './host-away.ts';
import type { SandboxRows } from './rows.ts';

export interface Destruction {
  /** Resolves when it is gone, or when it would not go yet: then this goes on with it. Never rejects. */
  destroy(id: SandboxId): Promise<void>;
  /** What is not gone by now is swept at the next start. */
  stop(): void;
}

export interface DestructionDeps {
  driver: Pick<Driver, 'destroy'>;
  rows: Pick<SandboxRows, 'move'>;
  /** Nothing of it is left. */
  onGone(id: SandboxId): void;
  clock: Pick<Clock, 'after'>;
  log: Pick<BaseLogger, 'warn' | 'error'>;
}

/** From one look whether the host service is back to the next. */
const awayMs = 1_000;
/** After the first failure; twice as long after each further one, up to the most. */
const againMs = 1_000;
const againAtMostMs = 60_000;

export function createDestruction({ driver, rows, onGone, clock, log }: DestructionDeps): Destruction {
  /** Of each that would not go, how to call off the next attempt. */
  const left = new Map<SandboxId, () => void>();
  let stopped = false;

  async function attempt(id: SandboxId, failures: number): Promise<void> {
    try {
      await driver.destroy(id);
    } catch (error) {
      const away = isAway(error);
      tryAgain(id, away ? awayMs : Math.min(againMs * 2 ** failures, againAtMostMs), failures + (away ? 0 : 1));
      if (away && !stopped) return;
      log.error({ err: error, sandbox: id }, 'A sandbox could not be destroyed completely.');
      if (failures === 0) await note(id, 'failed', error);
      return;
    }
    left.get(id)?.();
    left.delete(id);
    onGone(id);
    await note(id, 'gone');
  }

  function tryAgain(id: SandboxId, delayMs: number, failures: number): void {
    left.get(id)?.();
    if (!stopped)
      left.set(
        id,
        clock.after(delayMs, () => void attempt(id, failures)),
      );
  }

  async function note(id: SandboxId, state: 'failed' | 'gone', error?: unknown): Promise<void> {
    await rows
      .move(id, state, error === undefined ? {} : { reason: reasonOf(error) })
      .catch((trouble) => log.warn({ err: trouble, sandbox: id }, 'A state of a sandbox was not written.'));
  }

  return {
    async destroy(id) {
      await rows.move(id, 'stopping').catch(() => {}); // One that failed goes without this.
      await attempt(id, 0);
    },
    stop() {
      stopped = true;
      for (const callOff of left.values()) callOff();
    },
  };
}
