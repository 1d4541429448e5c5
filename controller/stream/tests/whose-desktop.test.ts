import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type AuthSession, newId, PolydevError, type User, viewerClose } from '@polydev/protocol';
import { WebSocket } from 'ws';
import { createTestApp } from '../../tests/test-app.ts';

const timeout = 60_000;
const id = newId('session');

test('only the person who signs in opens the desktop, not an owner', { timeout }, async (t) => {
  const get = async () => ({ id, userId: newId('user'), state: 'ready', reason: null }) as AuthSession;
  const { app, bearer } = await createTestApp(t, { services: { sessions: { get } } });
  const headers = { authorization: await bearer() };
  const answer = await app.inject({ method: 'POST', url: `/api/auth/session/${id}/ticket`, headers });
  assert.deepEqual([answer.statusCode, answer.json().error.code], [403, 'forbidden']);
});

test('a viewer of a desktop on another host is told so', { timeout }, async (t) => {
  const get = async (user: User) => ({ id, userId: user.id, state: 'ready', reason: null }) as AuthSession;
  const display = async () => {
    throw new PolydevError('other_host', 'It is elsewhere.');
  };
  const { listen, app, bearer } = await createTestApp(t, { services: { sessions: { get, display } } });
  const port = await listen();
  const headers = { authorization: await bearer() };
  const { ticket } = (await app.inject({ method: 'POST', url: `/api/auth/session/${id}/ticket`, headers })).json();
  const address = `ws://127.0.0.1:${port}/api/auth/session/${id}/novnc/websock`;
  const [code, reason] = await once(new WebSocket(address, ['binary', `ticket.${ticket}`]), 'close');
  assert.deepEqual([code, String(reason)], [viewerClose.refused, 'It is elsewhere.']);
});
