/**
 * Many sign-ins and runs at once: each is done in the end, whoever is refused meanwhile is told when to come back, and
 * the API answers at its usual pace.
 */

import { createPolydev } from '@polydev/sdk';
import { setUpOwner } from '../e2e/owner.ts';
import { openWorld } from '../e2e/world.ts';
import { prompt, signIn } from './acts.ts';
import { createPatientFetch } from './patient-fetch.ts';
import { type Bench, spreadOf } from './result.ts';
import { startSampler } from './sampler.ts';
import { untilWaiting } from './waiting.ts';

const runsPerSignIn = 3;
/** The product's limits, doubled: what bounds is memory and processors. */
const config = { sandbox: { atMost: 16 }, requestsPerMinute: 100_000 };

/** `rounds`: how many sign-ins; runs are so many times more. */
export const load: Bench = async ({ rounds, say }) => {
  const world = await openWorld({ config });
  const { product, doubles } = world;
  try {
    const token = await setUpOwner(product);
    const patient = createPatientFetch();
    const polydev = createPolydev({ baseUrl: product.url, token, fetch: patient.fetch });
    const [apiKey = ''] = doubles.state.apiKeys.claude_code;
    await polydev.credentials.addApiKey({ provider: 'claude_code', apiKey });
    await untilWaiting(polydev, 'desktop');
    await untilWaiting(polydev, 'headless');

    const idle = startSampler({ url: product.url, token });
    await new Promise((resolve) => setTimeout(resolve, idleMs)); // the length of the measurement itself
    const idleMsEach = await idle.stop();
    say('idle: measured');

    const sampler = startSampler({ url: product.url, token });
    const count = (what: string, all: number) => {
      let done = 0;
      return (tookMs: number) => {
        say(`${what} ${++done}/${all}: ${Math.round(tookMs)} ms`);
        return tookMs;
      };
    };
    const saySignIn = count('sign-in', rounds);
    const sayRun = count('run', rounds * runsPerSignIn);
    const [signIns, runs] = await Promise.all([
      Promise.all(Array.from({ length: rounds }, () => signIn(polydev).then(saySignIn))),
      Promise.all(Array.from({ length: rounds * runsPerSignIn }, () => prompt(polydev).then(sayRun))),
    ]);
    return {
      results: {
        signIn: spreadOf(signIns),
        run: spreadOf(runs),
        api: spreadOf(await sampler.stop()),
        apiIdle: spreadOf(idleMsEach),
        refused: { n: patient.refused },
      },
      ratios: {},
    };
  } finally {
    await world.close();
    product.remove();
  }
};

const idleMs = 10_000;
