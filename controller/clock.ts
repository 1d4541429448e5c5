/** The time, and being called when it has come; tests hold it in their hands. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls once, after the delay. Returns the way to call it off. */
  after(delayMs: number, call: () => void): () => void;
}

export const realClock: Clock = {
  now: Date.now,
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
