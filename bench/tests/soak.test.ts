/** A short hour: what is made for sandboxes goes with them. `npm run bench -- soak` has the long one, and its own bar for memory. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from '../soak.ts';

const isRoot = process.getuid?.() === 0;
/** Minutes. */
const rounds = 0.25;

test('after some churn the product holds no more than before', {
  skip: !isRoot && 'needs root',
  timeout: 5 * 60_000,
}, async () => {
  const { results, ratios } = await soak({ rounds, say: () => {} });
  assert.ok(results.signIn?.n && results.run?.n, JSON.stringify(results));
  for (const name of ['mounts', 'links', 'cgroups', 'journal']) assert.equal(ratios[name], 1, name);
  assert.ok((ratios.memory ?? Number.NaN) <= 1.15, `memory ${ratios.memory}`);
  // Files of the embedded database are opened as they are needed.
  assert.ok((ratios.descriptors ?? Number.NaN) <= 1.1, `descriptors ${ratios.descriptors}`);
});
