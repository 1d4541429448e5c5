/**
 * The relay: one viewer's WebSocket, one connection to the desktop's agent, and what goes between them. A desktop may
 * have several viewers, each with a relay of its own, so that a slow one holds up nobody else.
 */

import { limits, PolydevError, type SessionId, viewerClose } from '@polydev/protocol';
import type { WebSocket } from 'ws';
import type { AgentAccess } from '../services.ts';
import { type PipeLimits, pipeDown, pipeUp } from './backpressure.ts';
import { closeSocket } from './close.ts';
import { keepAlive } from './keep-alive.ts';
import { openUpstream, type Upstream } from './upstream.ts';
import { createViewerInput } from './viewer-input.ts';

export interface RelayDeps {
  /** Waits until the desktop can be reached; rejects with `session_over` when the session ends first, or `other_host`. */
  display(id: SessionId, signal: AbortSignal): Promise<AgentAccess>;
  /** Resolves when the session has ended, with one sentence that says how; also when the signal aborts. */
  ended(id: SessionId, signal: AbortSignal): Promise<string>;
  /** The person at the viewer does something; at most once a second for each viewer. */
  onInput?(id: SessionId): void;
  onViewers?(count: number): void;
  onBytes?(direction: 'to_viewer' | 'to_desktop', bytes: number): void;
  onTrouble?(error: unknown): void;
  limits?: Partial<PipeLimits>;
  /** When the desktop breaks off, this long for the news that the session has ended. */
  newsMs?: number;
}

export interface Relay {
  /** Throws `capacity` when this session has enough viewers. */
  admit(id: SessionId): void;
  /** Connects the viewer to the desktop. Resolves when it is over; never rejects. */
  serve(viewer: WebSocket, id: SessionId): Promise<void>;
  /** Sends all viewers away; they may come back. */
  close(): void;
}

const maxViewersPerSession = 8;
const inputEveryMs = 1000;

interface Ending {
  code: number;
  reason: string;
}

export function createRelay(deps: RelayDeps): Relay {
  const { newsMs = 1000 } = deps;
  const pipeLimits = { bufferBytes: limits.viewerBufferBytes, stallMs: limits.viewerStallMs, ...deps.limits };
  const viewers = new Map<WebSocket, SessionId>();
  let leaving = false;

  const countOf = (id: SessionId) => [...viewers.values()].filter((other) => other === id).length;

  async function serve(viewer: WebSocket, id: SessionId): Promise<void> {
    if (leaving) return closeSocket(viewer, 1001, 'Polydev is stopping.');
    viewers.set(viewer, id);
    deps.onViewers?.(viewers.size);
    // Until there is a desktop to send it to, nothing is read from the viewer.
    viewer.pause();
    const gone = new AbortController();
    viewer.once('close', () => gone.abort());
    viewer.on('error', () => viewer.terminate());
    const stopPinging = keepAlive(viewer);
    try {
      const ended = deps
        .ended(id, gone.signal)
        .then((reason): Ending => ({ code: viewerClose.ended, reason }))
        .catch((error): Ending => lost(error));
      const { code, reason } = await Promise.race([ended, carry(viewer, id, ended, gone.signal)]);
      closeSocket(viewer, code, reason);
    } finally {
      gone.abort();
      stopPinging();
      viewers.delete(viewer);
      deps.onViewers?.(viewers.size);
    }
  }

  /** Resolves with how it ended. */
  async function carry(viewer: WebSocket, id: SessionId, ended: Promise<Ending>, gone: AbortSignal): Promise<Ending> {
    let desktop: Upstream;
    try {
      desktop = await openUpstream(await deps.display(id, gone), gone);
    } catch (error) {
      if (!(error instanceof PolydevError)) return lost(error);
      if (error.code === 'session_over') return { code: viewerClose.ended, reason: error.message };
      return error.code === 'other_host' ? { code: viewerClose.refused, reason: error.message } : lost(error);
    }

    noticeInput(viewer, id);
    return await new Promise<Ending>((resolve) => {
      const stopDown = pipeDown(desktop, viewer, pipeLimits.stallMs, {
        onBytes: (bytes) => deps.onBytes?.('to_viewer', bytes),
        onStalled: () => resolve({ code: viewerClose.stalled, reason: 'The viewer took nothing for too long.' }),
      });
      const stopUp = pipeUp(viewer, desktop, pipeLimits, {
        onBytes: (bytes) => deps.onBytes?.('to_desktop', bytes),
        onStalled: () => resolve(lost(new PolydevError('agent_unreachable', 'The desktop takes nothing.'))),
        onText: () => resolve({ code: viewerClose.refused, reason: 'Only binary frames are understood.' }),
      });
      desktop.socket.on('error', (error) => {
        if (!gone.aborted) deps.onTrouble?.(error);
      });
      desktop.socket.once('close', async () => {
        stopDown();
        stopUp();
        // A desktop goes because its session ended, or by accident: wait a moment to hear which.
        const accident = new Promise<Ending>((tell) => setTimeout(tell, newsMs, lost(undefined)).unref());
        resolve(gone.aborted ? lost(undefined) : await Promise.race([ended, accident]));
      });
      viewer.resume();
    });
  }

  function noticeInput(viewer: WebSocket, id: SessionId): void {
    const hasInput = createViewerInput();
    let saidMs = Number.NEGATIVE_INFINITY;
    viewer.on('message', (data) => {
      const nowMs = performance.now();
      if (!hasInput(data as Buffer) || nowMs - saidMs < inputEveryMs) return;
      saidMs = nowMs;
      deps.onInput?.(id);
    });
  }

  function lost(error: unknown): Ending {
    if (error !== undefined) deps.onTrouble?.(error);
    return { code: viewerClose.lost, reason: 'The connection to the desktop broke off.' };
  }

  return {
    admit(id) {
      if (countOf(id) >= maxViewersPerSession)
        throw new PolydevError('capacity', `This desktop has ${maxViewersPerSession} viewers already.`);
    },
    serve,
    close() {
      leaving = true;
      for (const viewer of viewers.keys()) closeSocket(viewer, 1001, 'Polydev is stopping.');
    },
  };
}
