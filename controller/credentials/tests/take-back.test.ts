import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { CredentialBundle } from '@polydev/protocol';
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
function world(isAway = false) {
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
      open: async () => ({ stored: stored(), bundle: new Secret<CredentialBundle>(claudeBundle(token)) }),
      async replaceIfVersion(_id: string, from: number, { bundle }: CredentialContent) {
        if (isAway) throw new Error('The database is away.');
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
  const { takeBack, hurry, stop, told, old } = world();
  const back = takeBack(id, old({ stopExecs: () => new Promise(() => {}) }));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  hurry();
  await stop();
  await back;
  assert.equal(told[0], 'old left');
});

test('what a database that is away cannot take before the end stays where it is, for the next start', {
  timeout: 20_000,
}, async () => {
  const { borrow, hurry, stop, told } = world(true);
  const signal = new AbortController().signal;
  const request = { credentialId: id, owner: id, wait: false, evenExpired: true, signal } as const;
  const lent = borrow(request, async () => {
    hurry();
    return {};
  });
  await assert.rejects(lent, (error) => error === handOver);
  await stop();
  assert.equal(told.at(-1), 'new left');
  assert.ok(!told.includes('new released'));
});
