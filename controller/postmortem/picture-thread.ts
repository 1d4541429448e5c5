/** A thread of `picture.ts`: makes one PNG after the other. */

import { parentPort } from 'node:worker_threads';
import type { Ask } from './picture.ts';
import { pngOf } from './picture-png.ts';

let before = Promise.resolve();

parentPort?.on('message', ({ picture, answer }: Ask) => {
  before = before
    .then(async () => answer.postMessage(await pngOf(picture)))
    .catch(() => {}) // Whoever asked hears that there is none.
    .then(() => answer.close());
});
