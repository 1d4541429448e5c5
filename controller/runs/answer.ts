/** The answer of a run as it grows, kept in its row every now and then. */

/** The row lags behind by at most this, and by ten times what a write takes. */
const everyMs = 1_000;

export interface GrowingAnswer {
  add(text: string): void;
  /** Resolves to the whole answer when no write is under way any more. */
  finish(): Promise<string>;
}

/** `keep` must not reject. The first text is kept at once. */
export function createGrowingAnswer(keep: (answer: string) => Promise<void>): GrowingAnswer {
  let answer = '';
  let kept = true;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let keeping: Promise<void> | undefined;

  function keepIn(waitMs: number): void {
    timer = setTimeout(() => {
      timer = undefined;
      keeping = keepNow();
    }, waitMs);
  }

  async function keepNow(): Promise<void> {
    const startedMs = performance.now();
    kept = true;
    await keep(answer);
    keeping = undefined;
    if (!kept && !over) keepIn(Math.max(everyMs, 10 * (performance.now() - startedMs)));
  }

  return {
    add(text) {
      const first = answer === '';
      answer += text;
      kept = false;
      if (!timer && !keeping) keepIn(first ? 0 : everyMs);
    },
    async finish() {
      over = true;
      clearTimeout(timer);
      await keeping;
      return answer;
    },
  };
}
