/** A product that is set up, and its SDK: for scenarios in which the browser is not the point. */

import assert from 'node:assert/strict';
import type {
  AuthSession,
  Credential,
  DesktopPart,
  ErrorCode,
  ProviderId,
  Run,
  SessionEvent,
  SessionId,
  StartRun,
} from '@polydev/protocol';
import { createPolydev, type Polydev, PolydevApiError } from '@polydev/sdk';
import { createWebSocketStream, WebSocket } from 'ws';
import { findLeftovers } from './leftovers.ts';
import { setUpOwner } from './owner.ts';
import { type Keyboard, openKeyboard } from './rfb-keys.ts';
import { type Picture, waitForPicture } from './rfb-picture.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

export interface Stage extends World {
  polydev: Polydev;
  /** Of the owner, for what the SDK has no call for. */
  token: string;
  /** Connects by an API key that the doubles accept. */
  addKey(provider: ProviderId, label?: string): Promise<Credential>;
  /** Resolves when the run has ended. */
  run(request: StartRun): Promise<Run>;
  /** A tab that shows the desktop; `port` goes another way to the product. */
  viewer(id: SessionId, port?: number): Promise<WebSocket>;
  keyboard(id: SessionId): Promise<Keyboard>;
  /** Resolves when the desktop looks like that. */
  looks(id: SessionId, like: (picture: Picture) => boolean): Promise<void>;
  /** The first event of the sign-in that fits, from its beginning on. */
  sessionEvent(id: SessionId, fits: (event: SessionEvent) => boolean, signal?: AbortSignal): Promise<SessionEvent>;
  /** Resolves when the part of the desktop has come up so many times since its beginning. */
  comesUp(id: SessionId, part: DesktopPart, times?: number): Promise<void>;
  /** Resolves when the sign-in has ended. */
  ended(id: SessionId, signal?: AbortSignal): Promise<AuthSession>;
  /** Stops the product, whose sandboxes must have left nothing on the host, and removes its data. */
  strike(): Promise<void>;
}

/** A real desktop on a busy machine is slow; a scenario that waits longer than this is stuck. */
const eventMs = 120_000;

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

  async function sessionEvent(
    id: SessionId,
    fits: (event: SessionEvent) => boolean,
    inTime = AbortSignal.timeout(eventMs),
  ): Promise<SessionEvent> {
    const seen: string[] = [];
    const signal = AbortSignal.any([over.signal, inTime]);
    for await (const { event } of polydev.sessions.events(id, { signal })) {
      if (fits(event)) return event;
      seen.push(JSON.stringify(event));
    }
    throw new Error(`The sign-in never said it. It said:\n${seen.join('\n')}`);
  }

  async function viewer(id: SessionId, port?: number): Promise<WebSocket> {
    const { url, protocols } = await polydev.sessions.display(id);
    const address = new URL(url);
    if (port !== undefined) address.port = String(port);
    return new WebSocket(address, protocols, { perMessageDeflate: false });
  }

  function close(): Promise<void> {
    over.abort();
    return world.close();
  }

  return {
    ...world,
    polydev,
    token,
    async addKey(provider, label) {
      const [apiKey = ''] = doubles.state.apiKeys[provider];
      return await polydev.credentials.addApiKey({ provider, apiKey, ...(label !== undefined && { label }) });
    },
    async run(request) {
      const { id } = await polydev.runs.start(request);
      for await (const _ of polydev.runs.stream(id, { signal: over.signal }));
      return await polydev.runs.get(id);
    },
    viewer,
    keyboard: async (id) => await openKeyboard(createWebSocketStream(await viewer(id))),
    async looks(id, like) {
      const stream = createWebSocketStream(await viewer(id));
      const timer = setTimeout(() => stream.destroy(new Error('The desktop never looked like that.')), eventMs);
      await waitForPicture(stream, like).finally(() => clearTimeout(timer));
    },
    sessionEvent,
    async comesUp(id, part, times = 1) {
      let ups = 0;
      await sessionEvent(id, (event) => {
        if (event.type === 'desktop' && event.part === part && event.up) ups += 1;
        return ups === times;
      });
    },
    async ended(id, signal) {
      await sessionEvent(id, (event) => event.type === 'destroyed', signal);
      return await polydev.sessions.get(id);
    },
    close,
    async strike() {
      await close();
      const leftovers = await findLeftovers(product.paths);
      product.remove();
      assert.deepEqual(leftovers, []);
    },
  };
}

/** What everything that ends badly must have: the code, one sentence of reason, and a way on. */
export function assertReason(ended: Pick<Run | AuthSession, 'reason'>, code: ErrorCode, message?: RegExp): void {
  const { reason } = ended;
  assert.equal(reason?.code, code, `${reason?.code}: ${reason?.message}`);
  // One line; where a tool says why, in its words, which may be many.
  assert.match(reason.message, /^\S[^\n]*\S$/);
  if (message) assert.match(reason.message, message);
  assert.match(reason.hint, /^[A-Z][^\n]*\.$/);
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
