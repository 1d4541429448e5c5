/** Log lines about what one sandbox was refused: few enough that it cannot fill the disk with them. */

import type { BaseLogger } from 'pino';

export interface RefusalLog {
  note(fields: object, sentence: string): void;
  /** Says at once how many lines were left out, if any were. */
  close(): void;
}

export interface RefusalLogOptions {
  log: Pick<BaseLogger, 'info'>;
  sandboxId: string;
  /** After so many lines in one window the rest of it is only counted. */
  lines: number;
  windowMs: number;
}

export function createRefusalLog({ log, sandboxId: sandbox, lines, windowMs }: RefusalLogOptions): RefusalLog {
  let noted = 0;
  let timer: NodeJS.Timeout | undefined;

  function endWindow(): void {
    clearTimeout(timer);
    timer = undefined;
    const leftOut = noted - lines;
    noted = 0;
    if (leftOut > 0) log.info({ sandbox, leftOut }, 'More egress was refused or failed than is logged one by one.');
  }

  return {
    note(fields, sentence) {
      timer ??= setTimeout(endWindow, windowMs).unref();
      noted += 1;
      if (noted <= lines) log.info({ sandbox, ...fields }, sentence);
    },
    close: endWindow,
  };
}
