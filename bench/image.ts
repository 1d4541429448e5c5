/** How long the golden image takes from nothing, and how large it is. */

import { mkdtempSync, rmSync } from 'node:fs';
import { buildImage } from '@polydev/image/build';
import { defaultHome, hostPaths } from '../setup/paths.ts';
import { type Bench, spreadOf } from './result.ts';

export const image: Bench = async ({ rounds, say }) => {
  const samplesMs: number[] = [];
  let bytes = 0;
  for (let round = 1; round <= rounds; round += 1) {
    // Beside the real cache: the same disk, and room for it.
    const cacheDir = mkdtempSync(`${hostPaths(defaultHome).images}-bench-`);
    try {
      const startedMs = performance.now();
      ({ bytes } = await buildImage({ cacheDir }));
      samplesMs.push(performance.now() - startedMs);
      say(`image ${round}/${rounds}: ${Math.round(samplesMs.at(-1) ?? 0)} ms`);
    } finally {
      rmSync(cacheDir, { recursive: true, force: true });
    }
  }
  return { results: { build: { ...spreadOf(samplesMs), bytes } }, ratios: {} };
};
