/** Who wants to know whether a store is there: told once when it is lost, and once when it is back. */

import type { BaseLogger } from 'pino';

export interface StoreWatch {
  lost(error: unknown): void;
  back(): void;
}

export function logStore(log: Pick<BaseLogger, 'info' | 'warn'>, name: string): StoreWatch {
  return {
    lost: (error) => log.warn({ err: error }, `${name} does not answer.`),
    back: () => log.info(`${name} answers again.`),
  };
}
