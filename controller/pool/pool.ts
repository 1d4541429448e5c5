/**
 * Sandboxes that are ready before anybody wants them. Unclaimed, so they hold nothing of anyone; each is given away
 * once and replaced. How many there are follows demand, within what memory and the number of sandboxes allow.
 */

import type { Driver } from '@polydev/drivers/contract';
import type { Profile } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Machine, Machines } from '../sandboxes/machines.ts';
import type { Bounds, Demand } from './demand.ts';
import { settled } from './settled.ts';

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
  /** One that waits, or one that is just coming up; null when there is none. The caller owns it from then on. */
  take(profile: Profile): Promise<Machine | null>;
  /** One of before, claimed by nobody. */
  adopt(machine: Machine): void;
  /** Destroys one that waits, so that there is room for another. */
  makeRoom(): Promise<void>;
  /** From now on it keeps itself full. */
  start(): void;
  stop(): Promise<void>;
  /** How many wait, for people and metrics. */
  waiting(): Record<Profile, number>;
}

export interface PoolDeps {
  driver: Driver;
  machines: Machines;
  demand: Demand;
  settings: PoolSettings;
  /** How many sandboxes may still be made. */
  free(): number;
  clock: Clock;
  log: Pick<BaseLogger, 'info' | 'warn'>;
}

/** Measured by `bench density`: what one that waits takes of the host, in MiB. */
export const waitingCostMiB: Readonly<Record<Profile, number>> = { desktop: 420, headless: 32 };
const profiles: readonly Profile[] = ['headless', 'desktop'];
/** Health, age and demand are looked at this often; they change without an event. */
const lookMs = 15_000;
/** One that was just given away has the processors to itself for this long before its replacement starts. */
const refillAfterMs = 1_500;
/** After a start that failed. */
const retryMs = 10_000;

interface Entry {
  profile: Profile;
  /** Booted and prepared. */
  made: Promise<Machine>;
  /** Undefined while it is coming up. */
  machine?: Machine;
  /** From when it had nothing left to do: it is paused, so that waiting costs no processor. */
  pausing?: Promise<void>;
  cancel: AbortController;
}

export function createPool(deps: PoolDeps): Pool {
  const { driver, machines, demand, settings, clock, log } = deps;
  const entries = new Set<Entry>();
  const leaving = new Set<Promise<void>>();
  let running = false;
  let callOff = () => {};
  let notBeforeMs = 0;

  const ofProfile = (profile: Profile) => [...entries].filter((entry) => entry.profile === profile);
  const costMiB = () => [...entries].reduce((sum, { profile }) => sum + waitingCostMiB[profile], 0);

  function add(profile: Profile): Entry {
    const startedMs = clock.now();
    const cancel = new AbortController();
    const entry: Entry = { profile, made: machines.make({ profile, signal: cancel.signal }), cancel };
    entries.add(entry);
    entry.made.then(
      (machine) => {
        demand.replaced(profile, clock.now() - startedMs);
        hold(entry, machine);
      },
      (error) => {
        if (!entries.delete(entry)) return;
        log.warn({ err: error, profile }, 'A sandbox to wait for its use did not start.');
        notBeforeMs = clock.now() + retryMs;
        lookIn(retryMs);
      },
    );
    return entry;
  }

  function hold(entry: Entry, machine: Machine): void {
    entry.machine = machine;
    const drop = () => {
      if (!entries.delete(entry)) return;
      void machine.destroy();
      lookIn(refillAfterMs);
    };
    if (machine.gone.aborted) drop();
    machine.gone.addEventListener('abort', drop, { once: true });
    void settled(machine, entry.cancel.signal).then(
      () => pause(entry, machine),
      (error) => {
        if (!entries.has(entry)) return;
        log.warn({ err: error, sandbox: machine.id }, 'A sandbox that was to wait never became ready.');
        drop();
      },
    );
  }

  async function pause(entry: Entry, machine: Machine): Promise<void> {
    if (!entries.has(entry)) return;
    entry.pausing = machines
      .pause(machine)
      .catch((error) => log.warn({ err: error, sandbox: machine.id }, 'A sandbox was not paused.'));
    await entry.pausing;
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

  /** Wakes it. Null when it does not answer. */
  async function wake({ made, pausing }: Entry): Promise<Machine | null> {
    try {
      const machine = await made;
      await pausing;
      if (pausing) await machines.wake(machine);
      return machine;
    } catch (error) {
      log.warn({ err: error }, 'A sandbox that waited was not well.');
      void made.then((machine) => machine.destroy()).catch(() => {});
      return null;
    }
  }

  function lookIn(delayMs: number): void {
    if (!running) return;
    callOff();
    callOff = clock.after(delayMs, () => {
      look()
        .catch((error) => log.warn({ err: error }, 'The sandboxes that wait could not be looked after.'))
        .finally(() => lookIn(lookMs));
    });
  }

  async function look(): Promise<void> {
    const tooOldMs = clock.now() - settings.maxAgeMs;
    const old = [...entries].filter(({ machine }) => machine && machine.createdAtMs < tooOldMs);
    await Promise.all(old.map(discard));
    for (const profile of profiles) {
      const target = demand.target(profile, clock.now());
      const surplus = ofProfile(profile).slice(target);
      await Promise.all(surplus.map(discard));
      while (ofProfile(profile).length < target && (await mayAdd(profile))) add(profile);
    }
    if (!running) return;
    const { freeMiB } = await driver.memory();
    const [last] = [...entries].reverse();
    if (last && freeMiB < settings.reserveMiB) await discard(last);
  }

  async function mayAdd(profile: Profile): Promise<boolean> {
    if (clock.now() < notBeforeMs || deps.free() <= 0) return false;
    if (costMiB() + waitingCostMiB[profile] > settings.memoryMiB) return false;
    const { freeMiB } = await driver.memory();
    // What is coming up has not taken its memory yet.
    const coming = [...entries].filter(({ machine }) => !machine);
    const promised = coming.reduce((sum, entry) => sum + waitingCostMiB[entry.profile], 0);
    return running && freeMiB - promised - waitingCostMiB[profile] >= settings.reserveMiB;
  }

  return {
    async take(profile) {
      demand.claimed(profile, clock.now());
      lookIn(refillAfterMs);
      const ready = ofProfile(profile).sort(
        (a, b) => Number(b.machine !== undefined) - Number(a.machine !== undefined),
      );
      for (const entry of ready) {
        if (!entries.delete(entry)) continue;
        const machine = await wake(entry);
        if (machine) return machine;
      }
      return null;
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

    async makeRoom() {
      const [first] = entries;
      if (first) await discard(first);
    },

    start() {
      running = true;
      lookIn(0);
    },

    async stop() {
      running = false;
      callOff();
      for (const entry of entries) void discard(entry);
      await Promise.all(leaving);
    },

    waiting: () => ({ desktop: ofProfile('desktop').length, headless: ofProfile('headless').length }),
  };
}
