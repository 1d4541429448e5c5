/** How far one sign-in has come. Several hear of progress at once; each says where it must be by now. */

import type { SessionId, SessionState } from '@polydev/protocol';
import { stillOurs } from '../store/mover.ts';
import { createTurns } from '../turns.ts';
import type { SessionMachine } from './machine.ts';

const path = ['starting', 'ready', 'signing_in', 'captured', 'verifying'] as const satisfies SessionState[];
type Step = (typeof path)[number];

export interface Steps {
  /** Without effect when the session is there or further. Rejects with `notOurs` when it has ended. */
  reach(step: Step): Promise<void>;
  /** From the proof back to the sign-in. */
  goBack(): Promise<void>;
  /** Resolves when the desktop is there. */
  ready: Promise<void>;
}

export function createSteps(machine: SessionMachine, id: SessionId, from: SessionState): Steps {
  const inTurn = createTurns<'moves'>();
  let present: Step = path.find((step) => step === from) ?? 'starting';

  const ready = Promise.withResolvers<void>();
  if (present !== 'starting') ready.resolve();

  async function move(to: Step): Promise<void> {
    stillOurs(await machine.move(id, to));
    present = to;
    ready.resolve();
  }

  return {
    reach: (step) =>
      inTurn('moves', async () => {
        if (path.indexOf(step) <= path.indexOf(present)) return;
        // What shows progress shows that the desktop is there; whether a page was opened does not matter to it.
        if (present === 'starting') await move('ready');
        if (step === 'verifying' && present !== 'captured') await move('captured');
        if (step !== present) await move(step);
      }),
    goBack: () => inTurn('moves', () => move('signing_in')),
    ready: ready.promise,
  };
}
