/** How many sandboxes of each profile should wait: a short forecast from the claims of the last minutes. */

import type { Profile } from '@polydev/protocol';

const minuteMs = 60_000;
const windowMs = 10 * minuteMs;
/** A burst counts by its own pace, not by the average of ten minutes. */
const shortWindowMs = minuteMs;
/** More than expected, since a claim that finds nothing waits for a whole start. */
const safety = 1.5;

export interface Bounds {
  min: number;
  max: number;
}

export interface Demand {
  claimed(profile: Profile, atMs: number): void;
  /** A replacement took this long to be ready. */
  replaced(profile: Profile, tookMs: number): void;
  target(profile: Profile, nowMs: number): number;
}

/** What a start is taken to last until one was seen. */
const firstGuessMs = 4_000;

export function createDemand(bounds: Readonly<Record<Profile, Bounds>>): Demand {
  const claims: Record<Profile, number[]> = { desktop: [], headless: [] };
  const replaceMs: Record<Profile, number> = { desktop: firstGuessMs, headless: firstGuessMs };

  return {
    claimed: (profile, atMs) => void claims[profile].push(atMs),
    replaced(profile, tookMs) {
      replaceMs[profile] = 0.7 * replaceMs[profile] + 0.3 * tookMs;
    },
    target(profile, nowMs) {
      const recent = claims[profile].filter((atMs) => atMs > nowMs - windowMs);
      claims[profile] = recent;
      const short = recent.filter((atMs) => atMs > nowMs - shortWindowMs).length / shortWindowMs;
      const perMs = Math.max(short, recent.length / windowMs);
      const { min, max } = bounds[profile];
      return Math.min(max, Math.max(min, Math.ceil(perMs * replaceMs[profile] * safety)));
    },
  };
}
