/** Keeps one picture on screen: asks for an address, opens it, and after a loss does so again with a new one. */

import { nextState, pauseBefore, startState, type ViewerMove, type ViewerState } from './state.ts';

export interface DisplayAddress {
  url: string;
  /** Subprotocols to offer; one of them carries the ticket. */
  protocols: string[];
}

/** Thrown by `connect` when there is nothing to come back to; the message says why. */
export class ViewerEnded extends Error {
  override name = 'ViewerEnded';
}

/** One RFB conversation on one socket. */
export interface Picture {
  close(): void;
}

export interface PictureEvents {
  onPainted(): void;
  onLatency(latencyMs: number): void;
  /** The last event. `forGood`: there is nothing to come back to. */
  onClosed(why: string, forGood: boolean): void;
}

export interface ConnectionDeps<Socket> {
  connect(): Promise<DisplayAddress>;
  openSocket(address: DisplayAddress): Socket;
  startPicture(socket: Socket, events: PictureEvents): Picture;
  onState(state: ViewerState): void;
  /** A picture that is not there after this time counts as lost. */
  handshakeMs: number;
  setTimer(callback: () => void, ms: number): () => void;
  random(): number;
}

export interface Connection {
  readonly state: ViewerState;
  /** Does not wait for the pause to end. */
  retryNow(): void;
  end(why: string): void;
}

export function createConnection<Socket>(deps: ConnectionDeps<Socket>): Connection {
  let state: ViewerState = startState;
  let picture: Picture | undefined;
  /** Counts tries; what a former try still says is not heard. */
  let current = 0;
  let cancelTimer = () => {};
  let waiting = false;

  function move(by: ViewerMove): void {
    const next = nextState(state, by);
    if (next === state) return;
    state = next;
    deps.onState(state);
  }

  async function attempt(): Promise<void> {
    const mine = ++current;
    waiting = false;
    const isMine = () => mine === current && state.name !== 'ended';
    let address: DisplayAddress;
    try {
      address = await deps.connect();
    } catch (error) {
      if (!isMine()) return;
      if (error instanceof ViewerEnded) return end(error.message);
      return lose(error instanceof Error ? error.message : String(error));
    }
    if (!isMine()) return;
    cancelTimer = deps.setTimer(() => lose('The desktop does not answer.'), deps.handshakeMs);
    picture = deps.startPicture(deps.openSocket(address), {
      onPainted() {
        if (!isMine()) return;
        cancelTimer();
        move({ type: 'painted' });
      },
      onLatency(latencyMs) {
        if (isMine()) move({ type: 'measured', latencyMs });
      },
      onClosed(why, forGood) {
        if (!isMine()) return;
        if (forGood) end(why);
        else lose(why);
      },
    });
  }

  function lose(why: string): void {
    drop();
    move({ type: 'lost', why });
    const attemptNumber = state.name === 'reconnecting' ? state.attempt : 1;
    waiting = true;
    cancelTimer = deps.setTimer(() => void attempt(), pauseBefore(attemptNumber, deps.random));
  }

  function drop(): void {
    current += 1;
    cancelTimer();
    const former = picture;
    picture = undefined;
    former?.close();
  }

  function end(why: string): void {
    if (state.name === 'ended') return;
    waiting = false;
    drop();
    move({ type: 'ended', why });
  }

  deps.onState(state);
  void attempt();

  return {
    get state() {
      return state;
    },
    retryNow() {
      if (!waiting) return;
      cancelTimer();
      void attempt();
    },
    end,
  };
}
