/**
 * The life of a sandbox, the same for every driver on this host: journal, acquire, start, wait while watching for
 * death, live, release, journal. A driver says what its sandboxes consist of (kind.ts); the order is decided here.
 */

import {
  isId,
  PolydevError,
  type SandboxAddress,
  type SandboxExit,
  type SandboxId,
  type SandboxInfo,
  type SandboxSpec,
} from '@polydev/protocol';
import { boot, failedToStart } from './boot.ts';
import type { Recovery } from './contract.ts';
import type { Journal, SandboxRecord } from './journal.ts';
import type { Kind } from './kind.ts';
import { type Resource, releaseAll, type StepListener } from './resources.ts';

interface Entry {
  readonly record: SandboxRecord;
  readonly resources: Resource[];
  readonly cancel: AbortController;
  state: 'creating' | 'live' | 'dead';
  creating?: Promise<unknown>;
  destroying?: Promise<void>;
  unwatch: () => void;
}

export interface Lifecycle {
  /** Sweeps what a crash left and adopts what lives. To be called once, before anything else. */
  recover(): Promise<Recovery>;
  create(spec: SandboxSpec): Promise<SandboxAddress>;
  destroy(id: SandboxId): Promise<void>;
  list(): Promise<SandboxInfo[]>;
  /** The record of a living sandbox; throws `sandbox_gone`. */
  live(id: SandboxId): SandboxRecord;
  console(id: SandboxId): Promise<string>;
  onExit(listener: (exit: SandboxExit) => void): () => void;
  close(options: { keep: boolean }): Promise<void>;
}

export function createLifecycle(
  kind: Kind,
  deps: { journal: Journal; now?: () => number; onStep?: StepListener },
): Lifecycle {
  const { journal, now = Date.now, onStep = () => undefined } = deps;
  const entries = new Map<SandboxId, Entry>();
  const listeners = new Set<(exit: SandboxExit) => void>();
  let closed = false;

  function emit(exit: SandboxExit): void {
    for (const listener of [...listeners]) listener(exit);
  }

  function newEntry(record: SandboxRecord, state: Entry['state']): Entry {
    const entry: Entry = {
      record,
      resources: kind.resources(record),
      cancel: new AbortController(),
      state,
      unwatch: () => undefined,
    };
    entries.set(record.id, entry);
    return entry;
  }

  function live(entry: Entry): void {
    entry.state = 'live';
    if (closed) return; // What came up meanwhile is for who starts next.
    entry.unwatch = kind.watch(entry.record, () => {
      if (entry.state !== 'live' || entry.destroying) return;
      entry.state = 'dead';
      emit({ id: entry.record.id, reason: 'died' });
    });
  }

  function found(id: SandboxId): Entry {
    const entry = entries.get(id);
    if (!entry || entry.destroying || entry.state === 'creating')
      throw new PolydevError('sandbox_gone', 'There is no such sandbox.', { details: { id } });
    return entry;
  }

  /** Releases everything; the journal forgets last. */
  async function dissolve(entry: Entry): Promise<void> {
    entry.unwatch();
    await releaseAll(entry.resources);
    await journal.remove(entry.record.id);
    kind.free(entry.record);
    entries.delete(entry.record.id);
  }

  async function create(entry: Entry, spec: SandboxSpec): Promise<SandboxAddress> {
    try {
      await kind.check(spec);
    } catch (error) {
      kind.free(entry.record);
      entries.delete(spec.id);
      throw error;
    }
    try {
      const { record, resources, cancel } = entry;
      await boot({ kind, journal, record, resources, spec, cancelled: cancel.signal, onStep });
      live(entry);
      return entry.record.address;
    } catch (reason) {
      const tail = await kind.console(entry.record).catch(() => '');
      const cancelled = entry.cancel.signal.aborted;
      let leftovers: unknown;
      try {
        await dissolve(entry);
      } catch (error) {
        entry.state = 'dead';
        leftovers = error;
      }
      if (cancelled && !leftovers)
        throw new PolydevError('sandbox_gone', 'The sandbox was destroyed while it was starting.');
      throw failedToStart(reason, tail, leftovers);
    }
  }

  function destroy(id: SandboxId): Promise<void> {
    const entry = entries.get(id);
    if (!entry) return Promise.resolve();
    entry.destroying ??= (async () => {
      try {
        if (entry.state === 'creating') {
          entry.cancel.abort();
          await entry.creating?.catch(() => undefined); // it cleans up after itself
          if (!entries.has(id)) return;
        }
        await dissolve(entry);
        if (entry.state === 'live') emit({ id, reason: 'destroyed' });
      } catch (error) {
        if (entry.state === 'live') emit({ id, reason: 'died' });
        entry.state = 'dead';
        throw error;
      } finally {
        delete entry.destroying;
      }
    })();
    return entry.destroying;
  }

  return {
    async recover() {
      const { records, unreadable } = await journal.read();
      const mine = records.filter((record) => record.driver === kind.name);
      const recovery: Recovery = {
        adopted: [],
        swept: [],
        problems: unreadable.map((file) => `${file} is no journal entry.`),
      };
      const survivors: SandboxRecord[] = [];
      await Promise.all(
        mine.map(async (record) => {
          kind.take(record);
          if (await kind.survived(record)) {
            survivors.push(record);
            return;
          }
          const entry = newEntry(record, 'dead');
          try {
            await dissolve(entry);
            recovery.swept.push(record.id);
          } catch (error) {
            recovery.problems.push(`${record.id}: ${error instanceof Error ? error.message : String(error)}`);
          }
        }),
      );
      await kind.open(survivors);
      for (const record of survivors) {
        live(newEntry(record, 'live'));
        recovery.adopted.push(record.id);
      }
      return recovery;
    },

    async create(spec) {
      if (!isId('sandbox', spec.id)) throw new PolydevError('invalid_request', 'That is no id of a sandbox.');
      if (entries.has(spec.id))
        throw new PolydevError('invalid_request', 'A sandbox with this id exists.', { details: { id: spec.id } });
      const record: SandboxRecord = {
        v: 1,
        driver: kind.name,
        id: spec.id,
        profile: spec.profile,
        image: spec.image,
        limits: spec.limits,
        createdAtMs: now(),
        address: kind.reserve(spec.id),
      };
      const entry = newEntry(record, 'creating');
      const creating = create(entry, spec);
      entry.creating = creating;
      return creating;
    },

    destroy,

    async list() {
      const settled = [...entries.values()].filter((entry) => entry.state !== 'creating' && !entry.destroying);
      return Promise.all(
        settled.map(async ({ record, state }) => ({
          id: record.id,
          profile: record.profile,
          image: record.image,
          createdAtMs: record.createdAtMs,
          state: state === 'dead' ? 'dead' : (await kind.paused(record)) ? 'paused' : 'running',
          address: record.address,
        })),
      );
    },

    live(id) {
      const entry = found(id);
      if (entry.state === 'dead')
        throw new PolydevError('sandbox_gone', 'The sandbox has ended by itself.', { details: { id } });
      return entry.record;
    },

    async console(id) {
      return kind.console(found(id).record);
    },

    onExit(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    async close({ keep }) {
      closed = true;
      if (!keep) await Promise.all([...entries.keys()].map((id) => destroy(id)));
      for (const entry of entries.values()) entry.unwatch();
      await kind.close({ survivors: entries.size > 0 });
    },
  };
}
