/** Until a sandbox of a profile waits, with nothing left to do: the driver has paused it. */

import type { Profile } from '@polydev/protocol';
import type { Polydev } from '@polydev/sdk';

export async function untilWaiting(polydev: Polydev, profile: Profile): Promise<void> {
  for (;;) {
    const waiting = (await polydev.sandboxes.list()).find(
      (sandbox) => sandbox.profile === profile && sandbox.owner === null && sandbox.state === 'hibernated',
    );
    if (waiting) return;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}

/** Between two looks; not part of what is measured. */
const lookAgainMs = 100;
