import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type CredentialBundle, PolydevError } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import { untilAborted } from '../../abort.ts';
import { handOver } from '../../recovery/hand-over.ts';
import type { SandboxHandle } from '../../sandboxes/sandboxes.ts';
import { createMemoryEphemeral } from '../../store/memory-ephemeral.ts';
import { claudeBundle } from '../../testing/stage.ts';
import { createLending } from '../borrow.ts';
import { createLeases } from '../leases.ts';
import { Secret } from '../secret.ts';
import type { CredentialContent } from '../vault.ts';

const id = 'crd_a';

/** Lending of one credential, whose token stands in `token`; all that happens is told in order. */
function world({ open, replace }: { open?: () => Promise<never>; replace?: () => Promise<never> } = {}) {
  const told: string[] = [];
  let token = 'first';
  let version = 1;
  const stored = () => ({
    ...{ id, userId: 'usr_a', provider: 'claude_code', label: 'default', kind: 'files', status: 'active' },
    ...{ account: {}, version, connectedVersion: 1, createdAtMs: 0, updatedAtMs: 0, lastUsedAtMs: null },
  });
  const sandbox = (name: string, agent: object) => ({
    ...{ id: `sbx_${name}`, lentVersion: 1, gone: new AbortController().signal },
    seal: () => ({}),
    open: () => Buffer.from(JSON.stringify(claudeBundle(`${name}-renewed`))),
    refusal: () => null,
    release: async () => void told.push(`${name} released`),
    letGo: () => void told.push(`${name} left`),
    agent: {
      restore: async () => {},
      collect: async () => ({ status: 'valid', changed: true, sealed: {} }),
      async *events(_after: number, signal: AbortSignal) {
        yield await untilAborted(new Promise<never>(() => {}), signal);
      },
      ...agent,
    },
  });
  const deps = {
    vault: {
      open: open ?? (async () => ({ stored: stored(), bundle: new Secret<CredentialBundle>(claudeBundle(token)) })),
      async replaceIfVersion(_id: string, from: number, { bundle }: CredentialContent) {
        if (replace) return await replace();
        if (from !== version) return null;
        version += 1;
        token = /(\w+-renewed)/.exec(JSON.stringify(bundle.reveal()))?.[1] ?? '';
        told.push(`stored ${token}`);
        return stored();
      },
      touch: async () => {},
      setStatusIfVersion: async () => true,
    },
    leases: createLeases(createMemoryEphemeral(), { holder: 'one' }),
    sandboxes: {
      async acquire() {
        told.push(`lent ${token}`);
        return sandbox('new', {});
      },
    },
    witness: { hide: () => {}, settle: async () => {} },
    providerOf,
    log: { info: () => {}, warn: (fields: unknown) => void told.push(`warned ${JSON.stringify(fields)}`) },
  };
  const lending = createLending(deps as unknown as Parameters<typeof createLending>[0]);
  const old = (agent: object) => sandbox('old', agent) as unknown as SandboxHandle;
  return { ...lending, told, old };
}

test('who comes next waits until what was lent before a restart has ended and is back', {
  timeout: 20_000,
}, async () => {
  const { takeBack, borrow, told, old } = world();
  const ended = Promise.withResolvers<void>();
  const back = takeBack(id, old({ stopExecs: () => ended.promise }));
  const signal = new AbortController().signal;
  const next = borrow({ credentialId: id, owner: 'run_a', wait: true, evenExpired: false, signal }, async () => ({}));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  assert.deepEqual(told, []);
  ended.resolve();
  await Promise.all([back, next]);
  assert.deepEqual(told, [
    'stored old-renewed',
    'old released',
    'lent old-renewed',
    'stored new-renewed',
    'new released',
  ]);
});

test('where there is no more time what is being taken back is left to the next start', {
  timeout: 20_000,
}, async () => {
  const { takeBack, leave, stop, told, old } = world();
  const back = takeBack(id, old({ stopExecs: () => new Promise(() => {}) }));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  leave();
  await stop();
  await back;
  assert.equal(told[0], 'old left');
});

const away = () => Promise.reject(new Error('The database is away.'));
const alone = {
  credentialId: id,
  owner: id,
  wait: false,
  evenExpired: true,
  signal: new AbortController().signal,
} as const;

test('what a database that is away cannot take stays where it is when another start will come', {
  timeout: 20_000,
}, async () => {
  const { borrow, leave, hurry, stop, told } = world({ replace: away });
  const lent = borrow(alone, async () => {
    leave();
    hurry();
    return {};
  });
  await assert.rejects(lent, (error) => error === handOver);
  await stop();
  assert.equal(told.at(-1), 'new left');
  assert.ok(!told.includes('new released'));
});

test('so it does when a try that waited for the database is broken off', { timeout: 20_000 }, async () => {
  const ended = Promise.withResolvers<never>();
  const asked = Promise.withResolvers<void>();
  const replace = () => {
    asked.resolve();
    return ended.promise;
  };
  const { borrow, leave, hurry, told } = world({ replace });
  const lent = borrow(alone, async () => ({}));
  await asked.promise;
  leave();
  hurry();
  ended.reject(new Error('The database is away.'));
  await assert.rejects(lent, (error) => error === handOver);
  assert.equal(told.at(-1), 'new left');
});

test('where no other start will come it goes with its sandbox', { timeout: 20_000 }, async () => {
  const { borrow, hurry, told } = world({ replace: away });
  await borrow(alone, async () => {
    hurry();
    return {};
  });
  assert.equal(told.at(-1), 'new released');
});

test('what was refused as out of date is not kept for another start', { timeout: 20_000 }, async () => {
  const stale = () => Promise.reject(new PolydevError('stale_version', 'Newer.'));
  const { borrow, leave, told } = world({ replace: stale });
  await borrow(alone, async () => {
    leave();
    return {};
  });
  assert.equal(told.at(-1), 'new released');
});

test('what was lent before is left, too, when the database does not say for what', { timeout: 20_000 }, async () => {
  const { borrow, leave, told, old } = world({ open: away });
  leave();
  const again = borrow({ ...alone, adopted: old({ stopExecs: async () => {} }) }, async () => ({}));
  await assert.rejects(again, (error) => error === handOver);
  assert.equal(told.at(-1), 'old left');
});

test('so it is when nobody waits any more for its turn', { timeout: 20_000 }, async () => {
  const opened = Promise.withResolvers<never>();
  const { borrow, leave, told, old } = world({ open: () => opened.promise });
  const first = borrow(alone, async () => ({}));
  const { signal, abort } = abortable();
  const behind = borrow(
    { ...alone, wait: true, signal, adopted: old({ stopExecs: async () => {} }) },
    async () => ({}),
  );
  for (let turns = 0; turns < 20; turns += 1) await turn();
  leave();
  abort();
  opened.reject(new Error('The database is away.'));
  await assert.rejects(behind, { code: 'run_cancelled' });
  await assert.rejects(first);
  assert.ok(told.includes('old left') && !told.includes('old released'), told.join());
});

function abortable() {
  const control = new AbortController();
  return { signal: control.signal, abort: () => control.abort(new PolydevError('run_cancelled', 'Enough.')) };
}
