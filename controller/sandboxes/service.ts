/** Sandboxes as the API knows them. */

import type { Driver } from '@polydev/drivers/contract';
import { PolydevError, type SandboxId, type User } from '@polydev/protocol';
import type { LogsService } from '../postmortem/service.ts';
import type { SandboxService } from '../services.ts';
import type { EventLog } from '../store/events.ts';
import { readTimeline } from '../store/timeline.ts';
import { type SandboxRow, type SandboxRows, shownSandbox } from './rows.ts';

export function createSandboxService(deps: {
  driver: Driver;
  rows: SandboxRows;
  events: EventLog;
  logs: Pick<LogsService, 'logs' | 'screenshot'>;
  image(): Promise<string | null>;
  waiting: SandboxService['waiting'];
}): SandboxService {
  const { driver, rows, events, logs } = deps;
  const maySee = (user: User, { userId }: SandboxRow) => user.role === 'owner' || userId === user.id;

  async function findFor(user: User, id: SandboxId): Promise<SandboxRow> {
    const row = await rows.find(id);
    if (!row || !maySee(user, row)) throw new PolydevError('not_found', 'There is no such sandbox.');
    return row;
  }

  return {
    list: async (user) => (await rows.present()).filter((row) => maySee(user, row)).map(shownSandbox),

    get: async (user, id) => shownSandbox(await findFor(user, id)),

    console: async (user, id) => (await logs.logs(user, id)).console,
    logs: logs.logs,
    screenshot: logs.screenshot,

    async events(user, id, afterSeq, signal) {
      const { state } = await findFor(user, id);
      return readTimeline(events, id, afterSeq, signal, {
        isLast: (event) => event.state === 'gone',
        working: undefined,
        ended: state === 'gone',
      });
    },

    async status() {
      const image = await deps.image().catch(() => null);
      try {
        return { hostd: true, image, sandboxes: (await driver.list()).length };
      } catch {
        return { hostd: false, image, sandboxes: 0 };
      }
    },

    waiting: deps.waiting,
  };
}
