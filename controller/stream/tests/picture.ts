/** One sign-in with a desktop that a test plays, and viewers of it through the real relay. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { type AuthSession, newId, PolydevError, type SessionEvent, type SessionId, type User } from '@polydev/protocol';
import { WebSocket } from 'ws';
import { createTestApp, type TestAppOptions } from '../../tests/test-app.ts';
import { type FakeDesktop, startFakeDesktop } from './fake-desktop.ts';

export interface Picture {
  desktop: FakeDesktop;
  id: SessionId;
  port: number;
  origin: string;
  /** A fresh ticket, asked for by a page of this origin. */
  ticket(origin?: string): Promise<string>;
  /** A viewer with a ticket; not yet open. */
  viewer(): Promise<WebSocket>;
  /** A viewer and the desktop's end of it, both open. */
  live(): Promise<{ viewer: WebSocket; end: Duplex }>;
  end(event: SessionEvent): Promise<void>;
}

export async function onePicture(t: TestContext, options: TestAppOptions = {}): Promise<Picture> {
  const desktop = await startFakeDesktop(t);
  const id = newId('session');
  let state: AuthSession['state'] = 'ready';
  const sessions = {
    get: async (user: User, asked: SessionId) => {
      if (asked !== id) throw new PolydevError('not_found', 'There is no such sign-in.');
      return { id, userId: user.id, state, reason: null } as AuthSession;
    },
    display: async () => desktop.access,
    ...options.services?.sessions,
  };
  const made = await createTestApp(t, { ...options, services: { sessions } });
  const port = await made.listen();
  const origin = `http://127.0.0.1:${port}`;
  const authorization = await made.bearer();

  const ticket = async (from = origin) => {
    const headers = { host: `127.0.0.1:${port}`, authorization, ...(from && { origin: from }) };
    const answer = await made.app.inject({ method: 'POST', url: `/api/auth/session/${id}/ticket`, headers });
    assert.equal(answer.statusCode, 201, answer.body);
    return answer.json().ticket as string;
  };
  const viewer = async () => {
    const socket = open(port, id, await ticket(), origin);
    t.after(() => socket.on('error', () => {}).terminate());
    return socket;
  };
  return {
    desktop,
    id,
    port,
    origin,
    ticket,
    viewer,
    async live() {
      const socket = await viewer();
      const [end] = await Promise.all([desktop.connected(), once(socket, 'open')]);
      return { viewer: socket, end };
    },
    async end(event) {
      if (event.type === 'state') state = event.state;
      await made.events.append(id, event);
    },
  };
}

export function open(port: number, id: string, ticket: string, origin?: string): WebSocket {
  const address = `ws://127.0.0.1:${port}/api/auth/session/${id}/novnc/websock`;
  return new WebSocket(address, ['binary', `ticket.${ticket}`], origin === undefined ? {} : { origin });
}

export const closeOf = async (socket: WebSocket) => {
  const [code, reason] = await once(socket, 'close');
  return { code, reason: String(reason) };
};
