/**
 * What room there is for further sandboxes: by their number, by the memory of the host, and by how many are coming up:
 * of many at once none would be there before all are. Who makes one takes a space for it first, so that two who look at
 * the same moment do not take the same memory.
 */

import { limits, type Profile } from '@polydev/protocol';

export interface Space {
  /** It is up: another may come up. */
  up(): void;
  /** It has taken its memory: from now on that is seen in what the host has left. */
  settle(): void;
  /** Nothing of it is left. May be called again without effect, as may the others. */
  free(): void;
}

/** What is to be left for others. */
export interface Kept {
  /** Of the host's memory, in MiB. */
  memoryMiB: number;
  /** Of those that may come up at once. */
  comingUp?: number;
}

export interface Room {
  /**
   * Null where there is none now, or not with so much left beside it. Rejects with `unavailable` while the host service
   * is away, whether or not there is any: nothing can be done to make some.
   */
  find(profile: Profile, keep: Kept): Promise<Space | null>;
  /** Whether or not there is any, for one that stands in the place of another. */
  take(profile: Profile): Space;
  /** What the host has left when all have taken what they need, in MiB. */
  freeMiB(): Promise<number>;
  /** As many come up as may at once: when one of them is up, or has failed, another may. */
  isBusy(): boolean;
  /** Calls back whenever there is more. */
  onFree(listener: () => void): void;
}

/** What one that has nothing to do takes of the host. */
export const costMiB: Readonly<Record<Profile, number>> = { desktop: limits.desktopMiB, headless: limits.headlessMiB };

export function createRoom(deps: {
  /** How many sandboxes there may be. */
  atMost: number;
  /** How many may be coming up. */
  atOnce: number;
  /** Memory that the host has left. */
  freeMiB(): Promise<number>;
}): Room {
  const listeners = new Set<() => void>();
  let count = 0;
  let comingUp = 0;
  let promisedMiB = 0;

  const tell = () => {
    for (const listener of listeners) listener();
  };

  function take(profile: Profile): Space {
    let isComing = true;
    let isHeld = true;
    let promised = costMiB[profile];
    count += 1;
    comingUp += 1;
    promisedMiB += promised;
    const space: Space = {
      up() {
        if (!isComing) return;
        isComing = false;
        comingUp -= 1;
        tell();
      },
      settle() {
        promisedMiB -= promised;
        promised = 0;
        space.up();
      },
      free() {
        if (!isHeld) return;
        isHeld = false;
        count -= 1;
        space.settle();
        tell();
      },
    };
    return space;
  }

  const isBusy = (keep = 0) => comingUp + keep >= deps.atOnce;

  return {
    take,
    isBusy: () => isBusy(),
    async find(profile, keep) {
      const freeMiB = await deps.freeMiB();
      // From here on nothing is waited for: others may have taken a space while the host was asked.
      const isFull = count >= deps.atMost || isBusy(keep.comingUp);
      return !isFull && freeMiB - promisedMiB - costMiB[profile] >= keep.memoryMiB ? take(profile) : null;
    },
    freeMiB: async () => (await deps.freeMiB()) - promisedMiB,
    onFree: (listener) => void listeners.add(listener),
  };
}
