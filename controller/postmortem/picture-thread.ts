/** A thread of `picture.ts`: makes one PNG after the other. */

import { parentPort } from 'node:worker_threads';
import type { Ask } from './picture.ts';
import { pngOf } from './picture-png.ts';

parentPort?.on('message', async ({ picture, answer }: Ask) => {
  const png = await pngOf(picture);
  answer.postMessage(png);
  answer.close();
});
