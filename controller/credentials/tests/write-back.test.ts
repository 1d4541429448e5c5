import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CollectedCredential, PolydevError } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import { claudeBundle } from '../../testing/stage.ts';
import type { CredentialContent, StoredCredential } from '../vault.ts';
import { createWriteBack, type WriteBackPatience } from '../write-back.ts';

const timeout = 20_000;
const credential: StoredCredential = {
  id: 'crd_a',
  userId: 'usr_a',
  provider: 'claude_code',
  label: 'default',
  kind: 'files',
  status: 'active',
  account: {},
  version: 3,
  createdAtMs: 0,
  updatedAtMs: 0,
  lastUsedAtMs: null,
};
const sealed = { v: 1, ephemeralKey: '', nonce: '', ciphertext: '' } as const;
const rotated: CollectedCredential = { status: 'valid', changed: true, sealed };
const silent = () => new PolydevError('agent_unreachable', 'The sandbox does not answer.');

interface Options {
  /** What each collecting meets; the last one again and again. */
  collect: (() => Promise<CollectedCredential>)[];
  patience?: Partial<WriteBackPatience>;
  /** What storing meets, before it works. */
  store?: Error[];
}

function world({ collect, patience, store = [] }: Options) {
  const gone = new AbortController();
  const stopping = new AbortController();
  const stored: string[] = [];
  const warned: unknown[] = [];
  let tries = 0;
  const writeBack = createWriteBack({
    vault: {
      async replaceIfVersion(_id, version, content: CredentialContent) {
        const trouble = store.shift();
        if (trouble) throw trouble;
        stored.push(JSON.stringify(content.bundle.reveal()));
        return { ...credential, version: version + 1 };
      },
      setStatusIfVersion: async () => true,
    },
    log: { info: () => {}, warn: (fields: unknown) => void warned.push(fields) },
    stopping: stopping.signal,
    patience: { patienceMs: 10_000, stoppingMs: 50, delaysMs: [1], ...patience },
  });
  const sandbox = {
    gone: gone.signal,
    open: () => Buffer.from(JSON.stringify(claudeBundle('rotated-refresh-token'))),
    agent: {
      collect() {
        const next = collect[Math.min(tries, collect.length - 1)];
        tries += 1;
        assert.ok(next);
        return next();
      },
    },
  };
  const done = writeBack({ sandbox, credential, provider: providerOf('claude_code') });
  return { done, gone, stopping, stored, warned, tries: () => tries };
}

const fails = (error: Error) => () => Promise.reject(error);
const hangs = () => new Promise<never>(() => {});
const gives = async () => rotated;

test('a sandbox that does not answer at first is asked until it does', { timeout }, async () => {
  const nonsense = new PolydevError('agent_talks_nonsense', 'The sandbox refused what it was asked.');
  const { done, stored, warned } = world({ collect: [fails(silent()), fails(nonsense), fails(silent()), gives] });
  assert.equal(await done, 4);
  assert.match(stored.join(), /rotated-refresh-token/);
  assert.deepEqual(warned, []);
});

test('a database that is away for a moment does not lose it either', { timeout }, async () => {
  const { done, stored, tries } = world({ collect: [gives], store: [new Error('away'), new Error('away')] });
  assert.equal(await done, 4);
  assert.equal(stored.length, 1);
  assert.equal(tries(), 1);
});

test('a credential that was replaced meanwhile is not insisted on', { timeout }, async () => {
  const stale = new PolydevError('stale_version', 'Newer.');
  const { done, stored } = world({ collect: [gives], store: [stale] });
  assert.equal(await done, null);
  assert.deepEqual(stored, []);
});

test('when patience ends it is given up, with the last failure in the log', { timeout }, async () => {
  for (const collect of [fails(silent()), hangs]) {
    const { done, warned } = world({ collect: [fails(silent()), collect], patience: { patienceMs: 50 } });
    assert.equal(await done, null);
    assert.match(JSON.stringify(warned), /agent_unreachable/);
  }
});

test('a sandbox that is gone is not waited for', { timeout }, async () => {
  const { done, gone, stored } = world({ collect: [hangs] });
  gone.abort(new PolydevError('sandbox_failed', 'The sandbox died.'));
  assert.equal(await done, null);
  assert.deepEqual(stored, []);
});

test('nor is an agent that started again and has forgotten all', { timeout }, async () => {
  const broken = new PolydevError('sandbox_failed', 'The agent in the sandbox broke down and started again.');
  const { done, tries } = world({ collect: [fails(broken)] });
  assert.equal(await done, null);
  assert.equal(tries(), 1);
});

test('while the controller stops, patience is short', { timeout }, async () => {
  const { done, stopping } = world({ collect: [hangs], patience: { patienceMs: 60_000 } });
  stopping.abort();
  assert.equal(await done, null);
});
