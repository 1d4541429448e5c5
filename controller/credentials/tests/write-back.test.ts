import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AgentEvent, type CollectedCredential, type CredentialBundle, PolydevError } from '@polydev/protocol';
import { providerOf } from '@polydev/providers';
import { untilAborted } from '../../abort.ts';
import { claudeBundle } from '../../testing/stage.ts';
import { Secret } from '../secret.ts';
import type { CredentialContent, StoredCredential } from '../vault.ts';
import { startWriteBack, type WriteBackPatience } from '../write-back.ts';

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
  connectedVersion: 1,
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
  const deps = {
    vault: {
      async replaceIfVersion(_id: string, version: number, content: CredentialContent) {
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
  };
  const said = Promise.withResolvers<AgentEvent>();
  const kept = Promise.withResolvers<void>();
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
      async *events(_after: number, signal: AbortSignal) {
        const event = await untilAborted(said.promise, signal);
        yield event;
        kept.resolve();
        await untilAborted(new Promise<never>(() => {}), signal);
      },
    },
  };
  const provider = providerOf('claude_code');
  const bundle = new Secret<CredentialBundle>(claudeBundle('first-refresh-token'));
  const hidden: string[] = [];
  const hide = (renewed: Secret<CredentialBundle>) => void hidden.push(JSON.stringify(renewed.reveal()));
  const { settle, letGo } = startWriteBack(deps, { sandbox, credential, provider, bundle, hide });
  /** Resolves when what the agent said has been dealt with. */
  const renew = async () => {
    said.resolve({ n: 1, atMs: 0, type: 'renewed' });
    await kept.promise;
  };
  return { settle, letGo, renew, gone, stopping, stored, hidden, warned, tries: () => tries };
}

const fails = (error: Error) => () => Promise.reject(error);
const hangs = () => new Promise<never>(() => {});
const gives = async () => rotated;

test('a sandbox that does not answer at first is asked until it does', { timeout }, async () => {
  const nonsense = new PolydevError('agent_talks_nonsense', 'The sandbox refused what it was asked.');
  const { settle, stored, warned } = world({ collect: [fails(silent()), fails(nonsense), fails(silent()), gives] });
  assert.equal(await settle(), 4);
  assert.match(stored.join(), /rotated-refresh-token/);
  assert.deepEqual(warned, []);
});

test('a database that is away for a moment does not lose it either', { timeout }, async () => {
  const { settle, stored, tries } = world({ collect: [gives], store: [new Error('away'), new Error('away')] });
  assert.equal(await settle(), 4);
  assert.equal(stored.length, 1);
  assert.equal(tries(), 1);
});

test('a credential that was replaced meanwhile is not insisted on', { timeout }, async () => {
  const stale = new PolydevError('stale_version', 'Newer.');
  const { settle, stored } = world({ collect: [gives], store: [stale] });
  assert.equal(await settle(), null);
  assert.deepEqual(stored, []);
});

test('when patience ends it is given up, with the last failure in the log', { timeout }, async () => {
  for (const collect of [fails(silent()), hangs]) {
    const { settle, warned } = world({ collect: [fails(silent()), collect], patience: { patienceMs: 50 } });
    assert.equal(await settle(), null);
    assert.match(JSON.stringify(warned), /agent_unreachable/);
  }
});

test('what the tool renews is stored at once, and not once more at the end', { timeout }, async () => {
  const { renew, settle, stored, hidden } = world({ collect: [gives] });
  await renew();
  assert.match(stored.join(), /rotated-refresh-token/);
  assert.deepEqual(hidden, stored);
  assert.equal(await settle(), 4);
  assert.equal(stored.length, 1);
});

test('so it outlives a sandbox that dies, and a controller that lets go', { timeout }, async () => {
  const dying = world({ collect: [gives] });
  await dying.renew();
  dying.gone.abort(new PolydevError('sandbox_failed', 'The sandbox died.'));
  assert.equal(await dying.settle(), null);
  const left = world({ collect: [gives] });
  await left.renew();
  await left.letGo();
  for (const { stored } of [dying, left]) assert.equal(stored.length, 1);
});

test('what could not be collected when it was renewed is collected at the end', { timeout }, async () => {
  const { renew, settle, stored } = world({ collect: [async () => ({ status: 'incomplete', changed: true }), gives] });
  await renew();
  assert.deepEqual(stored, []);
  assert.equal(await settle(), 4);
  assert.equal(stored.length, 1);
});

test('a sandbox that is gone is not waited for', { timeout }, async () => {
  const { settle, gone, stored } = world({ collect: [hangs] });
  gone.abort(new PolydevError('sandbox_failed', 'The sandbox died.'));
  assert.equal(await settle(), null);
  assert.deepEqual(stored, []);
});

test('nor is an agent that started again and has forgotten all', { timeout }, async () => {
  const broken = new PolydevError('sandbox_failed', 'The agent in the sandbox broke down and started again.');
  const { settle, tries } = world({ collect: [fails(broken)] });
  assert.equal(await settle(), null);
  assert.equal(tries(), 1);
});

test('while the controller stops, patience is short', { timeout }, async () => {
  const { settle, stopping } = world({ collect: [hangs], patience: { patienceMs: 60_000 } });
  stopping.abort();
  assert.equal(await settle(), null);
});
