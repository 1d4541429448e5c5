/** Until sandboxes of a profile wait, with nothing left to do: the driver has paused them. */

import type { Profile, SandboxId } from '@polydev/protocol';
import type { Polydev } from '@polydev/sdk';

/** Resolves to those that wait. */
export async function untilWaiting(polydev: Polydev, profile: Profile, count = 1): Promise<SandboxId[]> {
  for (;;) {
    const waiting = (await polydev.sandboxes.list()).filter(
      (sandbox) => sandbox.profile === profile && sandbox.owner === null && sandbox.state === 'hibernated',
    );
    if (waiting.length >= count) return waiting.map(({ id }) => id);
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}

/** Between two looks; not part of what is measured. */
const lookAgainMs = 100;
