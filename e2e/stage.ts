/** A product that is set up, and its SDK: for scenarios in which the browser is not the point. */

import assert from 'node:assert/strict';
import type { AuthSession, ErrorCode, ProviderId, Run, SessionEvent, SessionId, StartRun } from '@polydev/protocol';
import { createPolydev, type Polydev, PolydevApiError } from '@polydev/sdk';
import { createWebSocketStream, WebSocket } from 'ws';
import { setUpOwner } from './owner.ts';
import { type Keyboard, openKeyboard } from './rfb-keys.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

export interface Stage extends World {
  polydev: Polydev;
  /** Connects by an API key that the doubles accept. */
  addKey(provider: ProviderId, label?: string): Promise<void>;
  /** Resolves when the run has ended. */
  run(request: StartRun): Promise<Run>;
  keyboard(id: SessionId): Promise<Keyboard>;
  /** The first event of the sign-in that fits, from its beginning on. */
  sessionEvent(id: SessionId, fits: (event: SessionEvent) => boolean): Promise<SessionEvent>;
  /** Resolves when the sign-in has ended. */
  ended(id: SessionId): Promise<AuthSession>;
}

/** A real desktop on a busy machine is slow; a scenario that waits longer than this is stuck. */
const eventMs = 60_000;

export async function openStage(options: WorldOptions = {}): Promise<Stage> {
  const world = await openWorld(options);
  const { product, doubles } = world;
  const token = await setUpOwner(product).catch(async (error) => {
    await world.close();
    throw error;
  });
  /** A stream that a failed test left behind would otherwise look for its server for ever. */
  const over = new AbortController();
  const polydev = createPolydev({ baseUrl: product.url, token });

  async function sessionEvent(id: SessionId, fits: (event: SessionEvent) => boolean): Promise<SessionEvent> {
    const seen: string[] = [];
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(eventMs)]);
    for await (const { event } of polydev.sessions.events(id, { signal })) {
      if (fits(event)) return event;
      seen.push(JSON.stringify(event));
    }
    throw new Error(`The sign-in never said it. It said:\n${seen.join('\n')}`);
  }

  return {
    ...world,
    polydev,
    async addKey(provider, label) {
      const [apiKey = ''] = doubles.state.apiKeys[provider];
      await polydev.credentials.addApiKey({ provider, apiKey, ...(label !== undefined && { label }) });
    },
    async run(request) {
      const { id } = await polydev.runs.start(request);
      for await (const _ of polydev.runs.stream(id, { signal: over.signal }));
      return await polydev.runs.get(id);
    },
    async keyboard(id) {
      const { url, protocols } = await polydev.sessions.display(id);
      const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
      return await openKeyboard(createWebSocketStream(socket));
    },
    sessionEvent,
    close() {
      over.abort();
      return world.close();
    },
    async ended(id) {
      await sessionEvent(id, (event) => event.type === 'destroyed');
      return await polydev.sessions.get(id);
    },
  };
}

/** What everything that ends badly must have: the code, one sentence of reason, and a way on. */
export function assertReason(ended: Pick<Run | AuthSession, 'reason'>, code: ErrorCode, message?: RegExp): void {
  const { reason } = ended;
  assert.equal(reason?.code, code, `${reason?.code}: ${reason?.message}`);
  assert.match(reason.message, message ?? /^\S.*\S$/);
  assert.match(reason.hint, /^[A-Z].*\.$/);
}

/** The same of a request that was refused. */
export async function assertRefused(request: Promise<unknown>, code: ErrorCode): Promise<PolydevApiError> {
  const error = await request.then(
    () => assert.fail('The request was not refused.'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof PolydevApiError, String(error));
  assertReason({ reason: { code: error.code as ErrorCode, message: error.message, hint: error.hint } }, code);
  return error;
}
