/** How many sandboxes there may be at once. Who may wait does so in line. */

import { PolydevError } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';

export interface Slots {
  /** `capacity` when all are taken. Resolves to the way to give it back, which may be called again without effect. */
  take(): () => void;
  /** First come, first served. Rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<() => void>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const line: (() => void)[] = [];

  function hold(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = line.shift();
      if (next) next();
      else free += 1;
    };
  }

  function take(): () => void {
    if (free <= 0) {
      throw new PolydevError('capacity', `All ${count} sandboxes that may be there at once are in use.`);
    }
    free -= 1;
    return hold();
  }

  return {
    take,
    async wait(signal) {
      if (free > 0) return take();
      const { promise: turn, resolve: wake } = Promise.withResolvers<void>();
      line.push(wake);
      try {
        await untilAborted(turn, signal);
      } catch (error) {
        const index = line.indexOf(wake);
        // Woken and aborted at the same moment: the slot goes to the next.
        if (index === -1) hold()();
        else line.splice(index, 1);
        throw error;
      }
      return hold();
    },
  };
}
