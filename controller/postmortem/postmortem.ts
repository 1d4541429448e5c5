/** Puts together what sees sandboxes live and keeps what is known of those that ended badly. */

import type { Driver } from '@polydev/drivers/contract';
import type { BaseLogger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Vault } from '../credentials/vault.ts';
import type { SandboxRows } from '../sandboxes/rows.ts';
import type { Store } from '../store/database.ts';
import { createKeptLogs, type KeptLogs } from './kept-logs.ts';
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
}

export interface Postmortem {
  witness: Witness;
  kept: KeptLogs;
  logs: LogsService;
  /** To be used in the place of those that were given. */
  driver: Driver;
  rows: SandboxRows;
}

export function createPostmortem(deps: PostmortemDeps): Postmortem {
  const { db, driver, rows, vault, clock } = deps;
  const kept = createKeptLogs(deps, clock.now);
  const witness = createWitness({
    ...deps,
    kept,
    findFacts: createFindFacts(db),
    redactsFor: createKnownSecrets(db, vault),
    console: (id) => driver.console(id),
    imageOf: async (id) => (await driver.list()).find((sandbox) => sandbox.id === id)?.image ?? null,
  });
  return {
    witness,
    kept,
    logs: createLogsService({ db, witness, kept }),
    driver: watchedDriver(driver, witness),
    rows: watchedRows(rows, witness),
  };
}
