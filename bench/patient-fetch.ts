/** For a client that comes back as it is told to: what is refused for now is asked again after `Retry-After`. */

export interface PatientFetch {
  fetch: typeof fetch;
  /** How often it was told to come back. */
  readonly refused: number;
  /** Milliseconds of each answer to a run that was asked for, refusals left out. */
  readonly startRunMs: readonly number[];
}

export function createPatientFetch(): PatientFetch {
  let refused = 0;
  const startRunMs: number[] = [];
  return {
    async fetch(input, init) {
      for (;;) {
        const startedMs = performance.now();
        const response = await fetch(input, init);
        const { pathname } = new URL(response.url);
        if (response.status !== 429 && response.status !== 503) {
          if (init?.method === 'POST' && pathname === '/api/runs') startRunMs.push(performance.now() - startedMs);
          return response;
        }
        const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
        if (!(seconds > 0))
          throw new Error(`${pathname} answered ${response.status} without saying when to come back.`);
        refused += 1;
        await response.body?.cancel();
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      }
    },
    get refused() {
      return refused;
    },
    startRunMs,
  };
}
