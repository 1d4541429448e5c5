/** Connect to a painted terminal in the RFB picture, through the whole product, beside the bare start of the image. */

import { lastGoodImage } from '@polydev/image/store';
import { isFinal, sessionMoves } from '@polydev/protocol';
import { createPolydev, type Polydev } from '@polydev/sdk';
import { createWebSocketStream, WebSocket } from 'ws';
import { setUpOwner } from '../e2e/owner.ts';
import { startProduct } from '../e2e/product.ts';
import { waitForPicture } from '../e2e/rfb-picture.ts';
import { startBareDesktop } from './bare-desktop.ts';
import { isPainted } from './painted.ts';
import { type Bench, spreadOf } from './result.ts';

const limits = { memoryMiB: 4096, cpus: 2, processes: 1024, diskMiB: 1024, homeMiB: 1024 };

export const connect: Bench = async ({ rounds, say }) => {
  const product = await startProduct({ config: { sandbox: { desktop: limits } } });
  try {
    const image = lastGoodImage(product.paths.images);
    if (!image) throw new Error('There is no golden image.');
    const polydev = createPolydev({ baseUrl: product.url, token: await setUpOwner(product) });
    const cold: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const [coldMs, bareMs] = [await measureCold(polydev), await measureBare(image)];
      say(
        `${round === 0 ? 'warm-up' : `round ${round}/${rounds}`}: cold ${Math.round(coldMs)} ms, bare ${Math.round(bareMs)} ms`,
      );
      if (round === 0) continue; // The first reads the image from the disk.
      cold.push(coldMs);
      bare.push(bareMs);
    }
    const results = { cold: spreadOf(cold), bare: spreadOf(bare) };
    return { results, ratios: { coldToBare: results.cold.p50 / results.bare.p50 } };
  } finally {
    await product.stop();
    product.remove();
  }
};

async function measureCold(polydev: Polydev): Promise<number> {
  const startedMs = performance.now();
  const { sessionId } = await polydev.sessions.start({ provider: 'claude_code' });
  const { url, protocols } = await polydev.sessions.display(sessionId);
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  await waitForPicture(createWebSocketStream(socket), isPainted);
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
