/** For a client that comes back as it is told to: what is refused for now is asked again after `Retry-After`. */

export interface PatientFetch {
  fetch: typeof fetch;
  /** How often it was told to come back. */
  readonly refused: number;
}

export function createPatientFetch(): PatientFetch {
  let refused = 0;
  return {
    async fetch(input, init) {
      for (;;) {
        const response = await fetch(input, init);
        if (response.status !== 429 && response.status !== 503) return response;
        const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
        const { pathname } = new URL(response.url);
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
  };
}
