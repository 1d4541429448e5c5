/**
 * Connect to a painted terminal in the RFB picture, through the whole product: with a desktop that waits (warm), with
 * none (cold), and beside the bare start of the image.
 */

import { lastGoodImage } from '@polydev/image/store';
import { isFinal, sessionMoves } from '@polydev/protocol';
import { createPolydev, type Polydev } from '@polydev/sdk';
import { createWebSocketStream, WebSocket } from 'ws';
import { setUpOwner } from '../e2e/owner.ts';
import { startProduct } from '../e2e/product.ts';
import { waitForPicture } from '../e2e/rfb-picture.ts';
import { startBareDesktop } from './bare-desktop.ts';
import { isGreeted, isPainted } from './painted.ts';
import { type Bench, spreadOf } from './result.ts';
import { untilWaiting } from './waiting.ts';

const limits = { memoryMiB: 4096, cpus: 2, processes: 1024, diskMiB: 1024, homeMiB: 1024 };
const none = { min: 0, max: 0 };
const one = { min: 1, max: 1 };

export const connect: Bench = async ({ rounds, say }) => {
  const { cold, bare } = await measureColdAndBare(rounds, say);
  const warm = await measureWarm(2 * rounds, say);
  const results = { warm: spreadOf(warm), cold: spreadOf(cold), bare: spreadOf(bare) };
  return {
    results,
    ratios: { coldToBare: results.cold.p50 / results.bare.p50, warmToBare: results.warm.p50 / results.bare.p50 },
  };
};

async function measureColdAndBare(rounds: number, say: (text: string) => void) {
  const product = await startProduct({
    config: { sandbox: { desktop: limits }, pool: { desktop: none, headless: none } },
  });
  try {
    const image = lastGoodImage(product.paths.images);
    if (!image) throw new Error('There is no golden image.');
    const polydev = createPolydev({ baseUrl: product.url, token: await setUpOwner(product) });
    const cold: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const [coldMs, bareMs] = [await measureConnect(polydev, isPainted), await measureBare(image)];
      say(`${name(round, rounds)}: cold ${Math.round(coldMs)} ms, bare ${Math.round(bareMs)} ms`);
      if (round === 0) continue; // The first reads the image from the disk.
      cold.push(coldMs);
      bare.push(bareMs);
    }
    return { cold, bare };
  } finally {
    await product.stop();
    product.remove();
  }
}

async function measureWarm(rounds: number, say: (text: string) => void): Promise<number[]> {
  const product = await startProduct({
    config: { sandbox: { desktop: limits }, pool: { desktop: one, headless: none } },
  });
  try {
    const polydev = createPolydev({ baseUrl: product.url, token: await setUpOwner(product) });
    const warm: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      await untilWaiting(polydev, 'desktop');
      const warmMs = await measureConnect(polydev, isGreeted);
      say(`${name(round, rounds)}: warm ${Math.round(warmMs)} ms`);
      if (round > 0) warm.push(warmMs);
    }
    return warm;
  } finally {
    await product.stop();
    product.remove();
  }
}

const name = (round: number, rounds: number) => (round === 0 ? 'warm-up' : `round ${round}/${rounds}`);

async function measureConnect(polydev: Polydev, painted: Parameters<typeof waitForPicture>[1]): Promise<number> {
  const startedMs = performance.now();
  const { sessionId } = await polydev.sessions.start({ provider: 'claude_code' });
  const { url, protocols } = await polydev.sessions.display(sessionId);
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  await waitForPicture(createWebSocketStream(socket), painted);
  const tookMs = performance.now() - startedMs;

  await polydev.sessions.cancel(sessionId);
  for await (const { event } of polydev.sessions.events(sessionId)) {
    if (event.type === 'state' && isFinal(sessionMoves, event.state)) break;
  }
  return tookMs;
}

async function measureBare(image: Parameters<typeof startBareDesktop>[0]): Promise<number> {
  const startedMs = performance.now();
  const desktop = await startBareDesktop(image, limits);
  try {
    await waitForPicture(desktop.stream, isPainted);
    return performance.now() - startedMs;
  } finally {
    await desktop.destroy();
  }
}
