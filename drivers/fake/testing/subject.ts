/** The fake, as the contract suite takes it. */

import { join } from 'node:path';
import { newId } from '@polydev/protocol';
import { createJournal } from '../../journal.ts';
import type { OpenSubject } from '../../testing/contract.ts';
import { plainBox } from '../../testing/plain-box.ts';
import { createFakeDriver } from '../driver.ts';

export interface FakePlace {
  folder: string;
}

export const openSubject: OpenSubject<FakePlace> = async ({ folder }, onStep) => {
  const journal = createJournal(join(folder, 'journal'));
  const driver = createFakeDriver({ box: plainBox, journal, onStep });
  return {
    driver,
    spec: () => ({
      id: newId('sandbox'),
      profile: 'desktop',
      image: '0123456789abcdef',
      token: 'a'.repeat(32),
      limits: { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 },
    }),
    kill: driver.kill,
    leftovers: async () => [
      ...(await journal.read()).records.map(({ id }) => `journal ${id}`),
      ...driver.agents().map(({ spec }) => `agent ${spec.id}`),
    ],
  };
};
