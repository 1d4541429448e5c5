/**
 * Many sign-ins and runs at once: each is done in the end, whoever is refused meanwhile is told when to come back, and
 * the API answers at its usual pace.
 */

import type { CredentialId } from '@polydev/protocol';
import { createPolydev } from '@polydev/sdk';
import { setUpOwner } from '../e2e/owner.ts';
import { openWorld } from '../e2e/world.ts';
import { prompt, signIn } from './acts.ts';
import { createPatientFetch } from './patient-fetch.ts';
import { type Bench, spreadOf } from './result.ts';
import { startSampler } from './sampler.ts';
import { untilWaiting } from './waiting.ts';

const runsPerSignIn = 3;
/** Runs of one account go one after the other. */
const accounts = 4;

/** `rounds`: how many sign-ins; runs are so many times more. `inVain`: sign-ins that waited for room until `capacity`. */
export const load: Bench = async ({ rounds, say }) => {
  // So many that memory and processors are what bounds.
  const config = { sandbox: { atMost: 4 * rounds }, pool: {}, requestsPerMinute: 100_000 };
  const world = await openWorld({ config });
  const { product, doubles } = world;
  try {
    const token = await setUpOwner(product);
    const patient = createPatientFetch();
    const polydev = createPolydev({ baseUrl: product.url, token, fetch: patient.fetch });
    const [apiKey = ''] = doubles.state.apiKeys.claude_code;
    const credentials: CredentialId[] = [];
    for (let account = 1; account <= accounts; account += 1) {
      const request = { provider: 'claude_code', apiKey, label: `account ${account}` } as const;
      credentials.push((await polydev.credentials.addApiKey(request)).id);
    }
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
    let inVain = 0;
    const saySignIn = count('sign-in', rounds);
    const sayRun = count('run', rounds * runsPerSignIn);
    const [signIns, runs] = await Promise.all([
      Promise.all(Array.from({ length: rounds }, () => signIn(polydev, () => (inVain += 1)).then(saySignIn))),
      Promise.all(
        Array.from({ length: rounds * runsPerSignIn }, (_, n) =>
          prompt(polydev, credentials[n % accounts]).then(sayRun),
        ),
      ),
    ]);
    return {
      results: {
        signIn: spreadOf(signIns),
        run: spreadOf(runs),
        api: spreadOf(await sampler.stop()),
        apiIdle: spreadOf(idleMsEach),
        refused: { n: patient.refused },
        inVain: { n: inVain },
      },
      ratios: {},
    };
  } finally {
    await world.close();
    product.remove();
  }
};

const idleMs = 10_000;
