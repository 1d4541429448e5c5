/** Sandboxes as the API knows them. */

import type { Driver } from '@polydev/drivers/contract';
import { PolydevError, type SandboxId, type User } from '@polydev/protocol';
import type { SandboxService } from '../services.ts';
import { shownConsole } from './console-text.ts';
import type { SandboxRows } from './rows.ts';
import type { Sandboxes } from './sandboxes.ts';

export function createSandboxService(deps: {
  driver: Driver;
  rows: SandboxRows;
  sandboxes: Sandboxes;
  image(): Promise<string | null>;
}): SandboxService {
  const { driver, rows, sandboxes } = deps;
  const maySee = (user: User, id: SandboxId) => user.role === 'owner' || sandboxes.userOf(id) === user.id;

  return {
    list: async (user) => (await rows.list()).filter(({ id }) => maySee(user, id)),

    async console(user, id) {
      if (!maySee(user, id)) throw new PolydevError('not_found', 'There is no such sandbox.');
      return shownConsole(await driver.console(id));
    },

    async status() {
      const image = await deps.image().catch(() => null);
      try {
        return { hostd: true, image, sandboxes: (await driver.list()).length };
      } catch {
        return { hostd: false, image, sandboxes: 0 };
      }
    },
  };
}
