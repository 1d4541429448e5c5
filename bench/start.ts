/** A start with nothing left to set up: from the command to the line that says where the product is. */

import { startAgain, startProduct } from '../e2e/product.ts';
import { type Bench, spreadOf } from './result.ts';

export const start: Bench = async ({ rounds, say }) => {
  const first = await startProduct({ config: {}, makesDatabase: true });
  try {
    await first.stop();
    const samplesMs: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const again = await startAgain(first.scratch);
      samplesMs.push(again.startMs);
      await again.stop();
      say(`start ${round}/${rounds}: ${Math.round(again.startMs)} ms`);
    }
    return { results: { first: spreadOf([first.startMs]), again: spreadOf(samplesMs) }, ratios: {} };
  } finally {
    first.remove();
  }
};
