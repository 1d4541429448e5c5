/**
 * Many sign-ins and runs at once on a host whose memory is for few: each is done in the end, whoever is refused meanwhile
 * is told when to come back, and the API answers at its usual pace.
 */

import { type CredentialId, limits } from '@polydev/protocol';
import { createPolydev } from '@polydev/sdk';
import { setUpOwner } from '../e2e/owner.ts';
import { openWorld } from '../e2e/world.ts';
import { prompt, signIn } from './acts.ts';
import { createPatientFetch } from './patient-fetch.ts';
import { type Bench, spreadOf } from './result.ts';
import { startSampler } from './sampler.ts';
import { leaveFree } from './scarce-memory.ts';
import { untilWaiting } from './waiting.ts';

const runsPerSignIn = 3;
/** Runs of one account go one after the other. */
const accounts = 4;
/** What there is memory for at once. */
const desktops = 6;

/** Somebody looks at a desktop for this long. With it more would be there at once than there is memory for. */
const holdMs = 15_000;

/**
 * `rounds`: how many sign-ins; runs are so many times more. `refused`: how often somebody was told to come back.
 * `startRun`: until the answer to `POST /api/runs`, most of which are asked in one moment. `desktops`: the most that were
 * there at once. `leastFree`: memory of the host.
 */
export const load: Bench = async ({ rounds, say }) => {
  // So many that memory is what bounds.
  const config = { sandbox: { atMost: 10 * rounds }, pool: {}, requestsPerMinute: 100_000 };
  const world = await openWorld({ config });
  const { product, doubles } = world;
  let giveBack = () => {};
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
    const unloaded = await idle.stop();
    say('idle: measured');

    const { hostFreeMiB, desktopMiB, headlessMiB } = limits;
    const memory = await leaveFree(hostFreeMiB + (desktops - 1) * desktopMiB + accounts * headlessMiB);
    giveBack = memory.giveBack;
    const sampler = startSampler({ url: product.url, token });
    const count = (what: string, all: number) => {
      let done = 0;
      return (tookMs: number) => {
        say(`${what} ${++done}/${all}: ${Math.round(tookMs)} ms`);
        return tookMs;
      };
    };
    let most = 0;
    const stay = async () => {
      await new Promise((resolve) => setTimeout(resolve, holdMs)); // what is measured is others, meanwhile
      const all = await polydev.sandboxes.list();
      most = Math.max(most, all.filter(({ profile, owner }) => profile === 'desktop' && owner !== null).length);
    };
    const saySignIn = count('sign-in', rounds);
    const sayRun = count('run', rounds * runsPerSignIn);
    const [signIns, runs] = await Promise.all([
      Promise.all(Array.from({ length: rounds }, () => signIn(polydev, stay).then(saySignIn))),
      Promise.all(
        Array.from({ length: rounds * runsPerSignIn }, (_, n) =>
          prompt(polydev, credentials[n % accounts]).then(sayRun),
        ),
      ),
    ]);
    const loaded = await sampler.stop();
    return {
      results: {
        signIn: spreadOf(signIns),
        run: spreadOf(runs),
        api: spreadOf([...loaded.runs, ...loaded.health]),
        apiRuns: spreadOf(loaded.runs),
        apiHealth: spreadOf(loaded.health),
        startRun: spreadOf(patient.startRunMs),
        apiIdle: spreadOf([...unloaded.runs, ...unloaded.health]),
        refused: { n: patient.refused },
        desktops: { n: most },
        leastFree: { n: 1, bytes: memory.leastMiB() * 1024 * 1024 },
      },
      ratios: {},
    };
  } finally {
    giveBack();
    await world.close();
    product.remove();
  }
};

const idleMs = 10_000;
