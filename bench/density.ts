/**
 * How many fit on a host: memory of a sandbox that waits and of the product itself, and the processor time that
 * pausing saves. The same sandboxes are measured paused and let go on.
 */

import { setFrozen } from '@polydev/drivers/oci/cgroup-events';
import { type CgroupLayout, groupPath } from '@polydev/drivers/oci/cgroup-layout';
import type { Profile, SandboxId } from '@polydev/protocol';
import { createPolydev } from '@polydev/sdk';
import { setUpOwner } from '../e2e/owner.ts';
import { startAgain, startProduct } from '../e2e/product.ts';
import { settledUsage } from './product-usage.ts';
import { type Bench, type Case, rounded } from './result.ts';
import { findCgroups, usageOfSandbox } from './sandbox-usage.ts';
import { untilWaiting } from './waiting.ts';

const measureMs = 10_000;
const profiles: readonly Profile[] = ['desktop', 'headless'];

/** `rounds`: how many of each profile. */
export const density: Bench = async ({ rounds, say }) => {
  const layout = await findCgroups();
  const each = { min: rounds, max: rounds };
  const first = await startProduct({
    config: { sandbox: { atMost: 2 * rounds }, pool: { desktop: each, headless: each, memoryMiB: 1024 * 1024 } },
  });
  const token = await setUpOwner(first);
  await first.stop();
  // The very first start compiles, and keeps what it needs for that; every later one finds it compiled.
  const product = await startAgain(first.scratch);
  try {
    const { instance } = product.paths;
    const polydev = createPolydev({ baseUrl: product.url, token });
    const waiting = new Map<Profile, SandboxId[]>();
    for (const profile of profiles) waiting.set(profile, await untilWaiting(polydev, profile, rounds));
    say(`${rounds} of each wait`);

    const results: Record<string, Case> = {};
    const { controllerBytes, hostdBytes } = await settledUsage(product.paths, layout);
    results.controller = { n: 1, bytes: controllerBytes };
    results.hostd = { n: 1, bytes: hostdBytes };
    results.idle = { n: 1, bytes: controllerBytes + hostdBytes };
    for (const [profile, ids] of waiting) {
      const measure = () => measureAll(layout, instance, ids);
      const paused = await measure();
      await freeze(layout, instance, ids, false);
      const idle = await measure();
      await freeze(layout, instance, ids, true);
      results[`${profile}Paused`] = paused;
      results[`${profile}Idle`] = idle;
      say(`${profile}: measured`);
    }
    return { results, ratios: {} };
  } finally {
    await product.stop();
    product.remove();
  }
};

async function freeze(layout: CgroupLayout, instance: string, ids: readonly SandboxId[], frozen: boolean) {
  await Promise.all(ids.map((id) => setFrozen(layout, groupPath(instance, id), frozen)));
}

/** On average of them. */
async function measureAll(layout: CgroupLayout, instance: string, ids: readonly SandboxId[]): Promise<Case> {
  const read = () => Promise.all(ids.map((id) => usageOfSandbox(layout, instance, id)));
  const [before, startedMs] = [await read(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, measureMs)); // the length of the measurement itself
  const [after, tookMs] = [await read(), performance.now() - startedMs];
  const mean = (of: (usage: (typeof after)[number]) => number, all: typeof after) =>
    all.reduce((sum, usage) => sum + of(usage), 0) / all.length;
  const cpuMs = mean(({ cpuMs }) => cpuMs, after) - mean(({ cpuMs }) => cpuMs, before);
  return {
    n: ids.length,
    bytes: Math.round(mean(({ bytes }) => bytes, after)),
    cpu: rounded((cpuMs / tookMs) * 1000),
  };
}
