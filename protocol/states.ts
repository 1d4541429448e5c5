/** The legal moves of everything that lives and ends. API, store, drivers and dashboard read these tables. */

export const sessionMoves = {
  pending: ['starting', 'failed', 'expired', 'cancelled'],
  starting: ['ready', 'failed', 'expired', 'cancelled'],
  ready: ['signing_in', 'captured', 'failed', 'expired', 'cancelled'],
  signing_in: ['captured', 'failed', 'expired', 'cancelled'],
  captured: ['verifying', 'connected', 'failed', 'expired', 'cancelled'],
  verifying: ['signing_in', 'connected', 'failed', 'expired', 'cancelled'],
  connected: [],
  failed: [],
  expired: [],
  cancelled: [],
} as const;

export const sandboxMoves = {
  planned: ['creating', 'stopping', 'failed'],
  creating: ['booting', 'stopping', 'failed'],
  booting: ['idle', 'stopping', 'failed'],
  idle: ['claimed', 'hibernated', 'stopping', 'failed'],
  claimed: ['hibernated', 'stopping', 'failed'],
  hibernated: ['idle', 'claimed', 'stopping', 'failed'],
  stopping: ['gone', 'failed'],
  failed: ['gone'],
  gone: [],
} as const;

export const runMoves = {
  queued: ['starting', 'failed', 'cancelled', 'timed_out'],
  starting: ['running', 'failed', 'cancelled', 'timed_out'],
  running: ['succeeded', 'failed', 'cancelled', 'timed_out'],
  succeeded: [],
  failed: [],
  cancelled: [],
  timed_out: [],
} as const;

export type SessionState = keyof typeof sessionMoves;
export type SandboxState = keyof typeof sandboxMoves;
export type RunState = keyof typeof runMoves;

type Moves = Readonly<Record<string, readonly string[]>>;

/** True when the table allows the move. Staying where one is, is no move. */
export function mayMove(moves: Moves, from: string, to: string): boolean {
  return moves[from]?.includes(to) ?? false;
}

/** True when nothing can follow this state. */
export function isFinal(moves: Moves, state: string): boolean {
  return (moves[state]?.length ?? 0) === 0;
}
