/** Churn for as many minutes as there are rounds: the product takes no more of the host afterwards than before. */

import type { Profile } from '@polydev/protocol';
import { createPolydev, type Polydev } from '@polydev/sdk';
import { setUpOwner } from '../e2e/owner.ts';
import { openWorld } from '../e2e/world.ts';
import { prompt, signIn } from './acts.ts';
import { createPatientFetch } from './patient-fetch.ts';
import { type ProductUsage, settledUsage } from './product-usage.ts';
import { type Bench, spreadOf } from './result.ts';
import { findCgroups } from './sandbox-usage.ts';
import { untilWaiting } from './waiting.ts';

const minuteMs = 60_000;
/** What the product keeps ready and remembers has its size after this part of the time. */
const warmUp = 0.1;
/** As many wait before as after. */
const one = { min: 1, max: 1 };

export const soak: Bench = async ({ rounds, say }) => {
  const layout = await findCgroups();
  const world = await openWorld({ config: { pool: { desktop: one, headless: one } } });
  const { product, doubles } = world;
  try {
    doubles.state.behaviour.claude_code.deltaMs = 0;
    const polydev = createPolydev({
      baseUrl: product.url,
      token: await setUpOwner(product),
      fetch: createPatientFetch().fetch,
    });
    const [apiKey = ''] = doubles.state.apiKeys.claude_code;
    await polydev.credentials.addApiKey({ provider: 'claude_code', apiKey });

    const looks = rounds < 1 ? 10 : undefined;
    const settled = async () => {
      await untilCalm(polydev);
      return await settledUsage(product.paths, layout, looks);
    };
    await churn(polydev, Math.max(Math.min(1, rounds), warmUp * rounds) * minuteMs);
    const before = await settled();
    say(`before: ${JSON.stringify(before)}`);
    const { signIns, runs } = await churn(polydev, rounds * minuteMs);
    const after = await settled();
    say(`after: ${JSON.stringify(after)}`);

    const ratio = (of: (usage: ProductUsage) => number) => of(after) / of(before);
    return {
      results: {
        signIn: spreadOf(signIns),
        run: spreadOf(runs),
        before: { n: 1, bytes: memoryOf(before) },
        after: { n: 1, bytes: memoryOf(after) },
      },
      ratios: {
        memory: ratio(memoryOf),
        controllerMemory: ratio(({ controllerBytes }) => controllerBytes),
        hostdMemory: ratio(({ hostdBytes }) => hostdBytes),
        descriptors: ratio(({ descriptors }) => descriptors),
        mounts: ratio(({ mounts }) => mounts),
        links: ratio(({ links }) => links),
        cgroups: ratio(({ cgroups }) => cgroups),
        journal: ratio(({ journal }) => journal),
      },
    };
  } finally {
    await world.close();
    product.remove();
  }
};

const memoryOf = ({ controllerBytes, hostdBytes }: ProductUsage) => controllerBytes + hostdBytes;

/** One sign-in after the other, and beside it one run after the other. */
async function churn(polydev: Polydev, lengthMs: number): Promise<{ signIns: number[]; runs: number[] }> {
  const endMs = performance.now() + lengthMs;
  const repeat = async (act: (polydev: Polydev) => Promise<number>) => {
    const tookMs: number[] = [];
    while (performance.now() < endMs) tookMs.push(await act(polydev));
    return tookMs;
  };
  const [signIns, runs] = await Promise.all([
    repeat((polydev) => signIn(polydev)),
    repeat((polydev) => prompt(polydev)),
  ]);
  return { signIns, runs };
}

/** Nothing is there but what waits. */
async function untilCalm(polydev: Polydev): Promise<void> {
  const waiting: Profile[] = ['desktop', 'headless'];
  for (;;) {
    for (const profile of waiting) await untilWaiting(polydev, profile);
    if ((await polydev.sandboxes.list()).length === waiting.length) return;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}

/** Between two looks; not part of what is measured. */
const lookAgainMs = 100;
