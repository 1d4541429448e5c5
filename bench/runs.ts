/**
 * A prompt to the tool's first event through the API, with a sandbox that waits (warm) and with none; beside the same
 * tool run bare.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Doubles, startConnectProxy } from '@polydev/doubles';
import { lastGoodImage } from '@polydev/image/store';
import { providerOf } from '@polydev/providers';
import { createPolydev, type Polydev } from '@polydev/sdk';
import { setUpOwner } from '../e2e/owner.ts';
import { openWorld } from '../e2e/world.ts';
import { type Bench, spreadOf } from './result.ts';
import { untilWaiting } from './waiting.ts';

const provider = providerOf('claude_code');
const prompt = 'Please say exactly pear';

const none = { min: 0, max: 0 };
const one = { min: 1, max: 1 };

export const runs: Bench = async ({ rounds, say }) => {
  const cold = await measure(none, rounds, say);
  const warm = await measure(one, rounds, say);
  const overhead = ({ api, bare }: Measured) => spreadOf(api.map((ms, at) => ms - (bare[at] ?? 0)));
  const results = {
    api: spreadOf(cold.api),
    apiWarm: spreadOf(warm.api),
    bare: spreadOf([...cold.bare, ...warm.bare]),
    overhead: overhead(cold),
    overheadWarm: overhead(warm),
  };
  return {
    results,
    ratios: { apiToBare: results.api.p50 / results.bare.p50, warmToBare: results.apiWarm.p50 / results.bare.p50 },
  };
};

/** Milliseconds, round by round. */
interface Measured {
  api: number[];
  bare: number[];
}

async function measure(headless: typeof none, rounds: number, say: (text: string) => void): Promise<Measured> {
  const world = await openWorld({ config: { pool: { desktop: none, headless } } });
  const { product, doubles } = world;
  const scratch = mkdtempSync(join(tmpdir(), 'polydev-bench-runs-'));
  const proxy = await startConnectProxy(doubles);
  try {
    doubles.state.behaviour.claude_code.deltaMs = 0;
    const [apiKey = ''] = doubles.state.apiKeys.claude_code;
    const polydev = createPolydev({ baseUrl: product.url, token: await setUpOwner(product) });
    await polydev.credentials.addApiKey({ provider: 'claude_code', apiKey });
    const image = lastGoodImage(product.paths.images);
    if (!image) throw new Error('There is no golden image.');
    const tool = join(image.rootfs, readlinkSync(join(image.rootfs, 'usr/local/bin/claude')));

    const api: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      if (headless.min > 0) await untilWaiting(polydev, 'headless');
      const apiMs = await firstEventByApi(polydev);
      const bareMs = await firstEventBare({
        tool,
        home: join(scratch, String(round)),
        apiKey,
        doubles,
        proxyPort: proxy.port,
      });
      say(
        `${headless.min > 0 ? 'warm' : 'cold'}, ${round === 0 ? 'warm-up' : `round ${round}/${rounds}`}: api ${Math.round(apiMs)} ms, bare ${Math.round(bareMs)} ms`,
      );
      if (round === 0) continue;
      api.push(apiMs);
      bare.push(bareMs);
    }
    return { api, bare };
  } finally {
    await proxy.close();
    await world.close();
    product.remove();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function firstEventByApi(polydev: Polydev): Promise<number> {
  const startedMs = performance.now();
  const run = await polydev.runs.start({ provider: 'claude_code', prompt });
  let firstMs: number | undefined;
  for await (const { event } of polydev.runs.stream(run.id)) {
    if (event.type === 'event') firstMs ??= performance.now() - startedMs;
  }
  if (firstMs === undefined) throw new Error('The run gave no event.');
  return firstMs;
}

interface Bare {
  tool: string;
  home: string;
  apiKey: string;
  doubles: Doubles;
  proxyPort: number;
}

async function firstEventBare({ tool, home, apiKey, doubles, proxyPort }: Bare): Promise<number> {
  mkdirSync(home);
  const ca = join(home, 'ca.pem');
  writeFileSync(ca, doubles.caPem);
  const { argv, env } = provider.run({ kind: 'api_key' });
  const startedMs = performance.now();
  const child = spawn(tool, argv.slice(1), {
    cwd: home,
    env: {
      ...{ PATH: process.env.PATH, HOME: home, HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`, NODE_EXTRA_CA_CERTS: ca },
      ...env,
      [provider.apiKeyVariable]: apiKey,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.end(prompt);
  const parser = provider.createParser();
  let firstMs: number | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (parser.line(line).events.length > 0) firstMs ??= performance.now() - startedMs;
  });
  await once(child, 'close');
  if (firstMs === undefined) throw new Error('The bare tool gave no event.');
  return firstMs;
}
