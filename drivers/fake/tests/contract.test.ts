import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driverContract } from '../../testing/contract.ts';
import type { FakePlace } from '../testing/subject.ts';

driverContract<FakePlace>('fake', {
  makePlace: async () => ({ folder: await mkdtemp(join(tmpdir(), 'polydev-fake-')) }),
  removePlace: ({ folder }) => rm(folder, { recursive: true }),
  module: new URL('../testing/subject.ts', import.meta.url).href,
  timeoutMs: 120_000,
  crashAfterMs: [],
});
