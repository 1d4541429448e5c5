import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { newId } from '@polydev/protocol';
import { createMasterKey } from '@polydev/vault/master-key';
import { eq } from 'drizzle-orm';
import { credentials, users } from '../../store/schema.ts';
import { openTestStore } from '../../store/testing.ts';
import { claudeBundle, testTimeout } from '../../testing/stage.ts';
import { Secret } from '../secret.ts';
import { createVault } from '../vault.ts';

async function openVault(t: Parameters<typeof openTestStore>[0]) {
  const store = await openTestStore(t);
  const { db } = store;
  const user = newId('user');
  await db.insert(users).values({ id: user, name: 'someone', role: 'member', passwordHash: '-', createdAtMs: 0 });
  const vault = createVault(store, createMasterKey());
  const put = async (refreshToken: string, label = 'default') => {
    const content = contentOf(refreshToken);
    const unproven = await vault.putUnproven({ userId: user, provider: 'claude_code', label, ...content });
    return await db.transaction((tx) => vault.promote(tx, unproven, content));
  };
  return { db, vault, put, user };
}

function contentOf(refreshToken: string) {
  return { bundle: new Secret(claudeBundle(refreshToken)), account: { email: 'a@example.com' } };
}

test('a credential comes back as it was put, and its row does not show it', testTimeout, async (t) => {
  const { db, vault, put } = await openVault(t);
  const stored = await put('a-refresh-token-to-keep');
  assert.deepEqual((await vault.open(stored.id)).bundle.reveal(), claudeBundle('a-refresh-token-to-keep'));
  assert.doesNotMatch(JSON.stringify(await db.select().from(credentials)), /a-refresh-token-to-keep/);
  await assert.rejects(vault.open(newId('credential')), { code: 'no_credential' });
});

test('a secret shows itself only to who asks for it', () => {
  const secret = new Secret({ token: 'hunter2hunter2' });
  for (const shown of [`${secret}`, JSON.stringify({ secret }), inspect({ secret }, { depth: 9 })]) {
    assert.doesNotMatch(shown, /hunter2/);
  }
  assert.equal(secret.reveal().token, 'hunter2hunter2');
});

test('of two writers who saw the same version one wins, and the other hears of it', testTimeout, async (t) => {
  const { vault, put } = await openVault(t);
  const { id, version } = await put('first-refresh-token');
  const writes = await Promise.allSettled([
    vault.replaceIfVersion(id, version, contentOf('one-new-refresh-token')),
    vault.replaceIfVersion(id, version, contentOf('other-new-refresh-token')),
  ]);
  const lost = writes.filter((write) => write.status === 'rejected');
  assert.equal(lost.length, 1);
  assert.equal(lost[0]?.reason.code, 'stale_version');
  assert.equal((await vault.find(id))?.version, version + 1);
  const gone = vault.replaceIfVersion(newId('credential'), 1, contentOf('a-refresh-token'));
  await assert.rejects(gone, { code: 'stale_version' });
});

test('a status belongs to the version that was tried', testTimeout, async (t) => {
  const { vault, put } = await openVault(t);
  const { id, version } = await put('first-refresh-token');
  await vault.replaceIfVersion(id, version, contentOf('second-refresh-token'));
  assert.equal(await vault.setStatusIfVersion(id, version, 'expired'), false);
  assert.equal((await vault.find(id))?.status, 'active');
  assert.equal(await vault.setStatusIfVersion(id, version + 1, 'expired'), true);
  assert.equal((await vault.find(id))?.status, 'expired');
});

test('an envelope moved to another row or version does not open', testTimeout, async (t) => {
  const { db, vault, put } = await openVault(t);
  const first = await put('first-refresh-token', 'first');
  const second = await put('second-refresh-token', 'second');
  const [row] = await db.select().from(credentials).where(eq(credentials.id, first.id));
  assert.ok(row);
  await db.update(credentials).set({ envelope: row.envelope }).where(eq(credentials.id, second.id));
  await assert.rejects(vault.open(second.id), { code: 'credential_moved' });
  await db.update(credentials).set({ version: 77 }).where(eq(credentials.id, first.id));
  await assert.rejects(vault.open(first.id), { code: 'credential_moved' });
});

test('what is unproven is in no list and gets no status', testTimeout, async (t) => {
  const { vault, put, user } = await openVault(t);
  const place = { userId: user, provider: 'claude_code', label: 'default' } as const;
  const unproven = await vault.putUnproven({ ...place, ...contentOf('an-unproven-refresh-token') });
  assert.deepEqual(await vault.list(user), []);
  assert.equal(await vault.findPlaced(place), null);
  assert.equal(await vault.setStatusIfVersion(unproven.id, 1, 'active'), false);
  const proved = await put('a-proved-refresh-token');
  await vault.removeUnproven(proved.id);
  await vault.removeUnprovenOf(Date.now() + 1, [unproven.id]);
  assert.ok(await vault.find(unproven.id));
  await vault.removeUnprovenOf(0, []);
  assert.ok(await vault.find(unproven.id));
  await vault.removeUnprovenOf(Date.now() + 1, []);
  assert.deepEqual(await vault.list(user), [proved]);
  assert.equal(await vault.find(unproven.id), null);
});
