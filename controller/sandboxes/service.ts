/** Sandboxes as the API knows them. */

import type { Driver } from '@polydev/drivers/contract';
import type { SandboxId, User } from '@polydev/protocol';
import type { LogsService } from '../postmortem/service.ts';
import type { SandboxService } from '../services.ts';
import type { SandboxRows } from './rows.ts';
import type { Sandboxes } from './sandboxes.ts';

export function createSandboxService(deps: {
  driver: Driver;
  rows: SandboxRows;
  sandboxes: Sandboxes;
  logs: Pick<LogsService, 'logs' | 'screenshot'>;
  image(): Promise<string | null>;
}): SandboxService {
  const { driver, rows, sandboxes, logs } = deps;
  const maySee = (user: User, id: SandboxId) => user.role === 'owner' || sandboxes.userOf(id) === user.id;

  return {
    list: async (user) => (await rows.list()).filter(({ id }) => maySee(user, id)),

    console: async (user, id) => (await logs.logs(user, id)).console,
    logs: logs.logs,
    screenshot: logs.screenshot,

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
