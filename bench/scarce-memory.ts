/** A host with little memory left, by taking the rest of it. */

import { freeMemory } from '@polydev/drivers/oci/host';

const MiB = 1024 * 1024;
const blockMiB = 256;
/** The kernel tells nobody how much is left. */
const betweenLooksMs = 100;

export interface ScarceMemory {
  /** The least that was left at any time since, in MiB. */
  leastMiB(): number;
  giveBack(): void;
}

export async function leaveFree(wantedMiB: number): Promise<ScarceMemory> {
  const taken: Buffer[] = [];
  for (;;) {
    const blockOrRest = Math.min(blockMiB, (await freeMemory()).freeMiB - wantedMiB);
    if (blockOrRest < 1) break;
    taken.push(Buffer.alloc(Math.floor(blockOrRest) * MiB, 1)); // Written to: before that it takes nothing.
  }
  let { freeMiB: least } = await freeMemory();
  const look = async () => {
    least = Math.min(least, (await freeMemory()).freeMiB);
  };
  const timer = setInterval(() => void look().catch(() => {}), betweenLooksMs);
  return {
    leastMiB: () => least,
    giveBack() {
      clearInterval(timer);
      taken.length = 0;
    },
  };
}
