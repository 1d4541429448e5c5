import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, PolydevError } from '@polydev/protocol';
import { openTestStore } from '../../store/testing.ts';
import { createLogins } from '../logins.ts';
import { createSetup } from '../setup.ts';

const timeout = 60_000;
const request = { name: 'Ada', password: 'correct horse battery' };
const withCode = (code: string) => (error: unknown) => error instanceof PolydevError && error.code === code;

test('a link of an earlier start still works after a restart, until its time is over', { timeout }, async (t) => {
  const { db } = await openTestStore(t);
  let nowMs = 1_000_000;
  const setup = createSetup(db, () => nowMs);
  const early = (await setup.issueLink()) ?? '';
  nowMs += limits.setupLinkMs - 1;
  const late = (await setup.issueLink()) ?? '';
  nowMs += 1;
  await assert.rejects(setup.complete({ ...request, setupToken: early }), withCode('wrong_setup_link'));
  assert.equal((await setup.complete({ ...request, setupToken: late })).role, 'owner');
});

test('where there is an owner, there is no link', { timeout }, async (t) => {
  const { db } = await openTestStore(t);
  const setup = createSetup(db);
  const setupToken = (await setup.issueLink()) ?? '';
  assert.doesNotMatch(JSON.stringify(await db.query.facts.findMany()), new RegExp(setupToken));
  await setup.complete({ ...request, setupToken });
  assert.equal(await setup.issueLink(), null);
  assert.deepEqual(await db.query.facts.findMany(), []);
});

test('a login ends by itself', { timeout }, async (t) => {
  const { db, ephemeral } = await openTestStore(t);
  let nowMs = 1_000_000;
  const setup = createSetup(db);
  const logins = createLogins(db, ephemeral, () => nowMs);
  const user = await setup.complete({ ...request, setupToken: (await setup.issueLink()) ?? '' });
  const secret = await logins.open(user, '');
  nowMs += limits.loginTtlMs - 1;
  assert.deepEqual((await logins.find(secret))?.user, user);
  nowMs += 1;
  assert.equal(await logins.find(secret), null);
});
