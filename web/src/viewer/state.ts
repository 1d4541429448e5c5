/** What a viewer can be, and how one thing leads to the next. Pure. */

export type ViewerState =
  /** No picture yet. */
  | { name: 'connecting' }
  | { name: 'live' /** Round trip to the display and back; null until measured. */; latencyMs: number | null }
  /** There was a picture, or several tries failed; trying again by itself. */
  | { name: 'reconnecting'; attempt: number; why: string }
  /** Nothing follows. */
  | { name: 'ended'; why: string };

export type ViewerMove =
  | { type: 'painted' }
  | { type: 'measured'; latencyMs: number }
  | { type: 'lost'; why: string }
  | { type: 'ended'; why: string };

export const startState: ViewerState = { name: 'connecting' };

export function nextState(state: ViewerState, move: ViewerMove): ViewerState {
  if (state.name === 'ended') return state;
  switch (move.type) {
    case 'painted':
      return state.name === 'live' ? state : { name: 'live', latencyMs: null };
    case 'measured':
      return state.name === 'live' ? { name: 'live', latencyMs: move.latencyMs } : state;
    case 'lost':
      return { name: 'reconnecting', attempt: state.name === 'reconnecting' ? state.attempt + 1 : 1, why: move.why };
    case 'ended':
      return { name: 'ended', why: move.why };
  }
}

const firstPauseMs = 250;
const longestPauseMs = 8000;

/** Waiting before try number `attempt`, from 1; up to a quarter less, so that many viewers do not come at once. */
export function pauseBefore(attempt: number, random: () => number): number {
  const pauseMs = Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs);
  return pauseMs * (1 - random() / 4);
}
