/**
 * One user of a credential at a time, in the order of asking. Within this controller by waiting in line; between
 * controllers by a lease in the ephemeral store, renewed while it is held, which runs out if its holder dies.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type CredentialId, limits, PolydevError } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';
import type { EphemeralStore, Lease } from '../store/ephemeral.ts';

export interface CredentialLease {
  /** Aborts with `credential_busy` when the lease was lost and another may have it. */
  lost: AbortSignal;
  release(): Promise<void>;
  /** Lets it run out by itself; only this controller may have it until then. */
  abandon(): void;
}

export interface Leases {
  /** First come, first served. Rejects with the signal's reason, after `givenUp` and before the next one has its turn. */
  wait(id: CredentialId, signal: AbortSignal, givenUp?: () => Promise<void>): Promise<CredentialLease>;
  /** `credential_busy` when someone has it or waits for it. */
  take(id: CredentialId): Promise<CredentialLease>;
  /** Whoever waits in another controller looks again. */
  ring(id: CredentialId): Promise<void>;
}

/** A store that does not answer is asked again after this. */
const lostStoreMs = 1_000;

export interface LeaseOptions {
  /** Of this controller. In one controller the line sees to it that one at a time asks. */
  holder: string;
  ttlMs?: number;
  /** A tool goes on with it that another controller has left for its next start. */
  usedElsewhere?: (id: CredentialId) => Promise<boolean>;
}

export function createLeases(ephemeral: EphemeralStore, options: LeaseOptions): Leases {
  const { holder, ttlMs = limits.leaseMs, usedElsewhere = async () => false } = options;
  /** Those in this controller who wait or hold, first the holder; each wakes the next. */
  const lines = new Map<CredentialId, (() => void)[]>();

  /** Resolves when everyone before has left. */
  async function standInLine(id: CredentialId, signal: AbortSignal): Promise<() => void> {
    const line = lines.get(id) ?? [];
    lines.set(id, line);
    const { promise: turn, resolve: wake } = Promise.withResolvers<void>();
    line.push(wake);
    if (line.length === 1) wake();
    const leave = () => {
      const wasFirst = line[0] === wake;
      line.splice(line.indexOf(wake), 1);
      if (line.length === 0) lines.delete(id);
      else if (wasFirst) line[0]?.();
    };
    try {
      await untilAborted(turn, signal);
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async function tryLease(id: CredentialId): Promise<Lease | null> {
    return (await usedElsewhere(id)) ? null : await ephemeral.lease(keyOf(id), ttlMs, holder);
  }

  /** Another controller may hold it: its release rings, and its death shows when the lease runs out. */
  async function waitForLease(id: CredentialId, signal: AbortSignal): Promise<Lease> {
    let ring = () => {};
    const unsubscribe = await ephemeral.subscribe(channelOf(id), () => ring());
    try {
      for (;;) {
        const rung = new Promise<void>((resolve) => {
          ring = resolve;
        });
        // Undefined: the store does not answer.
        const lease = await tryLease(id).catch(() => undefined);
        if (lease && !signal.aborted) return lease;
        await lease?.release().catch(() => {});
        const calm = new AbortController();
        const timeUp = sleep(lease === undefined ? lostStoreMs : ttlMs, undefined, { signal: calm.signal }).catch(
          () => {},
        );
        await untilAborted(Promise.race([rung, timeUp]), signal).finally(() => calm.abort());
      }
    } finally {
      unsubscribe();
    }
  }

  function hold(id: CredentialId, lease: Lease, leave: () => void): CredentialLease {
    const lost = new AbortController();
    const renewing = setInterval(async () => {
      const held = await lease.renew().catch(() => true); // A store that does not answer takes nothing away.
      if (!held) lost.abort(new PolydevError('credential_busy', 'The hold on the credential was lost.'));
    }, ttlMs / 3);
    let released: Promise<void> | undefined;
    return {
      lost: lost.signal,
      abandon() {
        clearInterval(renewing);
        leave();
      },
      release() {
        released ??= (async () => {
          clearInterval(renewing);
          // When the store does not answer, the lease runs out by itself.
          await lease.release().catch(() => {});
          // Others first: who waits here would have it before they hear of it, each time.
          await ring(id);
          leave();
        })();
        return released;
      },
    };
  }

  const ring = (id: CredentialId) => ephemeral.publish(channelOf(id), 'free').catch(() => {});

  return {
    ring,

    async wait(id, signal, givenUp = async () => {}) {
      let leave = () => {};
      try {
        leave = await standInLine(id, signal);
        return hold(id, await waitForLease(id, signal), leave);
      } catch (error) {
        await givenUp();
        leave();
        throw error;
      }
    },

    async take(id) {
      const busy = new PolydevError('credential_busy', 'This credential is in use.');
      if (lines.has(id)) throw busy;
      const leave = await standInLine(id, new AbortController().signal);
      try {
        const lease = await tryLease(id);
        if (!lease) throw busy;
        return hold(id, lease, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

const keyOf = (id: CredentialId) => `credential:${id}`;
const channelOf = (id: CredentialId) => `credential-free:${id}`;
