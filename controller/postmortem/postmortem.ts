/** Puts together what sees sandboxes live and keeps what is known of those that ended badly. */

import type { Driver } from '@polydev/drivers/contract';
import type { BaseLogger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Vault } from '../credentials/vault.ts';
import type { SandboxRows } from '../sandboxes/rows.ts';
import type { Store } from '../store/database.ts';
import { createKeptLogs } from './kept-logs.ts';
import { createKnownSecrets } from './known-secrets.ts';
import { createFindFacts } from './sandbox-facts.ts';
import { createLogsService, type LogsService } from './service.ts';
import { watchedDriver, watchedRows } from './watched.ts';
import { createWitness, type Witness } from './witness.ts';

export interface PostmortemDeps extends Store {
  driver: Driver;
  rows: SandboxRows;
  vault: Vault;
  keepPictures: boolean;
  log: Pick<BaseLogger, 'warn'>;
  clock: Clock;
  /** How long a look at a sandbox waits for it. */
  lastLookMs?: number | undefined;
}

export interface Postmortem {
  witness: Witness;
  logs: LogsService;
  /** To be used in the place of those that were given. */
  driver: Driver;
  rows: SandboxRows;
  /** Forgets what is too old, from now on. */
  open(): Promise<void>;
  close(): void;
}

/** Nobody looks for what is too old until it is swept, but it lies there. */
const sweepEveryMs = 60 * 60 * 1000;

export function createPostmortem(deps: PostmortemDeps): Postmortem {
  const { db, driver, rows, vault, log, clock } = deps;
  const kept = createKeptLogs(deps, clock.now);
  const witness = createWitness({
    ...deps,
    kept,
    findFacts: createFindFacts(db),
    redactsFor: createKnownSecrets(db, vault),
    console: (id) => driver.console(id),
    imageOf: async (id) => (await driver.list()).find((sandbox) => sandbox.id === id)?.image ?? null,
  });
  let timer: NodeJS.Timeout | undefined;
  return {
    witness,
    logs: createLogsService({ db, witness, kept }),
    driver: watchedDriver(driver, witness),
    rows: watchedRows(rows, witness),
    async open() {
      await kept.sweep();
      const sweep = () =>
        void kept.sweep().catch((error) => log.warn({ err: error }, 'Old logs of sandboxes were not forgotten.'));
      timer = setInterval(sweep, sweepEveryMs).unref();
    },
    close: () => clearInterval(timer),
  };
}
