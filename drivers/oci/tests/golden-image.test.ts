import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Profile } from '@polydev/protocol';
import { goldenImage, whyNoRealSandbox } from '../../testing/scratch.ts';
import { insideOf } from '../testing/inside.ts';
import { makePlace, removePlace } from '../testing/place.ts';
import { openSubject } from '../testing/subject.ts';

const timeout = 300_000;
const golden = await goldenImage();
const skip = (await whyNoRealSandbox()) ?? (golden ? false : 'no golden image has been built');

describe('the golden image, as confined as every sandbox,', { skip }, () => {
  for (const profile of ['headless', 'desktop'] satisfies Profile[])
    test(`boots the profile ${profile} without a failed unit`, { timeout }, async (t) => {
      const place = { ...(await makePlace()), ...golden };
      const { driver, spec } = await openSubject(place);
      t.after(async () => {
        await driver.close({ keep: false });
        await removePlace(place);
      });
      await driver.recover();
      const limits = { memoryMiB: 3072, cpus: 2, processes: 2048, diskMiB: 1024, homeMiB: 1024 };
      const wanted = { ...spec(), profile, limits };
      const startedMs = performance.now();
      await driver.create(wanted);
      const readyMs = performance.now();
      const inside = insideOf(place, wanted.id);
      assert.equal((await inside.run('systemctl', 'is-system-running', '--wait')).stdout.trim(), 'running');
      const failed = await inside.run('systemctl', 'list-units', '--failed', '--plain', '--no-legend');
      assert.equal(failed.stdout, '');
      const destroyMs = performance.now();
      await driver.destroy(wanted.id);
      const ms = { create: readyMs - startedMs, destroy: performance.now() - destroyMs };
      t.diagnostic(`create ${ms.create.toFixed(0)} ms, destroy ${ms.destroy.toFixed(0)} ms`);
    });
});
