/** The ephemeral store of a single controller. */

import { EventEmitter } from 'node:events';
import type { EphemeralStore, Lease } from './ephemeral.ts';

interface Entry {
  value: string;
  expiresAtMs: number;
}

/** Expired entries are swept when this many writes have passed since the last sweep. */
const sweepEvery = 1000;

export function createMemoryEphemeral(options: { now?: () => number } = {}): EphemeralStore {
  const now = options.now ?? Date.now;
  const entries = new Map<string, Entry>();
  const channels = new EventEmitter().setMaxListeners(0);
  let writes = 0;
  let leases = 0;

  function live(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (!entry || entry.expiresAtMs > now()) return entry;
    entries.delete(key);
    return undefined;
  }

  function put(key: string, value: string, expiresAtMs: number): void {
    writes += 1;
    if (writes % sweepEvery === 0) for (const known of [...entries.keys()]) live(known);
    entries.set(key, { value, expiresAtMs });
  }

  function holdLease(key: string, holder: string, ttlMs: number): Lease {
    let released = false;
    return {
      async renew() {
        if (released || (live(key)?.value ?? holder) !== holder) return false;
        put(key, holder, now() + ttlMs);
        return true;
      },
      async release() {
        released = true;
        if (live(key)?.value === holder) entries.delete(key);
      },
    };
  }

  return {
    async set(key, value, ttlMs) {
      put(key, value, now() + ttlMs);
    },
    async get(key) {
      return live(key)?.value ?? null;
    },
    async take(key) {
      const value = live(key)?.value ?? null;
      entries.delete(key);
      return value;
    },
    async delete(key) {
      entries.delete(key);
    },
    async lease(key, ttlMs, named) {
      const name = `lease:${key}`;
      const present = live(name);
      if (present && present.value !== named) return null;
      leases += 1;
      const holder = named ?? String(leases);
      put(name, holder, now() + ttlMs);
      return holdLease(name, holder, ttlMs);
    },
    async hit(key, windowMs) {
      const name = `hit:${key}`;
      const entry = live(name);
      const count = Number(entry?.value ?? 0) + 1;
      put(name, String(count), entry?.expiresAtMs ?? now() + windowMs);
      return count;
    },
    async publish(channel, message) {
      channels.emit(channel, message);
    },
    async subscribe(channel, listener) {
      channels.on(channel, listener);
      return () => channels.off(channel, listener);
    },
    async close() {
      entries.clear();
      channels.removeAllListeners();
    },
  };
}
