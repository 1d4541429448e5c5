import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FakePlace } from '@polydev/drivers/fake/testing/subject';
import { driverContract } from '@polydev/drivers/testing/contract';

driverContract<FakePlace>('behind the socket of hostd', {
  makePlace: async () => ({ folder: await mkdtemp(join(tmpdir(), 'polydev-hostd-')) }),
  removePlace: ({ folder }) => rm(folder, { recursive: true }),
  module: new URL('subject.ts', import.meta.url).href,
  timeoutMs: 20_000,
  crashAfterMs: [],
});
