/** A place for a real driver in a test. */

import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMissing } from '../../journal.ts';
import { testImage, uniqueGateway, uniqueInstance } from '../../testing/scratch.ts';
import type { OciPlace } from './subject.ts';

export async function makePlace(): Promise<OciPlace> {
  const instance = uniqueInstance();
  const folder = await mkdtemp(join(tmpdir(), 'polydev-oci-'));
  return {
    ...(await testImage()),
    instance,
    gateway: uniqueGateway(),
    folder,
    runDir: `/run/polydev-test/${instance}`,
  };
}

/** Fails when something is still mounted or lying there. */
export async function removePlace({ folder, runDir }: OciPlace): Promise<void> {
  await rm(folder, { recursive: true });
  await rmdir(runDir).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}
