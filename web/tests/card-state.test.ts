import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CardState, cardStateOf, loudOf } from '../src/app/connections/card-state.ts';
import { credential, session } from './fixture/data.ts';

const nowMs = Date.now();

test('a card tells what is most worth knowing of its tool', () => {
  const expired = credential(nowMs, { id: 'crd_old', status: 'expired' });
  const fresh = credential(nowMs, { id: 'crd_new', createdAtMs: nowMs });
  assert.equal(cardStateOf('claude_code', [], []).name, 'not_connected');
  assert.equal(cardStateOf('openai_codex', [fresh], [session(nowMs)]).name, 'not_connected');
  assert.equal(cardStateOf('claude_code', [expired], []).name, 'expired');
  assert.equal(cardStateOf('claude_code', [expired], [session(nowMs)]).name, 'signing_in');
  const state = cardStateOf('claude_code', [expired, credential(nowMs), fresh], []);
  assert.ok(state.name === 'connected');
  assert.equal(state.credential.id, 'crd_new');
  assert.equal(state.others.length, 2);
});

test('only what waits for the person is loud', () => {
  const none = { name: 'not_connected' } as const;
  const signingIn: CardState = { name: 'signing_in', session: session(nowMs), accounts: [] };
  const connected = { name: 'connected', credential: credential(nowMs), others: [] } as const;
  assert.equal(loudOf([none, none])(none), true);
  assert.equal(loudOf([none, signingIn])(none), false);
  assert.equal(loudOf([none, signingIn])(signingIn), true);
  assert.equal(loudOf([none, { ...connected, others: [] }])(none), false);
});
