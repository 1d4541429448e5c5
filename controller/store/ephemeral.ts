/** Short-lived things: tickets, leases, rate limits, and waking those who follow a stream. In memory or in Redis. */

export interface Lease {
  /** Holds it for another `ttlMs`, even if it had run out; false when someone else has it by now. */
  renew(): Promise<boolean>;
  /** Frees it, unless someone else holds it by now. */
  release(): Promise<void>;
}

export interface EphemeralStore {
  set(key: string, value: string, ttlMs: number): Promise<void>;
  get(key: string): Promise<string | null>;
  /** Gets and deletes in one step: of any number of callers one gets the value. */
  take(key: string): Promise<string | null>;
  delete(key: string): Promise<void>;
  /** Null while someone else holds it. Who names itself as its holder of before gets it again. */
  lease(key: string, ttlMs: number, holder?: string): Promise<Lease | null>;
  /** Counts this call, and answers how many there were since the window opened with the first of them. */
  hit(key: string, windowMs: number): Promise<number>;
  publish(channel: string, message: string): Promise<void>;
  /** Messages published after the promise resolves, some of them lost, or empty: treat each as a wake-up. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => void>;
  close(): Promise<void>;
}
