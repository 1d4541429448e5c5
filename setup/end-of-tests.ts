/**
 * Loaded before each file of tests. With `--test-force-exit` Node ends the file's process whatever its tests left open
 * (one that failed, a server; one that passed, the database that the next would have emptied), but before the last
 * results are written, which would then be missing in the count. So its exit waits for them.
 */

import { setImmediate as turn } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

/** The reporter needs some turns of the event loop, and no clock, to write what it was told. */
const turnsUntilWritten = 1000;

// A thread inherits this file, and ends itself as it likes.
if (isMainThread) {
  const { exit } = process;
  const exitSoon = async (...code: Parameters<typeof exit>) => {
    for (let turns = 0; turns < turnsUntilWritten; turns += 1) await turn();
    exit(...code);
  };
  process.exit = exitSoon as unknown as typeof exit;
}
