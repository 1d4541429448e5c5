/** Tells the driver that the agent listens, by the sandbox's console; where there is none, by standard output. */

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { agentReadyLine } from '@polydev/protocol';

export function sayReady(console: string): void {
  const line = `${agentReadyLine}\n`;
  try {
    const fd = openSync(console, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    writeSync(fd, line);
    closeSync(fd);
  } catch {
    process.stdout.write(line);
  }
}
