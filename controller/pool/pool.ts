/**
 * Sandboxes that are ready before anybody wants them. Unclaimed, so they hold nothing of anyone; each is given away
 * once and replaced. How many there are follows demand, within what memory and the number of sandboxes allow.
 */

import { limits, type Profile } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { createRounds } from '../rounds.ts';
import { isAway } from '../sandboxes/host-away.ts';
import type { Machine, Machines } from '../sandboxes/machines.ts';
import { costMiB, type Room, type Space } from '../sandboxes/room.ts';
import type { Bounds, Demand } from './demand.ts';

export interface PoolSettings {
  desktop: Bounds;
  headless: Bounds;
  /** So much memory of the host stays free, in MiB. */
  reserveMiB: number;
  /** All that wait together take no more than this, in MiB. */
  memoryMiB: number;
  /** One that has waited for longer is replaced. */
  maxAgeMs: number;
}

export interface Pool {
  /** Somebody wants one, whether or not one waits: so many will be wanted. */
  wanted(profile: Profile): void;
  /**
   * One that waits, being woken, or one that is just coming up; null when there is none, or none that is well. The caller
   * owns it from then on. Rejects, and keeps it, when the signal aborts or the host service is away.
   */
  take(profile: Profile, signal: AbortSignal): Promise<Machine | null> | null;
  /** One of before, claimed by nobody. */
  adopt(machine: Machine): void;
  /** Destroys one that waits, so that there is room for one of this profile, unless all of them would not be enough. */
  makeRoom(profile: Profile): Promise<void>;
  /** From now on it keeps itself full. */
  start(): void;
  /** Destroys all, or leaves those that are up to the controller that starts next. */
  stop(options: { keep: boolean }): Promise<void>;
  /** How many wait, for people and metrics. */
  waiting(): Record<Profile, number>;
}

export interface PoolDeps {
  machines: Machines;
  room: Room;
  demand: Demand;
  settings: PoolSettings;
  clock: Clock;
  log: Pick<BaseLogger, 'info' | 'warn'>;
  /** One that does not wake within this is not well. */
  wakeMs?: number;
}

const profiles: readonly Profile[] = ['headless', 'desktop'];
/**
 * Age, demand and memory are looked at this often; they change without an event. A death is an event. Whether an agent
 * still answers is asked when it is woken: those that are paused cannot say.
 */
const lookMs = 15_000;
/** One that was just given away has the processors to itself for this long before its replacement starts. */
const refillAfterMs = 1_500;
/** Of those that may come up at once, for who wants one now. */
const leftToOthers = 1;
/** After a pause that failed. */
const pauseAgainMs = 1_500;
/** After a start that failed. */
const retryMs = 10_000;

interface Entry {
  profile: Profile;
  /** Booted and prepared. */
  made: Promise<Machine>;
  /** Undefined while it is coming up. */
  machine?: Machine;
  /** Its boot, so that there is nothing to come back to. */
  failed?: boolean;
  /** It has nothing left to do, so it may be paused. */
  settled?: boolean;
  /** From when it was first paused, so that waiting costs no processor. */
  pausing?: Promise<void>;
  /** It did not work, as with a host service that is away, and is to be tried again. */
  unpaused?: boolean;
  cancel: AbortController;
}

export function createPool(deps: PoolDeps): Pool {
  const { machines, room, demand, settings, clock, log, wakeMs = limits.wakeMs } = deps;
  const entries = new Set<Entry>();
  const leaving = new Set<Promise<void>>();
  let running = false;
  /** Nothing is to be left. */
  let over = false;
  let notBeforeMs = 0;

  const ofProfile = (profile: Profile) => [...entries].filter((entry) => entry.profile === profile);

  function add(profile: Profile, space: Space): void {
    const startedMs = clock.now();
    const cancel = new AbortController();
    const entry: Entry = { profile, made: machines.make({ profile, space, signal: cancel.signal }), cancel };
    entries.add(entry);
    entry.made.then(
      (machine) => {
        demand.replaced(profile, clock.now() - startedMs);
        hold(entry, machine);
      },
      (error) => {
        entry.failed = true;
        if (!entries.delete(entry)) return;
        log.warn({ err: error, profile }, 'A sandbox to wait for its use did not start.');
        notBeforeMs = clock.now() + retryMs;
        rounds.within(retryMs);
      },
    );
  }

  function hold(entry: Entry, machine: Machine): void {
    entry.machine = machine;
    const drop = () => {
      if (!entries.delete(entry)) return;
      void machine.destroy();
      rounds.within(refillAfterMs);
    };
    if (machine.gone.aborted) drop();
    machine.gone.addEventListener('abort', drop, { once: true });
    machine.settled.then(
      () => {
        entry.settled = true;
        if (entries.has(entry)) pause(entry, machine);
      },
      (error) => {
        if (!entries.has(entry)) return;
        log.warn({ err: error, sandbox: machine.id }, 'A sandbox that was to wait never became ready.');
        drop();
      },
    );
  }

  function pause(entry: Entry, machine: Machine): void {
    entry.unpaused = false;
    entry.pausing = machines.pause(machine).catch((error) => {
      log.warn({ err: error, sandbox: machine.id }, 'A sandbox was not paused.');
      entry.unpaused = true;
      if (running) rounds.within(pauseAgainMs);
    });
  }

  function discard(entry: Entry): Promise<void> {
    entries.delete(entry);
    entry.cancel.abort();
    const gone = entry.made.then(
      (machine) => machine.destroy(),
      () => {}, // A boot that was broken off cleans up after itself.
    );
    leaving.add(gone);
    return gone.finally(() => leaving.delete(gone));
  }

  /** Null when it does not answer; then it goes. */
  async function wake(entry: Entry, signal: AbortSignal): Promise<Machine | null> {
    try {
      const machine = await untilAborted(entry.made, signal);
      if (!entry.pausing) return machine;
      const soon = AbortSignal.any([signal, AbortSignal.timeout(wakeMs)]);
      await untilAborted(entry.pausing, soon);
      await machines.wake(machine, soon);
      return machine;
    } catch (error) {
      if (signal.aborted || isAway(error)) {
        putBack(entry);
        throw error;
      }
      log.warn({ err: error }, 'A sandbox that waited was not well.');
      void discard(entry);
      return null;
    }
  }

  /** Nobody took it after all. */
  function putBack(entry: Entry): void {
    const { machine, settled, failed } = entry;
    if (over || failed || machine?.gone.aborted) {
      void discard(entry);
      return;
    }
    entries.add(entry);
    if (machine && settled) pause(entry, machine);
  }

  /** The first that is well. Those that come up meanwhile are not tried: none may be well on this host. */
  async function give(candidates: readonly Entry[], signal: AbortSignal): Promise<Machine | null> {
    for (const entry of candidates) {
      if (!entries.delete(entry)) continue;
      const machine = await wake(entry, signal);
      if (machine) return machine;
    }
    return null;
  }

  const rounds = createRounds(clock, async () => {
    await look().catch((error) => log.warn({ err: error }, 'The sandboxes that wait could not be looked after.'));
    const waitMs = notBeforeMs - clock.now();
    rounds.within(waitMs > 0 ? Math.min(waitMs, lookMs) : lookMs);
  });

  room.onFree(() => running && rounds.within(refillAfterMs));

  async function look(): Promise<void> {
    for (const entry of entries) if (entry.unpaused && entry.machine) pause(entry, entry.machine);
    for (const profile of profiles) {
      const target = demand.target(profile, clock.now());
      const surplus = ofProfile(profile).slice(target + (oldest(profile) ? 1 : 0));
      await Promise.all(surplus.map(discard));
      // One that has waited for too long goes when another has come up in its place, or if there is no room for two.
      const wanted = target + (oldest(profile) ? 1 : 0);
      while (ofProfile(profile).length < wanted) {
        const space = await spaceFor(profile);
        if (!space) break;
        add(profile, space);
      }
      const old = oldest(profile);
      const isComingUp = ofProfile(profile).some(({ machine }) => !machine);
      // That another cannot be made just now is no reason to do without this one.
      const notNow = clock.now() < notBeforeMs || room.isBusy();
      if (old && !isComingUp && !notNow) await discard(old);
    }
    const short = (await room.freeMiB()) < settings.reserveMiB;
    const [last] = [...entries].reverse();
    if (!short || !last) return;
    notBeforeMs = clock.now() + lookMs; // What it gives back would not be enough for another.
    await discard(last);
  }

  /** Of those that have waited for too long. */
  function oldest(profile: Profile): Entry | undefined {
    const tooOldMs = clock.now() - settings.maxAgeMs;
    return ofProfile(profile).find(({ machine }) => machine && machine.createdAtMs < tooOldMs);
  }

  const takenMiB = () => [...entries].reduce((sum, entry) => sum + costMiB[entry.profile], 0);

  async function spaceFor(profile: Profile): Promise<Space | null> {
    if (clock.now() < notBeforeMs || takenMiB() + costMiB[profile] > settings.memoryMiB) return null;
    const space = await room.find(profile, { memoryMiB: settings.reserveMiB, comingUp: leftToOthers });
    if (running) return space;
    space?.free();
    return null;
  }

  return {
    wanted(profile) {
      demand.claimed(profile, clock.now());
      if (running) rounds.within(refillAfterMs);
    },

    take(profile, signal) {
      const all = ofProfile(profile);
      if (all.length === 0) return null;
      if (running) rounds.within(refillAfterMs);
      const isUp = ({ machine }: Entry) => machine !== undefined;
      return give([...all.filter(isUp), ...all.filter((entry) => !isUp(entry))], signal);
    },

    adopt(machine) {
      const entry: Entry = {
        profile: machine.profile,
        made: Promise.resolve(machine),
        cancel: new AbortController(),
      };
      entries.add(entry);
      hold(entry, machine);
    },

    async makeRoom(profile) {
      const atMostMiB = (await room.freeMiB()) + takenMiB();
      if (atMostMiB < limits.hostFreeMiB + costMiB[profile]) return;
      const [first] = entries;
      if (first) await discard(first);
    },

    start() {
      running = true;
      rounds.within(0);
    },

    async stop({ keep }) {
      running = false;
      over = !keep;
      rounds.stop();
      const all = [...entries];
      for (const entry of all) {
        if (keep && entry.machine) entries.delete(entry);
        else void discard(entry);
      }
      await Promise.all([...leaving, ...all.map(({ pausing }) => pausing)]);
    },

    waiting: () => ({ desktop: ofProfile('desktop').length, headless: ofProfile('headless').length }),
  };
}
