/** A scenario in steps: each stands on the ones before, so the first that fails ends it. */

import type { TestContext } from 'node:test';

export type Step = (title: string, work: () => unknown) => Promise<void>;

/** `onFailure` is called at once, so that what was seen then can be kept. */
export function createSteps(t: TestContext, onFailure: () => Promise<void>): Step {
  return async (title, work) => {
    let failure: unknown;
    await t.test(title, async () => {
      try {
        await work();
      } catch (error) {
        failure = error;
        await onFailure().catch(() => {});
        throw error;
      }
    });
    if (failure) throw failure;
  };
}
